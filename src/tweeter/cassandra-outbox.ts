/**
 * The outbox in Cassandra: what has to go to Kafka, in lanes by handle, in the order of writing. Owns rows, lanes' leases
 * and how far a lane is relayed; sends nothing.
 *
 * A row is in the partition of its tweet, of which it is a part: they are written as one. It is never deleted: a lane's day
 * is dropped as a whole once everything in it is relayed. So a reader passes over no graves, and a deleted row cannot come
 * back to life and be sent again.
 */
import { type Client, types } from "cassandra-driver";
import type { RowToWrite } from "./cassandra-tweets.js";
import { laneCount, laneOf } from "./lanes.js";
import type { Tweet } from "./tweet.js";
import { compareTweetIds, newTimeUuid, tweetIdTimeMs } from "./tweet-id.js";

const dayMs = 86_400_000;
/** A tweet is written within this time after its own, and by a clock that is this much ahead at the most; else by today's day. */
const idAgeMaxMs = 6 * 60_000;
/** A lease that is not renewed for so long is anybody's. */
export const leaseSeconds = 10;

/** Tweets of a lane that were written together, in their order. */
export interface OutboxRow {
  readonly seq: string;
  /** When the row was written, by the writer's clock. */
  readonly seqMs: number;
  readonly tweets: readonly Tweet[];
}

export interface LaneState {
  readonly lane: number;
  /** Undefined: nobody relays it. */
  readonly holder: string | undefined;
  readonly relayedUntilMs: number | undefined;
}

export class CassandraOutbox {
  readonly #client: Client;
  readonly #keyspace: string;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  /** What is to be written together with the other rows of these tweets of one lane: a row for all whose day it is. */
  rows(tweets: readonly Tweet[], nowMs: number): readonly RowToWrite[] {
    const byDay = new Map<number, Tweet[]>();
    for (const tweet of tweets) {
      const ofMs = tweetIdTimeMs(tweet.id);
      // Readers look where tweets of about now are. One that is much older, by a key of yesterday, is put there too.
      const day = Math.floor((Math.abs(nowMs - ofMs) < idAgeMaxMs ? ofMs : nowMs) / dayMs);
      const group = byDay.get(day);
      if (group === undefined) byDay.set(day, [tweet]);
      else group.push(tweet);
    }
    return [...byDay].map(([day, group]) => this.rowOf(dateOf(day * dayMs), newTimeUuid(nowMs), group));
  }

  rowOf(day: types.LocalDate, seq: string, tweets: readonly Tweet[]): RowToWrite {
    const [first] = tweets;
    return {
      query: `INSERT INTO ${this.#keyspace}.outbox_of_day (day, shard, seq, tweets) VALUES (?, ?, ?, ?)`,
      params: [
        day,
        laneOf(first?.handle ?? ""),
        seq,
        JSON.stringify(tweets.map(({ id, handle, content }) => [id, handle, content])),
      ],
    };
  }

  /** The lane's rows written from `fromMs` to `untilMs`, in order; at most `limit`, of which the rest is still to be read. */
  async read(lane: number, fromMs: number, untilMs: number, limit: number): Promise<readonly OutboxRow[]> {
    const rows: OutboxRow[] = [];
    const days = daysBetween(fromMs - idAgeMaxMs, untilMs + idAgeMaxMs);
    for (const day of days) {
      const answer = await this.#client.execute(
        `SELECT seq, tweets FROM ${this.#keyspace}.outbox_of_day
         WHERE day = ? AND shard = ? AND seq >= minTimeuuid(?) AND seq < minTimeuuid(?) LIMIT ?`,
        [dateOf(day), lane, new Date(fromMs), new Date(untilMs), limit],
        { fetchSize: limit },
      );
      for (const row of answer.rows) rows.push(outboxRow(row));
    }
    if (days.length === 1) return rows;
    return rows.sort((a, b) => compareTweetIds(a.seq, b.seq)).slice(0, limit);
  }

  /** Drops the days that ended between two moments up to which everything was relayed. */
  async drop(lane: number, fromMs: number, untilMs: number): Promise<void> {
    for (const day of daysBetween(fromMs - dayMs - idAgeMaxMs, untilMs - dayMs - idAgeMaxMs)) {
      // The day in which the first moment lies was not over then, and is only now if the second one is past it.
      if (endOf(day) + idAgeMaxMs <= fromMs || endOf(day) + idAgeMaxMs > untilMs) continue;
      await this.#client.execute(`DELETE FROM ${this.#keyspace}.outbox_of_day WHERE day = ? AND shard = ?`, [
        dateOf(day),
        lane,
      ]);
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

/** A moment of each day from one to another. */
function daysBetween(fromMs: number, untilMs: number): readonly number[] {
  const first = Math.floor(fromMs / dayMs);
  const count = Math.floor(untilMs / dayMs) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * dayMs);
}

function endOf(timeMs: number): number {
  return (Math.floor(timeMs / dayMs) + 1) * dayMs;
}

function dateOf(timeMs: number): types.LocalDate {
  return types.LocalDate.fromDate(new Date(timeMs));
}

function outboxRow(row: types.Row): OutboxRow {
  const seq = String(row.get("seq"));
  const tweets = JSON.parse(String(row.get("tweets"))) as ReadonlyArray<readonly [string, string, string]>;
  return {
    seq,
    seqMs: tweetIdTimeMs(seq),
    tweets: tweets.map(([id, handle, content]) => ({ id, handle, content, createdAtMs: tweetIdTimeMs(id) })),
  };
}
