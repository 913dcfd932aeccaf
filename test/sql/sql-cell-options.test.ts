import { deepEqual, throws } from "node:assert/strict";
import { parseSqlCellOptions } from "../../src/sql/sql-cell-options.js";

const plain = { live: false, sqlOnFirstLine: "" };

describe("parseSqlCellOptions", () => {
  const cases: ReadonlyArray<readonly [string, object]> = [
    ["", plain],
    ["top_tweeters", { ...plain, name: "top_tweeters" }],
    ["--live top --chart line", { ...plain, live: true, name: "top", chart: "line" }],
    ["--chart=none --every=500ms", { ...plain, chart: "none", everyMs: 500 }],
    ["--every 2m --limit 1_000", { ...plain, everyMs: 120_000, limit: 1000 }],
    ["--every 1.5s", { ...plain, everyMs: 1500 }],
    ["--engine duckdb", { ...plain, engine: "duckdb" }],
    ["--engine=alasql", { ...plain, engine: "alasql" }],
    ["SELECT 1", { ...plain, sqlOnFirstLine: "SELECT 1" }],
    ["--live select handle from tweets", { ...plain, live: true, sqlOnFirstLine: "select handle from tweets" }],
    ["(SELECT 1)", { ...plain, sqlOnFirstLine: "(SELECT 1)" }],
    ["top FROM tweets", { ...plain, name: "top", sqlOnFirstLine: "FROM tweets" }],
  ];
  for (const [line, expected] of cases) {
    it(JSON.stringify(line), () => deepEqual(parseSqlCellOptions(line), expected));
  }

  const refusals: ReadonlyArray<readonly [string, RegExp]> = [
    ["--lvie", /--lvie is no option of a SQL cell\. The first line reads: %%sql \[name\] \[--live\] \[--chart bar/],
    ["--live=yes", /--live takes no value; it was given "yes"/],
    ["--chart", /--chart \(nothing\) is unknown; it may be bar, line, area, pie, scatter or none/],
    ["--chart donut", /--chart "donut" is unknown/],
    ["--every 1", /--every "1" is no duration; write for example 500ms, 1s or 1m/],
    ["--every 10ms", /100ms at the least/],
    ["--limit ten", /--limit "ten" is no number of rows; write one from 1 to 100000/],
    ["--limit 0", /is no number of rows/],
    ["--engine flink", /--engine "flink" is unknown; it may be duckdb or alasql or spark/],
    ["top bottom", /has one name; this one has "top" and "bottom"/],
    ["top-tweeters", /"top-tweeters" cannot name a result.*top_tweeters/],
    ["class", /"class" cannot name a result/],
  ];
  for (const [line, message] of refusals) {
    it(`refuses ${line}`, () => throws(() => parseSqlCellOptions(line), { code: "SQL_INVALID", message }));
  }
});
