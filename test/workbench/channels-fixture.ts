/** A page's websockets without the page: what it sends to a kernel, and what comes back. */
import { WebSocket } from "ws";
import { kernelSubprotocol } from "../../src/workbench/channels.js";
import {
  composeMessage,
  contentOf,
  fromWebSocketMessage,
  headerOf,
  parentHeaderOf,
  toWebSocketMessage,
} from "../../src/workbench/kernel-messages.js";
import { until } from "../support/until.js";
import type { TestWorkbench } from "./workbench-fixture.js";

/** The status with which an upgrade is refused, or "open". */
export function connectionTo(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | "open"> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [kernelSubprotocol], { headers });
    socket.on("unexpected-response", (_, answer) => done(answer.statusCode ?? 0));
    socket.on("open", () => {
      socket.close();
      done("open");
    });
    socket.on("error", fail);
  });
}

export interface Page {
  /** Message types in the order of arrival; of a status its state, when that is `dead`. */
  readonly types: readonly string[];
  /** What cells wrote to stdout. */
  readonly text: string;
  /** The text of each display update, in the order of arrival. */
  readonly updates: readonly string[];
  readonly closed: boolean;
  /** Stops reading from the network. */
  pause(): void;
  resume(): void;
  send(code: string): string;
  /** Runs code and answers what belongs to it, types of messages and states, once reply and idle are there. */
  execute(code: string): Promise<string[]>;
  close(): void;
}

export async function openChannels(workbench: Pick<TestWorkbench, "port" | "token">, kernelId: string): Promise<Page> {
  const headers = { authorization: `token ${workbench.token}` };
  const socket = new WebSocket(
    `ws://127.0.0.1:${workbench.port}/api/kernels/${kernelId}/channels`,
    [kernelSubprotocol],
    { headers },
  );
  const received: Array<{ type: string; parent: string; state: unknown }> = [];
  const types: string[] = [];
  const updates: string[] = [];
  let text = "";
  let closed = false;
  socket.on("close", () => {
    closed = true;
  });
  socket.on("message", (data: Buffer) => {
    const message = fromWebSocketMessage(data);
    if (message === undefined) throw new Error("the workbench sent no message");
    const type = headerOf(message.parts).msg_type;
    const content = contentOf(message.parts);
    received.push({ type, parent: parentHeaderOf(message.parts).msg_id, state: content.execution_state });
    types.push(content.execution_state === "dead" ? "dead" : type);
    if (type === "stream") text += String(content.text);
    if (type === "update_display_data") updates.push(String((content.data as Record<string, unknown>)["text/plain"]));
  });
  await new Promise((done, fail) => socket.once("open", done).once("error", fail));
  const send = (code: string) => {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const parts = composeMessage("execute_request", content, "test");
    socket.send(toWebSocketMessage("shell", parts));
    return headerOf(parts).msg_id;
  };
  return {
    types,
    get text() {
      return text;
    },
    updates,
    get closed() {
      return closed;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    send,
    execute: async (code) => {
      const id = send(code);
      return until(
        `the end of: ${code}`,
        () => {
          const own = received.filter(({ parent }) => parent === id);
          const done = own.some(({ state }) => state === "idle") && own.some(({ type }) => type === "execute_reply");
          return done ? own.map(({ type, state }) => (type === "status" ? String(state) : type)) : undefined;
        },
        90_000,
      );
    },
    close: () => socket.close(),
  };
}
