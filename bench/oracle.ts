/**
 * `npm run oracle -- --cases 10000 [--seed N]`: random cases of live queries against the same queries run as a whole, then as
 * many versions of a sum over transfers, which is 0 in each.
 */
import { parseArgs } from "node:util";
import { DuckDbEngine } from "../src/sql/duckdb/engine.js";
import { runOracle } from "../test/support/live-oracle-run.js";
import { runTransfers } from "../test/support/live-transfers.js";
import { testSeed } from "../test/support/seeded-random.js";

const { values } = parseArgs({ options: { cases: { type: "string", default: "10000" }, seed: { type: "string" } } });
const cases = Number(values.cases);
const seed = values.seed === undefined ? testSeed() : Number(values.seed);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
  console.error("usage: npm run oracle -- [--cases N] [--seed N]");
  process.exit(2);
}
console.log(`${cases} cases, seed ${seed}`);
const summary = await runOracle({
  cases,
  seed,
  onProgress: (done) => {
    if (done % 500 === 0) console.log(`${done} …`);
  },
});
for (const [reason, count] of summary.reasons) console.log(`${count} cases run as a whole: ${reason}`);
console.log(
  `${summary.cases} cases, ${summary.refreshes} refreshes, ${summary.incremental} of them incremental, seed ${seed}`,
);
console.log(summary.failure === undefined ? "no difference" : summary.failure);
const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
const wrong = await runTransfers(engine, { versions: cases, seed });
await engine.close();
console.log(wrong ?? `transfers between accounts sum to 0 in each of ${cases} versions`);
process.exit(summary.failure === undefined && wrong === undefined ? 0 : 1);
