/**
 * A front-end made of frames: signs, sends and reads multipart messages itself, and uses nothing of kernel/, so that a
 * mistake there is not made twice. Keeps what comes on each socket, in order.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dealer, Request, Subscriber } from "zeromq";
import { freePorts } from "../../scripts/components/free-ports.js";

const KEY = "a key of the test's own";
const DEADLINE_MS = 60_000;
const DELIMITER = "<IDS|MSG>";

/** A message as its frames say it. */
export interface RawMessage {
  readonly identities: readonly string[];
  readonly signature: string;
  /** Computed here, over the four frames as they came. */
  readonly signatureExpected: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly parentHeader: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read content fields directly and assert on them.
  readonly content: any;
  readonly buffers: readonly Buffer[];
}

export type RawSocket = "shell" | "control" | "stdin" | "iopub";

export class RawClient {
  readonly received: Record<RawSocket, RawMessage[]> = { shell: [], control: [], stdin: [], iopub: [] };
  readonly #sockets: Record<RawSocket, Dealer | Subscriber>;
  readonly #connected: ReadonlyArray<Promise<void>>;
  readonly #heartbeat: string;
  readonly #stdinAddress: string;
  readonly #iopubAddress: string;
  readonly #child: ChildProcess | undefined;
  readonly #directory: string;
  readonly connectionFile: string;

