/**
 * The websockets of pages ↔ clients of kernels. Owns one line a page and kernel: it outlives the websocket when that was
 * cut, so that the page finds what came meanwhile. Bounded in both directions; see `outbox.ts`.
 *
 * A page that can come back says so in the address: `session_id` names it, `resume` is how many messages it has received
 * of the websocket before, -1 on its first. Then text frames go beside the messages, `{"received": n}` in both directions,
 * and the first frame from here says how the line stands.
 */
import type { WebSocket } from "ws";
import { asUpdate } from "./displays.js";
import type { ConnectKernel, KernelClient } from "./kernel-client.js";
import { composeMessage, fromWebSocketMessage } from "./kernel-messages.js";
import type { Kernels } from "./kernels.js";
import { Outbox, type Wire } from "./outbox.js";

export const kernelSubprotocol = "v1.kernel.websocket.jupyter.org";

/** What the address of a websocket says about the page. */
export interface PageAddress {
  readonly kernelId: string;
  /** Undefined for a client that does not come back, as Jupyter's own. */
  readonly resumable: { readonly sessionId: string; readonly received: number } | undefined;
}

/** A laptop may sleep for a night. */
const awayMsMax = 12 * 60 * 60 * 1000;
const awayLinesMax = 4;

/** Close codes of the websocket protocol that make a page connect again. */
const closeInternalError = 1011;
const closeServiceRestart = 1012;
const closeTryAgainLater = 1013;
const closeInvalidMessage = 1003;
/** The page was closed or left: nobody comes back. */
const closeGoingAway = 1001;

interface Line {
  readonly kernelId: string;
  readonly outbox: Outbox;
  client: KernelClient | undefined;
  socket: WebSocket | undefined;
  /** How many messages of the page have come. */
  received: number;
  away: NodeJS.Timeout | undefined;
}

export class Channels {
  readonly #kernels: Kernels;
  readonly #connect: ConnectKernel;
  /** Lines that a page may come back to, by kernel and page; in the order in which they were left. */
  readonly #lines = new Map<string, Line>();

