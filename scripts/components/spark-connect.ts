/**
 * A real Spark Connect server on loopback: started, watched until it answers, stopped by pid, its log kept when it fails.
 * Which Spark and how a program of it is started is spark.ts's.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, TidetableError } from "../../src/errors.js";
import { connect } from "../../src/sql/spark-connect/session.js";
import type { Progress } from "./cache.js";
import { freePort } from "./free-ports.js";
import { ensureJars } from "./maven.js";
import { endOrKill, hasEnded } from "./process-end.js";
import { ensureSpark, type SparkFiles, type SparkVersion, sparkSubmit } from "./spark.js";

export const sparkVersionDefault: SparkVersion = "4.1.1";

export interface SparkConnectOptions {
  readonly version?: SparkVersion;
  /** Default: a free one. */
  readonly port?: number;
  /** Where Spark writes its tables and temporary files. Default: a temporary folder, removed at `stop()`. */
  readonly directory?: string;
  /** Every call must carry it. */
  readonly token?: string;
  /** Default `local[2]`. */
  readonly master?: string;
  /** Default `1g`. */
  readonly driverMemory?: string;
  readonly conf?: Readonly<Record<string, string>>;
  readonly progress?: Progress;
}

export interface SparkConnectServer {
  readonly version: SparkVersion;
  /** For SPARK_REMOTE, with the token where there is one. */
  readonly address: string;
  readonly directory: string;
  readonly pid: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts one that was killed again, on the same port and folder. */
  start(): Promise<void>;
  /** Resolves when it ends without being told to. */
  readonly unexpectedEnd: Promise<void>;
  stop(): Promise<void>;
}

/** A JVM on a machine that does much else. */
const readyTimeoutMs = 240_000;
const stopTimeoutMs = 10_000;
/** A port that was free when it was chosen may be another's by the time it is bound. */
const PORT_ATTEMPTS = 3;

