/**
 * The second demo on this machine: Kafka, InfluxDB and an S3 server, the producer, the two jobs and the workbench. Owns the
 * order of starting and stopping; the parts own their processes.
 */
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import { Bucket } from "../../src/sinks/s3.js";
import { makeTopic } from "../../src/streaming/kafka/producer.js";
import type { Progress } from "../components/cache.js";
import { type Influxdb, startInfluxdb } from "../components/influxdb.js";
import { type KafkaCluster, startKafka } from "../components/kafka.js";
import { type S3Server, startS3 } from "../components/s3proxy.js";
import { answers } from "../pipeline/answers.js";
import type { ServiceRow } from "../pipeline/status-table.js";
import { startWorkbenchProcess, type WorkbenchProcess } from "../pipeline/workbench-process.js";
import { Job } from "./job.js";
import type { ChicagoOptions } from "./options.js";

export interface ChicagoDemoOptions extends ChicagoOptions {
  /** The `tidetable` binary: program and first arguments. */
  readonly command: readonly string[];
  readonly notebook: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly progress?: Progress;
}

const topic = "crimes";
const partitions = 3;
const bucketName = "chicago-crime";
const region = "us-east-1";
const mapKey = "index.html";
const firstMapTimeoutMs = 60_000;
const mapLinkSeconds = 7 * 86_400;

export class ChicagoDemo {
  readonly database = "chicago";
  readonly #options: ChicagoDemoOptions;
  #starting: Promise<void> | undefined;
  readonly #stop = new AbortController();
  #directory: string | undefined;
  #kafka: KafkaCluster | undefined;
  #influxdb: Influxdb | undefined;
  #s3: S3Server | undefined;
  #workbench: WorkbenchProcess | undefined;
  /** Producer first, then what reads. */
  readonly #jobs: Job[] = [];

  constructor(options: ChicagoDemoOptions) {
    this.#options = options;
  }

  get brokers(): string {
    return started(this.#kafka, "Kafka").bootstrap.join(",");
  }

  get influxdbUrl(): string {
    return started(this.#influxdb, "InfluxDB").url;
  }

  get workbenchUrl(): string {
    return started(this.#workbench, "The workbench").url;
  }

  get bucket(): Bucket {
    const { url, accessKeyId, secretAccessKey } = started(this.#s3, "S3");
    return new Bucket({ endpoint: url, bucket: bucketName, region, accessKeyId, secretAccessKey });
  }

  /** An address of the map that anybody on this machine can open, for a week. */
  mapUrl(): Promise<string> {
    return this.bucket.signedUrl(mapKey, mapLinkSeconds);
  }

  /** Until there is one, or until that takes too long: its job says why. */
  async #untilMap(): Promise<void> {
    const deadlineMs = performance.now() + firstMapTimeoutMs;
    const bounds = { timeoutMs: 5_000, signal: this.#stop.signal };
    while (performance.now() < deadlineMs && !this.#stop.signal.aborted) {
      const keys = await this.bucket.list(mapKey, bounds).catch(() => []); // The bucket is made by the job.
      if (keys.length > 0) return;
      await delay(500);
    }
  }

  /** Servers first, then what needs them. What has been started when one fails is stopped by `stop`. */
  async start(): Promise<void> {
    this.#starting = this.#start();
    await this.#starting;
  }

  async services(): Promise<readonly ServiceRow[]> {
    const [kafka, influxdb, s3, workbench] = await Promise.all([
      serverRow("kafka", this.#kafka?.bootstrap[0]),
      serverRow("influxdb", this.#influxdb?.url),
      serverRow("s3", this.#s3?.url),
      serverRow("workbench", this.#workbench?.origin),
    ]);
    return [kafka, influxdb, s3, ...this.#jobs.map((job) => job.row()), workbench];
  }

  /** From what asks to what answers, so that nothing fails on its way out. Safe when only some of it has started. */
  async stop(): Promise<void> {
    this.#stop.abort();
    // A server that is on its way up can be stopped once it is there.
    await this.#starting?.catch(() => undefined);
    await Promise.all([this.#workbench?.stop(), ...this.#jobs.map((job) => job.stop())]);
    await Promise.all([this.#kafka?.stop(), this.#influxdb?.stop(), this.#s3?.stop()]);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { progress = () => {}, ratePerSecond, mapEverySeconds, notebook } = this.#options;
    const directory = await mkdtemp(join(tmpdir(), "tidetable-chicago-"));
    this.#directory = directory;
    const servers = await Promise.allSettled([
      startKafka({ nodes: 1, progress }).then((kafka) => {
        this.#kafka = kafka;
      }),
      startInfluxdb({ progress }).then((influxdb) => {
        this.#influxdb = influxdb;
      }),
      startS3({ progress }).then((s3) => {
        this.#s3 = s3;
      }),
    ]);
    for (const server of servers) if (server.status === "rejected") throw server.reason;
    if (this.#stop.signal.aborted) return;
    await makeTopic({ brokers: this.brokers.split(",") }, topic, { partitions });
    this.#run("producer", ["post-crimes", "--endless", "--rate", String(ratePerSecond)]);
    this.#run("online", ["crimes", "online", "--database", this.database]);
    this.#run("offline", ["crimes", "offline", "--bucket", bucketName, "--every", String(mapEverySeconds)]);
    const copy = join(directory, "notebooks", "chicago-crime.ipynb");
    await mkdir(join(directory, "notebooks"));
    await copyFile(notebook, copy);
    if (this.#stop.signal.aborted) return;
    this.#workbench = await startWorkbenchProcess({
      command: [...this.#options.command, "start", copy, "--no-open"],
      environment: this.#environment(),
      directory,
    });
    await this.#untilMap();
  }

  #run(name: string, parameters: readonly string[]): void {
    const directory = started(this.#directory, "The demo");
    const command = [...this.#options.command, ...parameters];
    this.#jobs.push(new Job({ name, command, environment: this.#environment(), directory }));
  }

  #environment(): NodeJS.ProcessEnv {
    const s3 = started(this.#s3, "S3");
    return {
      ...this.#options.environment,
      KAFKA_BROKERS: this.brokers,
      INFLUXDB_URL: this.influxdbUrl,
      S3_ENDPOINT: s3.url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      TIDETABLE_DATA: join(started(this.#directory, "The demo"), "data"),
    };
  }
}

async function serverRow(service: string, url: string | undefined): Promise<ServiceRow> {
  const address = url?.replace(/^http:\/\//, "") ?? "";
  const state = url === undefined ? "starting" : (await answers(address)) ? "healthy" : "unhealthy";
  return { service, state, address, detail: "" };
}

function started<Part>(part: Part | undefined, name: string): Part {
  if (part === undefined) throw new TidetableError("CONFIG_INVALID", `${name} has not started yet.`);
  return part;
}
