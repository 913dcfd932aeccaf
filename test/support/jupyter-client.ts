/**
 * A Jupyter front-end for tests: starts a real kernel process, talks to it over ZeroMQ as JupyterLab would, and keeps
 * every message it publishes in order. Every wait has a deadline whose error says what had come by then.
 *
 * const kernel = await startKernel();
 * const { reply, outputs } = await kernel.execute("1 + 1");
 * await kernel.shutdown();
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { curveKeyPair, Dealer, Request, type Socket, Subscriber } from "zeromq";
import { CHANNELS, type ConnectionInfo, parseConnectionFile } from "../../kernel/wire/connection-file.js";
import type { JsonObject } from "../../kernel/wire/content.js";
import { decodeFrames, encodeFrames, type Signing } from "../../kernel/wire/frames.js";
import { makeHeader } from "../../kernel/wire/header.js";
import { freePorts } from "../../scripts/components/free-ports.js";
import { type Executed, isIdle, type Message, outputsOf, type Served } from "./jupyter-messages.js";
import { kernelCommand } from "./kernel-command.js";

export { type Executed, type Message, type Output, type Served, shapes, textOf } from "./jupyter-messages.js";
export { kernelCommand } from "./kernel-command.js";

/** Generous: the machine may be busy with other tests. */
const DEFAULT_DEADLINE_MS = 30_000;

export interface ExecuteOptions {
  readonly silent?: boolean;
  readonly storeHistory?: boolean;
  readonly stopOnError?: boolean;
  readonly allowStdin?: boolean;
  readonly userExpressions?: Readonly<Record<string, string>>;
  readonly cellId?: string;
  readonly subshellId?: string;
  readonly deadlineMs?: number;
}

export interface KernelOptions {
  /** The notebook's folder; default a new empty one without node_modules. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly transport?: "tcp" | "ipc";
  /** Encrypts every socket, with a pair of keys in the connection file. */
  readonly encrypted?: boolean;
  /** Default: the built kernel when it is newer than every source file, else the sources. */
  readonly command?: readonly string[];
}

export async function startKernel(options: KernelOptions = {}): Promise<KernelClient> {
  const scratch = await mkdtemp(join(tmpdir(), "tidetable-kernel-"));
  const client = new KernelClient(options, scratch);
  await client.start();
  return client;
}

export class KernelClient {
  readonly #options: KernelOptions;
  readonly #scratch: string;
  readonly #session = randomUUID();
  readonly #waiting = new Set<() => void>();
  /** Everything the kernel has published since it was started, in order. */
  readonly published: Message[] = [];
  readonly #replies: Message[] = [];
  /** Input requests that have come. */
  readonly inputRequests: Message[] = [];
  readonly #keys: { publicKey: string; secretKey: string } | undefined;
  #connection: ConnectionInfo | undefined;
  #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; iopub: Subscriber } | undefined;
  #process: ChildProcess | undefined;
  #stderr = "";

  constructor(options: KernelOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
    this.#keys = options.encrypted ? curveKeyPair() : undefined;
  }

  /** The notebook's folder. */
  get directory(): string {
    return this.#options.directory ?? this.#scratch;
  }

  get endpoints(): ConnectionInfo["endpoints"] {
    return this.#connected().endpoints;
  }

  get signingKey(): string {
    return this.#connected().signing.key;
  }

  get processId(): number {
    return this.#process?.pid ?? -1;
  }

  /** What the process wrote to its own streams. */
  get log(): string {
    return this.#stderr;
  }

  get exited(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#process?.exitCode ?? null;
  }

