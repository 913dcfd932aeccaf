/**
 * A real Kafka on loopback, from Maven's jars: one node or three, KRaft, each node broker and controller at once.
 * Owns the processes: started, watched until the cluster answers by its own id, stopped by pid, logs kept when a node fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import type { Progress } from "./cache.js";
import { runCommand } from "./command.js";
import { choosePorts, type NodePorts } from "./kafka-ports.js";
import { ensureJars } from "./maven.js";
import { ended, endOrKill, hasEnded } from "./process-end.js";
import { freezeProcess } from "./process-freeze.js";
import type { ServerNodes } from "./server-nodes.js";

export const kafkaVersion = "4.4.0";

export interface KafkaOptions {
  readonly nodes: 1 | 3;
  /** Broker port of node 1; node i gets `port + 100 × (i - 1)`, its controller the port above. Default: free ports. */
  readonly port?: number;
  /** Where the nodes keep their data; must be empty or absent. Default: a temporary folder, removed at `stop()`. */
  readonly directory?: string;
  /** Lines for every node's properties file, which win over ours. */
  readonly extraProperties?: Readonly<Record<string, string>>;
  /** Listeners beside the plain one, by name; their settings go into `extraProperties` as `listener.name.<name>.…`. */
  readonly extraListeners?: Readonly<Record<string, "SSL" | "SASL_PLAINTEXT" | "SASL_SSL">>;
  /** Passwords by user for SCRAM, in both of its strengths. */
  readonly scramUsers?: Readonly<Record<string, string>>;
  readonly progress?: Progress;
}

export interface KafkaCluster extends ServerNodes {
  /** `127.0.0.1:port` of every node. */
  readonly bootstrap: readonly string[];
  /** The same of one of the extra listeners. */
  bootstrapOf(listener: string): readonly string[];
}

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;

/** @throws TidetableError COMPONENT_MISSING (no Java, no Maven, a node that will not start), PORT_TAKEN. */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const progress = options.progress ?? (() => {});
  const libraryDirectory = await ensureJars(
    {
      name: `kafka-${kafkaVersion}`,
      artifacts: [
        `org.apache.kafka:kafka_2.13:${kafkaVersion}`,
        // kafka_2.13 brings a logging interface and nothing behind it.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
        "org.apache.logging.log4j:log4j-core:2.25.4",
      ],
    },
    progress,
  );
  const ports = await choosePorts(options.nodes, options.port, Object.keys(options.extraListeners ?? {}));
  const directory = await prepareDirectory(options.directory);
  const cluster = new LocalKafka(directory, libraryDirectory, ports, options);
  try {
    await cluster.format(progress);
    await cluster.start(progress);
  } catch (error) {
    // The folder stays: the error names the node's log in it.
    await cluster.end();
    throw error;
  }
  return cluster;
}

async function prepareDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return await mkdtemp(join(tmpdir(), "tidetable-kafka-"));
  const directory = resolve(given);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new TidetableError("CONFIG_INVALID", `${directory} is not empty. Name a new folder for Kafka's data.`);
  }
  return directory;
}

class LocalKafka implements KafkaCluster {
  readonly bootstrap: readonly string[];
  readonly directory: string;
  readonly unexpectedEnd: Promise<number>;
  readonly #libraryDirectory: string;
  readonly #ports: readonly NodePorts[];
  readonly #options: KafkaOptions;
  /** 16 random bytes as Kafka writes them; a first letter keeps a leading "-" from reading as an option. */
  readonly #clusterId = `A${randomBytes(16).toString("base64url").slice(1, 22)}`;
  readonly #processes = new Map<number, ChildProcess>();
  /** Nodes that were told to end. */
  readonly #dismissed = new Set<number>();
  #reportUnexpectedEnd: (node: number) => void = () => {};
  /** Our own end, however it comes short of SIGKILL, leaves no server behind. */
  readonly #killAll = () => {
    for (const child of this.#processes.values()) child.kill("SIGKILL");
  };

  constructor(directory: string, libraryDirectory: string, ports: readonly NodePorts[], options: KafkaOptions) {
    this.directory = directory;
    this.bootstrap = ports.map(({ broker }) => `127.0.0.1:${broker}`);
    this.#libraryDirectory = libraryDirectory;
    this.#ports = ports;
    this.#options = options;
    this.unexpectedEnd = new Promise((report) => {
      this.#reportUnexpectedEnd = report;
    });
  }

  bootstrapOf(listener: string): readonly string[] {
    return this.#ports.map(({ extra }) => `127.0.0.1:${extra[listener]}`);
  }

