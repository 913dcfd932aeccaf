/**
 * Reading and writing tweets in Cassandra's tables. Owns which partition a tweet is in (its day and its handle's lane) and
 * how a timeline is put together from several; knows no outbox and no Kafka.
 */
import { createHash } from "node:crypto";
import { type Client, types } from "cassandra-driver";
import { laneCount, laneOf } from "./lanes.js";
import type { Tweet } from "./tweet.js";
import { compareTweetIds, laneOfTweetId, tweetIdDay, tweetIdTimeMs } from "./tweet-id.js";
import type { TimelineRequest } from "./tweet-store.js";

/** A statement with its values, one of a batch. */
export interface RowToWrite {
  readonly query: string;
  readonly params: unknown[];
}

/** Days looked up at once; a page of a quiet handle may span many. */
const daysAtOnce = 30;
/** The tables' first version had a day in so many parts; what it wrote is still there. */
export const shardsOfVersion1 = 4;
const shardCount = Math.max(laneCount, shardsOfVersion1);
/** Ids that lie further apart are looked up one by one. */
const nearMs = 20_000;
/** Days that are known to be written down; more than a day of handles is not kept. */
const knownDaysMax = 20_000;

export class CassandraTweets {
  readonly #client: Client;
  readonly #keyspace: string;
  readonly #knownDays = new Set<string>();

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.#keyspace = keyspace;
  }

  /** Its rows wherever it is read from, all in one partition; writing them again is the same. */
  rows(tweet: Tweet): readonly RowToWrite[] {
    const day = dateOf(tweetIdDay(tweet.id));
    const shard = laneOfTweetId(tweet.id);
    const createdAt = new Date(tweet.createdAtMs);
    return [
      {
        query: `INSERT INTO ${this.#keyspace}.tweets (day, shard, id, handle, content, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
        params: [day, shard, tweet.id, tweet.handle, tweet.content, createdAt],
      },
      {
        query: `INSERT INTO ${this.#keyspace}.tweets_of_handle (day, shard, handle, id, content, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
        params: [day, shard, tweet.handle, tweet.id, tweet.content, createdAt],
      },
    ];
  }

  /** Writes down that its day has tweets, of all and of its handle, unless that is known to be there. */
  async writeDays(tweet: Tweet): Promise<void> {
    const day = tweetIdDay(tweet.id);
    await Promise.all([this.#writeDay("all", day), this.#writeDay(`@${tweet.handle}`, day)]);
  }

  /** All of the above for one that may be missing. */
  async write(tweet: Tweet): Promise<void> {
    await Promise.all([this.#client.batch([...this.rows(tweet)], { logged: false }), this.writeDays(tweet)]);
  }

  async tweet(id: string): Promise<Tweet | undefined> {
    const shard = laneOfTweetId(id);
    const found = await this.#tweetIn(shard, id);
    const earlierShard = shardOfVersion1(id);
    return found ?? (earlierShard === shard ? undefined : await this.#tweetIn(earlierShard, id));
  }

  async #tweetIn(shard: number, id: string): Promise<Tweet | undefined> {
    const rows = await this.#client.execute(
      `SELECT id, handle, content FROM ${this.#keyspace}.tweets WHERE day = ? AND shard = ? AND id = ?`,
      [dateOf(tweetIdDay(id)), shard, id],
    );
    const row = rows.first();
    return row === null || row === undefined ? undefined : tweetOf(row);
  }

  async timeline({ before, handle, limit }: TimelineRequest): Promise<readonly Tweet[]> {
    const found: Tweet[] = [];
    let upTo = before === undefined ? undefined : tweetIdDay(before);
    while (found.length < limit) {
      const days = await this.#days(handle === undefined ? "all" : `@${handle}`, upTo);
      for (const day of days) {
        const missing = limit - found.length;
        const tweets =
          handle === undefined ? this.#ofDay(day, before, missing) : this.#ofHandle(handle, day, before, missing);
        found.push(...(await tweets));
        if (found.length >= limit) return found;
      }
      if (days.length < daysAtOnce) return found;
      upTo = dayBefore(days.at(-1));
    }
    return found;
  }

  /** Those of the ids that are in the timeline. Ids of about one time in a lane cost one read of that time. */
  async present(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const newestMs = Math.max(...ids.map(tweetIdTimeMs));
    const near = ids.filter((id) => newestMs - tweetIdTimeMs(id) <= nearMs);
    const far = ids.filter((id) => newestMs - tweetIdTimeMs(id) > nearMs);
    const found = new Set<string>();
    const groups = new Map<string, string[]>();
    for (const id of near) {
      const partition = `${tweetIdDay(id)} ${laneOfTweetId(id)}`;
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [id]);
      else group.push(id);
    }
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const sorted = group.toSorted(compareTweetIds);
        const [first = ""] = sorted;
        const rows = await this.#client.execute(
          `SELECT id FROM ${this.#keyspace}.tweets WHERE day = ? AND shard = ? AND id >= ? AND id <= ?`,
          [dateOf(tweetIdDay(first)), laneOfTweetId(first), first, sorted.at(-1)],
          { fetchSize: 5_000 },
        );
        for await (const row of rows) found.add(String(row.get("id")));
        far.push(...group.filter((id) => !found.has(id)));
      }),
    );
    await Promise.all(
      far.map(async (id) => {
        if ((await this.tweet(id)) !== undefined) found.add(id);
      }),
    );
    return found;
  }

  async #days(scope: string, upTo: string | undefined): Promise<readonly string[]> {
    const rows =
      upTo === undefined
        ? await this.#client.execute(`SELECT day FROM ${this.#keyspace}.days WHERE scope = ? LIMIT ?`, [
            scope,
            daysAtOnce,
          ])
        : await this.#client.execute(`SELECT day FROM ${this.#keyspace}.days WHERE scope = ? AND day <= ? LIMIT ?`, [
            scope,
            dateOf(upTo),
            daysAtOnce,
          ]);
    return rows.rows.map((row) => String(row.get("day")));
  }

  async #ofDay(day: string, before: string | undefined, limit: number): Promise<readonly Tweet[]> {
    const parts = await Promise.all(
      Array.from({ length: shardCount }, (_, shard) =>
        this.#page("tweets", { day: dateOf(day), shard }, before, limit),
      ),
    );
    return parts
      .flat()
      .map((row) => tweetOf(row))
      .sort((a, b) => compareTweetIds(b.id, a.id))
      .slice(0, limit);
  }

  async #ofHandle(handle: string, day: string, before: string | undefined, limit: number): Promise<readonly Tweet[]> {
    const rows = await this.#page(
      "tweets_of_handle",
      { day: dateOf(day), shard: laneOf(handle), handle },
      before,
      limit,
    );
    return rows.map((row) => tweetOf(row));
  }

  /** Newest first. */
  async #page(
    table: string,
    partition: Readonly<Record<string, unknown>>,
    before: string | undefined,
    limit: number,
  ): Promise<readonly types.Row[]> {
    const conditions = Object.keys(partition).map((column) => `${column} = ?`);
    const values = Object.values(partition);
    if (before !== undefined) {
      conditions.push("id < ?");
      values.push(before);
    }
    const where = conditions.join(" AND ");
    const { rows } = await this.#client.execute(
      `SELECT id, handle, content FROM ${this.#keyspace}.${table} WHERE ${where} LIMIT ?`,
      [...values, limit],
    );
    return rows;
  }

  async #writeDay(scope: string, day: string): Promise<void> {
    const known = `${day} ${scope}`;
    if (this.#knownDays.has(known)) return;
    await this.#client.execute(`INSERT INTO ${this.#keyspace}.days (scope, day) VALUES (?, ?)`, [scope, dateOf(day)]);
    if (this.#knownDays.size >= knownDaysMax) this.#knownDays.clear();
    this.#knownDays.add(known);
  }
}

/** Where the tables' first version put a tweet: it is still there. */
function shardOfVersion1(id: string): number {
  return (createHash("md5").update(id).digest()[0] ?? 0) % shardsOfVersion1;
}

function dateOf(day: string): types.LocalDate {
  return types.LocalDate.fromString(day);
}

function tweetOf(row: types.Row): Tweet {
  const id = String(row.get("id"));
  return { id, handle: String(row.get("handle")), content: String(row.get("content")), createdAtMs: tweetIdTimeMs(id) };
}

function dayBefore(day: string | undefined): string | undefined {
  if (day === undefined) return undefined;
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
