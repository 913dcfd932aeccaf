import { deepEqual, equal, ok } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { LiveQueryHost } from "../../src/sql/duckdb/live-query.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { randomCase } from "../support/live-cases.js";
import { type OracleCase, runOracleCase, shrinkOracleCase } from "../support/live-oracle.js";
import { runOracle } from "../support/live-oracle-run.js";
import { runTransfers } from "../support/live-transfers.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";

const CASES = Number(process.env.TIDETABLE_CASES) || 500;

describe("the oracle of live queries", function () {
  this.timeout(600_000);
  let engine: DuckDbEngine;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  const seed = testSeed();
  it(`finds no answer that differs from the query run as a whole (${CASES} cases, seed ${seed})`, async () => {
    const summary = await runOracle({ cases: CASES, seed });
    equal(summary.failure, undefined);
    ok(summary.incremental > summary.refreshes * 0.6, `${summary.incremental} of ${summary.refreshes} incremental`);
  });

  it("sees the sum of transfers between ten accounts as 0 in every version", async () => {
    const wrong = await runTransfers(engine, { versions: Math.min(10_000, CASES * 2), seed });
    equal(wrong, undefined);
  });

  const inTables = (plant: (table: DuckDbStreamTable) => DuckDbStreamTable): Plant => {
    return (real) => ({ ...real, stream: (name) => plantIn(real.stream(name), plant) });
  };
  const planted: ReadonlyArray<readonly [string, Plant]> = [
    ["a watermark beyond the rows that were read", inTables((table) => changed(table, { notesFurther: 1n }))],
    ["rows that are merged twice", inTables((table) => changed(table, { notesFurther: -1n }))],
    ["retention that goes unnoticed", inTables((table) => changed(table, { epoch: 0 }))],
    ["rows that stay when their time is over", (real) => ({ ...real, nowMs: firstOf(real.nowMs) })],
  ];
  for (const [what, host] of planted) {
    it(`catches a planted bug: ${what}`, async () => {
      const random = seededRandom(seed);
      let found: OracleCase | undefined;
      for (let tried = 0; tried < 200 && found === undefined; tried++) {
        const candidate = randomCase(random);
        if ((await runOracleCase(engine, candidate, host)).difference !== undefined) found = candidate;
      }
      ok(found !== undefined, `not caught within 200 cases, seed ${seed}`);
      let tries = 0;
      const smallest = await shrinkOracleCase(found, async (smaller) => {
        tries += 1;
        return tries <= SHRINKING_TRIES && (await runOracleCase(engine, smaller, host)).difference !== undefined;
      });
      ok(recordsIn(smallest) <= recordsIn(found));
      deepEqual((await runOracleCase(engine, smallest)).difference, undefined);
    });
  }
});

/** Smaller cases tried of a planted bug: enough to see that they still fail, far from the smallest there is. */
const SHRINKING_TRIES = 25;

type Plant = (host: LiveQueryHost) => LiveQueryHost;

/** A clock that stands still once it was looked at. */
function firstOf(now: () => number): () => number {
  let first: number | undefined;
  return () => {
    first ??= now();
    return first;
  };
}

function recordsIn({ batches }: OracleCase): number {
  return batches.reduce((sum, { records }) => sum + records.length, 0);
}

const plantedTables = new WeakMap<DuckDbStreamTable, DuckDbStreamTable>();

function plantIn(
  table: DuckDbStreamTable | undefined,
  plant: (table: DuckDbStreamTable) => DuckDbStreamTable,
): DuckDbStreamTable | undefined {
  if (table === undefined) return undefined;
  const known = plantedTables.get(table) ?? plant(table);
  plantedTables.set(table, known);
  return known;
}

/** A stream table that lies: about its epoch, or, once the rows are read, about how far they were read. */
function changed(
  table: DuckDbStreamTable,
  lie: { readonly epoch?: number; readonly notesFurther?: bigint },
): DuckDbStreamTable {
  return new Proxy(table, {
    get(real, name) {
      if (name === "epoch" && lie.epoch !== undefined) return lie.epoch;
      if (name === "position" && lie.notesFurther !== undefined)
        return () => lyingPosition(real, lie.notesFurther ?? 0n);
      const value: unknown = Reflect.get(real, name, real);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
}

/** The third time that it is asked is when the watermark is noted. */
function lyingPosition(table: DuckDbStreamTable, further: bigint): ReturnType<DuckDbStreamTable["position"]> {
  const { sequence, offsets } = table.position();
  let asked = 0;
  return {
    offsets,
    get sequence() {
      asked += 1;
      return asked < 3 || sequence === 0n ? sequence : sequence + further;
    },
  };
}
