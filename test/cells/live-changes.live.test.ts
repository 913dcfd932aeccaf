import { deepEqual, equal, ok } from "node:assert/strict";
import type { LiveRows } from "../../src/cells/library.js";
import { liveVersions } from "../../src/cells/live-versions.js";
import type { EngineClient } from "../../src/engine/engine-client.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { LiveSchedule } from "../../src/sql/live/schedule.js";
import { SharedQueries } from "../../src/sql/live/shared.js";
import { cellValue, type OffsetPosition, type QueryResult } from "../../src/sql/schema.js";
import { recordBatch } from "../support/record-batches.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

/** Batches written while each query is read. */
const BATCHES = 40;

describe("the changes that a program reads of a live query", function () {
  this.timeout(240_000);
  const seed = testSeed();
  const never = new AbortController().signal;
  let engine: DuckDbEngine;
  let shared: SharedQueries;
  let schedule: LiveSchedule;
  let views = 0;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    shared = new SharedQueries(engine);
    schedule = new LiveSchedule(engine, shared);
  });
  after(async () => {
    await schedule.close();
    shared.close();
    await engine.close();
  });

  /** The schedule itself, without the process around it. */
  const liveEngine: Pick<EngineClient, "live"> = {
    live: (text, { parameters = [], rowLimit = 10_000, everyMs }, listener) => {
      views += 1;
      const viewId = `view ${views}`;
      // The library asks for a tenth of a second at the least; a test need not wait for it.
      const started = schedule.start(viewId, { text, parameters, rowLimit, everyMs: everyMs / 100 }, listener);
      return () => void started.then(() => schedule.stop(viewId));
    },
  };

  const queries: ReadonlyArray<readonly [string, string]> = [
    ["groups that are kept up to date", "SELECT handle, count(*) AS n, max(x) AS most FROM T GROUP BY handle"],
    ["the first groups", "SELECT handle, sum(x) AS s FROM T GROUP BY handle ORDER BY s DESC, handle LIMIT 3"],
    ["equal rows", "SELECT count(*) % 3 AS n FROM T GROUP BY handle"],
    ["the newest rows", "SELECT handle, x, _offset FROM T ORDER BY _offset DESC, _partition LIMIT 10"],
    [
      "what is run again as a whole",
      "SELECT handle, list(x ORDER BY x, _offset) AS xs FROM T WHERE x > 6 GROUP BY handle",
    ],
    [
      "a join with itself, run again",
      "SELECT a.handle, count(*) AS n FROM T a JOIN T b ON a.x = b.x AND a.x > 8 GROUP BY 1",
    ],
  ];
  for (const [index, [what, text]] of queries.entries()) {
    it(`lead from each version to the answer at its offsets: ${what} (seed ${seed})`, async () => {
      const name = `changes${index}`;
      const table = await engine.openStreamTable({ name, format: "json", keep: { rows: 1_000_000 } });
      const random = seededRandom(seed + index);
      const next = [0n, 0n];
      const write = async (partition: 0 | 1): Promise<void> => {
        const records = Array.from({ length: 1 + random.below(30) }, () => ({ value: randomRecord(random) }));
        await table.write(recordBatch(records, { firstOffset: next[partition] ?? 0n, partition }));
        next[partition] = (next[partition] ?? 0n) + BigInt(records.length);
      };
      await Promise.all([write(0), write(1)]);
      let writing: Promise<void> | undefined;
      const writeAll = async (): Promise<void> => {
        for (let batch = 0; batch < BATCHES; batch++) await Promise.all([write(0), write(1)]);
      };

      const read = new Map<string, number>();
      const kinds = new Set<string>();
      let version = 0;
      const query = { text: text.replace(/\bT\b/g, name), parameters: [] };
      for await (const change of liveVersions(liveEngine, query, { everyMs: 100 }, () => ({ signal: never }))) {
        ok(change.version > version, `version ${change.version} after ${version}`);
        version = change.version;
        kinds.add(change.kind);
        writing ??= writeAll();
        applyTo(read, change);
        const whole = await engine.query(
          { text: text.replace(/\bT\b/g, `(${rowsBefore(name, change.offsets)})`), parameters: [], rowLimit: 10_000 },
          never,
        );
        deepEqual(sorted(read), sorted(rowsOf(whole)), `version ${version}, seed ${seed}`);
        if (change.offsets.length === 2 && change.offsets.every((at) => at.nextOffset === next[at.partition])) {
          await writing;
          if (change.offsets.every((at) => at.nextOffset === next[at.partition])) break;
        }
      }
      equal([...kinds][0], "snapshot");
      // Of the others, the last answer may be the first one again.
      if (index === 0) ok(kinds.has("diff"), [...kinds].join());
      await engine.closeStreamTable(name);
    });
  }

  it("begin anew when a column has come, and say so where only the offsets went on", async () => {
    const table = await engine.openStreamTable({ name: "columns", format: "json", keep: { rows: 1_000_000 } });
    await table.write(recordBatch([{ value: '{"x":1}' }]));
    const query = { text: "SELECT * EXCLUDE (_timestamp, _headers) FROM columns WHERE x > 0", parameters: [] };
    const seen: Array<readonly [string, bigint | undefined, number]> = [];
    const batches = ['{"x":0}', '{"x":2}', '{"x":3,"y":"new"}'];
    for await (const change of liveVersions(liveEngine, query, { everyMs: 100 }, () => ({ signal: never }))) {
      seen.push([change.kind, change.offsets[0]?.nextOffset, change.changes.length]);
      if (change.offsets[0]?.nextOffset === 4n) break;
      const value = batches.shift();
      if (value !== undefined) await table.write(recordBatch([{ value }], { firstOffset: BigInt(seen.length) }));
    }
    // A column is there before the first record that has it, and a refresh may come in between.
    const columnFirst = seen.length === 5;
    deepEqual(seen, [
      ["snapshot", 1n, 1],
      ["progress", 2n, 0],
      ["diff", 3n, 1],
      ...(columnFirst
        ? [
            ["snapshot", 3n, 2],
            ["diff", 4n, 1],
          ]
        : [["snapshot", 4n, 3]]),
    ]);
    await engine.closeStreamTable("columns");
  });

  it("reach a reader who was away in one step, however many versions there were", async () => {
    const table = await engine.openStreamTable({ name: "away", format: "json", keep: { rows: 1_000_000 } });
    await table.write(recordBatch([{ value: '{"x":0}' }]));
    let published = 0;
    const counting: Pick<EngineClient, "live"> = {
      live: (text, options, listener) =>
        liveEngine.live(text, options, (update) => {
          published += 1;
          listener(update);
        }),
    };
    const query = { text: "SELECT count(*) AS n FROM away", parameters: [] };
    const seen: LiveRows[] = [];
    for await (const change of liveVersions(counting, query, { everyMs: 100 }, () => ({ signal: never }))) {
      seen.push(change);
      if (seen.length === 2) break;
      for (let row = 1; published < 6; row++) {
        await table.write(recordBatch([{ value: '{"x":1}' }], { firstOffset: BigInt(row) }));
      }
    }
    const [first, second] = seen;
    equal(second?.version, published);
    deepEqual(
      second?.changes.map(({ row, diff }) => [row.n, diff]),
      [
        [first?.at(0)?.n, -1],
        [second?.at(0)?.n, 1],
      ],
    );
    await engine.closeStreamTable("away");
  });
});

