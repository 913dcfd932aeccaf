/**
 * InfluxDB 1.x on loopback, from Debian's package or the machine's own. Owns its configuration, its data and its first
 * user; the process is server-process.ts's. Knows nothing of what is written to it.
 */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { errorMessage, TidetableError } from "../../src/errors.js";
import type { Progress } from "./cache.js";
import { canInstallDebianPackages, installDebianPackages } from "./debian.js";
import { freePorts } from "./free-ports.js";
import { ServerProcess } from "./server-process.js";

export interface InfluxdbOptions {
  /** Where requests come in. Default: a free port. */
  readonly port?: number;
  /** Where data, log and configuration are kept. Default: a temporary folder, removed at `stop()`. */
  readonly directory?: string;
  /** Set: it lets nobody else in. This user may do everything. */
  readonly username?: string;
  readonly password?: string;
  readonly progress?: Progress;
}

export interface Influxdb {
  readonly url: string;
  readonly directory: string;
  /** SIGKILL: no flush, no farewell. */
  kill(): Promise<void>;
  /** After `kill()`: on the same port and data; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it keeps its sockets and says nothing. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Resolves when the process ends without being told to. */
  readonly unexpectedEnd: Promise<void>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 30_000;
const requestTimeoutMs = 10_000;

/** @throws TidetableError COMPONENT_MISSING: there is no InfluxDB and it cannot be installed, or it does not start. */
export async function startInfluxdb(options: InfluxdbOptions = {}): Promise<Influxdb> {
  const program = await ensureInfluxdb(options.progress);
  const [port = 0, internalPort = 0] = await freePorts(2);
  const influxdb = new LocalInfluxdb(program, options, await prepareDirectory(options.directory), {
    http: options.port ?? port,
    internal: internalPort,
  });
  try {
    await influxdb.prepare();
  } catch (error) {
    await influxdb.stop();
    throw error;
  }
  return influxdb;
}

async function prepareDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return await mkdtemp(join(tmpdir(), "tidetable-influxdb-"));
  await mkdir(given, { recursive: true });
  return resolve(given);
}

let ensured: Promise<string> | undefined;

/** The path of an influxd: `INFLUXDB_PATH`, one that is there, or Debian's, installed first where this user may. */
export function ensureInfluxdb(progress: Progress = (line) => process.stderr.write(`${line}\n`)): Promise<string> {
  ensured ??= findOrInstall(progress);
  return ensured;
}

async function findOrInstall(progress: Progress): Promise<string> {
  const found = findInfluxdb();
  if (found !== undefined) return found;
  if (!canInstallDebianPackages()) throw missing("it is not installed");
  try {
    await installDebianPackages(["influxdb"], progress);
  } catch (cause) {
    throw missing("installing it with apt-get failed", cause);
  }
  const installed = findInfluxdb();
  if (installed === undefined) throw missing("apt-get installed it, but it does not answer");
  return installed;
}

function findInfluxdb(): string | undefined {
  const candidates = [process.env.INFLUXDB_PATH ?? "", "influxd", "/usr/bin/influxd"].filter((path) => path !== "");
  // 2.x has other paths, tokens in the place of users, and no InfluxQL without more set-up.
  return candidates.find((path) =>
    /\bv?1\.\d/.test(spawnSync(path, ["version"], { timeout: 20_000, encoding: "utf8" }).stdout ?? ""),
  );
}

function missing(why: string, cause?: unknown): TidetableError {
  return new TidetableError(
    "COMPONENT_MISSING",
    `InfluxDB 1.x is missing: ${why}. Install it (Debian: apt-get install influxdb; macOS: brew install influxdb@1) or set INFLUXDB_PATH to its influxd.`,
    cause === undefined ? {} : { cause },
  );
}

class LocalInfluxdb extends ServerProcess implements Influxdb {
  readonly url: string;
  readonly #options: InfluxdbOptions;
  readonly #ports: Ports;

  constructor(program: string, options: InfluxdbOptions, directory: string, ports: Ports) {
    const url = `http://127.0.0.1:${ports.http}`;
    super({
      name: "InfluxDB",
      program,
      parameters: ["run", "-config", configPath(directory)],
      directory,
      temporary: options.directory === undefined,
      logPath: join(directory, "influxdb.log"),
      environment: withoutOverrides(process.env),
      readyTimeoutMs,
      isReady: async () => (await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1_000) })).status === 204,
    });
    this.url = url;
    this.#options = options;
    this.#ports = ports;
  }

  async prepare(): Promise<void> {
    await writeFile(
      configPath(this.directory),
      config(this.directory, this.#ports, this.#options.username !== undefined),
    );
    await this.start();
    if (this.#options.username !== undefined)
      await this.#makeUser(this.#options.username, this.#options.password ?? "");
  }

  /** The first user of an InfluxDB that asks for users may be made by anybody; on kept data it is there already. */
  async #makeUser(username: string, password: string): Promise<void> {
    const name = `"${username.replace(/["\\]/g, "\\$&")}"`;
    const secret = `'${password.replace(/['\\]/g, "\\$&")}'`;
    const response = await fetch(`${this.url}/query`, {
      method: "POST",
      // Counts when the user is there; where there is none, nobody is asked.
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` },
      body: new URLSearchParams({ q: `CREATE USER ${name} WITH PASSWORD ${secret} WITH ALL PRIVILEGES` }),
      signal: AbortSignal.timeout(requestTimeoutMs),
    }).catch((cause: unknown) => {
      throw new TidetableError("COMPONENT_MISSING", `InfluxDB does not answer: ${errorMessage(cause)}`, { cause });
    });
    const answer = await response.text();
    if (!response.ok || (answer.includes('"error"') && !answer.includes("user already exists"))) {
      throw new TidetableError("COMPONENT_MISSING", `InfluxDB does not make the user ${username}: ${answer.trim()}`);
    }
  }
}

function configPath(directory: string): string {
  return join(directory, "influxdb.conf");
}

interface Ports {
  readonly http: number;
  /** For backups, which nobody makes here; without a port of its own it would take 8088. */
  readonly internal: number;
}

/** Its settings can be overridden by variables of these names; a test's InfluxDB has the settings of its file. */
function withoutOverrides(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("INFLUXDB_")));
}

function config(directory: string, ports: Ports, authentication: boolean): string {
  const path = (name: string) => JSON.stringify(join(directory, name));
  return `reporting-enabled = false
bind-address = "127.0.0.1:${ports.internal}"

[meta]
  dir = ${path("meta")}
  logging-enabled = false

[data]
  dir = ${path("data")}
  wal-dir = ${path("wal")}
  query-log-enabled = false

[http]
  bind-address = "127.0.0.1:${ports.http}"
  auth-enabled = ${authentication}
  # A line for each request, which a demo makes by the hundred.
  log-enabled = false

[logging]
  level = "warn"
  suppress-logo = true

# Its own figures, written into a database of their own every ten seconds.
[monitor]
  store-enabled = false

[subscriber]
  enabled = false

[continuous_queries]
  enabled = false
`;
}
