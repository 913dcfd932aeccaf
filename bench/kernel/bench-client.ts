/**
 * A front-end that measures: starts any Jupyter kernel by its command, and says how long its answers took. It asks of a
 * kernel only what all of them have. Connections are tried again after a few milliseconds, so that a start is measured
 * and not the wait of ZeroMQ.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dealer, Subscriber } from "zeromq";
import { CHANNELS, type ConnectionInfo, parseConnectionFile } from "../../kernel/wire/connection-file.js";
import type { JsonObject } from "../../kernel/wire/content.js";
import { decodeFrames, encodeFrames, type ReceivedMessage } from "../../kernel/wire/frames.js";
import { makeHeader } from "../../kernel/wire/header.js";

const DEADLINE_MS = 120_000;
/** A kernel that has replied and is still not idle after this has lost its idle; tslab does. */
const IDLE_MS_MAX = 3000;

export interface Ran {
  /** From the request to the reply and its idle, whichever came last. */
  readonly ms: number;
  /** What was written by then. */
  readonly text: string;
  readonly failed: boolean;
  /** Its idle never came; `ms` is the time to the reply. */
  readonly idleLost: boolean;
}

export class BenchClient {
  readonly #child: ChildProcess;
  readonly #connection: ConnectionInfo;
  readonly #directory: string;
  readonly #shell: Dealer;
  readonly #control: Dealer;
  readonly #iopub: Subscriber;
  readonly #waiting = new Map<string, (message: ReceivedMessage) => void>();
  /** From the start of the process to its first kernel_info_reply. */
  startedMs = 0;

  #said = "";

  private constructor(child: ChildProcess, connection: ConnectionInfo, directory: string) {
    this.#child = child;
    this.#connection = connection;
    this.#directory = directory;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-2000);
    });
    const options = { linger: 0, receiveHighWaterMark: 0, reconnectInterval: 5, reconnectMaxInterval: 5 };
    this.#shell = new Dealer({ ...options, routingId: randomUUID() });
    this.#control = new Dealer({ ...options, routingId: randomUUID() });
    this.#iopub = new Subscriber(options);
    this.#shell.connect(connection.endpoints.shell);
    this.#control.connect(connection.endpoints.control);
    this.#iopub.connect(connection.endpoints.iopub);
    this.#iopub.subscribe("");
    for (const socket of [this.#shell, this.#control, this.#iopub]) this.#listen(socket);
  }

  /** @param command of the connection file */
  static async start(command: (connectionFile: string) => readonly string[]): Promise<BenchClient> {
    const directory = await mkdtemp(join(tmpdir(), "tidetable-bench-"));
    const [shell, control, stdin, iopub, heartbeat] = await unusedPorts(CHANNELS.length);
    const file = join(directory, "connection.json");
    const text = JSON.stringify({
      transport: "tcp",
      ip: "127.0.0.1",
      shell_port: shell,
      control_port: control,
      stdin_port: stdin,
      iopub_port: iopub,
      hb_port: heartbeat,
      key: randomUUID(),
      signature_scheme: "hmac-sha256",
      kernel_name: "bench",
    });
    await writeFile(file, text);
    const [program = "", ...parameters] = command(file);
    const beganMs = performance.now();
    const env = { ...process.env, TIDETABLE_DATA: join(directory, "data"), KAFKA_BROKERS: "" };
    const child = spawn(program, parameters, { cwd: directory, stdio: ["ignore", "ignore", "pipe"], env });
    const client = new BenchClient(child, parseConnectionFile(text), directory);
    await client.request("kernel_info_request", {});
    client.startedMs = performance.now() - beganMs;
    return client;
  }

  /** Runs a cell. */
  async run(code: string, deadlineMs?: number): Promise<Ran> {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    return await this.request("execute_request", content, deadlineMs);
  }

  /** A cell's end, after `interruptAfterMs` an interrupt: how long that took. */
  async interruptMs(code: string, interruptAfterMs: number): Promise<number> {
    const ran = this.run(code);
    await new Promise((resolve) => setTimeout(resolve, interruptAfterMs));
    const beganMs = performance.now();
    await this.#send(this.#control, "interrupt_request", {});
    await ran;
    return performance.now() - beganMs;
  }

  async request(type: string, content: JsonObject, deadlineMs = DEADLINE_MS): Promise<Ran> {
    const beganMs = performance.now();
    const pieces: string[] = [];
    const state = { repliedMs: 0, failed: false, idleLost: false };
    const { id, sent } = this.#prepare(this.#shell, type, content);
    await new Promise<void>((resolve, reject) => {
      const why = () => `${this.#child.spawnargs.slice(0, 3).join(" ")}: no end of ${type}. It says: ${this.#said}`;
      let timer = setTimeout(() => reject(new Error(`${why()} (${deadlineMs} ms)`)), deadlineMs);
      this.#child.once("exit", () => reject(new Error(`${why()} (it ended)`)));
      const done = () => {
        clearTimeout(timer);
        this.#child.removeAllListeners("exit");
        resolve();
      };
      // A kernel that has just started publishes to nobody.
      let idle = type === "kernel_info_request";
      this.#waiting.set(id, ({ header: { messageType }, content: { status, text, execution_state } }) => {
        if (messageType === "stream") pieces.push(String(text));
        if (messageType === "status" && execution_state === "idle") idle = true;
        if (messageType.endsWith("_reply")) {
          state.repliedMs = performance.now() - beganMs;
          state.failed = status === "error" || status === "abort";
          clearTimeout(timer);
          timer = setTimeout(() => {
            state.idleLost = true;
            resolve();
          }, IDLE_MS_MAX);
        }
        if (idle && state.repliedMs > 0) done();
      });
      sent.catch(reject);
    });
    this.#waiting.delete(id);
    const { repliedMs, failed, idleLost } = state;
    return { ms: idleLost ? repliedMs : performance.now() - beganMs, text: pieces.join(""), failed, idleLost };
  }

  /** Resident memory of the kernel's own process. */
  rssMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    await this.#send(this.#control, "shutdown_request", { restart: false });
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
    for (const socket of [this.#shell, this.#control, this.#iopub]) socket.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #send(socket: Dealer, type: string, content: JsonObject): Promise<void> {
    await this.#prepare(socket, type, content).sent;
  }

  #prepare(socket: Dealer, type: string, content: JsonObject): { id: string; sent: Promise<void> } {
    const id = randomUUID();
    const header = makeHeader({ messageId: id, messageType: type, session: "bench", date: new Date().toISOString() });
    const parts = { identities: [], header, parentHeader: {}, metadata: {}, content, buffers: [] };
    return { id, sent: socket.send(encodeFrames(parts, this.#connection.signing)) };
  }

  #listen(socket: Dealer | Subscriber): void {
    const listen = async () => {
      for await (const frames of socket) {
        const decoded = decodeFrames(frames, this.#connection.signing);
        const parent = decoded.ok ? decoded.message.parentHeader.msg_id : undefined;
        if (decoded.ok && typeof parent === "string") this.#waiting.get(parent)?.(decoded.message);
      }
    };
    listen().catch((error: unknown) => {
      if (!socket.closed) throw error;
    });
  }
}

/**
 * Not those that the system hands out for outgoing connections: one that is tried again and again until the kernel
 * listens would sooner or later be given the very port it connects to, and be connected with itself.
 */
async function unusedPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(15_000, 30_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) ports.add(port);
  }
  return [...ports];
}
