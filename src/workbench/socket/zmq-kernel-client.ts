/**
 * The ZeroMQ edge of the workbench: one client of one kernel, a socket per channel. Nothing else in the workbench
 * imports zeromq.
 */
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { Dealer, Subscriber } from "zeromq";
import { errorMessage } from "../../errors.js";
import type { ConnectKernel, KernelClient, KernelEvents } from "../kernel-client.js";
import {
  type Channel,
  type ConnectionInfo,
  composeMessage,
  fromKernelFrames,
  headerOf,
  type MessageParts,
  parentHeaderOf,
  toKernelFrames,
} from "../kernel-messages.js";

/** What has arrived is received without a turn of the event loop; a flood must leave one to the pages' own sockets. */
const yieldEveryBytes = 256 * 1024;
const nudgeEveryMs = 100;
const readyWaitMsMax = 60_000;
/** A kernel that leaves this many messages unread is not coming back to them. */
const unsentMessagesMax = 10_000;

/** Rejects where its native part cannot be loaded. */
export async function loadZeromq(): Promise<unknown> {
  return import("zeromq");
}

export const connectZmqKernel: ConnectKernel = (connection, events) => new ZmqKernelClient(connection, events);

class ZmqKernelClient implements KernelClient {
  readonly ready: Promise<void>;
  readonly #key: string;
  readonly #events: KernelEvents;
  readonly #dealers: Readonly<Record<"shell" | "control" | "stdin", SendQueue>>;
  readonly #iopub: Subscriber;
  readonly #nudges = new Set<string>();
  #sawReply = false;
  #sawBroadcast = false;
  #closed = false;

  constructor(connection: ConnectionInfo, events: KernelEvents) {
    this.#key = connection.key;
    this.#events = events;
    // A kernel asks for input by the identity that sent the request on shell, so stdin carries the same one.
    const routingId = randomUUID();
    const dealer = (port: number) => {
      const socket = new Dealer({ routingId, linger: 0, receiveHighWaterMark: 0 });
      socket.connect(addressOf(connection, port));
      return new SendQueue(socket, (error) => this.#fail(error));
    };
    this.#dealers = {
      shell: dealer(connection.shell_port),
      control: dealer(connection.control_port),
      stdin: dealer(connection.stdin_port),
    };
    this.#iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    this.#iopub.connect(addressOf(connection, connection.iopub_port));
    this.#iopub.subscribe();
    void this.#readAll(this.#iopub, "iopub");
    for (const [channel, queue] of Object.entries(this.#dealers)) void this.#readAll(queue.socket, channel as Channel);
    this.ready = this.#nudgeUntilReady();
    // Whoever needs it awaits it; a client that is closed early is nobody's failure.
    this.ready.catch(() => {});
  }

  send(channel: "shell" | "control" | "stdin", parts: MessageParts): void {
    if (!this.#closed) this.#dealers[channel].push(toKernelFrames(parts, this.#key));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#iopub.close();
    for (const queue of Object.values(this.#dealers)) queue.close();
  }

  /**
   * A subscription takes effect some time after `subscribe`, and what was published before is lost. So harmless
   * requests are sent until one is answered and a broadcast has come through.
   */
  async #nudgeUntilReady(): Promise<void> {
    const deadline = Date.now() + readyWaitMsMax;
    const session = randomUUID();
    while (!this.#sawReply || !this.#sawBroadcast) {
      if (this.#closed) throw new Error("the connection to the kernel was closed");
      if (Date.now() > deadline) throw new Error(`the kernel did not answer within ${readyWaitMsMax / 1000} s`);
      const nudge = composeMessage("kernel_info_request", {}, session);
      this.#nudges.add(headerOf(nudge).msg_id);
      this.send("control", nudge);
      await new Promise((wake) => setTimeout(wake, nudgeEveryMs));
    }
  }

  async #readAll(socket: Dealer | Subscriber, channel: Channel): Promise<void> {
    try {
      let sinceYieldBytes = 0;
      for await (const frames of socket) {
        this.#accept(channel, frames);
        sinceYieldBytes += frames.reduce((sum, frame) => sum + frame.length, 0);
        if (sinceYieldBytes < yieldEveryBytes) continue;
        sinceYieldBytes = 0;
        await setImmediate();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #accept(channel: Channel, frames: readonly Uint8Array[]): void {
    const parts = fromKernelFrames(frames, this.#key);
    if (parts === undefined) return;
    if (channel === "iopub") this.#sawBroadcast = true;
    if (this.#nudges.size > 0 && this.#nudges.has(parentHeaderOf(parts).msg_id)) {
      if (channel === "control") this.#sawReply = true;
      return;
    }
    this.#events.message(channel, parts);
  }

  #fail(error: unknown): void {
    if (!this.#closed) this.#events.failed(new Error(`the connection to the kernel failed: ${errorMessage(error)}`));
  }
}

/** zeromq.js refuses a send while another one is under way on the same socket, hence one queue per socket. */
class SendQueue {
  readonly socket: Dealer;
  readonly #waiting: Uint8Array[][] = [];
  readonly #fail: (error: unknown) => void;
  #sending = false;
  #closed = false;

  constructor(socket: Dealer, fail: (error: unknown) => void) {
    this.socket = socket;
    this.#fail = fail;
  }

  push(frames: Uint8Array[]): void {
    if (this.#waiting.length >= unsentMessagesMax) {
      this.#fail(`it has left ${unsentMessagesMax} messages unread`);
      return;
    }
    this.#waiting.push(frames);
    if (!this.#sending) void this.#drain();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.socket.close();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    try {
      for (let frames = this.#waiting.shift(); frames !== undefined; frames = this.#waiting.shift()) {
        await this.socket.send(frames);
      }
    } catch (error) {
      if (!this.#closed) this.#fail(error);
    } finally {
      this.#sending = false;
    }
  }
}

function addressOf(connection: ConnectionInfo, port: number): string {
  return `${connection.transport}://${connection.ip}:${port}`;
}
