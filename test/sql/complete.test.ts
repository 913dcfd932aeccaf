// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a SQL cell ${…} stands in plain text
import { deepEqual, equal, ok } from "node:assert/strict";
import { completeSql } from "../../src/sql/complete.js";
import type { TableInfo } from "../../src/sql/sql-engine.js";

const column = (name: string, sqlType = "VARCHAR") => ({ name, sqlType });
const tables: readonly TableInfo[] = [
  {
    name: "tweets",
    kind: "stream",
    columns: [column("handle"), column("content"), column("created at"), column("_offset", "BIGINT")],
  },
  { name: "tweets_errors", kind: "errors", columns: [column("reason")] },
  { name: "people", kind: "table", columns: [column("handle"), column("city")] },
  { name: "order", kind: "view", columns: [column("total", "DOUBLE")] },
];

/** Completes at the `|` of the text; answers the matches of a kind, or all of them. */
async function matchesAt(marked: string, kinds?: readonly string[]): Promise<readonly string[]> {
  const cursor = marked.indexOf("|");
  const body = marked.slice(0, cursor) + marked.slice(cursor + 1);
  const completion = await completeSql(body, cursor, async () => tables);
  return completion.matches.filter(({ type }) => kinds?.includes(type) ?? true).map(({ text }) => text);
}

const columns = ["column"];

describe("completeSql", () => {
  const cases: ReadonlyArray<readonly [string, readonly string[] | undefined, readonly string[]]> = [
    ["SELECT * FROM |", undefined, ["tweets", "tweets_errors", "people", '"order"']],
    ["SELECT * FROM tw|", undefined, ["tweets", "tweets_errors"]],
    ["SELECT * FROM tweets JOIN pe|", undefined, ["people"]],
    ["SELECT * FROM tweets, pe|", undefined, ["people"]],
    ["SELECT * FROM ord|", undefined, ['"order"']],
    ["SELECT ha| FROM tweets", columns, ["handle"]],
    ["SELECT | FROM tweets", columns, ["handle", "content", '"created at"', "_offset"]],
    ["SELECT cr| FROM tweets", columns, ['"created at"']],
    ["SELECT | FROM tweets, people", columns, ["handle", "content", '"created at"', "_offset", "city"]],
    ["SELECT t.| FROM tweets t JOIN people AS p ON true", columns, ["handle", "content", '"created at"', "_offset"]],
    ["SELECT p.ci| FROM tweets t JOIN people AS p ON true", undefined, ["city"]],
    ["SELECT tweets.c| FROM tweets", undefined, ["content", '"created at"']],
    ["SELECT * FROM tweets t WHERE t|", ["table"], ["t"]],
    ["SELECT 1; SELECT | FROM people", columns, ["handle", "city"]],
    ["SELECT * FROM tweets AS t, people AS p WHERE p.|", undefined, ["handle", "city"]],
    ['SELECT "T".cr| FROM tweets "T"', undefined, ['"created at"']],
    ["SELECT s.| FROM (SELECT handle AS who, count(*) AS n FROM tweets GROUP BY 1) s", undefined, ["who", "n"]],
    ["SELECT s.| FROM (SELECT t.handle, max(_offset), 1 + _offset FROM tweets t) AS s", undefined, ["handle"]],
    ["SELECT s.| FROM (SELECT * FROM people) s", undefined, ["handle", "city"]],
    [
      "WITH busy AS (SELECT handle, count(*) n FROM tweets GROUP BY 1) SELECT busy.| FROM busy",
      undefined,
      ["handle", "n"],
    ],
    ["WITH a AS (SELECT city FROM people), b AS (SELECT * FROM a) SELECT x.| FROM b x", undefined, ["city"]],
    ["WITH busy AS (SELECT 1) SELECT * FROM bu|", undefined, ["busy"]],
    ["SELECT * FROM tweets t WHERE handle IN (SELECT p.| FROM people p)", undefined, ["handle", "city"]],
    ["SELECT s.| FROM (SELECT handle FROM tweets", undefined, []],
    ["SELECT x.| FROM tweets", undefined, []],
    ["SELECT dat|", ["function"], ["date_diff", "date_part", "date_trunc"]],
    ["sel|", ["keyword"], ["select"]],
    ["SEL|", ["keyword"], ["SELECT"]],
    ["SELECT 'ha|", undefined, []],
    ["SELECT 'ha|' FROM tweets", undefined, []],
    ["SELECT 1 -- ha|", undefined, []],
    ["SELECT ${ha|} FROM tweets", undefined, []],
    ["SELECT 12|", undefined, []],
  ];
  for (const [marked, kinds, expected] of cases) {
    it(marked, async () => deepEqual(await matchesAt(marked, kinds), expected));
  }

  it("replaces the word the cursor stands in, and tells a column's type", async () => {
    const completion = await completeSql("SELECT _off FROM tweets", 11, async () => tables);
    deepEqual([completion.start, completion.end], [7, 11]);
    deepEqual(completion.matches[0], { text: "_offset", type: "column", signature: "BIGINT" });
  });

  it("answers in the middle of a word with what fits its beginning", async () => {
    const completion = await completeSql("SELECT * FROM tweets", 16, async () => tables);
    deepEqual([completion.start, completion.end], [14, 20]);
    ok(completion.matches.some(({ text }) => text === "tweets_errors"));
  });

  it("completes from an empty cell", async () => {
    const completion = await completeSql("", 0, async () => tables);
    equal(completion.start, 0);
    ok(completion.matches.some(({ text }) => text === "SELECT"));
  });
});
