/**
 * One engine process and the channel to it: requests with their answers, pushes, and how it ended. Forks once; whether
 * another follows is the client's decision.
 */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deserializeError, type SerializedError, TidetableError } from "../errors.js";
import type { EngineStart } from "./hosted-engine.js";
import type { EnginePush, EngineRequests, FromEngine, RequestName } from "./protocol.js";

/**
 * DuckDB holds one of these for each statement that runs. With Node's four, as many long queries would stop the ingest of
 * every stream.
 */
const POOL_THREADS = 32;
const CLOSE_TIMEOUT_MS = 3_000;
/** Of what the child wrote to stderr, this much is kept for the message about its end. */
const STDERR_KEPT = 2_000;

export interface ChildEnd {
  /** In words: `signal SIGKILL`, `exit code 1`. */
  readonly how: string;
  readonly lastWords: string;
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: TidetableError) => void;
}

export class EngineChild {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<ChildEnd>;
  #nextId = 1;
  /** Why nothing is answered any more. */
  #endError: TidetableError | undefined;
  #stderr = "";

  constructor(start: EngineStart, onPush: (message: EnginePush) => void) {
    const { path, execArgv } = engineEntry();
    const { sparkRemote, ...argument } = start;
    this.#process = fork(path, [JSON.stringify(argument)], {
      execArgv,
      serialization: "advanced",
      // The child writes nothing to stdout: a kernel's own stdout may be a protocol.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // Everything is handed on as it is; only the pool has to be sized before the child begins.
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: String(POOL_THREADS),
        // Holds a token, which every user of the machine could read on the command line.
        ...(sparkRemote === undefined ? {} : { SPARK_REMOTE: sparkRemote }),
      },
    });
    this.#keepParentAlive(false);
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#process.on("message", (message: FromEngine) => {
      if (message.kind === "answer" || message.kind === "failure") this.#settle(message);
      else onPush(message);
    });
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        resolve({ how, lastWords: lastLine(this.#stderr) });
      };
      this.#process.once("exit", (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
      this.#process.once("error", (error) => end(error.message));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves when the process is gone. Requests still open are the caller's to fail, through `rejectPending`. */
  get ended(): Promise<ChildEnd> {
    return this.#ended;
  }

  request<Name extends RequestName>(
    name: Name,
    request: EngineRequests[Name]["request"],
  ): Promise<EngineRequests[Name]["answer"]> {
    if (this.#endError !== undefined) return Promise.reject(this.#endError);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#keepParentAlive(true);
      if (!this.#process.connected) return; // Rejected with everything else once the end is known.
      this.#process.send({ id, name, request }, (error) => {
        // The channel broke while the message was on its way: the end follows, and rejects.
        if (error !== null && !this.#process.connected) return;
        if (error !== null) this.#settle({ kind: "failure", id, error: notSent(name, error) });
      });
    });
  }

  /** Fails what is open, and whatever is asked from now on. */
  rejectPending(error: TidetableError): void {
    this.#endError = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#keepParentAlive(false);
  }

  /** Asks it to close its database and go; after a few seconds it is killed. */
  async close(): Promise<void> {
    this.#keepParentAlive(true);
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), CLOSE_TIMEOUT_MS);
    if (this.#process.connected) this.#process.disconnect();
    // One that is still loading has nothing to close and ends at once; any other takes both for the same request.
    this.#process.kill("SIGTERM");
    await this.#ended;
    clearTimeout(timer);
  }

  /** A program that waits for no answer may end; the child ends with it. */
  #keepParentAlive(alive: boolean): void {
    const call = alive ? "ref" : "unref";
    this.#process[call]();
    this.#process.channel?.[call]();
    const { stderr } = this.#process;
    if (stderr instanceof Socket) stderr[call]();
  }

  #settle(message: Extract<FromEngine, { kind: "answer" | "failure" }>): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#keepParentAlive(false);
    if (message.kind === "answer") pending.resolve(message.answer as never);
    else pending.reject(deserializeError(message.error));
  }
}

/** The child's program: beside this file when bundled, otherwise the source, run through the loader of this process. */
function engineEntry(): { readonly path: string; readonly execArgv: string[] } {
  const bundled = fileURLToPath(new URL("./engine.js", import.meta.url));
  if (existsSync(bundled)) return { path: bundled, execArgv: ["--enable-source-maps"] };
  const source = fileURLToPath(new URL("./process.ts", import.meta.url));
  if (!existsSync(source)) {
    throw new TidetableError(
      "COMPONENT_MISSING",
      `The engine's program is missing: ${bundled}. Build it with: npm start`,
    );
  }
  // Not import.meta.resolve: a test runner that requires its files has none.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return { path: source, execArgv: ["--import", loader] };
}

function notSent(name: RequestName, error: Error): SerializedError {
  return {
    code: "SQL_INVALID",
    message: `The request ${name} cannot be handed to the engine: ${error.message}`,
    retryable: false,
  };
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
