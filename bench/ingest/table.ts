/**
 * Records into DuckDB: the engine's own way (bytes, no strings, one transaction per batch with its offset) against what a
 * careful program does with the client library (JSON.parse, data chunks, appender, offset in the same transaction).
 */
import {
  BIGINT,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { type RecordBatch, valueAt } from "../../src/streaming/record.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { alternate, type Measure, measure } from "../measure.js";
import { type TweetBatches, tweetBatches } from "../support/tweets.js";

const RECORDS = 400_000;
const BATCH_ROWS = 5_000;
const ROUNDS = 4;

export async function measureTable(): Promise<Measure[]> {
  const one = tweetBatches({ records: RECORDS, partitions: 1, batchRows: BATCH_ROWS });
  const four = tweetBatches({ records: RECORDS, partitions: 4, batchRows: BATCH_ROWS });
  const bad = tweetBatches({ records: RECORDS, partitions: 4, batchRows: BATCH_ROWS, badEvery: 100 });
  // Both sides once without counting: compilation, memory.
  await engineRate(four, "memory");
  await appenderRate(four);
  const onePartition = await alternate(
    ROUNDS,
    () => engineRate(one, "memory"),
    () => appenderRate(one),
  );
  const fourPartitions = await alternate(
    ROUNDS,
    () => engineRate(four, "memory"),
    () => appenderRate(four),
  );
  const stores = await alternate(
    ROUNDS,
    () => engineRate(four, "file"),
    () => engineRate(four, "memory"),
  );
  const rejects = await alternate(
    ROUNDS,
    () => engineRate(bad, "memory"),
    () => engineRate(four, "memory"),
  );
  return [
    measure({
      name: "engine alone, one partition into memory",
      unit: "rows/s",
      ...onePartition,
      peerName: "JSON.parse + chunk appender",
      goal: { atLeast: 1 },
    }),
    measure({
      name: "engine alone, four partitions into memory",
      unit: "rows/s",
      ...fourPartitions,
      peerName: "JSON.parse + chunk appender",
      goal: { atLeast: 1.5 },
    }),
    measure({
      name: "engine alone, four partitions into a file",
      unit: "rows/s",
      ...stores,
      peerName: "the same into memory",
      goal: { atLeast: 0.7 },
    }),
    measure({
      name: "engine alone, 1 % bad records",
      unit: "rows/s",
      ...rejects,
      peerName: "clean records",
      goal: { atLeast: 0.6 },
    }),
  ];
}

/** Every partition writes its batches in order, side by side with the others, as the pipeline does. */
async function engineRate(tweets: TweetBatches, kind: "memory" | "file"): Promise<number> {
  const folder = temporaryFolder("bench");
  const engine = await DuckDbEngine.open({ kind, dataDirectory: folder.path });
  try {
    const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: 10_000_000 } });
    const partitions = [...new Set(tweets.batches.map((batch) => batch.partition))];
    const startedMs = performance.now();
    await Promise.all(
      partitions.map(async (partition) => {
        for (const batch of tweets.batches.filter((candidate) => candidate.partition === partition)) {
          await table.write(batch);
        }
      }),
    );
    const seconds = (performance.now() - startedMs) / 1000;
    const { rows, rejected } = table.counts();
    if (rows + rejected !== tweets.records)
      throw new Error(`${rows} rows and ${rejected} rejected of ${tweets.records}`);
    return tweets.records / seconds;
  } finally {
    await engine.close();
    folder.remove();
  }
}

async function appenderRate(tweets: TweetBatches): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  await connection.run(
    "CREATE TABLE tweets (_seq BIGINT, id VARCHAR, content VARCHAR, created_at TIMESTAMP, handle VARCHAR, _topic VARCHAR, _partition INTEGER, _offset BIGINT, _timestamp TIMESTAMP, _key VARCHAR)",
  );
  await connection.run("CREATE TABLE offsets (partition INTEGER, next_offset BIGINT)");
  await connection.run("INSERT INTO offsets SELECT range, 0 FROM range(4)");
  const appender = await connection.createAppender("tweets");
  let sequence = 0n;
  const startedMs = performance.now();
  for (const batch of tweets.batches) {
    await connection.run("BEGIN TRANSACTION");
    for (let from = 0; from < batch.count; from += 2048) {
      appender.appendDataChunk(parsedChunk(batch, from, Math.min(batch.count, from + 2048), sequence + BigInt(from)));
    }
    appender.flushSync();
    await connection.run("UPDATE offsets SET next_offset = $1 WHERE partition = $2", [
      batch.nextOffset,
      batch.partition,
    ]);
    await connection.run("COMMIT");
    sequence += BigInt(batch.count);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  appender.closeSync();
  connection.closeSync();
  instance.closeSync();
  return tweets.records / seconds;
}

const TYPES = [BIGINT, VARCHAR, VARCHAR, TIMESTAMP, VARCHAR, VARCHAR, INTEGER, BIGINT, TIMESTAMP, VARCHAR];

interface Tweet {
  readonly id: string;
  readonly content: string;
  readonly created_at: string;
  readonly handle: string;
}

function parsedChunk(batch: RecordBatch, from: number, to: number, sequence: bigint): DuckDBDataChunk {
  const count = to - from;
  const tweets = Array.from(
    { length: count },
    (_, index) => JSON.parse((valueAt(batch, from + index) ?? Buffer.alloc(0)).toString()) as Tweet,
  );
  const chunk = DuckDBDataChunk.create(TYPES, count);
  const micros = (text: string): DuckDBTimestampValue => new DuckDBTimestampValue(BigInt(Date.parse(text)) * 1000n);
  chunk.setColumns([
    tweets.map((_, index) => sequence + BigInt(index)),
    tweets.map((tweet) => tweet.id),
    tweets.map((tweet) => tweet.content),
    tweets.map((tweet) => micros(tweet.created_at)),
    tweets.map((tweet) => tweet.handle),
    tweets.map(() => batch.topic),
    tweets.map(() => batch.partition),
    [...batch.offsets.subarray(from, to)],
    [...batch.timestampsMs.subarray(from, to)].map((ms) => new DuckDBTimestampValue(ms * 1000n)),
    tweets.map(() => null),
  ]);
  return chunk;
}
