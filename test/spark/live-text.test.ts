/** Which queries Spark is asked to keep up to date, and with which text. */
import { deepEqual, equal } from "node:assert/strict";
import { keptText } from "../../src/sql/spark/live-text.js";

const isTable = (name: string) => ["tweets", "tweets_errors", "my table"].includes(name);
const over = (text: string) => {
  const kept = keptText(text, isTable);
  return "reason" in kept ? kept : kept.over("SELECT …");
};
const reason = (text: string) => {
  const kept = keptText(text, isTable);
  return "reason" in kept ? kept.reason : undefined;
};

describe("queries that Spark keeps", () => {
  it("read one stream, which becomes a common table of theirs", () => {
    const top = "SELECT handle, count(*) FROM Tweets GROUP BY handle ORDER BY 2 DESC LIMIT 3";
    equal(over(top), `WITH \`tweets\` AS (SELECT …) ${top}`);
    equal(
      over('SELECT count(*) FROM "my table" t WHERE x = ?'),
      'WITH `my table` AS (SELECT …) SELECT count(*) FROM "my table" t WHERE x = ?',
    );
    equal(
      over("WITH a AS (SELECT * FROM tweets) SELECT count(*) FROM a"),
      "WITH `tweets` AS (SELECT …), a AS (SELECT * FROM tweets) SELECT count(*) FROM a",
    );
    equal(
      over("SELECT h, max(n) FROM (SELECT extract(hour FROM _timestamp) AS h, n FROM tweets_errors) GROUP BY h"),
      "WITH `tweets_errors` AS (SELECT …) SELECT h, max(n) FROM (SELECT extract(hour FROM _timestamp) AS h, n FROM tweets_errors) GROUP BY h",
    );
    equal(reason("SELECT * EXCEPT (a) FROM tweets"), undefined);
    equal(reason("SELECT count(*) FILTER (WHERE a IS DISTINCT FROM b), count(*) FROM tweets"), undefined);
  });

  it("and no other table, however it is written", () => {
    for (const [text, why] of [
      ["SELECT count(*) FROM few", "it reads few, which is no stream's table"],
      ["SELECT count(*) FROM parquet.`/x`", "it reads what is no table by name"],
      ["SELECT count(*) FROM range(10)", "it reads what is no table by name"],
      ["SELECT count(*) FROM `tweets`", "it reads what is no table by name"],
      ["SELECT count(*) FROM tweets, few", "it reads more than one table"],
      ["SELECT count(*) FROM (SELECT 1) a, tweets", "it reads more than one table"],
      ["SELECT count(*) FROM tweets JOIN few USING (id)", "it joins"],
      ["SELECT count(*) FROM tweets WHERE id IN (SELECT id FROM few)", "it reads few, which is no stream's table"],
      ["SELECT count(*) FROM tweets WHERE id > (SELECT avg(id) FROM tweets)", "it reads streams more than once"],
      ["SELECT handle FROM tweets UNION ALL SELECT 'x'", "it puts queries together"],
      ["SELECT 1", "it reads no stream"],
      ["FROM tweets SELECT count(*)", "it is not one SELECT"],
    ] as const) {
      equal(reason(text), why, text);
    }
  });

  it("nor what the order of the rows or the clock decides", () => {
    deepEqual(
      [
        "SELECT count(*) FROM tweets WHERE _timestamp > now() - INTERVAL 1 hour",
        "SELECT count(*) FROM tweets WHERE _timestamp > current_timestamp",
        "SELECT handle, first(content) FROM tweets GROUP BY handle",
        "SELECT median(id) FROM tweets",
        "SELECT count(*) FROM (SELECT * FROM tweets LIMIT 10)",
      ].map(reason),
      [
        "now has another answer each time",
        "current_timestamp has another answer each time",
        "first goes by the order of the rows",
        "median would have every value kept",
        "it takes some of the rows before it is done",
      ],
    );
  });
});
