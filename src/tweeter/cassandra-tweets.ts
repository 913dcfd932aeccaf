/**
 * Reading and writing tweets in Cassandra's tables. Owns which partition a tweet is in and how a timeline is put together
 * from several; knows no outbox and no Kafka.
 */
import { createHash } from "node:crypto";
import { type Client, types } from "cassandra-driver";
import type { Tweet } from "./tweet.js";
import { compareTweetIds, tweetIdDay, tweetIdTimeMs } from "./tweet-id.js";
import type { TimelineRequest } from "./tweet-store.js";

/** Parts of a day in the timeline. Stays as it is: rows are where they were written. */
const shards = 4;
/** Days looked up at once; a page of a quiet handle may span many. */
const daysAtOnce = 30;
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

  /** Writes the tweet wherever it is read from; again is the same. */
  async write(tweet: Tweet): Promise<void> {
    const day = types.LocalDate.fromString(tweetIdDay(tweet.id));
    const createdAt = new Date(tweet.createdAtMs);
    await Promise.all([
      this.#client.execute(
        `INSERT INTO ${this.#keyspace}.tweets (day, shard, id, handle, content, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
        [day, shardOf(tweet.id), tweet.id, tweet.handle, tweet.content, createdAt],
      ),
      this.#client.execute(
        `INSERT INTO ${this.#keyspace}.tweets_by_handle (handle, day, id, content, created_at) VALUES (?, ?, ?, ?, ?)`,
        [tweet.handle, day, tweet.id, tweet.content, createdAt],
      ),
      this.#writeDay("all", day),
      this.#writeDay(`@${tweet.handle}`, day),
    ]);
  }

  async tweet(id: string): Promise<Tweet | undefined> {
    const rows = await this.#client.execute(
      `SELECT id, handle, content FROM ${this.#keyspace}.tweets WHERE day = ? AND shard = ? AND id = ?`,
      [types.LocalDate.fromString(tweetIdDay(id)), shardOf(id), id],
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

  /** Those of the ids that are in the timeline. Ids of about one time cost one read of that time. */
  async present(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const newestMs = Math.max(...ids.map(tweetIdTimeMs));
    const near = ids.filter((id) => newestMs - tweetIdTimeMs(id) <= nearMs);
    const far = ids.filter((id) => newestMs - tweetIdTimeMs(id) > nearMs);
    const found = new Set<string>();
    const groups = new Map<string, string[]>();
    for (const id of near) {
      const partition = `${tweetIdDay(id)} ${shardOf(id)}`;
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [id]);
      else group.push(id);
    }
    await Promise.all([
      ...[...groups.values()].map(async (group) => {
        const sorted = group.toSorted(compareTweetIds);
        const [first = ""] = sorted;
        const rows = await this.#client.execute(
          `SELECT id FROM ${this.#keyspace}.tweets WHERE day = ? AND shard = ? AND id >= ? AND id <= ?`,
          [types.LocalDate.fromString(tweetIdDay(first)), shardOf(first), first, sorted.at(-1)],
          { fetchSize: 5_000 },
        );
        for await (const row of rows) found.add(String(row.get("id")));
      }),
      ...far.map(async (id) => {
        if ((await this.tweet(id)) !== undefined) found.add(id);
      }),
    ]);
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
            types.LocalDate.fromString(upTo),
            daysAtOnce,
          ]);
    return rows.rows.map((row) => String(row.get("day")));
  }

  async #ofDay(day: string, before: string | undefined, limit: number): Promise<readonly Tweet[]> {
    const parts = await Promise.all(
      Array.from({ length: shards }, (_, shard) =>
        this.#page("tweets", "id, handle, content", { day: types.LocalDate.fromString(day), shard }, before, limit),
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
      "tweets_by_handle",
      "id, handle, content",
      { handle, day: types.LocalDate.fromString(day) },
      before,
      limit,
    );
    return rows.map((row) => tweetOf(row));
  }

  /** Newest first. */
  async #page(
    table: string,
    columns: string,
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
      `SELECT ${columns} FROM ${this.#keyspace}.${table} WHERE ${where} LIMIT ?`,
      [...values, limit],
    );
    return rows;
  }

  async #writeDay(scope: string, day: types.LocalDate): Promise<void> {
    const known = `${day} ${scope}`;
    if (this.#knownDays.has(known)) return;
    await this.#client.execute(`INSERT INTO ${this.#keyspace}.days (scope, day) VALUES (?, ?)`, [scope, day]);
    if (this.#knownDays.size >= knownDaysMax) this.#knownDays.clear();
    this.#knownDays.add(known);
  }
}

/** Evenly spread, and to be told from the id alone. */
function shardOf(id: string): number {
  return (createHash("md5").update(id).digest()[0] ?? 0) % shards;
}

function tweetOf(row: types.Row): Tweet {
  const id = String(row.get("id"));
  return { id, handle: String(row.get("handle")), content: String(row.get("content")), createdAtMs: tweetIdTimeMs(id) };
}

function dayBefore(day: string | undefined): string | undefined {
  if (day === undefined) return undefined;
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
