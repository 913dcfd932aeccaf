/** The topic that tweets are streamed to: made if it is not there, written in transactions, read back. Owns a tweet's record. */
import { errorMessage, TidetableError } from "../errors.js";
import { EndOfNow } from "../streaming/end-of-now.js";
import type { KafkaConnection } from "../streaming/kafka/client.js";
import { makeTopic } from "../streaming/kafka/producer.js";
import { KafkaRecordSource } from "../streaming/kafka/record-source.js";
import { openTransactionalProducer, type TransactionalProducer } from "../streaming/kafka/transactions.js";
import { valueAt } from "../streaming/record.js";
import { encodeTweet, type Tweet } from "./tweet.js";

/** Of a topic that is made here. */
const partitions = 3;
const readBackTimeoutMs = 60_000;
/** Readers' and brokers' clocks differ a little from ours. */
const clockMarginMs = 10_000;

export class TweetTopic {
  readonly name: string;
  readonly #connection: KafkaConnection;
  #made = false;

  constructor(connection: KafkaConnection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  /** The one sender of this name: any other is shut out from here on. @throws TidetableError, retryable. */
  async open(transactionalId: string): Promise<TransactionalProducer> {
    await this.#ensure();
    return await openTransactionalProducer(this.#connection, this.name, transactionalId);
  }

  /** Ids of the tweets that were sent since, all that are there at this moment. @throws TidetableError, retryable. */
  async idsSince(sinceMs: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const source = await new KafkaRecordSource(this.#connection).open(
      { topic: this.name, from: { timestampMs: sinceMs - clockMarginMs }, storedOffsets: new Map() },
      { timeoutMs: readBackTimeoutMs, signal },
    );
    const late = setTimeout(() => void source.close(), readBackTimeoutMs);
    const stop = () => void source.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const ids = new Set<string>();
      const end = await EndOfNow.of(source);
      if (end.isReached) return ids;
      for await (const batch of source.batches()) {
        for (let index = 0; index < batch.count; index += 1) {
          const id = idOf(valueAt(batch, index));
          if (id !== undefined) ids.add(id);
        }
        end.note(batch);
        if (end.isReached) return ids;
      }
      throw new TidetableError(
        "BROKER_UNREACHABLE",
        `Topic ${this.name} could not be read back within ${readBackTimeoutMs / 1000} s.`,
        { retryable: true },
      );
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
      await source.close();
    }
  }

  async #ensure(): Promise<void> {
    if (this.#made) return;
    await makeTopic(this.#connection, this.name, { partitions });
    this.#made = true;
  }
}

/** The time is that of sending: so what was sent since a moment can be found by it. */
export function tweetRecord(tweet: Tweet, sentAtMs: number) {
  return { key: tweet.handle, value: encodeTweet(tweet), timestampMs: sentAtMs };
}

function idOf(value: Buffer | null): string | undefined {
  if (value === null) return undefined;
  try {
    const record: unknown = JSON.parse(value.toString());
    return typeof record === "object" && record !== null && "id" in record ? String(record.id) : undefined;
  } catch (error) {
    // Somebody else writes to this topic too, and what he writes is no tweet.
    if (error instanceof SyntaxError) return undefined;
    throw new TidetableError("RECORD_CORRUPT", `A record cannot be read: ${errorMessage(error)}`);
  }
}
