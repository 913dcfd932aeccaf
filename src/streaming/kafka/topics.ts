/**
 * A cluster's topics as a producer needs them: how many partitions one has, and one made where it is missing. A broker
 * that has just come back may refuse to make topics or hang up on whoever asks, for a few seconds; so it is asked again,
 * by a new admin client, because kafkajs's is not known to get over a connection that the broker ends.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { errorMessage, TidetableError } from "../../errors.js";
import { brokerError, type KafkaConnection, kafkaAdmin } from "./client.js";

const askAgainMs = 250;
const makeTimeoutMs = 10_000;
const settleTimeoutMs = 15_000;
/** What a broker answers that is about to know better: it is starting, or its controller is elsewhere by now. */
const passing = new Set(["INVALID_REPLICATION_FACTOR", "NOT_CONTROLLER", "REQUEST_TIMED_OUT", "BROKER_NOT_AVAILABLE"]);

interface KafkajsError {
  readonly name?: string;
  readonly type?: string;
  readonly errors?: ReadonlyArray<{ readonly type?: string; readonly message?: string }>;
}

export class KafkaTopics {
  readonly #connection: KafkaConnection;
  readonly #partitionCounts = new Map<string, number>();
  #admin: Admin;

  private constructor(connection: KafkaConnection, admin: Admin) {
    this.#connection = connection;
    this.#admin = admin;
  }

  /** @throws what kafkajs throws; `unreachable` puts it into words. */
  static async open(connection: KafkaConnection): Promise<KafkaTopics> {
    return new KafkaTopics(connection, await connectedAdmin(connection));
  }

  /** @throws TidetableError TOPIC_NOT_FOUND, BROKER_UNREACHABLE. */
  async partitionCount(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic);
    if (known !== undefined) return known;
    try {
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics[0]?.partitions.length ?? 0;
      if (count === 0) throw missing(topic);
      this.#partitionCounts.set(topic, count);
      return count;
    } catch (error) {
      if ((error as KafkajsError).type === "UNKNOWN_TOPIC_OR_PARTITION") throw missing(topic);
      throw unreachable(this.#connection, error);
    }
  }

  /** Says whether it made the topic. @throws TidetableError BROKER_UNREACHABLE, PRODUCE_FAILED. */
  async ensure(topic: string, { partitions }: { readonly partitions: number }): Promise<boolean> {
    const deadlineMs = performance.now() + makeTimeoutMs;
    let mayBeMade = false;
    for (;;) {
      try {
        // Asking for leaders in the same call can fail on a cluster that has not passed the news around yet.
        const created = await this.#admin.createTopics({
          topics: [{ topic, numPartitions: partitions, replicationFactor: -1 }],
          waitForLeaders: false,
        });
        if (created || mayBeMade) await this.#untilKnown(topic);
        return created || mayBeMade;
      } catch (error) {
        const type = answeredType(error);
        if (type === "TOPIC_ALREADY_EXISTS") return false;
        if (error instanceof TidetableError) throw error;
        const hungUp = isHungUp(error);
        if (performance.now() > deadlineMs || !(hungUp || passing.has(type ?? ""))) throw this.#notMade(topic, error);
        await delay(askAgainMs);
        if (!hungUp) continue;
        mayBeMade = true; // The answer is lost; what was asked for may have been done.
        await this.#renewAdmin();
      }
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }

  async #renewAdmin(): Promise<void> {
    const worn = this.#admin;
    try {
      this.#admin = await connectedAdmin(this.#connection);
    } catch (error) {
      throw unreachable(this.#connection, error);
    }
    await worn.disconnect();
  }

  async #untilKnown(topic: string): Promise<void> {
    const deadlineMs = performance.now() + settleTimeoutMs;
    for (;;) {
      try {
        const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
        const partitions = topics[0]?.partitions ?? [];
        if (partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) {
          // Kept: the broker that is asked next may not have heard of the topic yet.
          this.#partitionCounts.set(topic, partitions.length);
          return;
        }
      } catch (error) {
        if (performance.now() > deadlineMs) throw unreachable(this.#connection, error);
      }
      if (performance.now() > deadlineMs) {
        throw new TidetableError(
          "PRODUCE_FAILED",
          `Topic ${topic} was made and has no leader after ${settleTimeoutMs / 1000} s.`,
        );
      }
      await delay(100);
    }
  }

  #notMade(topic: string, error: unknown): TidetableError {
    if (isConnectionFailure(error)) return unreachable(this.#connection, error);
    const said = (error as KafkajsError).errors?.[0]?.message ?? innermostMessage(error);
    return new TidetableError("PRODUCE_FAILED", `Topic ${topic} cannot be made: ${said}`, { cause: error });
  }
}

async function connectedAdmin(connection: KafkaConnection): Promise<Admin> {
  const admin = kafkaAdmin(connection);
  try {
    await admin.connect();
    return admin;
  } catch (error) {
    await admin.disconnect().catch(() => undefined); // The first failure is the one to tell.
    throw error;
  }
}

/** kafkajs gathers what the broker said of each topic in one error. */
function answeredType(error: unknown): string | undefined {
  const { type, errors } = error as KafkajsError;
  return type ?? errors?.[0]?.type;
}

function missing(topic: string): TidetableError {
  return new TidetableError("TOPIC_NOT_FOUND", `There is no topic "${topic}" to produce to.`);
}

function isConnectionFailure(error: unknown): boolean {
  return /Connection|BrokerNotFound|NumberOfRetries|SASL/.test((error as KafkajsError).name ?? "");
}

/** The broker took the connection and ended it, which is not the same as nobody there. */
function isHungUp(error: unknown): boolean {
  const cause = innermost(error) as { readonly code?: string };
  return cause.code === "ECONNRESET" || cause.code === "EPIPE" || errorMessage(cause) === "Closed connection";
}

export function unreachable(connection: KafkaConnection, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const cause = innermost(error);
  const broken = brokerError(connection.brokers[0] ?? "", cause);
  if (!broken.retryable) return broken;
  return new TidetableError(
    "BROKER_UNREACHABLE",
    `No Kafka broker answers at ${connection.brokers.join(", ")}. ${broken.message} Start one with \`npm run kafka\`, or check KAFKA_BROKERS (host:port, several separated by commas).`,
    { retryable: true, cause },
  );
}

/** kafkajs wraps the reason in "retries exceeded". */
function innermost(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < 5; depth += 1) {
    const { cause } = current as { readonly cause?: unknown };
    if (!(cause instanceof Error)) return current;
    current = cause;
  }
  return current;
}

export function innermostMessage(error: unknown): string {
  return errorMessage(innermost(error));
}
