/**
 * The tutorial's whole pipeline on this machine: Kafka, Cassandra, Tweeters behind HAProxy, and the workbench on their
 * stream. Owns the order of starting and stopping, and what each part is at a moment; the parts own their processes.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import { makeTopic } from "../../src/streaming/kafka/producer.js";
import type { Progress } from "../components/cache.js";
import { type CassandraCluster, startCassandra } from "../components/cassandra.js";
import { type Haproxy, startHaproxy } from "../components/haproxy.js";
import { type KafkaCluster, startKafka } from "../components/kafka.js";
import { answers } from "./answers.js";
import type { PipelineSize, ServiceName } from "./options.js";
import type { ServiceRow, ServiceState } from "./status-table.js";
import { nameOf, TweeterFleet } from "./tweeter-fleet.js";
import { startWorkbenchProcess, type WorkbenchProcess } from "./workbench-process.js";

export interface PipelineOptions {
  readonly size: PipelineSize;
  /** The `tidetable` binary: program and first arguments. */
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** The notebook beside it. */
  readonly workbench: boolean;
  /** Which topic tweets go to. */
  readonly topic?: string;
  readonly progress?: Progress;
}

/** A cluster of nodes that count from 1. */
type NodeCluster = Pick<KafkaCluster, "killNode" | "startNode"> & { readonly addresses: readonly string[] };

const partitions = 3;
/** How long stopping waits for a start that is under way. */
const startingTimeoutMs = 60_000;

