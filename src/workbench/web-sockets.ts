/**
 * Websocket upgrades: checks each at the same door as every request, and hands it to what serves its address. Owns the
 * open websockets and their keep-alive.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Door, refusal } from "./access.js";
import type { WrongTokens } from "./attempts.js";
import { Channels, kernelSubprotocol, type PageAddress } from "./channels.js";
import type { ConnectKernel } from "./kernel-client.js";
import type { Kernels } from "./kernels.js";

const messageBytesMax = 8 * 1024 * 1024;
const fragmentsMax = 1024;
const socketsMax = 60;
const pingEveryMs = 30_000;
const closeGoingAway = 1001;

export interface WebSockets {
  /** Says goodbye to every page. */
  close(): void;
  /** Drops everybody at once. */
  terminate(): void;
}

export function serveWebSockets(
  server: Server,
  door: Door,
  wrongTokens: WrongTokens,
  kernels: Kernels,
  connect: ConnectKernel,
): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    maxFragments: fragmentsMax,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(kernelSubprotocol) && kernelSubprotocol,
  });
  const channels = new Channels(kernels, connect);
  server.on("upgrade", (request, socket, head) => {
    const tries = request.headers.authorization !== undefined;
    if (tries && wrongTokens.tooMany) return refuse(socket, 429, "too many wrong tokens; wait a minute.");
    const answer = answerTo(request, door, kernels, channels);
    if (tries && "refuse" in answer && answer.refuse === 401) wrongTokens.note();
    if ("refuse" in answer) refuse(socket, answer.refuse, answer.message);
    else if (sockets.clients.size >= socketsMax) refuse(socket, 429, "too many pages of this workbench are open.");
    else sockets.handleUpgrade(request, socket, head, answer.serve);
  });
  const pinging = keepAlive(sockets);
  return {
    close: () => {
      clearInterval(pinging);
      channels.close();
      for (const socket of sockets.clients) socket.close(closeGoingAway, "the workbench is closing");
      sockets.close();
    },
    terminate: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}

type Answer = { refuse: number; message: string } | { serve: (socket: WebSocket) => void };

function answerTo(request: IncomingMessage, door: Door, kernels: Kernels, channels: Channels): Answer {
  const refused = refusal(door, {
    method: request.method ?? "GET",
    upgrade: true,
    header: (name) => [request.headers[name]].flat()[0],
  });
  if (refused !== undefined) return { refuse: refused.status, message: refused.message };
  const [path = "", query = ""] = request.url?.split("?", 2) ?? [];
  // JupyterLab listens here for events of its server; this one has none to tell.
  if (path === "/api/events/subscribe") return { serve: (socket) => void socket.on("error", () => socket.terminate()) };
  const kernelId = /^\/api\/kernels\/([0-9a-f-]{36})\/channels$/.exec(path)?.[1];
  if (kernelId === undefined || kernels.get(kernelId) === undefined) {
    return { refuse: 404, message: "there is no such kernel." };
  }
  // A browser drops a connection whose answer leaves out the protocols it offered.
  const offered = request.headers["sec-websocket-protocol"]?.split(/\s*,\s*/) ?? [];
  if (!offered.includes(kernelSubprotocol)) {
    return { refuse: 400, message: `this address speaks ${kernelSubprotocol} only.` };
  }
  const resumable = resumableOf(new URLSearchParams(query));
  if (resumable === "wrong") return { refuse: 400, message: "session_id and resume of this address make no sense." };
  return { serve: (socket) => channels.serve(socket, { kernelId, resumable }) };
}

function resumableOf(query: URLSearchParams): PageAddress["resumable"] | "wrong" {
  const [sessionId, resume] = [query.get("session_id"), query.get("resume")];
  if (resume === null) return undefined;
  if (sessionId === null || !/^[\w-]{8,64}$/.test(sessionId) || !/^(-1|\d{1,12})$/.test(resume)) return "wrong";
  return { sessionId, received: Number(resume) };
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ message });
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** A page that is gone without a word (a suspended laptop) is noticed, and its connection to the kernel freed. */
function keepAlive(sockets: WebSocketServer): NodeJS.Timeout {
  const awaited = new WeakSet<WebSocket>();
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (awaited.has(socket)) {
        socket.terminate();
        continue;
      }
      awaited.add(socket);
      socket.once("pong", () => awaited.delete(socket));
      socket.ping();
    }
  }, pingEveryMs);
  timer.unref();
  return timer;
}
