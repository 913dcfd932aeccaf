/**
 * The one file that produces to Kafka. kafkajs 2.2.4 loses acknowledged messages when a leader fails over during a `send`
 * that covers several partitions: a partition that moves to a broker which has answered already is left out, and the send
 * still resolves. So the partition is chosen here, every `send` covers one, what came back is compared with what was sent,
 * and what is missing is sent again.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Producer } from "kafkajs";
import { TidetableError } from "../../errors.js";
import { murmur2 } from "../murmur2.js";
import { type KafkaConnection, kafkajsProducer } from "./client.js";
import { requireReachable } from "./cluster.js";
import { innermostMessage, KafkaTopics, unreachable } from "./topics.js";

export interface ProduceMessage {
  readonly key: string | Buffer | null;
  /** Null is a tombstone. */
  readonly value: string | Buffer | null;
  /** Epoch milliseconds; the broker's own time when absent. */
  readonly timestampMs?: number;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

export interface ProduceOutcome {
  readonly acknowledged: number;
  /** Not known to be stored. Some may be: a broker that dies may have written before. */
  readonly failed: number;
  /** Set when any failed. */
  readonly error?: TidetableError;
  /** The messages that failed, in their order. */
  readonly failedMessages: readonly ProduceMessage[];
}

export interface KafkaProducer {
  /** Partitions of a topic that is there. @throws TidetableError TOPIC_NOT_FOUND, BROKER_UNREACHABLE. */
  partitionCount(topic: string): Promise<number>;
  /** Makes the topic if it is not there; says whether it did. @throws TidetableError BROKER_UNREACHABLE, PRODUCE_FAILED. */
  ensureTopic(topic: string, options: { readonly partitions: number }): Promise<boolean>;
  /** Sends, and answers for every message. Messages of one key keep their order. Does not throw for a message. */
  produce(topic: string, messages: readonly ProduceMessage[]): Promise<ProduceOutcome>;
  /** @throws TidetableError PRODUCE_FAILED with the counts, when any message failed. */
  produceAll(topic: string, messages: readonly ProduceMessage[]): Promise<void>;
  close(): Promise<void>;
}

/** One send is tried so often, each with kafkajs's own retries inside. */
const attemptsMax = 4;
/** A broker takes batches of 1 MiB unless told otherwise; a larger message goes alone and the broker decides. */
const sendBytesMax = 768 * 1024;
/** Of a message beside its key and value. */
const messageOverheadBytes = 70;
const reachTimeoutMs = 9_000;
const retryAfterMs = 500;

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION. */
export async function openKafkaProducer(connection: KafkaConnection): Promise<KafkaProducer> {
  // Answers sooner, and clearer, than kafkajs's retries.
  await requireReachable(connection, reachTimeoutMs);
  const producer = kafkajsProducer(connection);
  try {
    await producer.connect();
    return new PartitionedProducer(producer, await KafkaTopics.open(connection));
  } catch (error) {
    await producer.disconnect().catch(() => undefined); // The first failure is the one to tell.
    throw unreachable(connection, error);
  }
}

/** Makes a topic if it is not there, for whoever does not produce to it. @throws TidetableError as `ensureTopic`. */
export async function makeTopic(
  connection: KafkaConnection,
  topic: string,
  options: { readonly partitions: number },
): Promise<void> {
  const producer = await openKafkaProducer(connection);
  try {
    await producer.ensureTopic(topic, options);
  } finally {
    await producer.close();
  }
}

class PartitionedProducer implements KafkaProducer {
  readonly #producer: Producer;
  readonly #topics: KafkaTopics;
  /** Messages without a key go to one partition a call, the next call to the next: large batches, evenly spread. */
  #keylessTurn = 0;

  constructor(producer: Producer, topics: KafkaTopics) {
    this.#producer = producer;
    this.#topics = topics;
  }

  partitionCount(topic: string): Promise<number> {
    return this.#topics.partitionCount(topic);
  }

  ensureTopic(topic: string, options: { readonly partitions: number }): Promise<boolean> {
    return this.#topics.ensure(topic, options);
  }

