/** A job of the demo as a process of its own, with its last line as its detail. Owns the process and its log. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endOrKill, hasEnded } from "../components/process-end.js";
import type { ServiceRow } from "../pipeline/status-table.js";

export interface JobOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where its log goes. */
  readonly directory: string;
}

const stopTimeoutMs = 15_000;

export class Job {
  readonly #name: string;
  readonly #child: ChildProcess;
  #lastLine = "";
  readonly #kill = () => this.#child.kill("SIGKILL");

  constructor({ name, command, environment, directory }: JobOptions) {
    this.#name = name;
    const [program = "", ...parameters] = command;
    // Its own group: Ctrl-C reaches us alone, and what reads stops before what is read.
    this.#child = spawn(program, parameters, { env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
    process.once("exit", this.#kill);
    const log = createWriteStream(join(directory, `${name}.log`));
    // It ended before it could start, and the table says so.
    this.#child.on("error", () => undefined);
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      if (output === null) continue;
      createInterface({ input: output }).on("line", (line) => {
        this.#lastLine = line;
        log.write(`${line}\n`);
      });
    }
  }

  row(): ServiceRow {
    const state = hasEnded(this.#child) ? "ended" : "healthy";
    return { service: this.#name, state, address: "", detail: this.#lastLine };
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await endOrKill(this.#child, stopTimeoutMs);
    process.off("exit", this.#kill);
  }
}
