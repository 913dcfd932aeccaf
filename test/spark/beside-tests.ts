/** One cell on Spark in a notebook on DuckDB: its tables travel there, and the same text gives the same answer. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { startEngineProcess } from "../../src/engine/process-client.js";
import { fails } from "./client-tests.js";
import { rowsOf, type SparkFixture, tweets } from "./spark-fixture.js";

/** Every type that a column of DuckDB's may have, with a row of nulls. */
const everyType = `SELECT * FROM (VALUES
  (1, true, 2::TINYINT, 4294967295::UINTEGER, 9007199254740993::BIGINT, 170141183460469231731687303715884105::HUGEINT,
   1.25::DECIMAL(5, 2), 0.1::DOUBLE, 'é😀'::VARCHAR, '\\x00\\xFF'::BLOB, DATE '1969-12-31', TIMESTAMP '2024-01-01 00:00:00.123456',
   TIMESTAMPTZ '2024-01-01 00:00:00Z', TIME '01:02:03.000004', INTERVAL '1 day 2 hours', [1, 2], {'a': 1}, '{"b":1}'::JSON),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
  ) AS t(id, yes, tiny, unsigned, big, huge, cents, double, word, bytes, day, instant, zoned, "time of day", span, items, inner_part, json)`;

export function besideTests(at: SparkFixture): void {
  it("answers as DuckDB does, over a stream's table and a named result", async () => {
    const topic = await at.topic(tweets(70));
    const client = at.start(at.dataDirectory(), "duckdb");
    await client.openStream(at.options(topic));
    await client.streamCaughtUp("tweets");
    await client.createView("few", "SELECT * FROM tweets WHERE id < ?", [20]);
    const text = `SELECT handle, count(*) AS count, max(created_at) AS newest, count(*) FILTER (WHERE _partition >= 0) AS placed
      FROM few WHERE length(content) > $1 GROUP BY ALL ORDER BY count DESC, handle LIMIT 5`;
    const [ours, theirs] = [
      await client.query(text, { parameters: [5] }),
      await client.query(text, { parameters: [5], engine: "spark" }),
    ];
    equal(ours.rowCount, 5);
    deepEqual(rowsOf(theirs), rowsOf(ours));
    deepEqual(
      theirs.columns.map(({ name, type }) => `${name} ${type}`),
      ours.columns.map(({ name, type }) => `${name} ${type}`),
    );
    const spark = await client.query("SELECT count_if(startswith(handle, 'user')) AS n FROM tweets", {
      engine: "spark",
    });
    deepEqual(rowsOf(spark), [[70n]]);
    const misspelt = await fails(client.query("SELECT * FROM twets", { engine: "spark" }), "SQL_INVALID", /twets/);
    match(misspelt.message, /Did you mean "tweets"\?/);
  });

  it("carries every type over, and says what is too large", async () => {
    const client = at.start(at.dataDirectory(), "duckdb");
    await client.createView("types", everyType, []);
    const result = await client.query("SELECT * FROM types ORDER BY id", { engine: "spark" });
    equal(
      result.columns.map((column) => column.name).join(" "),
      "id yes tiny unsigned big huge cents double word bytes day instant zoned time of day span items inner_part json",
    );
    const [first, second] = rowsOf(result);
    deepEqual(first, [
      ...[1, true, 2, 4294967295n, 9007199254740993n, "170141183460469231731687303715884105", "1.25", 0.1, "é😀"],
      ...[Uint8Array.of(0, 255), -86_400_000, 1_704_067_200_123.456, 1_704_067_200_000],
      // What Spark has no such type for is text.
      ...["01:02:03.000004", "1 day 02:00:00", "[1,2]", '{"a":1}', '{"b":1}'],
    ]);
    deepEqual(second, [2, ...Array(17).fill(null)]);
    await client.createView("many", "SELECT * FROM range(200001)", []);
    const error = await fails(
      client.query("SELECT count(*) FROM many", { engine: "spark" }),
      "SQL_INVALID",
      /200,001 rows/,
    );
    match(error.message, /TIDETABLE_ENGINE=spark/);
  });

  it("says where Spark is looked for when none is there", async () => {
    const client = startEngineProcess({ dataDirectory: at.dataDirectory(), sparkRemote: "sc://127.0.0.1:9" });
    try {
      await fails(
        client.query("SELECT 1", { engine: "spark" }),
        "SPARK_UNREACHABLE",
        /sc:\/\/127\.0\.0\.1:9 .*npm run spark/,
      );
      ok((await client.query("SELECT 1")).rowCount === 1);
    } finally {
      await client.close();
    }
  });
}