  /** Starts the process and waits until it answers on shell and its iopub messages arrive. */
  async start(): Promise<void> {
    const file = await this.#writeConnectionFile();
    const [command = "", ...commandArguments] = this.#options.command ?? kernelCommand();
    this.#process = spawn(command, [...commandArguments, "--connection-file", file], {
      cwd: this.directory,
      env: { ...process.env, ...this.#options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#stderr += chunk.toString("utf8");
      });
    }
    this.#process.once("exit", () => this.#wake());
    this.#connect();
    await this.until("iopub_welcome", () => this.published.some((message) => message.type === "iopub_welcome"));
    await this.request("kernel_info_request", {});
  }

  /** Runs a cell and waits for its reply and its idle. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<Executed> {
    return await this.startExecute(code, options).done;
  }

  /** Sends a cell without waiting: `done` is what `execute` would give. */
  startExecute(code: string, options: ExecuteOptions = {}): { parentId: string; done: Promise<Executed> } {
    const content = {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? true,
      user_expressions: options.userExpressions ?? {},
      allow_stdin: options.allowStdin ?? false,
      stop_on_error: options.stopOnError ?? true,
    };
    const metadata = options.cellId === undefined ? {} : { cellId: options.cellId };
    const { subshellId } = options;
    const parentId = this.send("shell", "execute_request", content, metadata, subshellId ? { subshellId } : {});
    const done = this.served(parentId, options.deadlineMs).then((served) => ({
      ...served,
      parentId,
      outputs: outputsOf(served.iopub),
    }));
    return { parentId, done };
  }

  /** Any request on shell or control, with its reply and what was published for it. */
  async request(type: string, content: JsonObject, channel: "shell" | "control" = "shell"): Promise<Served> {
    return await this.served(this.send(channel, type, content));
  }

  async interrupt(channel: "shell" | "control" = "control"): Promise<Message> {
    return (await this.request("interrupt_request", {}, channel)).reply;
  }

  /** Shuts down with the restart flag and starts a new process, as a front-end's kernel manager does. */
  async restart(): Promise<void> {
    await this.shutdown({ restart: true, keepFiles: true });
    this.published.length = 0;
    this.#replies.length = 0;
    await this.start();
  }

  /** Asks the kernel to end and waits until it has. Safe after the process is gone. */
  async shutdown(options: { restart?: boolean; keepFiles?: boolean } = {}): Promise<Message | undefined> {
    let reply: Message | undefined;
    if (!this.exited) {
      const id = this.send("control", "shutdown_request", { restart: options.restart ?? false });
      reply = await this.until("shutdown_reply", () => this.#replies.find((message) => message.parentId === id));
      await this.until("the process to end", () => this.exited);
    }
    this.disconnect();
    if (!options.keepFiles) await rm(this.#scratch, { recursive: true, force: true });
    return reply;
  }

  /** Ends the process at once. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#process?.kill(signal);
    await this.until("the process to end", () => this.exited);
    this.disconnect();
    await rm(this.#scratch, { recursive: true, force: true });
  }

  disconnect(): void {
    for (const socket of Object.values(this.#sockets ?? {}) as Socket[]) socket.close();
    this.#sockets = undefined;
  }

  /** Sends a message; the answer is its id. */
  send(
    channel: "shell" | "control" | "stdin",
    type: string,
    content: JsonObject,
    metadata: JsonObject = {},
    extra: { signing?: Signing; buffers?: Uint8Array[]; parentHeader?: JsonObject; subshellId?: string } = {},
  ): string {
    const { signing } = this.#connected();
    const messageId = randomUUID();
    const header = makeHeader({ messageId, messageType: type, session: this.#session, date: new Date().toISOString() });
    const frames = encodeFrames(
      {
        identities: [],
        header: extra.subshellId === undefined ? header : { ...header, subshell_id: extra.subshellId },
        parentHeader: extra.parentHeader ?? {},
        metadata,
        content,
        buffers: extra.buffers ?? [],
      },
      extra.signing ?? signing,
    );
    this.#queueSend(channel, frames);
    return messageId;
  }

  /** Raw frames, to send what no client would. */
  sendFrames(channel: "shell" | "control" | "stdin", frames: Uint8Array[]): void {
    this.#queueSend(channel, frames);
  }

  /** Time for an answer to a heartbeat. */
  async heartbeatMs(): Promise<number> {
    const socket = new Request({ ...this.#encryption(), receiveTimeout: DEFAULT_DEADLINE_MS, linger: 0 });
    socket.connect(this.#connected().endpoints.heartbeat);
    const startedMs = performance.now();
    await socket.send("ping");
    await socket.receive();
    socket.close();
    return performance.now() - startedMs;
  }

  /** Reply and iopub messages of a request, once both its reply and its idle are here. */
  async served(parentId: string, deadlineMs = DEFAULT_DEADLINE_MS): Promise<Served> {
    const reply = await this.until(
      `the reply to ${parentId}`,
      () => this.#replies.find((message) => message.parentId === parentId),
      deadlineMs,
    );
    await this.until(`the idle of ${reply.type}`, () => this.of(parentId).some(isIdle), deadlineMs);
    return { reply, iopub: this.of(parentId) };
  }

  /** What has been published for a request so far. */
  of(parentId: string): Message[] {
    return this.published.filter((message) => message.parentId === parentId);
  }

  /** Waits until `find` gives something, asking again whenever a message comes. */
  async until<T>(what: string, find: () => T | undefined | false, deadlineMs = DEFAULT_DEADLINE_MS): Promise<T> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || (this.exited && what !== "the process to end" && this.#sockets === undefined)) {
        const recent = this.published.slice(-8).map((message) => `${message.type} ${JSON.stringify(message.content)}`);
        throw new Error(
          `Waited ${deadlineMs} ms for ${what}. ${this.exited ? "The kernel has ended. " : ""}` +
            `Last published: ${recent.join("; ").slice(0, 2000)}\nKernel log: ${this.#stderr.slice(-2000)}`,
        );
      }
      await new Promise<void>((wake) => {
        const timer = setTimeout(done, Math.min(leftMs, 100));
        const waiting = this.#waiting;
        waiting.add(done);
        function done() {
          clearTimeout(timer);
          waiting.delete(done);
          wake();
        }
      });
    }
  }

  async #writeConnectionFile(): Promise<string> {
    const ipc = this.#options.transport === "ipc";
    const [shell, control, stdin, iopub, heartbeat] = ipc ? [1, 2, 3, 4, 5] : await freePorts(CHANNELS.length);
    const text = JSON.stringify({
      transport: ipc ? "ipc" : "tcp",
      ip: ipc ? join(this.#scratch, "socket") : "127.0.0.1",
      shell_port: shell,
      control_port: control,
      stdin_port: stdin,
      iopub_port: iopub,
      hb_port: heartbeat,
      key: randomUUID(),
      signature_scheme: "hmac-sha256",
      ...(this.#keys && { curve_publickey: this.#keys.publicKey, curve_secretkey: this.#keys.secretKey }),
    });
    this.#connection = parseConnectionFile(text);
    const file = join(this.#scratch, `connection-${randomUUID()}.json`);
    await writeFile(file, text);
    return file;
  }

  #connect(): void {
    const { endpoints } = this.#connected();
    const identity = randomUUID();
    const encryption = this.#encryption();
    const dealer = () => new Dealer({ ...encryption, routingId: identity, linger: 0, receiveHighWaterMark: 0 });
    const sockets = {
      shell: dealer(),
      control: dealer(),
      stdin: dealer(),
      iopub: new Subscriber({ ...encryption, receiveHighWaterMark: 0, linger: 0 }),
    };
    this.#sockets = sockets;
    for (const channel of ["shell", "control", "stdin", "iopub"] as const) sockets[channel].connect(endpoints[channel]);
    sockets.iopub.subscribe("");
    this.#collect(sockets.shell, this.#replies);
    this.#collect(sockets.control, this.#replies);
    this.#collect(sockets.stdin, this.inputRequests);
    this.#collect(sockets.iopub, this.published);
  }

  /** As jupyter_client does it: the pair of the connection file serves both sides. */
  #encryption() {
    if (this.#keys === undefined) return {};
    const { publicKey, secretKey } = this.#keys;
    return { curveServerKey: publicKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
  }

  #collect(socket: Dealer | Subscriber, into: Message[]): void {
    const { signing } = this.#connected();
    const collect = async () => {
      for await (const frames of socket) {
        const decoded = decodeFrames(frames, signing);
        if (!decoded.ok) throw new Error(`The kernel sent a message that cannot be read: ${decoded.reason}`);
        const { header, parentHeader, content, metadata, buffers } = decoded.message;
        into.push({
          type: header.messageType,
          content,
          metadata,
          buffers,
          messageId: header.messageId,
          session: header.session,
          parentId: typeof parentHeader.msg_id === "string" ? parentHeader.msg_id : undefined,
          arrivedAtMs: performance.now(),
        });
        this.#wake();
      }
    };
    collect().catch((error: unknown) => {
      if (!socket.closed) throw error;
    });
  }

  #sending: Promise<void> = Promise.resolve();

  #queueSend(channel: "shell" | "control" | "stdin", frames: Uint8Array[]): void {
    const socket = this.#sockets?.[channel];
    if (socket === undefined) throw new Error("The client is not connected; call start() first.");
    this.#sending = this.#sending.then(() => socket.send(frames));
  }

  #connected(): ConnectionInfo {
    if (this.#connection === undefined) throw new Error("The kernel was not started; call start() first.");
    return this.#connection;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
