/**
 * HAProxy on loopback, in front of instances that come and go while it runs: round robin, health checks, a page of figures.
 * Owns its runtime socket; its configuration is haproxy-config.ts's, its process server-process.ts's, the instances somebody
 * else's.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { errorMessage, TidetableError } from "../../src/errors.js";
import type { Progress } from "./cache.js";
import { canInstallDebianPackages, installDebianPackages } from "./debian.js";
import { freePorts } from "./free-ports.js";
import { backend, haproxyConfig, serverParameters } from "./haproxy-config.js";
import { ServerProcess } from "./server-process.js";

export interface HaproxyOptions {
  /** Where requests come in. Default: a free port. */
  readonly port?: number;
  /** Its own page. Default: a free port. */
  readonly statsPort?: number;
  readonly progress?: Progress;
}

/** An instance as HAProxy sees it. */
export interface BalancedServer {
  readonly name: string;
  /** `UP`, `DOWN`, `DRAIN`, `MAINT`, `no check`, or on the way between two of them: `UP 1/2`. */
  readonly status: string;
  /** What its newest health check came to: `L7OK`, `L7STS/503`, `L4CON`; empty before the first. */
  readonly check: string;
  /** Requests that it was given so far. */
  readonly requests: number;
  /** Requests that it is answering now. */
  readonly underWay: number;
  /** Requests that were tried again elsewhere. */
  readonly redispatched: number;
}

export interface Haproxy {
  readonly url: string;
  readonly statsUrl: string;
  readonly directory: string;
  /** Resolves when its health check has passed and it gets its share. @throws TidetableError COMPONENT_MISSING: it does not pass. */
  addServer(name: string, port: number): Promise<void>;
  /** Gives it nothing new, waits until it has answered what it has, and forgets it. */
  removeServer(name: string): Promise<void>;
  servers(): Promise<readonly BalancedServer[]>;
  /** Resolves when the process ends without being told to. */
  readonly unexpectedEnd: Promise<void>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 15_000;
const changeTimeoutMs = 30_000;
const commandTimeoutMs = 5_000;

/** @throws TidetableError COMPONENT_MISSING: there is no HAProxy and it cannot be installed, or it does not start. */
export async function startHaproxy(options: HaproxyOptions = {}): Promise<Haproxy> {
  const program = await ensureHaproxy(options.progress);
  const [port = 0, statsPort = 0] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), "tidetable-haproxy-"));
  const haproxy = new LocalHaproxy(program, directory, {
    port: options.port ?? port,
    statsPort: options.statsPort ?? statsPort,
  });
  try {
    await haproxy.prepare();
  } catch (error) {
    await haproxy.stop();
    throw error;
  }
  return haproxy;
}

let ensured: Promise<string> | undefined;

/** The path of an HAProxy: `HAPROXY_PATH`, one that is there, or Debian's, installed first where this user may. */
export function ensureHaproxy(progress: Progress = (line) => process.stderr.write(`${line}\n`)): Promise<string> {
  ensured ??= findOrInstall(progress);
  return ensured;
}

async function findOrInstall(progress: Progress): Promise<string> {
  const found = findHaproxy();
  if (found !== undefined) return found;
  if (!canInstallDebianPackages()) throw missing("it is not installed");
  try {
    await installDebianPackages(["haproxy"], progress);
  } catch (cause) {
    throw missing("installing it with apt-get failed", cause);
  }
  const installed = findHaproxy();
  if (installed === undefined) throw missing("apt-get installed it, but it does not answer");
  return installed;
}

function findHaproxy(): string | undefined {
  // Debian keeps it where only root looks for programs.
  const candidates = [process.env.HAPROXY_PATH ?? "", "haproxy", "/usr/sbin/haproxy"].filter((path) => path !== "");
  return candidates.find((path) => spawnSync(path, ["-v"], { timeout: 20_000 }).status === 0);
}

function missing(why: string, cause?: unknown): TidetableError {
  return new TidetableError(
    "COMPONENT_MISSING",
    `HAProxy is missing: ${why}. Install it (Debian: apt-get install haproxy; macOS: brew install haproxy) or set HAPROXY_PATH.`,
    cause === undefined ? {} : { cause },
  );
}

