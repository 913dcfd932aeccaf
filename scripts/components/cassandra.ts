/**
 * A real Cassandra on loopback, from Maven's jars: one node on 127.0.0.1, or three on 127.0.0.1, .2 and .3.
 * Owns the processes: started one after another, watched until the ring is whole under our own cluster name, stopped by
 * pid, logs kept when a node fails. Holds no data of its own and knows no keyspace.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { types } from "cassandra-driver";
import { errorMessage, TidetableError } from "../../src/errors.js";
import { type CassandraConnection, cassandraClient, closeCassandraClient } from "../../src/tweeter/cassandra-client.js";
import type { Progress } from "./cache.js";
import {
  type CassandraGuard,
  type CassandraNode,
  type CassandraSettings,
  cassandraYaml,
  javaArguments,
  logbackXml,
  tokenOf,
} from "./cassandra-files.js";
import { serverPort } from "./free-ports.js";
import { ensureJars } from "./maven.js";
import { endOrKill, hasEnded } from "./process-end.js";
import { freezeProcess } from "./process-freeze.js";
import type { ServerNodes } from "./server-nodes.js";

export const cassandraVersion = "5.0.9";
/** The data centre that every node is in; drivers have to be told. */
export const cassandraDataCenter = "datacenter1";

export interface CassandraOptions {
  /** On a Mac, 127.0.0.2 and .3 have to be made first (`sudo ifconfig lo0 alias 127.0.0.2`). */
  readonly nodes: 1 | 3;
  /** For CQL, the same on every node's address. Default: a free one. */
  readonly port?: number;
  /** Where the nodes keep their data; must be empty or absent. Default: a temporary folder, removed at `stop()`. */
  readonly directory?: string;
  /**
   * When the commit log reaches the disk: `batch` before a write is acknowledged, `periodic` (Cassandra's default) a moment
   * later, so that one node that is killed forgets what it acknowledged last. Default: `batch` for one node, `periodic` for three.
   */
  readonly sync?: "periodic" | "batch";
  /** Of each node; it takes about 450 MiB beside it. Default 256. */
  readonly heapMiB?: number;
  /** TLS and passwords for clients, and how the readiness check gets in. Left out: whoever connects is in. */
  readonly guarded?: CassandraGuard & { readonly as: Pick<CassandraConnection, "username" | "password" | "tls"> };
  readonly progress?: Progress;
}

export interface CassandraCluster extends ServerNodes {
  /** `address:port` of every node. */
  readonly contactPoints: readonly string[];
  readonly dataCenter: string;
}

const readyTimeoutMs = 240_000;
const stopTimeoutMs = 15_000;

/** @throws TidetableError COMPONENT_MISSING (no Java, no Maven, a node that will not start), PORT_TAKEN. */
export async function startCassandra(options: CassandraOptions): Promise<CassandraCluster> {
  const progress = options.progress ?? (() => {});
  const libraryDirectory = await ensureCassandra(progress);
  const addresses = Array.from({ length: options.nodes }, (_, index) => `127.0.0.${index + 1}`);
  const settings: CassandraSettings = {
    clusterName: `tidetable ${randomBytes(6).toString("hex")}`,
    nativePort: await choosePort(addresses, options.port),
    storagePort: await choosePort(addresses),
    sync: options.sync ?? (options.nodes === 1 ? "batch" : "periodic"),
    heapMiB: options.heapMiB ?? 256,
    ...(options.guarded === undefined ? {} : { guard: options.guarded }),
  };
  const directory = await prepareDirectory(options.directory);
  const nodes: CassandraNode[] = [];
  for (const [index, address] of addresses.entries()) {
    const number = index + 1;
    nodes.push({
      number,
      address,
      directory: join(directory, `node${number}`),
      jmxPort: await choosePort(["127.0.0.1"]),
      token: tokenOf(number, options.nodes),
    });
  }
  const jars = await readdir(libraryDirectory);
  const cluster = new LocalCassandra(
    directory,
    settings,
    nodes,
    (node) => javaArguments(node, settings, libraryDirectory, jars),
    options.guarded?.as ?? {},
    options.directory === undefined,
  );
  try {
    await cluster.start(progress);
  } catch (error) {
    // The folder stays: the error names the node's log in it.
    await cluster.end();
    throw error;
  }
  return cluster;
}

/** The folder of Cassandra's jars, fetched on first use (67 MB). @throws TidetableError COMPONENT_MISSING. */
export async function ensureCassandra(progress?: Progress): Promise<string> {
  return await ensureJars(
    {
      name: `cassandra-${cassandraVersion}`,
      artifacts: [`org.apache.cassandra:cassandra-all:${cassandraVersion}`],
    },
    progress,
  );
}