function randomRecord(random: Random): string {
  return JSON.stringify({ handle: random.pick(["ann", "bob", "eve", "é😀", null]), x: random.below(10) });
}

function applyTo(read: Map<string, number>, change: LiveRows): void {
  if (change.kind === "snapshot") read.clear();
  if (change.kind === "progress") equal(change.changes.length, 0);
  for (const { row, diff } of change.changes) {
    const key = inText(Object.values(row));
    const count = (read.get(key) ?? 0) + diff;
    ok(count >= 0, `${key} went more often than it had come`);
    if (count === 0) read.delete(key);
    else read.set(key, count);
  }
}

function rowsOf(result: QueryResult): Map<string, number> {
  const rows = new Map<string, number>();
  for (let row = 0; row < result.rowCount; row++) {
    const key = inText(result.columns.map((column) => cellValue(column, row)));
    rows.set(key, (rows.get(key) ?? 0) + 1);
  }
  return rows;
}

function sorted(rows: ReadonlyMap<string, number>): ReadonlyArray<readonly [string, number]> {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

function inText(values: readonly unknown[]): string {
  return JSON.stringify(values, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

function rowsBefore(stream: string, offsets: readonly OffsetPosition[]): string {
  const places = offsets.map(({ partition, nextOffset }) => `(_partition = ${partition} AND _offset < ${nextOffset})`);
  return `SELECT * FROM ${stream} WHERE ${places.length === 0 ? "false" : places.join(" OR ")}`;
}
