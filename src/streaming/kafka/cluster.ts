/**
 * A cluster as a reader sees it: which brokers there are, who leads what, one connection a broker. Owns the connections
 * and the question "whom to ask"; what to do about a failure is its caller's decision.
 */
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../errors.js";
import { nearestFirst } from "../../sql/identifiers.js";
import { BrokerConnection, isLate, isRefused, type KafkaConnection } from "./client.js";
import {
  errorCode,
  type KafkaBroker,
  type KafkaMetadata,
  type KafkaTopic,
  type ListedOffset,
  listOffsetsRequest,
  metadataRequest,
} from "./protocol.js";

/** A connection is given up after this; the next broker is tried. */
const connectTimeoutMs = 3_000;
const metadataKey = 3;

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION. */
export async function requireReachable(connection: KafkaConnection, timeoutMs: number): Promise<void> {
  const cluster = new KafkaCluster(connection);
  try {
    await cluster.connect(performance.now() + timeoutMs, new AbortController().signal);
  } finally {
    cluster.close();
  }
}

export class KafkaCluster {
  readonly #connection: KafkaConnection;
  #brokers = new Map<number, KafkaBroker>();
  /** By `host:port`; a promise, so that two who ask at once share one. */
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  #closed = false;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
  }

  /**
   * Connects to any of the given brokers, trying them in turn until the deadline. When all refuse, twice in a row, it
   * does not wait any longer.
   * @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION.
   */
  async connect(deadlineMs: number, signal: AbortSignal): Promise<void> {
    let refusedRounds = 0;
    let failure: unknown;
    while (performance.now() < deadlineMs) {
      let refused = 0;
      for (const address of this.#connection.brokers) {
        signal.throwIfAborted();
        const timeoutMs = Math.max(1, Math.min(connectTimeoutMs, deadlineMs - performance.now()));
        try {
          await this.#connectTo(address, timeoutMs);
          return;
        } catch (error) {
          // A try that our own deadline cut short says less than the one before it.
          const isCut = timeoutMs < connectTimeoutMs && isLate(error);
          if (failure === undefined || !isCut) failure = error;
          if (error instanceof TidetableError && !error.retryable) throw error;
          if (isRefused(error)) refused += 1;
        }
      }
      refusedRounds = refused === this.#connection.brokers.length ? refusedRounds + 1 : 0;
      if (refusedRounds === 2) break;
      await delay(300, undefined, { signal });
    }
    throw this.#unreachable(failure);
  }

  /** The topic, and with it the brokers. @throws TidetableError BROKER_UNREACHABLE when no broker answers. */
  async topic(name: string): Promise<KafkaTopic> {
    const { topics } = await this.#metadata([name]);
    return topics.find((topic) => topic.name === name) ?? missingTopic(name);
  }

  /** The id that the cluster was formatted with; empty where it names none. */
  async id(): Promise<string> {
    const { clusterId } = await this.#metadata([]);
    return clusterId;
  }

  /** TOPIC_NOT_FOUND with near names, what there is, and how to make it. */
  async topicNotFound(name: string): Promise<TidetableError> {
    const names = await this.topicNames();
    const nearest = nearestFirst(name, names);
    const shown = nearest.slice(0, 8).join(", ");
    const more = nearest.length > 8 ? ` and ${nearest.length - 8} more` : "";
    const there = nearest.length === 0 ? "It has no topic yet." : `Its topics, nearest first: ${shown}${more}.`;
    return new TidetableError(
      "TOPIC_NOT_FOUND",
      `There is no topic "${name}" on ${this.#connection.brokers.join(", ")}. ${there} ` +
        `\`npm run tweets -- --topic ${name}\` makes it and posts tweets to it; Kafka's own \`kafka-topics.sh --create --topic ${name}\` makes it empty.`,
    );
  }

  /** All topics but Kafka's own. */
  async topicNames(): Promise<readonly string[]> {
    const { topics } = await this.#metadata(null);
    return topics.filter((topic) => !topic.isInternal && !topic.name.startsWith("__")).map((topic) => topic.name);
  }

  /** Offsets of partitions, asked of their leaders; a partition without a leader is left out. */
  async listOffsets(topic: KafkaTopic, partitions: readonly number[], timestampMs: bigint): Promise<ListedOffset[]> {
    const byLeader = new Map<number, number[]>();
    for (const { partition, leader } of topic.partitions) {
      if (leader < 0 || !partitions.includes(partition)) continue;
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const answers = await Promise.all(
      [...byLeader].map(async ([leader, led]) => {
        const connection = await this.leader(leader);
        return await connection.send(listOffsetsRequest(topic.name, led, timestampMs));
      }),
    );
    return answers.flat();
  }

  /** @throws TidetableError BROKER_UNREACHABLE, also for a broker that the cluster no longer names. */
  async leader(nodeId: number): Promise<BrokerConnection> {
    const broker = this.#brokers.get(nodeId);
    if (broker === undefined) {
      throw new TidetableError("BROKER_UNREACHABLE", `Broker ${nodeId} is not in the cluster now.`, {
        retryable: true,
      });
    }
    const address = addressOf(broker);
    try {
      return await this.#connectTo(address, connectTimeoutMs);
    } catch (error) {
      if (!(error instanceof TidetableError) || this.#connection.brokers.includes(address)) throw error;
      const hint = `${address} is what broker ${nodeId} announces (advertised.listeners); it must be reachable from here.`;
      throw new TidetableError(error.code, `${error.message} ${hint}`, {
        retryable: error.retryable,
        cause: error.cause,
      });
    }
  }

  close(): void {
    this.#closed = true;
    for (const opening of this.#connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => undefined,
      );
    }
    this.#connections.clear();
  }

  async #metadata(topics: readonly string[] | null): Promise<KafkaMetadata> {
    let failure: unknown;
    for (const address of this.#addresses()) {
      try {
        const connection = await this.#connectTo(address, connectTimeoutMs);
        const metadata = await connection.send(metadataRequest(topics, connection.versionMax(metadataKey)));
        if (metadata.brokers.length > 0)
          this.#brokers = new Map(metadata.brokers.map((broker) => [broker.nodeId, broker]));
        return metadata;
      } catch (error) {
        failure = error;
        if (error instanceof TidetableError && !error.retryable) throw error;
      }
    }
    throw this.#unreachable(failure);
  }

  /** Connected ones first, then the others that the cluster named, then the ones given at the start. */
  #addresses(): ReadonlySet<string> {
    const known = [...this.#brokers.values()].map(addressOf);
    const connected = known.filter((address) => this.#connections.has(address));
    return new Set([...connected, ...known, ...this.#connection.brokers]);
  }

  async #connectTo(address: string, timeoutMs: number): Promise<BrokerConnection> {
    if (this.#closed) throw new TidetableError("BROKER_UNREACHABLE", "The connection was closed.");
    for (let known = this.#connections.get(address); known !== undefined; known = this.#connections.get(address)) {
      const connection = await known;
      if (connection.isOpen) return connection;
      connection.close();
      if (this.#connections.get(address) === known) this.#connections.delete(address);
    }
    const opening = BrokerConnection.open(address, this.#connection, timeoutMs);
    this.#connections.set(address, opening);
    try {
      const connection = await opening;
      if (this.#closed) connection.close();
      return connection;
    } catch (error) {
      if (this.#connections.get(address) === opening) this.#connections.delete(address);
      throw error;
    }
  }

  /** A port that hangs up may speak another protocol than we do. */
  #protocolHint(last: string): string {
    if (!last.includes("closed the connection")) return "";
    const { ssl } = this.#connection;
    const spoken = ssl === undefined || ssl === false ? "may want TLS or SASL" : "may not speak TLS";
    return `Its port ${spoken}: see KAFKA_SECURITY_PROTOCOL. `;
  }

  #unreachable(cause: unknown): TidetableError {
    if (cause instanceof TidetableError && !cause.retryable) return cause;
    const brokers = this.#connection.brokers.join(", ");
    const last = cause instanceof Error ? `${cause.message} ` : "";
    return new TidetableError(
      "BROKER_UNREACHABLE",
      `No Kafka broker answers at ${brokers}. ${last}${this.#protocolHint(last)}Start one with \`npm run kafka\`, or check KAFKA_BROKERS (host:port, several separated by commas).`,
      { retryable: true, cause },
    );
  }
}

function addressOf({ host, port }: KafkaBroker): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function missingTopic(name: string): KafkaTopic {
  return { errorCode: errorCode.unknownTopicOrPartition, name, id: "", isInternal: false, partitions: [] };
}