async function prepareDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return await mkdtemp(join(tmpdir(), "tidetable-cassandra-"));
  const directory = resolve(given);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new TidetableError("CONFIG_INVALID", `${directory} is not empty. Name a new folder for Cassandra's data.`);
  }
  return directory;
}

/** The port asked for, or one that is free on all of the addresses. */
async function choosePort(addresses: readonly string[], wanted?: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = await bindAll(addresses, wanted ?? serverPort());
    if (port !== undefined) return port;
    if (wanted !== undefined) break;
  }
  const what = wanted === undefined ? "No port is free" : `Port ${wanted} is not free`;
  throw new TidetableError(
    "PORT_TAKEN",
    `${what} on ${addresses.join(", ")}. Stop what listens there or name another; on a Mac, make 127.0.0.2 and 127.0.0.3 first (sudo ifconfig lo0 alias 127.0.0.2).`,
  );
}

/** The port that all addresses could listen on, let go again; undefined when one could not. */
async function bindAll(addresses: readonly string[], wanted: number): Promise<number | undefined> {
  let port = wanted;
  const servers = [];
  try {
    for (const address of addresses) {
      const server = createServer();
      servers.push(server);
      const asked = port;
      await new Promise<void>((listening, failed) => {
        server.once("error", failed);
        server.listen(asked, address, listening);
      });
      const bound = server.address();
      if (typeof bound === "object" && bound !== null) port = bound.port;
    }
    return port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" || code === "EADDRNOTAVAIL" || code === "EACCES") return undefined;
    throw error;
  } finally {
    await Promise.all(
      servers
        .filter((server) => server.listening)
        .map((server) => new Promise<void>((closed) => server.close(() => closed()))),
    );
  }
}

