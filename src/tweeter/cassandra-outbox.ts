/**
 * The outbox in Cassandra: what has to go to Kafka, in lanes by handle, in the order of writing. Owns rows, lanes' leases
 * and how far a lane is relayed; sends nothing.
 *
 * A row is never deleted: a lane's rows lie in buckets of ten minutes, and a bucket is dropped as a whole once everything in
 * it is relayed. So a reader passes over no graves, and a deleted row cannot come back to life and be sent again.
 */
import { type Client, types } from "cassandra-driver";
import { murmur2 } from "../streaming/murmur2.js";
import type { Tweet } from "./tweet.js";
import { newTweetId, tweetIdTimeMs } from "./tweet-id.js";

/** Fixed: a handle has to stay in its lane. */
export const laneCount = 6;
const bucketMs = 10 * 60_000;
/** A lease that is not renewed for so long is anybody's. */
export const leaseSeconds = 10;

export interface OutboxRow {
  readonly seq: string;
  /** When the row was written, by the writer's clock. */
  readonly seqMs: number;
  readonly tweet: Tweet;
}

export interface LaneState {
  readonly lane: number;
  /** Undefined: nobody relays it. */
  readonly holder: string | undefined;
  readonly relayedUntilMs: number | undefined;
}

export function laneOf(handle: string): number {
  return (murmur2(Buffer.from(handle)) & 0x7fffffff) % laneCount;
}

export class CassandraOutbox {
  readonly #client: Client;
  readonly #keyspace: string;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  async add(tweet: Tweet, nowMs: number): Promise<void> {
    await this.#client.execute(
      `INSERT INTO ${this.#keyspace}.outbox (lane, bucket, seq, id, handle, content) VALUES (?, ?, ?, ?, ?, ?)`,
      [laneOf(tweet.handle), bucketOf(nowMs), newTweetId(nowMs), tweet.id, tweet.handle, tweet.content],
    );
  }

  /** The lane's rows written from `fromMs` to `untilMs`, in order; at most `limit`, of which the rest is still to be read. */
  async read(lane: number, fromMs: number, untilMs: number, limit: number): Promise<readonly OutboxRow[]> {
    const rows: OutboxRow[] = [];
    for (let bucket = bucketOf(fromMs); bucket <= bucketOf(untilMs) && rows.length < limit; bucket += 1) {
      const answer = await this.#client.execute(
        `SELECT seq, id, handle, content FROM ${this.#keyspace}.outbox
         WHERE lane = ? AND bucket = ? AND seq >= minTimeuuid(?) AND seq < minTimeuuid(?) LIMIT ?`,
        [lane, bucket, new Date(fromMs), new Date(untilMs), limit - rows.length],
        { fetchSize: limit },
      );
      for (const row of answer.rows) rows.push(outboxRow(row));
    }
    return rows;
  }

  /** Drops the buckets that lie between two moments up to which everything was relayed. */
  async drop(lane: number, fromMs: number, untilMs: number): Promise<void> {
    for (let bucket = bucketOf(fromMs); bucket < bucketOf(untilMs); bucket += 1) {
      await this.#client.execute(`DELETE FROM ${this.#keyspace}.outbox WHERE lane = ? AND bucket = ?`, [lane, bucket]);
    }
  }

  async lanes(): Promise<readonly LaneState[]> {
    return await Promise.all(
      Array.from({ length: laneCount }, async (_, lane) => {
        const rows = await this.#client.execute(
          `SELECT holder, relayed_until FROM ${this.#keyspace}.lanes WHERE lane = ?`,
          [lane],
        );
        const row = rows.first();
        const until: unknown = row?.get("relayed_until");
        return {
          lane,
          holder: (row?.get("holder") as string | null | undefined) ?? undefined,
          relayedUntilMs: until instanceof Date ? until.getTime() : undefined,
        };
      }),
    );
  }

  /** True: the lane is the holder's for `leaseSeconds`. */
  async acquire(lane: number, holder: string): Promise<boolean> {
    return await this.#applied(
      `UPDATE ${this.#keyspace}.lanes USING TTL ${leaseSeconds} SET holder = ? WHERE lane = ? IF holder = null`,
      [holder, lane],
    );
  }

  async renew(lane: number, holder: string): Promise<boolean> {
    return await this.#applied(
      `UPDATE ${this.#keyspace}.lanes USING TTL ${leaseSeconds} SET holder = ? WHERE lane = ? IF holder = ?`,
      [holder, lane, holder],
    );
  }

  /** Writes down how far the lane is relayed; false when it is another's by now. */
  async advance(lane: number, holder: string, relayedUntilMs: number): Promise<boolean> {
    return await this.#applied(`UPDATE ${this.#keyspace}.lanes SET relayed_until = ? WHERE lane = ? IF holder = ?`, [
      new Date(relayedUntilMs),
      lane,
      holder,
    ]);
  }

  async release(lane: number, holder: string): Promise<void> {
    await this.#applied(`UPDATE ${this.#keyspace}.lanes SET holder = null WHERE lane = ? IF holder = ?`, [
      lane,
      holder,
    ]);
  }

  async #applied(statement: string, values: readonly unknown[]): Promise<boolean> {
    // Sent once: a condition that was met may not be met a second time.
    const answer = await this.#client.execute(statement, [...values], {
      isIdempotent: false,
      serialConsistency: types.consistencies.serial,
    });
    return answer.wasApplied();
  }
}

function bucketOf(timeMs: number): number {
  return Math.floor(timeMs / bucketMs);
}

function outboxRow(row: types.Row): OutboxRow {
  const seq = String(row.get("seq"));
  const id = String(row.get("id"));
  return {
    seq,
    seqMs: tweetIdTimeMs(seq),
    tweet: {
      id,
      handle: String(row.get("handle")),
      content: String(row.get("content")),
      createdAtMs: tweetIdTimeMs(id),
    },
  };
}
