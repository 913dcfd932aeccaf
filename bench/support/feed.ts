/** Writes the same tweets over and over at new offsets, as fast as it is asked to. */
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import type { RecordBatch } from "../../src/streaming/record.js";
import { recordBatch } from "../../test/support/record-batches.js";
import { seededRandom } from "../../test/support/seeded-random.js";
import { tweet } from "./tweets.js";

const BATCHES = 10;

export class Feed {
  readonly #table: DuckDbStreamTable;
  readonly #batches: readonly RecordBatch[];
  #rows = 0;

  /** `handles`: how many speakers there are, all equally busy; left out: those of the tweets, a few of whom say most. */
  constructor(
    table: DuckDbStreamTable,
    { batchRows = 10_000, handles }: { readonly batchRows?: number; readonly handles?: number } = {},
  ) {
    this.#table = table;
    const random = seededRandom(7);
    this.#batches = Array.from({ length: BATCHES }, (_, batch) =>
      recordBatch(
        Array.from({ length: batchRows }, (_, row) => {
          const index = batch * batchRows + row;
          const value = tweet(random, index);
          if (handles === undefined) return { value };
          return { value: value.replace(/"speaker\d+"/, `"speaker${(index * 7919) % handles}"`) };
        }),
      ),
    );
  }

  get rows(): number {
    return this.#rows;
  }

  async growTo(rows: number): Promise<void> {
    while (this.#rows < rows) await this.grow();
  }

  /** One batch; `timestampMs` instead of the tweets' own time. */
  async grow(timestampMs?: bigint): Promise<void> {
    const batch = this.#batches[(this.#rows / (this.#batches[0]?.count ?? 1)) % BATCHES] as RecordBatch;
    const first = BigInt(this.#rows);
    const offsets = BigInt64Array.from({ length: batch.count }, (_, index) => first + BigInt(index));
    const times = timestampMs === undefined ? {} : { timestampsMs: new BigInt64Array(batch.count).fill(timestampMs) };
    await this.#table.write({ ...batch, ...times, offsets, nextOffset: first + BigInt(batch.count) });
    this.#rows += batch.count;
  }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new Error("percentile of no values");
  return value;
}