  async format(progress: Progress): Promise<void> {
    progress(`Kafka ${kafkaVersion}: formatting ${this.#ports.length} node(s) in ${this.directory}`);
    await writeFile(join(this.directory, "log4j2.properties"), log4jProperties);
    for (const node of this.#nodes()) {
      await writeFile(this.#file(node, "properties"), this.#properties(node));
      await runCommand(
        "java",
        [
          ...this.#javaOptions(),
          "kafka.tools.StorageTool",
          "format",
          "-t",
          this.#clusterId,
          "-c",
          this.#file(node, "properties"),
          ...this.#scramArguments(),
        ],
        { timeoutMs: readyTimeoutMs, missing: "Install a JDK 17 or newer." },
      );
    }
  }

  async start(progress: Progress): Promise<void> {
    process.once("exit", this.#killAll);
    const startedMs = performance.now();
    for (const node of this.#nodes()) await this.#spawn(node);
    await this.#waitUntilReady(this.#nodes());
    progress(`Kafka ${kafkaVersion}: ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }

  async killNode(node: number): Promise<void> {
    this.#dismissed.add(node);
    const child = this.#processes.get(node);
    if (child === undefined) throw new TidetableError("CONFIG_INVALID", `Kafka node ${node} does not run.`);
    child.kill("SIGKILL");
    await ended(child, stopTimeoutMs);
    this.#processes.delete(node);
  }

  async stopNode(node: number): Promise<void> {
    this.#dismissed.add(node);
    const child = this.#processes.get(node);
    if (child === undefined) throw new TidetableError("CONFIG_INVALID", `Kafka node ${node} does not run.`);
    child.kill("SIGTERM");
    await endOrKill(child, stopTimeoutMs);
    this.#processes.delete(node);
  }

  async freezeNode(node: number): Promise<void> {
    await freezeProcess(this.#processes.get(node)?.pid);
  }

  thawNode(node: number): void {
    this.#processes.get(node)?.kill("SIGCONT");
  }

  async startNode(node: number): Promise<void> {
    this.#dismissed.delete(node);
    await this.#spawn(node);
    await this.#waitUntilReady([node]);
  }

  async stop(): Promise<void> {
    await this.end();
    if (this.#options.directory === undefined) await rm(this.directory, { recursive: true, force: true });
  }

  /** Ends the processes and keeps the folder. */
  async end(): Promise<void> {
    const running = [...this.#processes];
    for (const [node, child] of running) {
      this.#dismissed.add(node);
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    }
    await Promise.all(running.map(([, child]) => endOrKill(child, stopTimeoutMs)));
    this.#processes.clear();
    process.off("exit", this.#killAll);
  }

  #nodes(): number[] {
    return this.#ports.map((_, index) => index + 1);
  }

  #file(node: number, extension: "properties" | "log" | "pid"): string {
    return join(this.directory, `node${node}.${extension}`);
  }

  async #spawn(node: number): Promise<void> {
    const log = openSync(this.#file(node, "log"), "a");
    const child = spawn("java", [...this.#javaOptions(), "kafka.Kafka", this.#file(node, "properties")], {
      cwd: this.directory,
      stdio: ["ignore", log, log],
      // Its own group: Ctrl-C reaches us alone, and we stop the nodes in order.
      detached: true,
    });
    closeSync(log);
    // A java that cannot be started shows as a process without an exit code; the wait for readiness tells.
    child.on("error", () => this.#processes.delete(node));
    child.on("exit", () => {
      if (!this.#dismissed.has(node)) this.#reportUnexpectedEnd(node);
    });
    this.#processes.set(node, child);
    await writeFile(this.#file(node, "pid"), String(child.pid ?? ""));
  }

  /** Ready: every asked node lists the whole cluster, under our id. A stranger on the same port has another id. */
  async #waitUntilReady(nodes: readonly number[]): Promise<void> {
    const deadlineMs = performance.now() + readyTimeoutMs;
    for (;;) {
      const alive = this.#ports.length - [...this.#dismissed].length;
      const counts = await Promise.all(nodes.map((node) => this.#brokersSeenBy(node)));
      if (counts.every((count) => count >= alive)) return;
      for (const node of nodes) {
        const child = this.#processes.get(node);
        if (child === undefined || hasEnded(child)) {
          throw await this.#failure(node, "ended while it started");
        }
      }
      const late = nodes[counts.findIndex((count) => count < alive)] ?? nodes[0] ?? 1;
      if (performance.now() > deadlineMs)
        throw await this.#failure(late, `was not ready within ${readyTimeoutMs / 1000} s`);
      await delay(100);
    }
  }

  async #failure(node: number, what: string): Promise<TidetableError> {
    const path = this.#file(node, "log");
    const lines = (await readFile(path, "utf8")).trim().split("\n").slice(-15).join("\n");
    return new TidetableError("COMPONENT_MISSING", `Kafka node ${node} ${what}. Its log, ${path}, ends:\n${lines}`);
  }

  /** Number of brokers in the node's answer to a Metadata request; 0 while it does not answer, or is another cluster's. */
  async #brokersSeenBy(node: number): Promise<number> {
    const port = this.#ports[node - 1]?.broker ?? 0;
    return await new Promise((answer) => {
      let received = Buffer.alloc(0);
      const socket = connect(port, "127.0.0.1");
      const done = (count: number) => {
        socket.destroy();
        answer(count);
      };
      socket.setTimeout(1_000, () => done(0));
      socket.on("error", () => done(0));
      socket.on("close", () => answer(0));
      socket.on("connect", () => socket.write(metadataRequest));
      socket.on("data", (data) => {
        received = Buffer.concat([received, data]);
        if (received.length < 16 || received.length < 4 + received.readInt32BE(0)) return;
        // size, correlation id, throttle time (v3 on), then the array of brokers.
        done(received.includes(this.#clusterId) ? received.readInt32BE(12) : 0);
      });
    });
  }

  #javaOptions(): string[] {
    return [
      "-Xms256M",
      "-Xmx512M",
      "-XX:+UseG1GC",
      "-XX:MaxGCPauseMillis=20",
      "-Djava.awt.headless=true",
      // Without it the listener is bound, and announced, as an IPv6 address.
      "-Djava.net.preferIPv4Stack=true",
      `-Dlog4j2.configurationFile=${join(this.directory, "log4j2.properties")}`,
      "-cp",
      join(this.#libraryDirectory, "*"),
    ];
  }

  #scramArguments(): string[] {
    return Object.entries(this.#options.scramUsers ?? {}).flatMap(([name, password]) =>
      ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
        "--add-scram",
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    );
  }

  #properties(node: number): string {
    const ports: NodePorts = this.#ports[node - 1] ?? { broker: 0, controller: 0, extra: {} };
    const extra = Object.entries(this.#options.extraListeners ?? {});
    const addresses = [
      `PLAINTEXT://127.0.0.1:${ports.broker}`,
      ...extra.map(([name]) => `${name}://127.0.0.1:${ports.extra[name]}`),
    ];
    const protocols = [
      "CONTROLLER:PLAINTEXT",
      "PLAINTEXT:PLAINTEXT",
      ...extra.map(([name, protocol]) => `${name}:${protocol}`),
    ];
    const replicas = this.#ports.length;
    const minimumInSync = replicas >= 3 ? 2 : 1;
    const properties: Record<string, string | number | boolean> = {
      "process.roles": "broker,controller",
      "node.id": node,
      "controller.quorum.voters": this.#ports
        .map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`)
        .join(","),
      listeners: [...addresses, `CONTROLLER://127.0.0.1:${ports.controller}`].join(","),
      "advertised.listeners": addresses.join(","),
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "PLAINTEXT",
      "listener.security.protocol.map": protocols.join(","),
      "log.dirs": join(this.directory, `node${node}`),
      // Generated records carry times of their own, some long past. By the default of seven days they would be removed when the
      // broker looks for the first time, half a minute after its start.
      "log.retention.ms": -1,
      "default.replication.factor": replicas,
      "min.insync.replicas": minimumInSync,
      "offsets.topic.replication.factor": replicas,
      "offsets.topic.num.partitions": 3,
      "transaction.state.log.replication.factor": replicas,
      "transaction.state.log.min.isr": minimumInSync,
      "transaction.state.log.num.partitions": 3,
      "share.coordinator.state.topic.replication.factor": replicas,
      "share.coordinator.state.topic.min.isr": minimumInSync,
      "group.initial.rebalance.delay.ms": 0,
      // A killed node is noticed, and may come back, after 3 s instead of 9 s.
      "broker.session.timeout.ms": 3000,
      "broker.heartbeat.interval.ms": 500,
      "auto.create.topics.enable": false,
      ...this.#options.extraProperties,
    };
    return `${Object.entries(properties)
      .map(([key, value]) => `${key}=${value}`)
      .join("\n")}\n`;
  }
}

/** Metadata v3, no topics: length, api key, version, correlation id, client id "up", empty array of topics. */
const metadataRequest = Buffer.from("00000010" + "0003" + "0003" + "00000001" + "0002" + "7570" + "00000000", "hex");

const log4jProperties = `rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1} %m%n
`;