  async produce(topic: string, messages: readonly ProduceMessage[]): Promise<ProduceOutcome> {
    const partitions = await this.partitionCount(topic);
    const byPartition = this.#assign(messages, partitions);
    const results = await Promise.all(
      [...byPartition].map(([partition, part]) => this.#sendInOrder(topic, partition, part)),
    );
    const failed = results.flatMap((result) => result.failedMessages);
    const error = results.find((result) => result.error !== undefined)?.error;
    return {
      acknowledged: messages.length - failed.length,
      failed: failed.length,
      failedMessages: failed,
      ...(error === undefined ? {} : { error }),
    };
  }

  async produceAll(topic: string, messages: readonly ProduceMessage[]): Promise<void> {
    const outcome = await this.produce(topic, messages);
    if (outcome.failed === 0) return;
    throw new TidetableError(
      "PRODUCE_FAILED",
      `${outcome.acknowledged} of ${messages.length} messages were acknowledged by topic ${topic}; ${outcome.failed} were not: ${outcome.error?.message ?? "no reason was given"}`,
      { retryable: true, cause: outcome.error },
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.disconnect(), this.#topics.close()]);
  }

  /** As Kafka's own client: the key's hash decides, so that all clients agree on where a key lives. */
  #assign(messages: readonly ProduceMessage[], partitions: number): Map<number, ProduceMessage[]> {
    const keyless = this.#keylessTurn % partitions;
    const byPartition = new Map<number, ProduceMessage[]>();
    for (const message of messages) {
      const { key } = message;
      const partition = key === null ? keyless : (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
      if (key === null) this.#keylessTurn = keyless + 1;
      const part = byPartition.get(partition);
      if (part === undefined) byPartition.set(partition, [message]);
      else part.push(message);
    }
    return byPartition;
  }

  /** One partition's messages, in sends that a broker takes. A failed send does not hold up the ones after it. */
  async #sendInOrder(topic: string, partition: number, messages: readonly ProduceMessage[]): Promise<SendResult> {
    let failedMessages: ProduceMessage[] = [];
    let error: TidetableError | undefined;
    for (const part of inSends(messages)) {
      const result = await this.#sendUntilAcknowledged(topic, partition, part);
      failedMessages = failedMessages.concat(result.failedMessages);
      error ??= result.error;
    }
    return { failedMessages, ...(error === undefined ? {} : { error }) };
  }

  /** One partition, one send; again when it failed or when its partition is missing from the answer. */
  async #sendUntilAcknowledged(
    topic: string,
    partition: number,
    messages: readonly ProduceMessage[],
  ): Promise<SendResult> {
    let failure: unknown;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      if (attempt > 1) await delay(retryAfterMs * (attempt - 1));
      try {
        const answer = await this.#producer.send({
          topic,
          acks: -1,
          messages: messages.map((message) => kafkajsMessage(message, partition)),
        });
        const acknowledged = answer.some((entry) => entry.partition === partition && entry.errorCode === 0);
        if (acknowledged) return { failedMessages: [] };
        failure = new Error(`partition ${partition} is missing from the answer`);
      } catch (error) {
        failure = error;
        if ((error as { readonly type?: string }).type === "MESSAGE_TOO_LARGE") break;
      }
    }
    const error = new TidetableError(
      "PRODUCE_FAILED",
      `Partition ${partition} of topic ${topic} did not take ${messages.length} messages: ${innermostMessage(failure)}`,
      { retryable: true, cause: failure },
    );
    return { failedMessages: messages, error };
  }
}

interface SendResult {
  readonly failedMessages: readonly ProduceMessage[];
  readonly error?: TidetableError;
}

function* inSends(messages: readonly ProduceMessage[]): Generator<readonly ProduceMessage[]> {
  let part: ProduceMessage[] = [];
  let partBytes = 0;
  for (const message of messages) {
    const bytes = messageOverheadBytes + byteLength(message.key) + byteLength(message.value) + headerBytes(message);
    if (part.length > 0 && partBytes + bytes > sendBytesMax) {
      yield part;
      part = [];
      partBytes = 0;
    }
    part.push(message);
    partBytes += bytes;
  }
  if (part.length > 0) yield part;
}

function byteLength(field: string | Buffer | null): number {
  return field === null ? 0 : Buffer.byteLength(field);
}

function headerBytes({ headers }: ProduceMessage): number {
  return Object.entries(headers ?? {}).reduce(
    (sum, [name, value]) => sum + byteLength(name) + byteLength(value) + 10,
    0,
  );
}

function kafkajsMessage(message: ProduceMessage, partition: number) {
  return {
    partition,
    key: message.key,
    value: message.value,
    ...(message.timestampMs === undefined ? {} : { timestamp: String(message.timestampMs) }),
    ...(message.headers === undefined ? {} : { headers: { ...message.headers } }),
  };
}
