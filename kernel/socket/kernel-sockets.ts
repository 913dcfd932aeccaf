/**
 * The main thread's side of the sockets: starts the worker, hands requests over in order, sends what it is given.
 * Knows no ZeroMQ; the worker does.
 */
import { Worker } from "node:worker_threads";
import type { RequestChannel } from "../wire/connection-file.js";
import type { JsonObject } from "../wire/content.js";
import type { StreamName } from "../wire/display.js";
import type { OutgoingMessage, ReceivedMessage } from "../wire/frames.js";
import {
  type Command,
  type FromWorker,
  newSharedState,
  SHARED,
  type ToWorker,
  type WorkerSettings,
} from "./protocol.js";
import { newTextMemory, TextWriter } from "./shared-text.js";

const LISTEN_MS_MAX = 20_000;
const CLOSE_MS_MAX = 1000;

export interface SocketEvents {
  request(channel: RequestChannel, message: ReceivedMessage): void;
  interrupt(): void;
  shutdown(restart: boolean): void;
  parentGone(): void;
  dropped(channel: string, reason: string): void;
  failed(error: Error): void;
}

export class KernelSockets {
  readonly #worker: Worker;
  readonly #shared: Int32Array;
  readonly #text: TextWriter;
  readonly #marks = new Map<number, () => void>();
  readonly #questions = new Map<number, (failure: string | undefined) => void>();
  #nextId = 1;
  #aim: { readonly parentHeader: JsonObject; readonly name: StreamName } | undefined;

  private constructor(worker: Worker, shared: Int32Array, text: TextWriter) {
    this.#worker = worker;
    this.#shared = shared;
    this.#text = text;
  }

  /** Resolves once every socket listens. @throws Error when an endpoint cannot be bound. */
  static async open(
    settings: Omit<WorkerSettings, "sharedState" | "textMemory">,
    listening: (sockets: KernelSockets) => SocketEvents,
  ): Promise<KernelSockets> {
    const sharedState = newSharedState();
    const textMemory = newTextMemory();
    const workerData: WorkerSettings = { ...settings, sharedState, textMemory };
    const worker = new Worker(workerFile(), { workerData });
    const sockets = new KernelSockets(worker, new Int32Array(sharedState), new TextWriter(textMemory));
    const events = listening(sockets);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The kernel's sockets were not open after ${LISTEN_MS_MAX} ms.`)),
        LISTEN_MS_MAX,
      );
      worker.once("error", (error) => reject(error));
      worker.on("message", (event: FromWorker) => {
        if (event.kind === "listening") {
          clearTimeout(timer);
          resolve();
        } else {
          sockets.#dispatch(event, events);
        }
      });
    });
    worker.removeAllListeners("error");
    worker.on("error", (error) => events.failed(error));
    return sockets;
  }

  publish(message: OutgoingMessage): void {
    try {
      this.#post({ kind: "publish", message });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "DataCloneError")) throw error;
      // A user's bundle with a function in it: what JSON keeps of it is what would have arrived anyway.
      this.#post({ kind: "publish", message: { ...message, content: JSON.parse(JSON.stringify(message.content)) } });
    }
  }

  send(channel: RequestChannel, identities: readonly Uint8Array[], message: OutgoingMessage): void {
    this.#post({ kind: "send", channel, identities, message });
  }

  write(parentHeader: JsonObject, name: StreamName, text: string): void {
    if (this.#aim?.parentHeader !== parentHeader || this.#aim.name !== name) {
      this.#aim = { parentHeader, name };
      this.#post({ kind: "aim", parentHeader, name });
    }
    if (!this.#text.write(text)) this.#post({ kind: "text", text });
    else if (this.#text.wakesReader()) this.#send("wake");
  }

  /** Resolves once the question is on its way. @throws Error when the front-end cannot be asked. */
  async ask(identities: readonly Uint8Array[], message: OutgoingMessage, signal: AbortSignal): Promise<void> {
    const id = this.#nextId++;
    const withdraw = () => this.#post({ kind: "withdraw", id });
    signal.addEventListener("abort", withdraw, { once: true });
    const failure = await new Promise<string | undefined>((resolve) => {
      this.#questions.set(id, resolve);
      this.#post({ kind: "ask", id, identities, message });
    });
    signal.removeEventListener("abort", withdraw);
    if (failure !== undefined) throw new Error(failure);
  }

  /** Resolves once every request that has reached this process so far was handed to `request`. */
  async allArrived(): Promise<void> {
    const id = this.#nextId++;
    await new Promise<void>((resolve) => {
      this.#marks.set(id, resolve);
      this.#post({ kind: "mark", id });
    });
  }

  /** Its one element is other than 0 from the moment of an interrupt until `interrupt` of the events was called. */
  get stopFlag(): Int32Array {
    return this.#shared.subarray(SHARED.interruptPending, SHARED.interruptPending + 1);
  }

  /** Runs what an interrupt must not cut in the middle. */
  withoutForce<T>(work: () => T): T {
    const outer = Atomics.exchange(this.#shared, SHARED.compiling, 1);
    try {
      return work();
    } finally {
      Atomics.store(this.#shared, SHARED.compiling, outer);
    }
  }

  /** Sends what is queued and frees the sockets, within a bound. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#worker.on("message", (event: FromWorker) => event.kind === "closed" && resolve());
      this.#worker.once("exit", () => resolve());
      setTimeout(resolve, CLOSE_MS_MAX).unref();
    });
    this.#post({ kind: "close" });
    await closed;
  }

  #post(command: Command): void {
    this.#send({ place: this.#text.nextPlace(), command });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #dispatch(event: FromWorker, events: SocketEvents): void {
    switch (event.kind) {
      case "request":
        events.request(event.channel, event.message);
        break;
      case "marked":
        this.#marks.get(event.id)?.();
        this.#marks.delete(event.id);
        break;
      case "asked":
        this.#questions.get(event.id)?.(event.failure);
        this.#questions.delete(event.id);
        break;
      case "interrupt":
        events.interrupt();
        // A newer one stays pending until its own message.
        Atomics.compareExchange(this.#shared, SHARED.interruptPending, event.number, 0);
        this.#post({ kind: "interruptSeen", number: event.number });
        break;
      case "shutdown":
        events.shutdown(event.restart);
        break;
      case "parentGone":
        events.parentGone();
        break;
      case "dropped":
        // Told to whoever launched the kernel, who may be slow to listen.
        this.withoutForce(() => events.dropped(event.channel, event.reason));
        break;
    }
  }
}

/** Beside the bundle stands socket-worker.js; beside the source, the worker's own loader. */
function workerFile(): URL {
  const fromSource = import.meta.url.endsWith(".ts");
  return new URL(fromSource ? "./worker-from-source.mjs" : "./socket-worker.js", import.meta.url);
}