interface HaproxyPorts {
  readonly port: number;
  readonly statsPort: number;
}

class LocalHaproxy extends ServerProcess implements Haproxy {
  readonly url: string;
  readonly statsUrl: string;
  readonly #ports: HaproxyPorts;

  constructor(program: string, directory: string, ports: HaproxyPorts) {
    const socket = runtimeSocket(directory);
    super({
      name: "HAProxy",
      program,
      parameters: ["-db", "-f", configPath(directory)],
      directory,
      temporary: true,
      logPath: join(directory, "haproxy.log"),
      readyTimeoutMs,
      isReady: async () => (await askHaproxy(socket, "show info")).includes("Pid:"),
    });
    this.url = `http://127.0.0.1:${ports.port}`;
    this.statsUrl = `http://127.0.0.1:${ports.statsPort}/`;
    this.#ports = ports;
  }

  async prepare(): Promise<void> {
    await writeFile(
      configPath(this.directory),
      haproxyConfig({ ...this.#ports, runtimeSocket: runtimeSocket(this.directory) }),
    );
    await this.start();
  }

  async addServer(name: string, port: number): Promise<void> {
    await this.#command(`add server ${backend}/${name} 127.0.0.1:${port} ${serverParameters}`, /New server registered/);
    await this.#command(`enable health ${backend}/${name}`);
    await this.#command(`enable server ${backend}/${name}`);
    await this.#until(`${name} passes its health check`, async () =>
      (await this.servers()).some(
        (server) => server.name === name && server.status === "UP" && server.check === "L7OK",
      ),
    );
  }

  async removeServer(name: string): Promise<void> {
    await this.#command(`set server ${backend}/${name} state drain`);
    await this.#until(`${name} has answered what it had`, async () => {
      const server = (await this.servers()).find((candidate) => candidate.name === name);
      return server === undefined || server.underWay === 0;
    });
    await this.#command(`set server ${backend}/${name} state maint`);
    // It goes only once the last connection to it is closed.
    await this.#until(`${name} is forgotten`, async () =>
      /deleted/.test(await this.#ask(`del server ${backend}/${name}`)),
    );
  }

  async servers(): Promise<readonly BalancedServer[]> {
    const table = (await this.#ask(`show stat ${backend} 4 -1`)).replace(/^# /, "");
    const rows: Record<string, string>[] = parse(table, {
      columns: true,
      relaxColumnCount: true,
      skipEmptyLines: true,
    });
    return rows.map((row) => ({
      name: row.svname ?? "",
      status: row.status ?? "",
      check: row.check_status ?? "",
      requests: Number(row.stot),
      underWay: Number(row.scur),
      redispatched: Number(row.wredis),
    }));
  }

  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + changeTimeoutMs;
    while (!(await look())) {
      if (performance.now() > deadlineMs) {
        throw new TidetableError("COMPONENT_MISSING", `HAProxy: not within ${changeTimeoutMs / 1000} s: ${what}.`);
      }
      await delay(50);
    }
  }

  /** Commands answer an empty line, or what is wrong. */
  async #command(command: string, expected = /^\s*$/): Promise<void> {
    const answer = await this.#ask(command);
    if (!expected.test(answer)) {
      throw new TidetableError("COMPONENT_MISSING", `HAProxy answers "${answer.trim()}" to: ${command}`);
    }
  }

  async #ask(command: string): Promise<string> {
    return await askHaproxy(runtimeSocket(this.directory), command);
  }
}

function configPath(directory: string): string {
  return join(directory, "haproxy.cfg");
}

function runtimeSocket(directory: string): string {
  return join(directory, "runtime.sock");
}

async function askHaproxy(socketPath: string, command: string): Promise<string> {
  return await new Promise((answer, fail) => {
    const socket = connect(socketPath);
    let received = "";
    socket.setTimeout(commandTimeoutMs, () => socket.destroy(new Error(`no answer within ${commandTimeoutMs} ms`)));
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${command}\n`));
    socket.on("data", (text: string) => {
      received += text;
    });
    socket.on("end", () => answer(received));
    socket.on("error", (cause) => {
      fail(
        new TidetableError("COMPONENT_MISSING", `HAProxy does not answer "${command}": ${errorMessage(cause)}`, {
          cause,
        }),
      );
    });
  });
}
