/**
 * Transfers between ten accounts: both sides of one are one batch, two partitions are written side by side, and a live query
 * is read in the middle of it. The sum over all accounts is 0 in every version that is consistent.
 */
import type { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { cellValue } from "../../src/sql/schema.js";
import { recordBatch } from "./record-batches.js";
import { seededRandom } from "./seeded-random.js";

const ACCOUNTS = 10;
const TOTAL =
  "SELECT sum(amount) AS total FROM (SELECT account, sum(amount) AS amount FROM transfers GROUP BY account) q";

/** @returns what is wrong; undefined where the sum was 0 in each version. */
export async function runTransfers(
  engine: DuckDbEngine,
  { versions, seed }: { readonly versions: number; readonly seed: number },
): Promise<string | undefined> {
  const table = await engine.openStreamTable({ name: "transfers", format: "json", keep: { rows: 1_000_000 } });
  const live = engine.openLiveQuery({ text: TOTAL, parameters: [], rowLimit: ACCOUNTS, everyMs: 0 });
  const never = new AbortController().signal;
  const random = seededRandom(seed);
  const offsets = [0n, 0n];
  const writing: Array<Promise<unknown>> = [];
  try {
    for (let version = 0; version < versions; version++) {
      const partition = version % 2;
      await writing[partition];
      const amount = random.below(1_000);
      const sides = [amount, -amount].map((value) => ({
        value: `{"account":${random.below(ACCOUNTS)},"amount":${value}}`,
      }));
      const firstOffset = offsets[partition] ?? 0n;
      offsets[partition] = firstOffset + 2n;
      writing[partition] = table.write(recordBatch(sides, { firstOffset, topic: "t", partition }));
      if (version === 0) await writing[partition];
      const answer = await live.refreshIncrementally(ACCOUNTS, never);
      const [column] = answer?.result.columns ?? [];
      const total = column === undefined ? undefined : String(cellValue(column, 0));
      if (total !== "0") return `a sum of ${total} in version ${version + 1}, seed ${seed}: ${live.reason ?? "kept"}`;
    }
    return undefined;
  } finally {
    await Promise.all(writing);
    live.close();
    await engine.closeStreamTable("transfers");
  }
}
