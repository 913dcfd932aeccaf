/** One run of the memory bench, in a process that holds nothing else: writes, samples twice, tells its parent, ends. */
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { cellValue } from "../../src/sql/schema.js";
import type { RecordBatch } from "../../src/streaming/record.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { tweetBatches } from "./tweets.js";

export interface MemorySample {
  readonly duckDbMiB: number;
  readonly rssMiB: number;
}

const PARTITIONS = 3;
const BATCH_ROWS = 5_000;
const EARLY = 4;
const LATE = 50;
/** Memory goes up and down with checkpoints and generations: the most of so many samples counts. */
const SAMPLES = 8;

async function main(store: "file" | "memory", keep: number): Promise<void> {
  const folder = temporaryFolder("bench");
  const engine = await DuckDbEngine.open({ kind: store, dataDirectory: folder.path });
  const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: keep } });
  // The same tweets again and again, at offsets that go on.
  const { batches } = tweetBatches({
    records: PARTITIONS * 4 * BATCH_ROWS,
    partitions: PARTITIONS,
    batchRows: BATCH_ROWS,
  });
  const nextOffsets = new Array<bigint>(PARTITIONS).fill(0n);
  const turns = [0, 0, 0];
  const writeUpTo = async (rows: number): Promise<void> => {
    await Promise.all(
      nextOffsets.map(async (_, partition) => {
        const own = batches.filter((batch) => batch.partition === partition);
        while ((nextOffsets[partition] as bigint) < BigInt(Math.ceil(rows / PARTITIONS))) {
          const batch = own[(turns[partition] as number) % own.length] as RecordBatch;
          turns[partition] = (turns[partition] as number) + 1;
          await table.write(moved(batch, nextOffsets[partition] as bigint));
          nextOffsets[partition] = (nextOffsets[partition] as bigint) + BigInt(batch.count);
        }
      }),
    );
  };
  const most = async (from: number, to: number): Promise<MemorySample> => {
    const samples: MemorySample[] = [];
    for (let step = 1; step <= SAMPLES; step++) {
      await writeUpTo(from + ((to - from) * step) / SAMPLES);
      samples.push(await sample(engine));
    }
    return {
      duckDbMiB: Math.max(...samples.map((one) => one.duckDbMiB)),
      rssMiB: Math.max(...samples.map((one) => one.rssMiB)),
    };
  };
  const early = await most(0, EARLY * keep);
  await writeUpTo((LATE - EARLY) * keep);
  const late = await most((LATE - EARLY) * keep, LATE * keep);
  const kept = table.counts().rows;
  if (kept > keep * 1.5) throw new Error(`${kept} rows are kept where ${keep} were asked for`);
  await engine.close();
  folder.remove();
  process.send?.({ early, late }, () => process.exit(0));
}

function moved(batch: RecordBatch, firstOffset: bigint): RecordBatch {
  const offsets = BigInt64Array.from(batch.offsets, (_, index) => firstOffset + BigInt(index));
  const nextOffset = firstOffset + BigInt(batch.count);
  return { ...batch, offsets, nextOffset, highWatermark: nextOffset };
}

async function sample(engine: DuckDbEngine): Promise<MemorySample> {
  globalThis.gc?.();
  const result = await engine.query(
    { text: "SELECT sum(memory_usage_bytes)::DOUBLE FROM duckdb_memory()", parameters: [], rowLimit: 1 },
    new AbortController().signal,
  );
  const [column] = result.columns;
  const bytes = column === undefined ? 0 : Number(cellValue(column, 0));
  return { duckDbMiB: bytes / 2 ** 20, rssMiB: process.memoryUsage.rss() / 2 ** 20 };
}

const [store, keep] = process.argv.slice(2);
await main(store === "memory" ? "memory" : "file", Number(keep));