async function listens(address: string, port: number): Promise<boolean> {
  return await new Promise((answer) => {
    const socket = connect(port, address);
    const done = (connected: boolean) => {
      socket.destroy();
      answer(connected);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.on("error", () => done(false));
    socket.on("connect", () => done(true));
  });
}

class LocalCassandra implements CassandraCluster {
  readonly contactPoints: readonly string[];
  readonly dataCenter = cassandraDataCenter;
  readonly directory: string;
  readonly unexpectedEnd: Promise<number>;
  readonly #settings: CassandraSettings;
  readonly #nodes: readonly CassandraNode[];
  readonly #javaArguments: (node: CassandraNode) => string[];
  readonly #access: Omit<CassandraConnection, "contactPoints">;
  readonly #temporary: boolean;
  readonly #processes = new Map<number, ChildProcess>();
  /** Nodes that were told to end. */
  readonly #dismissed = new Set<number>();
  #reportUnexpectedEnd: (node: number) => void = () => {};
  /** Our own end, however it comes short of SIGKILL, leaves no server behind. */
  readonly #killAll = () => {
    for (const child of this.#processes.values()) child.kill("SIGKILL");
  };

  constructor(
    directory: string,
    settings: CassandraSettings,
    nodes: readonly CassandraNode[],
    javaArgumentsOf: (node: CassandraNode) => string[],
    access: Omit<CassandraConnection, "contactPoints">,
    temporary: boolean,
  ) {
    this.directory = directory;
    this.contactPoints = nodes.map(({ address }) => `${address}:${settings.nativePort}`);
    this.#settings = settings;
    this.#nodes = nodes;
    this.#javaArguments = javaArgumentsOf;
    this.#access = access;
    this.#temporary = temporary;
    this.unexpectedEnd = new Promise((report) => {
      this.#reportUnexpectedEnd = report;
    });
  }

  async start(progress: Progress): Promise<void> {
    process.once("exit", this.#killAll);
    const startedMs = performance.now();
    // One after another: two nodes that join at once do not learn of each other's schema in time.
    for (const node of this.#nodes) {
      await this.#writeFiles(node);
      await this.#spawn(node);
      await this.#waitUntilReady(node);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      progress(`Cassandra ${cassandraVersion}: node ${node.number} of ${this.#nodes.length} up after ${seconds} s`);
    }
  }

  async killNode(node: number): Promise<void> {
    await this.#end(node, "SIGKILL");
  }

  async stopNode(node: number): Promise<void> {
    await this.#end(node, "SIGTERM");
  }

  async freezeNode(node: number): Promise<void> {
    await freezeProcess(this.#processes.get(node)?.pid);
  }

  thawNode(node: number): void {
    this.#processes.get(node)?.kill("SIGCONT");
  }

  async startNode(number: number): Promise<void> {
    const node = this.#node(number);
    this.#dismissed.delete(number);
    await this.#spawn(node);
    await this.#waitUntilReady(node);
  }

  async stop(): Promise<void> {
    await this.end();
    if (this.#temporary) await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
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

  async #end(node: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#processes.get(node);
    if (child === undefined) throw new TidetableError("CONFIG_INVALID", `Cassandra node ${node} does not run.`);
    this.#dismissed.add(node);
    child.kill(signal);
    await endOrKill(child, stopTimeoutMs);
    this.#processes.delete(node);
  }

  #node(number: number): CassandraNode {
    const node = this.#nodes[number - 1];
    if (node === undefined) throw new TidetableError("CONFIG_INVALID", `There is no Cassandra node ${number}.`);
    return node;
  }

  async #writeFiles(node: CassandraNode): Promise<void> {
    await mkdir(join(node.directory, "tmp"), { recursive: true });
    await writeFile(join(node.directory, "cassandra.yaml"), cassandraYaml(node, this.#settings));
    await writeFile(join(node.directory, "logback.xml"), logbackXml(this.#logFile(node)));
  }

  #logFile(node: CassandraNode): string {
    return join(node.directory, "system.log");
  }

  async #spawn(node: CassandraNode): Promise<void> {
    const output = openSync(join(node.directory, "output.log"), "a");
    const child = spawn("java", this.#javaArguments(node), {
      cwd: node.directory,
      stdio: ["ignore", output, output],
      // Its own group: Ctrl-C reaches us alone, and we stop the nodes in order.
      detached: true,
    });
    closeSync(output);
    // A java that cannot be started shows as a process without a pid; the wait for readiness tells.
    child.on("error", () => this.#processes.delete(node.number));
    child.on("exit", () => {
      if (!this.#dismissed.has(node.number)) this.#reportUnexpectedEnd(node.number);
    });
    this.#processes.set(node.number, child);
    await writeFile(join(node.directory, "pid"), String(child.pid ?? ""));
  }

  /** Ready: the node answers CQL under our cluster's name and knows every other node that runs. */
  async #waitUntilReady(node: CassandraNode): Promise<void> {
    const deadlineMs = performance.now() + readyTimeoutMs;
    for (;;) {
      const others = [...this.#processes.keys()].filter((number) => number !== node.number).length;
      const peers = await this.#peersSeenBy(node);
      if (typeof peers === "number" && peers >= others) return;
      const child = this.#processes.get(node.number);
      if (child === undefined || hasEnded(child)) throw await this.#failure(node, "ended while it started");
      if (performance.now() > deadlineMs) {
        const last = typeof peers === "number" ? `it sees ${peers} of ${others} other nodes` : peers;
        throw await this.#failure(node, `was not ready within ${readyTimeoutMs / 1000} s (${last})`);
      }
      await delay(150);
    }
  }

  /** The number of other nodes it knows, or why it did not say. */
  async #peersSeenBy({ address }: CassandraNode): Promise<number | string> {
    const port = this.#settings.nativePort;
    // Asking with the driver before anything listens is slow; a bare connection is not.
    if (!(await listens(address, port))) return `nothing listens on ${address}:${port}`;
    const client = cassandraClient({
      ...this.#access,
      contactPoints: [`${address}:${port}`],
      dataCenter: cassandraDataCenter,
    });
    try {
      await client.connect();
      const host = client.hosts.values().find((known) => known.address === `${address}:${port}`);
      const options = { consistency: types.consistencies.one, ...(host === undefined ? {} : { host }) };
      const local = await client.execute("SELECT cluster_name FROM system.local", [], options);
      if (local.first()?.get("cluster_name") !== this.#settings.clusterName) {
        return `another cluster answers on ${address}:${port}`;
      }
      return (await client.execute("SELECT peer FROM system.peers", [], options)).rowLength;
    } catch (error) {
      return errorMessage(error);
    } finally {
      await closeCassandraClient(client);
    }
  }

  async #failure(node: CassandraNode, what: string): Promise<TidetableError> {
    const path = this.#logFile(node);
    // A node that dies early has written nothing to its own log yet. Its configuration is one line of 20 KB.
    const texts = await Promise.all(
      [path, join(node.directory, "output.log")].map((file) => readFile(file, "utf8").catch(() => "")),
    );
    const lines = texts.flatMap((text) => text.trim().split("\n").slice(-8));
    const end = lines.map((line) => line.slice(0, 300)).join("\n");
    return new TidetableError(
      "COMPONENT_MISSING",
      `Cassandra node ${node.number} ${what}. Its log, ${path}, ends:\n${end}`,
    );
  }
}
