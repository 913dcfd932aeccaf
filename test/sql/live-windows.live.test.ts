import { deepEqual, equal, match, ok } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { DuckDbLiveQuery } from "../../src/sql/duckdb/live-query.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { cellValue, type QueryResult } from "../../src/sql/schema.js";
import { recordBatch } from "../support/record-batches.js";

const START_MS = Date.UTC(2026, 0, 31, 9);
const never = new AbortController().signal;

describe("live windows of time", function () {
  this.timeout(120_000);
  let engine: DuckDbEngine;
  let table: DuckDbStreamTable;
  let nextOffset: bigint;
  let nowMs: number;
  let streams = 0;
  const opened: DuckDbLiveQuery[] = [];

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());
  beforeEach(async () => {
    streams += 1;
    table = await engine.openStreamTable({ name: `w${streams}`, format: "json", keep: { rows: 1_000_000 } });
    nextOffset = 0n;
    nowMs = START_MS;
  });
  afterEach(() => {
    for (const live of opened.splice(0)) live.close();
  });

  /** Rows of handle `who`, each this many seconds after the start. */
  async function write(who: string, ...seconds: readonly number[]): Promise<void> {
    const records = seconds.map((second) => ({ value: `{"handle":"${who}","day":"2026-01-31","n":${second}}` }));
    const batch = recordBatch(records, { firstOffset: nextOffset, topic: "t", partition: 0 });
    const timestampsMs = BigInt64Array.from(seconds, (second) => BigInt(START_MS + second * 1_000));
    await table.write({ ...batch, timestampsMs });
    nextOffset += BigInt(seconds.length);
  }

  function open(text: string): DuckDbLiveQuery {
    const request = { text: text.replace(/\bT\b/g, table.name), parameters: [], rowLimit: 1_000, everyMs: 0 };
    const live = new DuckDbLiveQuery({ ...engine.liveQueryHost(), nowMs: () => nowMs }, request);
    opened.push(live);
    return live;
  }

  async function rowsOf(live: DuckDbLiveQuery): Promise<unknown[][]> {
    const answer = await live.refreshIncrementally(1_000, never);
    ok(answer !== undefined, live.reason);
    return rows(answer.result);
  }

  function rows({ columns, rowCount }: QueryResult): unknown[][] {
    return Array.from({ length: rowCount }, (_, row) => columns.map((column) => cellValue(column, row)));
  }

  const LAST_MINUTE =
    "SELECT handle, count(*) AS n, min(n) AS first FROM T WHERE _timestamp > now() - INTERVAL 1 MINUTE";

  it("lose rows as the clock goes on, to the microsecond, though nothing is new", async () => {
    await write("ann", 0, 10, 20);
    await write("bob", 15);
    const live = open(`${LAST_MINUTE} GROUP BY handle ORDER BY handle`);
    const ann = (n: bigint, first: bigint) => ["ann", n, first];
    nowMs = START_MS + 30_000;
    deepEqual(await rowsOf(live), [ann(3n, 0n), ["bob", 1n, 15n]]);
    nowMs = START_MS + 59_999;
    deepEqual(await rowsOf(live), [ann(3n, 0n), ["bob", 1n, 15n]]);
    nowMs = START_MS + 60_000;
    deepEqual(await rowsOf(live), [ann(2n, 10n), ["bob", 1n, 15n]]);
    nowMs = START_MS + 75_000;
    deepEqual(await rowsOf(live), [ann(1n, 20n)]);
    nowMs = START_MS + 81_000;
    deepEqual(await rowsOf(live), []);
  });

  it("take rows that come late, and have what was forgotten again when the clock is set back", async () => {
    const live = open(`${LAST_MINUTE} GROUP BY handle ORDER BY handle`);
    await write("ann", 0, 50);
    nowMs = START_MS + 90_000;
    deepEqual(await rowsOf(live), [["ann", 1n, 50n]]);
    await write("ann", 40, 10);
    deepEqual(await rowsOf(live), [["ann", 2n, 40n]]);
    nowMs = START_MS + 59_000;
    deepEqual(await rowsOf(live), [["ann", 4n, 0n]]);
  });

  it("move with the newest record where the query says so", async () => {
    const live = open(
      "SELECT count(*) AS n FROM T WHERE _timestamp > (SELECT max(_timestamp) FROM T) - INTERVAL 20 SECOND",
    );
    await write("ann", 0, 10, 20);
    deepEqual(await rowsOf(live), [[2n]]);
    await write("ann", 30);
    deepEqual(await rowsOf(live), [[2n]]);
    await write("ann", 100);
    deepEqual(await rowsOf(live), [[1n]]);
  });

  it("hold nothing while their edge is not known", async () => {
    const live = open(
      "SELECT count(*) AS n FROM T WHERE _timestamp >= (SELECT max(_timestamp) FROM T WHERE handle = 'bob') - INTERVAL 5 SECOND",
    );
    await write("ann", 0, 10, 20);
    deepEqual(await rowsOf(live), [[0n]]);
    await write("bob", 12);
    deepEqual(await rowsOf(live), [[3n]]);
  });

  it("have two edges", async () => {
    await write("ann", 0, 10, 20, 30, 40);
    const live = open(
      "SELECT list(n ORDER BY n) AS ns FROM (SELECT n, count(*) AS k FROM T WHERE _timestamp BETWEEN now() - INTERVAL 30 SECOND AND now() - INTERVAL 10 SECOND GROUP BY n) q",
    );
    for (const [second, expected] of [
      [20, [0n, 10n]],
      [40, [10n, 20n, 30n]],
      [45, [20n, 30n]],
      [80, null],
    ] as const) {
      nowMs = START_MS + second * 1_000;
      deepEqual(await rowsOf(live), [[expected]]);
    }
  });

  it("see through a subquery, a WITH clause and a named result", async () => {
    await write("ann", 0, 50);
    nowMs = START_MS + 70_000;
    await engine.createResult(
      "recent_rows",
      `SELECT * FROM ${table.name} WHERE _timestamp > now() - INTERVAL 1 MINUTE`,
      [],
    );
    for (const text of [
      "SELECT count(*) AS n FROM (SELECT handle AS h FROM T WHERE _timestamp > now() - INTERVAL 1 MINUTE) q",
      "WITH q AS (SELECT * FROM T WHERE current_timestamp - INTERVAL 1 MINUTE < _timestamp) SELECT count(*) AS n FROM q",
      "SELECT count(*) AS n FROM (SELECT * FROM (SELECT * FROM T WHERE _timestamp > now() - INTERVAL 1 MINUTE) a WHERE n > 3) b",
      "SELECT count(*) AS n FROM recent_rows",
    ]) {
      deepEqual(await rowsOf(open(text)), [[1n]], text);
    }
  });

  it("keep no more of a day than of an hour", async () => {
    // A row that is as old as the window is long is outside of it.
    const live = open(
      "SELECT handle, count(*) AS n, avg(n) AS a FROM T WHERE _timestamp > now() - INTERVAL 10 MINUTE GROUP BY handle",
    );
    let most = 0;
    for (let minute = 0; minute < 120; minute++) {
      await write(`h${minute % 3}`, ...Array.from({ length: 20 }, (_, index) => minute * 60 + index * 3));
      nowMs = START_MS + (minute + 1) * 60_000;
      await rowsOf(live);
      const report = await live.report();
      if ("size" in report) most = Math.max(most, report.size);
    }
    ok(most < 3_000, `${most} partial aggregates`);
    equal(
      (await rowsOf(live)).reduce((sum, [, n]) => sum + Number(n), 0),
      199,
    );
  });

  it("count late rows, and leave them out where the query says so", async () => {
    const late =
      "_timestamp < max(_timestamp) OVER (PARTITION BY _topic, _partition ORDER BY _offset) - INTERVAL 10 SECOND";
    const count = open(
      `SELECT count(*) AS n, count(*) FILTER (WHERE late) AS late FROM (SELECT ${late} AS late FROM T) q`,
    );
    const minutes = open(
      `SELECT date_trunc('minute', _timestamp) AS minute, count(*) AS n FROM (SELECT *, ${late} AS late FROM T) q WHERE NOT late GROUP BY minute ORDER BY minute`,
    );
    const counts = async () => (await rowsOf(minutes)).map(([, n]) => n);
    await write("ann", 0, 30, 25, 15);
    deepEqual(await rowsOf(count), [[4n, 1n]]);
    deepEqual(await counts(), [3n]);
    // What is late is told by records of an earlier refresh, too.
    await write("ann", 19, 61, 55, 45);
    deepEqual(await rowsOf(count), [[8n, 3n]]);
    deepEqual(await counts(), [4n, 1n]);
  });

  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    ["SELECT count(*) FROM T WHERE _timestamp < now()", /its window has no beginning/],
    [
      "SELECT count(*) FROM T WHERE _timestamp > now() - INTERVAL 1 DAY AND day > current_date - 2",
      /several expressions/,
    ],
    ["SELECT n FROM T WHERE _timestamp > now() - INTERVAL 1 DAY ORDER BY n LIMIT 3", /rows of a window that moves/],
    ["SELECT count(*) FROM T WHERE day::DATE > current_date - 5", /is of type DATE, not TIMESTAMP/],
    ["SELECT count(*), now() AS at FROM T", /now\(\) is not kept up to date/],
  ];
  for (const [text, reason] of refused) {
    it(`are run again: ${text}`, async () => {
      await write("ann", 0);
      const live = open(text);
      equal(await live.refreshIncrementally(10, never), undefined);
      match(live.reason ?? "", reason);
    });
  }
});
