/**
 * A topic of Kafka as a source of records: explicit partitions and offsets, no consumer group. Opens; kafka/reader.ts reads.
 * kafkajs does connections, TLS and SASL; fetching and decoding are ours (docs/decisions says why, with figures).
 */
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../errors.js";
import type { OpenedSource, RecordSource, SourceRequest } from "../record-source.js";
import type { KafkaConnection } from "./client.js";
import { KafkaCluster } from "./cluster.js";
import { errorCode, type KafkaTopic } from "./protocol.js";
import { KafkaReader, type KafkaReaderOptions } from "./reader.js";
import { settleStarts, topicReplaced } from "./start.js";

/** An unknown topic is asked for again so long: one that was made a moment ago is not known to every broker yet. */
const unknownTopicPatienceMs = 1_000;
const askAgainMs = 200;

export class KafkaRecordSource implements RecordSource {
  readonly description: string;
  readonly #connection: KafkaConnection;
  readonly #options: KafkaReaderOptions;

  constructor(connection: KafkaConnection, options: KafkaReaderOptions = {}) {
    this.#connection = connection;
    this.#options = options;
    this.description = connection.brokers.join(", ");
  }

  async open(
    request: SourceRequest,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<OpenedSource> {
    const deadlineMs = performance.now() + options.timeoutMs;
    const cluster = new KafkaCluster(this.#connection);
    const closeOnAbort = () => cluster.close();
    options.signal.addEventListener("abort", closeOnAbort, { once: true });
    try {
      await cluster.connect(deadlineMs, options.signal);
      return await this.#settle(cluster, request, deadlineMs, options.signal);
    } catch (error) {
      cluster.close();
      throw error;
    } finally {
      options.signal.removeEventListener("abort", closeOnAbort);
    }
  }

  async topics(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<readonly string[]> {
    const cluster = new KafkaCluster(this.#connection);
    try {
      await cluster.connect(performance.now() + options.timeoutMs, options.signal);
      return await cluster.topicNames();
    } finally {
      cluster.close();
    }
  }

  async identity(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<string> {
    const cluster = new KafkaCluster(this.#connection);
    try {
      await cluster.connect(performance.now() + options.timeoutMs, options.signal);
      const id = await cluster.id();
      return id === "" ? [...this.#connection.brokers].sort().join(",") : `cluster ${id}`;
    } finally {
      cluster.close();
    }
  }

  #reads(partition: number): boolean {
    return this.#options.only === undefined || this.#options.only.has(partition);
  }

  async #settle(
    cluster: KafkaCluster,
    request: SourceRequest,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<KafkaReader> {
    const unknownUntilMs = Math.min(deadlineMs, performance.now() + unknownTopicPatienceMs);
    let failure: TidetableError | undefined;
    do {
      signal.throwIfAborted();
      try {
        const topic = await cluster.topic(request.topic);
        if (isMissing(topic) && performance.now() >= unknownUntilMs) throw await cluster.topicNotFound(request.topic);
        if (topic.errorCode === errorCode.topicAuthorizationFailed) throw notAllowed(request.topic);
        if (topic.errorCode === errorCode.none && !(await isOfStoredRows(topic, request))) {
          throw topicReplaced(request.topic);
        }
        const read = { ...topic, partitions: topic.partitions.filter(({ partition }) => this.#reads(partition)) };
        const starts = topic.errorCode === errorCode.none ? await settleStarts(cluster, read, request) : undefined;
        if (starts !== undefined && starts.length > 0) {
          const { ifLost = "stop" } = request;
          return new KafkaReader(cluster, topic, starts, { ...this.#options, ifLost });
        }
      } catch (error) {
        if (!(error instanceof TidetableError) || !error.retryable) throw error;
        failure = error;
      }
      await delay(askAgainMs, undefined, { signal });
    } while (performance.now() < deadlineMs);
    throw failure ?? noLeader(request.topic, this.description);
  }
}

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, TOPIC_NOT_FOUND. */
export async function requireTopic(
  connection: KafkaConnection,
  name: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const cluster = new KafkaCluster(connection);
  const unknownUntilMs = performance.now() + Math.min(timeoutMs, unknownTopicPatienceMs);
  try {
    await cluster.connect(performance.now() + timeoutMs, signal);
    for (;;) {
      if (!isMissing(await cluster.topic(name))) return;
      if (performance.now() >= unknownUntilMs) throw await cluster.topicNotFound(name);
      await delay(askAgainMs, undefined, { signal });
    }
  } finally {
    cluster.close();
  }
}

/** Brokers before 3.1 name no id; there a topic that was made again is only known by offsets that do not fit. */
async function isOfStoredRows({ name, id }: KafkaTopic, { isSameTopic }: SourceRequest): Promise<boolean> {
  return id === "" || isSameTopic === undefined || (await isSameTopic(name, id));
}

function isMissing(topic: KafkaTopic): boolean {
  return topic.errorCode === errorCode.unknownTopicOrPartition || topic.errorCode === errorCode.invalidTopic;
}

function notAllowed(topic: string): TidetableError {
  return new TidetableError("BROKER_AUTHENTICATION", `The broker does not allow this user to read topic ${topic}.`);
}

function noLeader(topic: string, brokers: string): TidetableError {
  return new TidetableError(
    "BROKER_UNREACHABLE",
    `Topic ${topic} has a partition without a leader, so nobody at ${brokers} can serve it. Start the broker that holds it, then try again.`,
    { retryable: true },
  );
}
