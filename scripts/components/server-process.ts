/**
 * One server program on this machine: started and watched until it answers, killed, frozen, started again on what it
 * left, stopped. Owns the process and its log; what the program is, and when it is ready, is told by who starts it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import { ended, endOrKill, hasEnded } from "./process-end.js";
import { freezeProcess } from "./process-freeze.js";

export interface ServerCommand {
  /** For messages: `InfluxDB`. */
  readonly name: string;
  readonly program: string;
  readonly parameters: readonly string[];
  /** Where it runs. */
  readonly directory: string;
  /** True: the folder goes when it is stopped. */
  readonly temporary: boolean;
  /** What it prints goes here, of every start. */
  readonly logPath: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly readyTimeoutMs: number;
  /** Asked again and again until true; must have a bound of its own. */
  readonly isReady: () => Promise<boolean>;
}

const stopTimeoutMs = 10_000;

export class ServerProcess {
  /** Resolves when it ends without being told to. */
  readonly unexpectedEnd: Promise<void>;
  readonly directory: string;
  readonly #command: ServerCommand;
  #process: ChildProcess | undefined;
  #dismissed = false;
  #reportUnexpectedEnd: () => void = () => {};
  /** Our own end, however it comes short of SIGKILL, leaves no server behind. */
  readonly #killAtExit = () => this.#process?.kill("SIGKILL");

  constructor(command: ServerCommand) {
    this.#command = command;
    this.directory = command.directory;
    this.unexpectedEnd = new Promise((report) => {
      this.#reportUnexpectedEnd = report;
    });
  }

  /** Resolves when it is ready; also after `kill()`. @throws TidetableError COMPONENT_MISSING: it does not start. */
  async start(): Promise<void> {
    const { name, program, parameters, directory, logPath, environment } = this.#command;
    if (this.#process !== undefined && !hasEnded(this.#process)) {
      throw new TidetableError("CONFIG_INVALID", `${name} runs already, as process ${this.#process.pid}.`);
    }
    this.#dismissed = false;
    process.off("exit", this.#killAtExit).once("exit", this.#killAtExit);
    const log = openSync(logPath, "a");
    const child = spawn(program, parameters, {
      cwd: directory,
      env: environment ?? process.env,
      stdio: ["ignore", log, log],
      // Its own group: Ctrl-C reaches us alone, and we stop it in order.
      detached: true,
    });
    closeSync(log);
    // A program that cannot be started shows as a process without an exit code; the wait for readiness tells.
    child.on("error", () => undefined);
    child.on("exit", () => {
      if (!this.#dismissed) this.#reportUnexpectedEnd();
    });
    this.#process = child;
    await this.#untilReady(child);
  }

  /** SIGKILL: no flush, no farewell. */
  async kill(): Promise<void> {
    this.#dismissed = true;
    this.#process?.kill("SIGKILL");
    if (this.#process !== undefined) await ended(this.#process, stopTimeoutMs);
  }

  /** SIGSTOP: it keeps its sockets and says nothing. */
  async freeze(): Promise<void> {
    await freezeProcess(this.#process?.pid);
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** SIGTERM, and SIGKILL where that takes too long; then a temporary folder goes. */
  async stop(): Promise<void> {
    this.#dismissed = true;
    if (this.#process !== undefined) {
      // A frozen process hears nothing.
      this.#process.kill("SIGCONT");
      this.#process.kill("SIGTERM");
      await endOrKill(this.#process, stopTimeoutMs);
    }
    process.off("exit", this.#killAtExit);
    if (this.#command.temporary) await rm(this.directory, { recursive: true, force: true });
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const { name, readyTimeoutMs, isReady } = this.#command;
    const deadlineMs = performance.now() + readyTimeoutMs;
    for (;;) {
      if (await isReady().catch(() => false)) return;
      if (hasEnded(child)) throw await this.#failure(`${name} ended while it started`);
      if (performance.now() > deadlineMs) {
        throw await this.#failure(`${name} was not ready within ${readyTimeoutMs / 1000} s`);
      }
      await delay(50);
    }
  }

  async #failure(what: string): Promise<TidetableError> {
    const { program, logPath } = this.#command;
    const lines = (await readFile(logPath, "utf8")).trim().split("\n").slice(-15).join("\n");
    return new TidetableError("COMPONENT_MISSING", `${what} (${program}). Its log ends:\n${lines}`);
  }
}