  constructor(kernels: Kernels, connect: ConnectKernel) {
    this.#kernels = kernels;
    this.#connect = connect;
    kernels.changes.on("replaced", (id) => this.#forget(id));
  }

  /** Serves `socket` until either side ends. The kernel may die, be replaced or not exist: the page is told. */
  serve(socket: WebSocket, { kernelId, resumable }: PageAddress): void {
    const key = resumable && `${kernelId} ${resumable.sessionId}`;
    const known = key === undefined ? undefined : this.#lines.get(key);
    const isResumed = known !== undefined && (resumable?.received ?? -1) >= 0;
    if (known !== undefined && !isResumed) this.#end(known);
    const line: Line = isResumed
      ? known
      : {
          kernelId,
          outbox: new Outbox(key !== undefined),
          client: undefined,
          socket: undefined,
          received: 0,
          away: undefined,
        };
    if (key !== undefined) this.#lines.set(key, line);
    clearTimeout(line.away);
    // A page has one websocket; the one before is broken, whether or not that was noticed here.
    line.socket?.terminate();
    line.socket = socket;
    const { lost, resume } = line.outbox.attach(wireOf(socket), resumable?.received ?? 0);
    if (key !== undefined) socket.send(JSON.stringify({ resumed: isResumed, received: line.received, lost }));
    resume();
    this.#follow(line, socket, key);
    if (line.client === undefined) this.#open(line, socket, key !== undefined);
  }

  close(): void {
    for (const line of this.#lines.values()) this.#end(line);
  }

  #follow(line: Line, socket: WebSocket, key: string | undefined): void {
    const { changes } = this.#kernels;
    const died = (id: string) => id === line.kernelId && tellDeath(line);
    const replaced = (id: string) =>
      id === line.kernelId && socket.close(closeServiceRestart, "the kernel was replaced");
    changes.on("died", died).on("replaced", replaced);
    socket.once("close", (code) => {
      changes.off("died", died).off("replaced", replaced);
      if (line.socket !== socket) return;
      line.socket = undefined;
      line.outbox.detach();
      if (key === undefined || code === closeGoingAway || line.client === undefined) this.#end(line);
      else this.#leave(line, key);
    });
    // The close that follows an error does the work; without a listener the process would end.
    socket.on("error", () => socket.terminate());
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#receive(line, socket, data, isBinary, key));
  }

  #open(line: Line, socket: WebSocket, isPage: boolean): void {
    const connection = this.#kernels.connectionOf(line.kernelId);
    if (connection === undefined) {
      if (this.#kernels.get(line.kernelId)?.state === "dead") tellDeath(line);
      else socket.close(closeTryAgainLater, "the kernel is being restarted");
      return;
    }
    const client = this.#connect(connection, {
      message: (channel, parts) => line.outbox.push(channel, parts),
      failed: (error) => {
        line.client = undefined;
        client.close();
        line.socket?.close(closeInternalError, error.message.slice(0, 120));
      },
    });
    line.client = client;
    // What the page sends before the kernel listens waits in the network buffers, which are bounded.
    socket.pause();
    client.ready.then(
      () => {
        if (isPage) this.#showDisplays(line);
        socket.resume();
      },
      (error: Error) => socket.close(closeTryAgainLater, error.message.slice(0, 120)),
    );
  }

  /** A live output may not move for long; a page that was loaded since shows it as it is. */
  #showDisplays(line: Line): void {
    for (const parts of this.#kernels.displaysOf(line.kernelId)) line.outbox.push("iopub", asUpdate(parts));
  }

  #receive(line: Line, socket: WebSocket, data: Buffer, isBinary: boolean, key: string | undefined): void {
    if (!isBinary && key !== undefined) {
      const received = receivedCount(data);
      if (received === undefined) socket.close(closeInvalidMessage, "not a count of messages");
      else line.outbox.acknowledge(received);
      // The answer also tells a page that waits for a sign of life.
      if (received !== undefined) socket.send(JSON.stringify({ received: line.received }));
      return;
    }
    const message = isBinary ? fromWebSocketMessage(data) : undefined;
    if (message === undefined || message.channel === "iopub") {
      socket.close(closeInvalidMessage, `not a message of ${kernelSubprotocol}`);
      return;
    }
    line.received++;
    line.client?.send(message.channel, message.parts);
  }

  #leave(line: Line, key: string): void {
    line.away = setTimeout(() => this.#end(line), awayMsMax);
    line.away.unref();
    this.#lines.delete(key);
    this.#lines.set(key, line);
    const away = [...this.#lines.values()].filter(
      (other) => other.socket === undefined && other.kernelId === line.kernelId,
    );
    for (const oldest of away.slice(0, Math.max(0, away.length - awayLinesMax))) this.#end(oldest);
  }

  /** The kernel has another process, or none: nothing of the old one comes any more. */
  #forget(kernelId: string): void {
    for (const line of this.#lines.values()) if (line.kernelId === kernelId) this.#end(line);
  }

  #end(line: Line): void {
    clearTimeout(line.away);
    line.outbox.close();
    line.client?.close();
    line.client = undefined;
    for (const [key, other] of this.#lines) if (other === line) this.#lines.delete(key);
  }
}

function wireOf(socket: WebSocket): Wire {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    send: (bytes) => socket.send(bytes),
    giveUp: () => {
      socket.close(closeTryAgainLater, "the page reads too slowly");
      socket.terminate();
    },
  };
}

/** A kernel that is gone cannot say so; Jupyter's pages understand this status from its server. */
function tellDeath(line: Line): void {
  line.outbox.push("iopub", composeMessage("status", { execution_state: "dead" }, line.kernelId));
}

function receivedCount(data: Buffer): number | undefined {
  if (data.length > 100) return undefined;
  try {
    const { received } = JSON.parse(data.toString("utf8")) as { received?: unknown };
    return typeof received === "number" && Number.isSafeInteger(received) && received >= 0 ? received : undefined;
  } catch {
    return undefined;
  }
}
