import { ok } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { recordBatch } from "../support/record-batches.js";

const WARM_UP = 100;
const REFRESHES = 300;
/** A statement that was left to the collector kept its hash tables: 230 MiB here. */
const GROWTH_MIB_MAX = 75;

describe("the memory of a live query", function () {
  this.timeout(120_000);

  it("does not grow with its refreshes", async () => {
    const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    const table = await engine.openStreamTable({ name: "posts", format: "json", keep: { rows: 1_000_000 } });
    const text = "SELECT handle, avg(x) AS a, stddev(x) AS s FROM posts GROUP BY handle ORDER BY a";
    const live = engine.openLiveQuery({ text, parameters: [], rowLimit: 100, everyMs: 0 });
    const never = new AbortController().signal;
    let afterWarmUp = 0;
    for (let refresh = 0; refresh < WARM_UP + REFRESHES; refresh++) {
      if (refresh === WARM_UP) afterWarmUp = process.memoryUsage.rss();
      await table.write(
        recordBatch([{ value: `{"handle":"h${refresh % 7}","x":${refresh}}` }], { firstOffset: BigInt(refresh) }),
      );
      const answer = await live.refreshIncrementally(100, never);
      ok(answer !== undefined, live.reason);
    }
    const grownMiB = (process.memoryUsage.rss() - afterWarmUp) / 2 ** 20;
    live.close();
    await engine.close();
    ok(grownMiB < GROWTH_MIB_MAX, `${grownMiB.toFixed(0)} MiB in ${REFRESHES} refreshes`);
  });
});
