/**
 * Brings what a keyspace of the tables' first version holds into those of the second: tweets by their handle, and what of
 * the outbox is not relayed. Every row may be written twice, so instances that start at once may all do it. Instances of
 * the first version have to be stopped before: what they write meanwhile would stay where it is.
 */
import { type Client, types } from "cassandra-driver";
import { CassandraOutbox } from "./cassandra-outbox.js";
import { type RowToWrite, shardsOfVersion1 } from "./cassandra-tweets.js";
import { laneCount, laneOf } from "./lanes.js";
import { tweetIdTimeMs } from "./tweet-id.js";

/** A multiple of `laneCount`, so that what was in one lane together still is. */
const lanesOfVersion1 = 6;
const bucketMs = 10 * 60_000;
const pageRows = 500;
const batchRows = 50;

export async function moveToVersion2(client: Client, keyspace: string): Promise<void> {
  const tables = await client.execute(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'tweets_by_handle'",
    [keyspace],
    { consistency: types.consistencies.one },
  );
  // Made by the second version, which does not make this one any more: there is nothing to bring over.
  if (tables.rowLength === 0) return;
  await moveTweets(client, keyspace);
  await moveOutbox(client, keyspace);
  await joinLanes(client, keyspace);
}

async function moveTweets(client: Client, keyspace: string): Promise<void> {
  const days = await client.execute(`SELECT day FROM ${keyspace}.days WHERE scope = 'all'`);
  for (const { day } of days.rows) {
    for (let shard = 0; shard < shardsOfVersion1; shard += 1) {
      const rows = await client.execute(
        `SELECT id, handle, content, created_at FROM ${keyspace}.tweets WHERE day = ? AND shard = ?`,
        [day, shard],
        { fetchSize: pageRows },
      );
      await writeInBatches(client, rows, (row) => ({
        query: `INSERT INTO ${keyspace}.tweets_of_handle (day, shard, handle, id, content, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
        params: [
          day,
          laneOf(String(row.get("handle"))),
          row.get("handle"),
          row.get("id"),
          row.get("content"),
          row.get("created_at"),
        ],
      }));
    }
  }
}

async function moveOutbox(client: Client, keyspace: string): Promise<void> {
  const outbox = new CassandraOutbox(client, keyspace);
  for (let lane = 0; lane < lanesOfVersion1; lane += 1) {
    const until = await relayedUntil(client, keyspace, lane);
    if (until === undefined) continue;
    for (let bucket = Math.floor(until.getTime() / bucketMs); bucket * bucketMs <= Date.now(); bucket += 1) {
      const rows = await client.execute(
        `SELECT seq, id, handle, content FROM ${keyspace}.outbox WHERE lane = ? AND bucket = ?`,
        [lane, bucket],
        { fetchSize: pageRows },
      );
      await writeInBatches(client, rows, (row) => {
        const [seq, id] = [String(row.get("seq")), String(row.get("id"))];
        const tweet = {
          id,
          handle: String(row.get("handle")),
          content: String(row.get("content")),
          createdAtMs: tweetIdTimeMs(id),
        };
        // The day of writing, where the relay looks too: these are not written with their tweets.
        return outbox.rowOf(types.LocalDate.fromDate(new Date(tweetIdTimeMs(seq))), seq, [tweet]);
      });
    }
  }
}

/** A lane of now holds several of then: all in it is relayed up to where all in each of them is. */
async function joinLanes(client: Client, keyspace: string): Promise<void> {
  const marks = await Promise.all(
    Array.from({ length: lanesOfVersion1 }, (_, lane) => relayedUntil(client, keyspace, lane)),
  );
  for (let lane = 0; lane < laneCount; lane += 1) {
    const times = marks.filter((_, of) => of % laneCount === lane).flatMap((mark) => mark?.getTime() ?? []);
    if (times.length === 0) continue;
    const least = new Date(Math.min(...times));
    await client.execute(`INSERT INTO ${keyspace}.lanes (lane, relayed_until) VALUES (?, ?)`, [lane, least]);
  }
}

async function relayedUntil(client: Client, keyspace: string, lane: number): Promise<Date | undefined> {
  const state = await client.execute(`SELECT relayed_until FROM ${keyspace}.lanes WHERE lane = ?`, [lane]);
  const until: unknown = state.first()?.get("relayed_until");
  return until instanceof Date ? until : undefined;
}

/** Of one partition each; page by page, so that a day of millions is never in memory. */
async function writeInBatches(
  client: Client,
  rows: types.ResultSet,
  statement: (row: types.Row) => RowToWrite,
): Promise<void> {
  const groups = new Map<number, RowToWrite[]>();
  const write = async (lane: number) => {
    await client.batch(groups.get(lane) ?? [], { logged: false });
    groups.delete(lane);
  };
  for await (const row of rows) {
    const lane = laneOf(String(row.get("handle")));
    const group = groups.get(lane) ?? [];
    group.push(statement(row));
    groups.set(lane, group);
    if (group.length === batchRows) await write(lane);
  }
  for (const lane of groups.keys()) await write(lane);
}
