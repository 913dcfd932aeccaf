/**
 * One kernel process: started with a connection file, exactly as Jupyter starts it, and stopped by its pid. Knows
 * nothing of sessions, requests or messages.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { errorMessage } from "../errors.js";
import type { ConnectionInfo } from "./kernel-messages.js";

export interface KernelCommand {
  /** As in a kernelspec: `{connection_file}` is replaced by the file's path; without it the path comes last. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Private folder (0700) for connection files, which hold the signing key. */
  readonly connectionDirectory: string;
}

const stderrKeptCharacters = 4000;
/** Between asking, telling and killing. A kernel closes its tables in the first of these. */
const stopStepMs = 3000;

export class KernelProcess {
  readonly connection: ConnectionInfo;
  /** Resolves when the process has ended, with the reason in words. Never rejects. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #connectionFile: string;
  #stderr = "";

  /** @param log receives what the kernel writes to stderr, line by line */
  static async start(
    command: KernelCommand,
    workingDirectory: string,
    log: (line: string) => void,
  ): Promise<KernelProcess> {
    const connection = await newConnection();
    const file = join(command.connectionDirectory, `kernel-${randomUUID()}.json`);
    await writeFile(file, JSON.stringify(connection, null, 2), { mode: 0o600, flag: "wx" });
    const [program = "", ...rest] = withConnectionFile(command.argv, file);
    const child = spawn(program, rest, {
      cwd: workingDirectory,
      // The kernel ends itself when this process has ended without stopping it (a convention of Jupyter's).
      env: { ...command.environment, JPY_PARENT_PID: String(process.pid) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new KernelProcess(child, connection, file, log);
  }

  private constructor(child: ChildProcess, connection: ConnectionInfo, file: string, log: (line: string) => void) {
    this.#child = child;
    this.connection = connection;
    this.#connectionFile = file;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKeptCharacters);
      for (const line of text.split("\n")) if (line.trim() !== "") log(line);
    });
    // What cells print arrives as messages; this is what native code prints past the kernel.
    child.stdout?.setEncoding("utf8").on("data", (text: string) => log(text.trimEnd()));
    this.ended = this.#whenEnded();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Ends the process: waits for it to go by itself after `ask`, then SIGTERM, then SIGKILL.
   * @param ask sends the shutdown request
   */
  async stop(ask: () => void): Promise<void> {
    if (!this.#isRunning()) return;
    const steps = [ask, () => this.#child.kill("SIGTERM"), () => this.#child.kill("SIGKILL")];
    for (const step of steps) {
      step();
      if (await this.#endsWithin(stopStepMs)) return;
    }
  }

  #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  async #endsWithin(waitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((done) => {
      timer = setTimeout(done, waitMs, false);
    });
    const inTime = await Promise.race([this.ended.then(() => true as const), late]);
    clearTimeout(timer);
    return inTime;
  }

  async #whenEnded(): Promise<string> {
    const reason = await new Promise<string>((done) => {
      this.#child.once("error", (error) => done(`it could not be started: ${errorMessage(error)}`));
      this.#child.once("close", (code, signal) => done(endOf(code, signal, this.#stderr)));
    });
    await rm(this.#connectionFile, { force: true });
    return reason;
  }
}

function withConnectionFile(argv: readonly string[], file: string): string[] {
  const placeholder = "{connection_file}";
  if (!argv.some((item) => item.includes(placeholder))) return [...argv, file];
  return argv.map((item) => item.replaceAll(placeholder, file));
}

function endOf(code: number | null, signal: NodeJS.Signals | null, stderr: string): string {
  if (signal !== null) return `it was ended by ${signal}`;
  const lines = stderr.split("\n").map((line) => line.trim());
  // A crash of Node ends its report with the version; what went wrong stands above it.
  const said = lines.findLast((line) => /\berror\b/i.test(line)) ?? lines.findLast((line) => line !== "");
  return `it ended with code ${code}${said === undefined ? "" : `: ${said.slice(0, 300)}`}`;
}

async function newConnection(): Promise<ConnectionInfo> {
  const [shell, iopub, stdin, control, heartbeat] = await freePorts(5);
  return {
    ip: "127.0.0.1",
    transport: "tcp",
    shell_port: shell ?? 0,
    iopub_port: iopub ?? 0,
    stdin_port: stdin ?? 0,
    control_port: control ?? 0,
    hb_port: heartbeat ?? 0,
    key: randomBytes(32).toString("hex"),
    signature_scheme: "hmac-sha256",
    kernel_name: "tidetable",
  };
}

/** Ports that are free now. All are held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done, fail) => {
          server.once("error", fail);
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            done(typeof address === "object" && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