/** @throws TidetableError COMPONENT_MISSING (no Java, a server that will not start), PORT_TAKEN. */
export async function startSparkConnect(options: SparkConnectOptions = {}): Promise<SparkConnectServer> {
  const directory =
    options.directory === undefined ? await mkdtemp(join(tmpdir(), "tidetable-spark-")) : resolve(options.directory);
  await mkdir(directory, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const server = new LocalSparkConnect(directory, await choosePort(options.port), options);
    try {
      await server.start();
      return server;
    } catch (error) {
      // The folder stays: the error names the log in it.
      await server.end();
      const isTaken = options.port === undefined && (await server.log()).includes("java.net.BindException");
      if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

class LocalSparkConnect implements SparkConnectServer {
  readonly version: SparkVersion;
  readonly address: string;
  readonly directory: string;
  readonly unexpectedEnd: Promise<void>;
  readonly #port: number;
  readonly #options: SparkConnectOptions;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #dismissed = false;
  #reportUnexpectedEnd: () => void = () => {};
  /** Our own end, however it comes short of SIGKILL, leaves no server behind. */
  readonly #killNow = () => this.#child?.kill("SIGKILL");

  constructor(directory: string, port: number, options: SparkConnectOptions) {
    this.version = options.version ?? sparkVersionDefault;
    this.directory = directory;
    this.#port = port;
    this.#options = options;
    this.#logFile = join(directory, "server.log");
    // On loopback TLS protects from nobody; the token does.
    const token = options.token === undefined ? "" : `/;token=${encodeURIComponent(options.token)}`;
    this.address = `sc://127.0.0.1:${port}${token}`;
    this.unexpectedEnd = new Promise((report) => {
      this.#reportUnexpectedEnd = report;
    });
    process.on("exit", this.#killNow);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const { progress = () => {}, token, master, driverMemory, conf } = this.#options;
    const spark = await ensureSpark(this.version, progress);
    const { command, parameters, environment } = sparkSubmit(spark, {
      mainClass: "org.apache.spark.sql.connect.service.SparkConnectServer",
      directory: this.directory,
      ...(master === undefined ? {} : { master }),
      ...(driverMemory === undefined ? {} : { driverMemory }),
      conf: {
        ...(await connectJars(spark, progress)),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": String(this.#port),
        // A live query must not wait behind a long one.
        "spark.scheduler.mode": "FAIR",
        "spark.sql.streaming.checkpointFileManagerClass": checkpointFiles(this.version),
        ...conf,
      },
    });
    progress(`Spark ${this.version}: starting the Connect server on port ${this.#port}`);
    const log = openSync(this.#logFile, "a");
    this.#dismissed = false;
    const child = spawn(command, parameters, {
      cwd: this.directory,
      env: { ...environment, ...(token === undefined ? {} : { SPARK_CONNECT_AUTHENTICATE_TOKEN: token }) },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#child = child;
    child.once("exit", () => {
      if (!this.#dismissed && child === this.#child) this.#reportUnexpectedEnd();
    });
    await this.#untilReady(child);
  }

  async kill(): Promise<void> {
    this.#dismissed = true;
    const child = this.#child;
    child?.kill("SIGKILL");
    if (child !== undefined) await endOrKill(child, stopTimeoutMs);
  }

  async stop(): Promise<void> {
    await this.end();
    if (this.#options.directory === undefined) await rm(this.directory, { recursive: true, force: true });
  }

  async end(): Promise<void> {
    this.#dismissed = true;
    process.off("exit", this.#killNow);
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    await endOrKill(child, stopTimeoutMs);
  }

  /** Ready when it answers its version; the session that asks warms it up. */
  async #untilReady(child: ChildProcess): Promise<void> {
    const deadlineMs = performance.now() + readyTimeoutMs;
    let last = "";
    while (performance.now() < deadlineMs) {
      if (hasEnded(child)) throw await this.#failure("ended while it started");
      try {
        const session = await connect(this.address);
        await session.close();
        return;
      } catch (error) {
        if (!(error instanceof TidetableError) || !error.retryable) throw error;
        last = errorMessage(error);
      }
      await delay(200);
    }
    throw await this.#failure(`does not answer after ${readyTimeoutMs / 1000} s (${last})`);
  }

  log(): Promise<string> {
    return readFile(this.#logFile, "utf8").catch(() => "");
  }

  async #failure(what: string): Promise<TidetableError> {
    const end = (await this.log()).trim().split("\n").slice(-12).join("\n");
    return new TidetableError(
      "COMPONENT_MISSING",
      `Spark ${this.version} ${what}; its log is ${this.#logFile}:\n${end}`,
    );
  }
}

/**
 * How Spark writes its logs of a stream. By default through Hadoop's FileContext, which on a local disk starts a program
 * for each file's links and rights: about 30 ms a file, twice in each batch. This one renames, and no more.
 */
function checkpointFiles(version: SparkVersion): string {
  const home = /^(3|4\.0)\./.test(version) ? "streaming" : "streaming.checkpointing";
  return `org.apache.spark.sql.execution.${home}.FileSystemBasedCheckpointFileManager`;
}

/** Before 4.0 Spark comes without its Connect server. */
async function connectJars(
  { version, scala, kafkaJars }: SparkFiles,
  progress: Progress,
): Promise<Readonly<Record<string, string>>> {
  if (!version.startsWith("3")) return {};
  const artifacts = [`org.apache.spark:spark-connect_${scala}:${version}`];
  const library = await ensureJars({ name: `spark-connect-${version}`, artifacts, transitive: false }, progress);
  const jars = (await readdir(library)).filter((file) => file.endsWith(".jar")).map((jar) => join(library, jar));
  return { "spark.jars": [...kafkaJars, ...jars].join(",") };
}

/** The port asked for when it is free; else a free one that no process of Spark's own is lent before it is bound. */
async function choosePort(wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return await freePort();
  const server = createServer();
  return new Promise((chosen, failed) => {
    server.once("error", (error) =>
      failed(
        new TidetableError("PORT_TAKEN", `Port ${wanted} is taken. Choose another: npm run spark -- --port 15102`, {
          cause: error,
        }),
      ),
    );
    server.listen(wanted, "127.0.0.1", () => server.close(() => chosen(wanted)));
  });
}