  private constructor(parts: {
    child: ChildProcess | undefined;
    directory: string;
    connectionFile: string;
    ports: Record<RawSocket | "heartbeat", number>;
    /** Its stdin socket is not connected before `connectStdin`. */
    stdinLater?: boolean;
  }) {
    this.#child = parts.child;
    this.#directory = parts.directory;
    this.connectionFile = parts.connectionFile;
    this.#heartbeat = `tcp://127.0.0.1:${parts.ports.heartbeat}`;
    const routingId = randomUUID();
    const dealer = () => new Dealer({ routingId, linger: 0, receiveHighWaterMark: 0 });
    const iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    this.#sockets = { shell: dealer(), control: dealer(), stdin: dealer(), iopub };
    this.#iopubAddress = `tcp://127.0.0.1:${parts.ports.iopub}`;
    this.#stdinAddress = `tcp://127.0.0.1:${parts.ports.stdin}`;
    const names = (Object.keys(this.#sockets) as RawSocket[]).filter((name) => !parts.stdinLater || name !== "stdin");
    this.#connected = names.map(
      (name) => new Promise((connected) => this.#sockets[name].events.on("handshake", () => connected())),
    );
    for (const name of names) {
      this.#sockets[name].connect(`tcp://127.0.0.1:${parts.ports[name]}`);
      this.#collect(name);
    }
    iopub.subscribe("");
  }

  /** @param command of a kernel; `--connection-file FILE` follows */
  static async start(command: readonly string[]): Promise<RawClient> {
    const directory = await mkdtemp(join(tmpdir(), "tidetable-raw-"));
    const [shell = 0, control = 0, stdin = 0, iopub = 0, heartbeat = 0] = await freePorts(5);
    const ports = { shell, control, stdin, iopub, heartbeat };
    const connectionFile = join(directory, "connection.json");
    await writeFile(
      connectionFile,
      JSON.stringify({
        transport: "tcp",
        ip: "127.0.0.1",
        shell_port: shell,
        control_port: control,
        stdin_port: stdin,
        iopub_port: iopub,
        hb_port: heartbeat,
        key: KEY,
        signature_scheme: "hmac-sha256",
      }),
    );
    const [program = "", ...rest] = command;
    const child = spawn(program, [...rest, "--connection-file", connectionFile], { cwd: directory, stdio: "inherit" });
    const client = new RawClient({ child, directory, connectionFile, ports });
    await client.#ready();
    return client;
  }

  /** Another front-end of the same kernel. */
  async join(options: { stdinLater?: boolean } = {}): Promise<RawClient> {
    const file = JSON.parse(await readFile(this.connectionFile, "utf8"));
    const ports = {
      shell: file.shell_port,
      control: file.control_port,
      stdin: file.stdin_port,
      iopub: file.iopub_port,
      heartbeat: file.hb_port,
    };
    const { connectionFile } = this;
    const client = new RawClient({ child: undefined, directory: "", connectionFile, ports, ...options });
    await client.#ready();
    return client;
  }

  connectStdin(): void {
    this.#sockets.stdin.connect(this.#stdinAddress);
    this.#collect("stdin");
  }

  async #ready(): Promise<void> {
    await Promise.all(this.#connected);
    await this.next("iopub", (message) => message.header.msg_type === "iopub_welcome");
  }

  /** Sends a request with its own header; answers its id. */
  async send(
    socket: Exclude<RawSocket, "iopub">,
    type: string,
    content: object,
    extra: { buffers?: readonly Buffer[]; header?: object } = {},
  ): Promise<string> {
    const id = randomUUID();
    const header = { msg_id: id, msg_type: type, session: "raw", username: "raw", version: "5.5", ...extra.header };
    await this.sendFrames(socket, [...signed([header, {}, {}, content]), ...(extra.buffers ?? [])]);
    return id;
  }

  async sendFrames(socket: Exclude<RawSocket, "iopub">, frames: ReadonlyArray<string | Buffer>): Promise<void> {
    await (this.#sockets[socket] as Dealer).send([...frames]);
  }

  /** Reply, and everything published for the request up to its idle. */
  async served(id: string, socket: "shell" | "control" = "shell"): Promise<{ reply: RawMessage; iopub: RawMessage[] }> {
    const of = (message: RawMessage) => message.parentHeader.msg_id === id;
    await this.next("iopub", (message) => of(message) && message.content.execution_state === "idle");
    const reply = await this.next(socket, of);
    return { reply, iopub: this.received.iopub.filter(of) };
  }

  async next(socket: RawSocket, wanted: (message: RawMessage) => boolean): Promise<RawMessage> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = this.received[socket].find(wanted);
      if (found !== undefined) return found;
      if (Date.now() > deadline) {
        const types = this.received[socket].slice(-10).map((message) => message.header.msg_type);
        throw new Error(`Nothing like that on ${socket} in ${DEADLINE_MS} ms; the last were ${types.join(", ")}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Subscribes to everything and reads nothing, as a front-end does that has been stopped. */
  subscribeWithoutReading(): { leave(): void } {
    const socket = new Subscriber({ linger: 0, receiveHighWaterMark: 1 });
    socket.connect(this.#iopubAddress);
    socket.subscribe("");
    return { leave: () => socket.close() };
  }

  /** Resident memory of the kernel's process. */
  async rssMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.#child?.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  async heartbeat(bytes: Buffer): Promise<Buffer | undefined> {
    const socket = new Request({ linger: 0, receiveTimeout: DEADLINE_MS });
    socket.connect(this.#heartbeat);
    await socket.send(bytes);
    const [answer] = await socket.receive();
    socket.close();
    return answer;
  }

  leave(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await this.send("control", "shutdown_request", { restart: false });
      const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(timer);
    }
    this.leave();
    if (this.#directory !== "") await rm(this.#directory, { recursive: true, force: true });
  }

  #collect(name: RawSocket): void {
    const socket = this.#sockets[name];
    const collect = async () => {
      for await (const frames of socket) this.received[name].push(read(frames));
    };
    collect().catch((error: unknown) => {
      if (!socket.closed) throw error;
    });
  }
}

/** Delimiter, signature and the four parts. */
export function signed(parts: readonly object[], key = KEY): Array<string | Buffer> {
  const frames = parts.map((part) => Buffer.from(JSON.stringify(part)));
  return [DELIMITER, signatureOf(frames, key), ...frames];
}

function signatureOf(frames: readonly Buffer[], key = KEY): string {
  return createHmac("sha256", key).update(Buffer.concat(frames)).digest("hex");
}

function read(frames: readonly Buffer[]): RawMessage {
  const at = frames.findIndex((frame) => frame.toString("latin1") === DELIMITER);
  const parts = frames.slice(at + 2, at + 6);
  const [header, parentHeader, metadata, content] = parts.map((part) => JSON.parse(part.toString("utf8")));
  return {
    identities: frames.slice(0, at).map((frame) => frame.toString("latin1")),
    signature: frames[at + 1]?.toString("latin1") ?? "",
    signatureExpected: signatureOf(parts),
    header,
    parentHeader,
    metadata,
    content,
    buffers: frames.slice(at + 6),
  };
}
