/** Bytes to and from a server, past every client that would write them well. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { kernelSubprotocol } from "../../../src/workbench/channels.js";
import type { TestWorkbench } from "../workbench-fixture.js";

export interface SlowClients {
  readonly open: number;
  readonly refused: number;
  close(): void;
}

/** Each sends half a request and then nothing. Who is kept waiting in vain is told so at the end; who is refused hears nothing. */
export async function openSlowClients(port: number, count: number): Promise<SlowClients> {
  let open = 0;
  let refused = 0;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, "127.0.0.1");
    let heard = 0;
    open++;
    socket.on("data", (bytes: Buffer) => {
      heard += bytes.length;
    });
    socket.on("error", () => {});
    socket.on("connect", () => socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `));
    socket.on("close", () => {
      open--;
      if (heard === 0) refused++;
    });
    return socket;
  });
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, "connect").catch(() => {}) : undefined)));
  return {
    get open() {
      return open;
    },
    get refused() {
      return refused;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

export async function answers(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  const isOpen = await new Promise<boolean>((done) => {
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
  socket.destroy();
  return isOpen;
}

/** Sends bytes, and gives back what comes until the other side ends or says nothing more for a while. */
export async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    answer += chunk;
    // A refusal may leave the connection open for the next request.
    if (/^HTTP\/1\.1 \d{3}[\s\S]*\r\n\r\n/.test(answer)) socket.end();
  });
  socket.on("error", () => {});
  socket.write(Buffer.from(bytes, "latin1"));
  socket.setTimeout(1_000, () => socket.destroy());
  await once(socket, "close");
  return answer;
}

export async function rawStatus(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const answer = await exchange(port, `GET ${path} HTTP/1.1\r\n${lines.join("")}Connection: close\r\n\r\n`);
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** A websocket whose frames the test writes itself. */
export async function upgraded(
  { port, token }: TestWorkbench,
  path: string,
): Promise<{ socket: Socket; status: number; response: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: token ${token}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Sec-WebSocket-Protocol: ${kernelSubprotocol}`,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [first] = (await once(socket, "data")) as [Buffer];
  const response = first.toString("latin1");
  return { socket, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0), response };
}

/** Of every process that may be looked at, where the system shows them as files. */
export async function commandLines(): Promise<string> {
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")));
  return lines.join("\n");
}