export class Pipeline {
  readonly #options: PipelineOptions;
  #starting: Promise<void> | undefined;
  #stopping = false;
  #directory: string | undefined;
  #kafka: KafkaCluster | undefined;
  #cassandra: CassandraCluster | undefined;
  #haproxy: Haproxy | undefined;
  #fleet: TweeterFleet | undefined;
  #workbench: WorkbenchProcess | undefined;
  /** `kafka 2` that was killed, or is being started again. */
  readonly #outages = new Map<string, ServiceState>();

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  get brokers(): string {
    return started(this.#kafka, "Kafka").bootstrap.join(",");
  }

  get contactPoints(): string {
    return started(this.#cassandra, "Cassandra").contactPoints.join(",");
  }

  get tweeterUrl(): string {
    return started(this.#haproxy, "HAProxy").url;
  }

  get statsUrl(): string {
    return started(this.#haproxy, "HAProxy").statsUrl;
  }

  get workbenchUrl(): string | undefined {
    return this.#workbench?.url;
  }

  get haproxy(): Haproxy {
    return started(this.#haproxy, "HAProxy");
  }

  get fleet(): TweeterFleet {
    return started(this.#fleet, "Tweeter");
  }

  /** Servers first, then what needs them. What has been started when one fails is stopped by `stop`. */
  async start(): Promise<void> {
    this.#starting = this.#start();
    await this.#starting;
  }

  async #start(): Promise<void> {
    const { size, progress = () => {}, topic = "tweets" } = this.#options;
    this.#directory = await mkdtemp(join(tmpdir(), "tidetable-pipeline-"));
    // One cluster after the other: on two cores, six Java programs that start at once keep each other from being ready.
    const [kafka, haproxy] = await Promise.allSettled([
      startKafka({ nodes: size.kafkaNodes, progress }).then((started) => {
        this.#kafka = started;
      }),
      startHaproxy({ progress }).then((started) => {
        this.#haproxy = started;
      }),
    ]);
    for (const server of [kafka, haproxy]) if (server.status === "rejected") throw server.reason;
    if (!this.#stopping) this.#cassandra = await startCassandra({ nodes: size.cassandraNodes, progress });
    if (!this.#stopping) await makeTopic({ brokers: this.brokers.split(",") }, topic, { partitions });
    if (!this.#stopping) await this.#startTweeters();
    if (!this.#stopping && this.#options.workbench) await this.#startWorkbench();
  }

  async services(): Promise<readonly ServiceRow[]> {
    const { size, workbench } = this.#options;
    const [kafka, cassandra, tweeters, haproxy] = await Promise.all([
      this.#nodeRows("kafka", size.kafkaNodes, this.#kafka?.bootstrap),
      this.#nodeRows("cassandra", size.cassandraNodes, this.#cassandra?.contactPoints, this.#kafka === undefined),
      this.#tweeterRows(),
      this.#row("haproxy", this.#haproxy?.url),
    ]);
    const notebook = workbench ? [await this.#row("workbench", this.#workbench?.url, this.#workbench?.origin)] : [];
    return [...kafka, ...cassandra, ...tweeters, haproxy, ...notebook];
  }

  async scale(instances: number): Promise<void> {
    await this.fleet.scale(instances);
  }

  /** SIGKILL. A Tweeter comes back by itself, a node of a cluster when it is started. */
  async kill(service: ServiceName, number: number): Promise<void> {
    if (service === "tweeter") return this.fleet.kill(number);
    const cluster = this.#cluster(service, number);
    this.#outages.set(`${service} ${number}`, "ended");
    await cluster.killNode(number);
  }

  async startNode(service: ServiceName, number: number): Promise<void> {
    if (service === "tweeter") throw new TidetableError("CONFIG_INVALID", "A Tweeter is started again by itself.");
    const cluster = this.#cluster(service, number);
    const name = `${service} ${number}`;
    if (this.#outages.get(name) !== "ended") throw new TidetableError("CONFIG_INVALID", `${name} was not killed.`);
    this.#outages.set(name, "starting");
    try {
      await cluster.startNode(number);
      this.#outages.delete(name);
    } catch (error) {
      this.#outages.set(name, "ended");
      throw error;
    }
  }

  /** From what asks to what answers, so that nothing fails on its way out. Safe when only some of it has started. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // A server that is on its way up is known, and can be stopped, once it is there.
    await Promise.race([this.#starting?.catch(() => undefined), delay(startingTimeoutMs, undefined, { ref: false })]);
    await Promise.all([this.#workbench?.stop(), this.#fleet?.stop()]);
    await Promise.all([this.#haproxy?.stop(), this.#kafka?.stop(), this.#cassandra?.stop()]);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async #startTweeters(): Promise<void> {
    const directory = await this.#folder("tweeter");
    this.#fleet = new TweeterFleet({
      haproxy: this.haproxy,
      command: [...this.#options.command, "tweeter"],
      environment: { ...this.#serverAddresses(), TIDETABLE_DATA: directory },
      directory,
    });
    await this.#fleet.scale(this.#options.size.instances);
  }

  async #startWorkbench(): Promise<void> {
    const directory = await this.#folder("workbench");
    this.#workbench = await startWorkbenchProcess({
      command: [...this.#options.command, "start", "--no-open"],
      environment: { ...this.#serverAddresses(), TIDETABLE_DATA: directory },
      directory,
    });
  }

  #serverAddresses(): NodeJS.ProcessEnv {
    return {
      ...this.#options.environment,
      KAFKA_BROKERS: this.brokers,
      CASSANDRA_CONTACT_POINTS: this.contactPoints,
    };
  }

  async #folder(name: string): Promise<string> {
    const directory = join(started(this.#directory, "The pipeline"), name);
    await mkdir(directory, { recursive: true });
    return directory;
  }

  #cluster(service: Exclude<ServiceName, "tweeter">, number: number): NodeCluster {
    const kafka = started(this.#kafka, "Kafka");
    const cassandra = started(this.#cassandra, "Cassandra");
    const [cluster, addresses] = service === "kafka" ? [kafka, kafka.bootstrap] : [cassandra, cassandra.contactPoints];
    if (number > addresses.length) {
      throw new TidetableError("CONFIG_INVALID", `There is no ${service} ${number}; there are ${addresses.length}.`);
    }
    return {
      addresses,
      killNode: (node) => cluster.killNode(node),
      startNode: (node) => cluster.startNode(node),
    };
  }

  async #nodeRows(
    service: string,
    count: number,
    addresses: readonly string[] | undefined,
    waiting = false,
  ): Promise<ServiceRow[]> {
    return await Promise.all(
      Array.from({ length: count }, async (_, index): Promise<ServiceRow> => {
        const number = index + 1;
        const address = addresses?.[index];
        const outage = this.#outages.get(`${service} ${number}`);
        const unborn = waiting ? "waiting" : "starting";
        const state = outage ?? (address === undefined ? unborn : (await answers(address)) ? "healthy" : "unhealthy");
        return { service, number, state, address: address ?? "", detail: "" };
      }),
    );
  }

  async #tweeterRows(): Promise<ServiceRow[]> {
    const instances = this.#fleet?.instances() ?? [];
    if (instances.length === 0) {
      return Array.from({ length: this.#options.size.instances }, (_, index) => ({
        service: "tweeter",
        number: index + 1,
        state: "waiting" as const,
        address: "",
        detail: "",
      }));
    }
    const balanced = await this.#balanced();
    return instances.map(({ number, port, state, restarts }) => {
      const server = balanced.get(nameOf(number));
      const requests = server === undefined ? "" : `${server.requests.toLocaleString("en")} requests`;
      const again = restarts === 0 ? "" : `started again ${restarts === 1 ? "once" : `${restarts} times`}`;
      const known = server === undefined || /^UP/.test(server.status) ? "" : `balancer: ${server.status}`;
      const detail = [requests, again, known].filter((text) => text !== "").join(", ");
      return { service: "tweeter", number, state, address: `127.0.0.1:${port}`, detail };
    });
  }

  /** What the balancer knows; nothing while it does not answer. */
  async #balanced() {
    const servers = (await this.#haproxy?.servers().catch(() => [])) ?? [];
    return new Map(servers.map((server) => [server.name, server]));
  }

  async #row(service: string, url: string | undefined, shown = url): Promise<ServiceRow> {
    const state = url === undefined ? "waiting" : (await answers(new URL(url).host)) ? "healthy" : "unhealthy";
    return { service, state, address: shown?.replace(/^http:\/\//, "") ?? "", detail: "" };
  }
}

function started<Part>(part: Part | undefined, name: string): Part {
  if (part === undefined) throw new TidetableError("CONFIG_INVALID", `${name} has not started yet.`);
  return part;
}
