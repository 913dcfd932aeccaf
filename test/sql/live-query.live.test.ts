import { deepEqual, equal, match } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import type { LiveAnswer, Refreshable } from "../../src/sql/live/shared.js";
import type { LiveRequest } from "../../src/sql/live/view.js";
import type { SqlValue } from "../../src/sql/schema.js";
import { differs } from "../support/live-oracle.js";
import { recordBatch } from "../support/record-batches.js";
import { type Random, seededRandom } from "../support/seeded-random.js";

describe("live queries", function () {
  this.timeout(120_000);
  let engine: DuckDbEngine;
  let tables = 0;
  const never = new AbortController().signal;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  function open(keepRows: number): Promise<DuckDbStreamTable> {
    tables += 1;
    return engine.openStreamTable({ name: `s${tables}`, format: "json", keep: { rows: keepRows } });
  }

  function request(text: string, parameters: readonly SqlValue[] = []) {
    return { text, parameters, rowLimit: 10_000, everyMs: 0 };
  }

  async function refreshed(live: Refreshable, asked: LiveRequest): Promise<LiveAnswer> {
    const kept = await live.refreshIncrementally(asked.rowLimit, never);
    if (kept !== undefined) return kept;
    const plan = { mode: "recomputed", reason: live.reason ?? "" } as const;
    return { result: await engine.query(asked, never), plan };
  }

  const kept: ReadonlyArray<readonly [string, string]> = [
    [
      "the tutorial's query",
      "SELECT handle, count(*) AS count FROM T GROUP BY handle ORDER BY count DESC, handle LIMIT 20",
    ],
    [
      "GROUP BY ALL",
      "SELECT handle, flag, sum(x) FROM T GROUP BY ALL ORDER BY ALL".replace(" ORDER BY ALL", " ORDER BY 1, 2"),
    ],
    [
      "ordinals and aliases",
      "SELECT upper(handle) AS h, min(x) AS lo FROM T GROUP BY 1 HAVING lo IS NOT NULL ORDER BY h",
    ],
    ["no groups", "SELECT count(*), sum(x), avg(x), max(handle) FROM T WHERE x > 3"],
    [
      "expressions of aggregates",
      "SELECT handle, round(sum(x) / count(*), 2) || '%' AS share FROM T GROUP BY handle ORDER BY 1",
    ],
    [
      "filters and cases",
      "SELECT handle, count(*) FILTER (WHERE flag), sum(CASE WHEN x > 5 THEN 1 ELSE 0 END) FROM T GROUP BY handle ORDER BY handle",
    ],
    ["a qualified name", "SELECT t.handle, count(*) FROM T AS t GROUP BY t.handle ORDER BY t.handle NULLS FIRST"],
    [
      "numbers that no double holds",
      "SELECT handle, count(*) FROM T WHERE x <> 9007199254740993 GROUP BY handle ORDER BY 1",
    ],
    ["distinct values", "SELECT count(DISTINCT handle), count(*), max(x) FROM T"],
    ["distinct values of groups", "SELECT flag, count(DISTINCT handle) AS n FROM T GROUP BY flag ORDER BY flag"],
    [
      "distinct values of several expressions",
      "SELECT flag, count(DISTINCT handle) AS n, count(DISTINCT x) FILTER (WHERE x > 3) AS m, avg(x) AS a FROM T GROUP BY flag ORDER BY flag",
    ],
    ["distinct values beside averages", "SELECT avg(x), count(DISTINCT handle), arg_max(handle, _offset) FROM T"],
    ["distinct rows", "SELECT DISTINCT handle FROM T"],
    ["distinct groups", "SELECT DISTINCT count(*) FROM T GROUP BY handle"],
    ["the first rows", "SELECT * FROM T ORDER BY x DESC, _offset LIMIT 5"],
    ["later rows", "SELECT handle, x FROM T WHERE flag ORDER BY handle NULLS FIRST, _offset LIMIT 5 OFFSET 3"],
    [
      "a subquery that picks",
      "SELECT h, count(*) AS n FROM (SELECT upper(handle) AS h FROM T WHERE flag) s GROUP BY h",
    ],
    ["a query over groups", "SELECT max(n), count(*) FROM (SELECT handle, count(*) AS n FROM T GROUP BY handle) q"],
    ["a WITH clause", "WITH q AS (SELECT handle, x FROM T) SELECT handle, sum(x) FROM q GROUP BY handle ORDER BY 1"],
    ["UNION ALL", "SELECT 'all' AS what, count(*) AS n FROM T UNION ALL SELECT 'true', count(*) FROM T WHERE flag"],
    [
      "a window over groups",
      "SELECT handle, n, sum(n) OVER (ORDER BY handle) FROM (SELECT handle, count(*) AS n FROM T GROUP BY handle) q",
    ],
    ["arg_max", "SELECT handle, arg_max(x, _offset), max_by(flag, _offset) FROM T GROUP BY handle ORDER BY 1"],
    [
      "time buckets",
      "SELECT time_bucket(INTERVAL 1 MINUTE, at_) AS m, count(*) FROM T GROUP BY m ORDER BY m DESC LIMIT 5",
    ],
    ["groups without aggregates", "SELECT handle FROM T GROUP BY handle ORDER BY handle"],
    [
      "hopping windows",
      "SELECT start, count(*) AS n, count(DISTINCT handle) AS handles FROM (SELECT handle, unnest(generate_series(time_bucket(INTERVAL 1 MINUTE, at_) - INTERVAL 2 MINUTE, time_bucket(INTERVAL 1 MINUTE, at_), INTERVAL 1 MINUTE)) AS start FROM T) w GROUP BY start ORDER BY start",
    ],
  ];
  for (const [what, text] of kept) {
    it(`keep up to date ${what}`, async () => {
      const table = await open(1_000_000);
      const query = text.replace(/\bT\b/g, table.name);
      const live = engine.openLiveQuery(request(query));
      const random = seededRandom(1);
      for (let batch = 0; batch < 3; batch++) {
        const records = Array.from({ length: 50 }, () => ({ value: randomRecord(random) }));
        await table.write(recordBatch(records, { firstOffset: BigInt(batch * 50) }));
        const answer = await refreshed(live, request(query));
        deepEqual(answer.plan, {
          mode: "incremental",
          offsets: [{ topic: "tweets", partition: 0, nextOffset: BigInt(50 * (batch + 1)) }],
        });
        equal(differs(answer.result, await engine.query(request(query), never)), undefined);
      }
      live.close();
    });
  }

  describe("over views", () => {
    const overViews: ReadonlyArray<readonly [string, string, string]> = [
      ["that picks rows", "SELECT handle, x FROM T WHERE flag", "SELECT handle, sum(x) AS s FROM V GROUP BY handle"],
      ["with every column", "SELECT * FROM T WHERE x > 3", "SELECT handle, max(_offset) AS m FROM V GROUP BY ALL"],
      [
        "that groups",
        "SELECT handle, count(*) AS n FROM T GROUP BY handle",
        "SELECT * FROM V ORDER BY n DESC, handle LIMIT 3",
      ],
      [
        "that has a WITH clause",
        "WITH q AS (SELECT upper(handle) AS h, x FROM T) SELECT h, x FROM q WHERE x > 1",
        "SELECT v.h, count(*) AS n FROM V v GROUP BY v.h HAVING n > 2",
      ],
    ];
    for (const [what, view, text] of overViews) {
      it(`keep up to date a query over a view ${what}, until the view is another`, async () => {
        const table = await open(1_000_000);
        const name = `${table.name}_view`;
        await table.write(
          recordBatch([{ value: '{"handle":"ann","x":1,"flag":true,"at_":"2026-01-31T09:10:00Z","d":0.5}' }], {
            partition: 1,
          }),
        );
        await engine.createResult(name, view.replace(/\bT\b/g, table.name), []);
        const query = text.replace(/\bV\b/g, name);
        const live = engine.openLiveQuery(request(query));
        const random = seededRandom(3);
        for (let batch = 0; batch < 4; batch++) {
          const records = Array.from({ length: 50 }, () => ({ value: randomRecord(random) }));
          await table.write(recordBatch(records, { firstOffset: BigInt(batch * 50) }));
          // The third one is made of other rows.
          if (batch === 2)
            await engine.createResult(
              name,
              `SELECT * FROM (${view.replace(/\bT\b/g, table.name)}) q LIMIT 1e9::BIGINT`,
              [],
            );
          const answer = await refreshed(live, request(query));
          if (batch < 2) equal(answer.plan.mode, "incremental", answer.plan.reason);
          equal(differs(answer.result, await engine.query(request(query), never)), undefined);
        }
        live.close();
      });
    }

    it("keep up to date joins with a view over tables, and make them anew when such a table changes", async () => {
      const table = await open(1_000_000);
      const run = (text: string) => engine.query(request(text.replaceAll("N_", `${table.name}_`)), never);
      await run("CREATE TABLE N_people (name VARCHAR, letter VARCHAR)");
      await run("CREATE VIEW N_known AS SELECT upper(letter) AS letter, name FROM N_people WHERE letter IS NOT NULL");
      await run("CREATE VIEW N_best AS SELECT * FROM N_known");
      const query = `SELECT b.letter, count(*) AS n FROM ${table.name} t LEFT JOIN ${table.name}_best b ON t.handle = b.name GROUP BY 1`;
      const live = engine.openLiveQuery(request(query));
      const random = seededRandom(4);
      for (let batch = 0; batch < 4; batch++) {
        const records = Array.from({ length: 50 }, () => ({ value: randomRecord(random) }));
        await table.write(recordBatch(records, { firstOffset: BigInt(batch * 50) }));
        if (batch % 2 === 1) await run(`INSERT INTO N_people VALUES ('ann', 'a${batch}'), ('bob', NULL)`);
        const answer = await refreshed(live, request(query));
        equal(answer.plan.mode, "incremental", answer.plan.reason);
        equal(differs(answer.result, await engine.query(request(query), never)), undefined);
      }
      live.close();
    });

    it("follow a view that has every column when a column comes", async () => {
      const table = await open(1_000_000);
      await table.write(recordBatch([{ value: '{"x":1}' }]));
      await engine.createResult(`${table.name}_all`, `SELECT * FROM ${table.name}`, []);
      const query = `SELECT * EXCLUDE (_timestamp, _headers) FROM ${table.name}_all ORDER BY _offset DESC LIMIT 3`;
      const live = engine.openLiveQuery(request(query));
      for (const [offset, value] of ['{"x":2}', '{"x":3,"y":true}', '{"x":"text"}'].entries()) {
        await table.write(recordBatch([{ value }], { firstOffset: BigInt(offset + 1) }));
        const answer = await refreshed(live, request(query));
        equal(differs(answer.result, await engine.query(request(query), never)), undefined);
      }
      live.close();
    });

    it("say that a view does not stand any more", async () => {
      const table = await open(1_000_000);
      const run = (text: string) => engine.query(request(text.replaceAll("N_", `${table.name}_`)), never);
      await run("CREATE TABLE N_people (name VARCHAR)");
      await run("CREATE VIEW N_names AS SELECT name FROM N_people");
      await run("DROP TABLE N_people");
      const live = engine.openLiveQuery(
        request(`SELECT count(*) AS n FROM ${table.name} t JOIN ${table.name}_names n ON t._key = n.name`),
      );
      equal(await live.refreshIncrementally(10, never), undefined);
      match(live.reason ?? "", /_names does not stand any more/);
      live.close();
    });
  });

  it("says of a table that shows the last row of each key why it is run again", async () => {
    await engine.openStreamTable({ name: "keyed", format: "json", mode: "upsert", keep: { rows: 100 } });
    const asked = request("SELECT count(*) FROM keyed");
    const live = engine.openLiveQuery(asked);
    equal((await refreshed(live, asked)).plan.reason, "keyed shows the last row of each key, so its rows change");
    live.close();
  });

  const runAgain: ReadonlyArray<readonly [string, RegExp]> = [
    ["SELECT * FROM T", /does not aggregate/],
    ["SELECT handle FROM T", /does not aggregate/],
    ["SELECT count(*) FROM T WHERE now() - _timestamp < INTERVAL 1 MINUTE", /now\(\) depends on more than its row/],
    ["SELECT count(*) FROM T WHERE random() > 0.5", /random\(\) depends on more/],
    ["SELECT handle, string_agg(x::VARCHAR, ',') FROM T GROUP BY handle", /string_agg\(\) is not kept/],
    ["SELECT handle, count(*) FROM T GROUP BY ROLLUP (handle)", /grouping sets|groups in a way/],
    ["SELECT count(*) FROM T a, T b", /joins streams or views/],
    [
      "SELECT count(DISTINCT handle), count(DISTINCT x), count(DISTINCT flag), count(DISTINCT d) FROM T",
      /distinct values of more than 3 expressions/,
    ],
    ["SELECT handle, min(x, 2) FROM T GROUP BY handle", /min\(\) with 2 arguments/],
    ["SELECT handle FROM T ORDER BY handle LIMIT 20000", /more than 10000 rows/],
    [
      "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT count(*) FROM T, r",
      /recursive WITH/,
    ],
    ["SELECT n FROM (SELECT count(*) AS n FROM T) q, range(3)", /table function/],
    ["SELECT handle, count(*), sum(count(*)) OVER () FROM T GROUP BY handle", /a window/],
    ["SELECT count(*) FROM T WHERE x > (SELECT avg(x) FROM T)", /a subquery/],
    ["SELECT count(*) FROM T USING SAMPLE 10", /sample/],
    ["SELECT handle AS x, count(*) FROM T GROUP BY handle ORDER BY x + 1", /is a column and something else/],
  ];
  for (const [text, reason] of runAgain) {
    it(`run again as a whole: ${text}`, async () => {
      const table = await open(1_000_000);
      const random = seededRandom(2);
      const records = Array.from({ length: 20 }, () => ({ value: randomRecord(random) }));
      await table.write(recordBatch(records));
      const live = engine.openLiveQuery(request(text.replace(/\bT\b/g, table.name)));
      try {
        const { plan } = await refreshed(live, request(text.replace(/\bT\b/g, table.name)));
        equal(plan.mode, "recomputed");
        match(plan.reason ?? "", reason);
      } catch (error) {
        // A query that cannot run at all says so as it would in a cell.
        match(String(error), /Could not convert|Binder|cannot|unknown|No function|not in the GROUP BY|must appear/i);
      } finally {
        live.close();
      }
    });
  }
});

function randomRecord(random: Random): string {
  const fields: string[] = [];
  if (random.chance(0.9)) fields.push(`"handle":${random.pick(['"ann"', '"bob"', '"é😀"', '""', '"ann "', "null"])}`);
  if (random.chance(0.9)) {
    fields.push(
      `"x":${random.pick(["0", "1", "-7", "42", "9223372036854775807", "-9223372036854775808", "9007199254740993", "null"])}`,
    );
  }
  if (random.chance(0.9)) fields.push(`"d":${random.pick(["0.5", "1e15", "-1e15", "1e-6", "3.25"])}`);
  if (random.chance(0.9)) fields.push(`"flag":${random.pick(["true", "false", "null"])}`);
  if (random.chance(0.9)) fields.push(`"at_":"2026-01-31T09:${10 + random.below(3)}:0${random.below(10)}Z"`);
  return `{${fields.join(",")}}`;
}
