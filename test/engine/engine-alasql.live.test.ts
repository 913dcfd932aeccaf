/** AlaSQL's engine in an engine process: on its own, where DuckDB cannot be loaded, and beside DuckDB. */
import { deepEqual, equal, match } from "node:assert/strict";
import type { LiveUpdate } from "../../src/engine/protocol.js";
import { cellValue, type QueryResult } from "../../src/sql/schema.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, firstValue } from "./engine-fixture.js";

const topTweeters = "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC, handle LIMIT 20";

describe("the engine process: AlaSQL", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  it("says what it is, in hello and in the status", async () => {
    const client = at.start({ engine: "alasql" });
    const hello = await client.hello();
    deepEqual([hello.engine, hello.store], ["alasql", "memory"]);
    match(hello.version, /^\d+\.\d+/);
    at.post(3);
    const status = await client.openStream(at.options());
    equal(status.store, "memory");
    match(status.notice ?? "", /the AlaSQL engine: rows in memory, a part of DuckDB's SQL/);
  });

  it("answers over a stream, binds values, leaves results under a name, refuses the rest by name", async () => {
    const client = at.start({ engine: "alasql" });
    at.post(50);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    equal(
      firstValue(await client.query("SELECT count(*) FROM tweets WHERE handle <> ?", { parameters: ["nobody"] })),
      50n,
    );
    await client.createView("few", "SELECT handle FROM tweets", []);
    at.post(5);
    await client.streamCaughtUp("tweets");
    equal(firstValue(await client.query("SELECT count(*) FROM few")), 55n);
    await client.createView("bound", "SELECT handle FROM tweets WHERE 1 = ?", [1]);
    at.post(5);
    await client.streamCaughtUp("tweets");
    equal(firstValue(await client.query("SELECT count(*) FROM bound")), 55n);
    deepEqual(
      (await client.catalog()).map((table) => `${table.kind} ${table.name}`),
      ["stream tweets", "errors tweets_errors", "view few", "table bound"],
    );
    await fails(
      client.query("SELECT list(handle) FROM tweets"),
      "SQL_INVALID",
      /The function list .*is not in the AlaSQL engine; run it with --engine duckdb/,
    );
    await fails(client.query("SELECT handel FROM tweets"), "SQL_INVALID", /Did you mean "handle"\?/);
    await fails(
      client.query(topTweeters, { engine: "duckdb" }),
      "SQL_INVALID",
      /--engine duckdb: this notebook runs on alasql/,
    );
    await fails(client.createView("tweets", "SELECT 1 AS a", []), "SQL_INVALID", /is the name of a stream's table/);
  });

  it("publishes a live query anew as rows come", async () => {
    const client = at.start({ engine: "alasql" });
    at.post(2);
    await client.openStream(at.options());
    const updates: LiveUpdate[] = [];
    const stop = client.live("SELECT count(*) AS n FROM tweets", { everyMs: 100 }, (update) => updates.push(update));
    await until("the first rows are published", () => updates.some((update) => counted(update) === 2n));
    at.post(3);
    await until("the later rows are published", () => updates.some((update) => counted(update) === 5n));
    stop();
    deepEqual(updates[0]?.plan, { mode: "recomputed", reason: "the AlaSQL engine computes each version anew" });
  });

  it("cancels a query soon, and goes on answering while it runs", async () => {
    const client = at.start({ engine: "alasql" });
    at.post(1_200);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    const abort = new AbortController();
    const text =
      "SELECT count(*) FROM tweets a JOIN tweets b ON a._offset > b._offset AND b.content LIKE '%never written%' JOIN tweets c ON c._offset <> a._offset";
    const endless = client.query(text, { signal: abort.signal });
    equal(firstValue(await client.query("SELECT count(*) FROM tweets")), 1_200n);
    abort.abort();
    await fails(endless, "QUERY_INTERRUPTED", /interrupted/);
  });

  it("comes back after its death and reads its streams again", async () => {
    const client = at.start({ engine: "alasql" });
    at.post(20);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    let said = "";
    client.onRestart((message) => {
      said = message;
    });
    process.kill(client.pid as number, "SIGKILL");
    await until("it was started again", () => said !== "");
    match(said, /are read again from where they begin/);
    await client.streamCaughtUp("tweets");
    equal(firstValue(await client.query("SELECT count(*) FROM tweets")), 20n);
  });

  it("stands in where DuckDB cannot be loaded, and says why", async () => {
    const before = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = `${before ?? ""} --import=${withoutDuckDb()}`;
    const client = at.start();
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
    const hello = await client.hello();
    equal(hello.engine, "alasql");
    match(hello.notice ?? "", /because DuckDB cannot be loaded here \(no binary for this platform\)/);
    at.post(10);
    const status = await client.openStream(at.options());
    match(status.notice ?? "", /because DuckDB cannot be loaded here/);
    await client.streamCaughtUp("tweets");
    equal(firstValue(await client.query("SELECT count(*) FROM tweets")), 10n);
    await fails(client.query("SELECT 1", { engine: "duckdb" }), "SQL_INVALID", /DuckDB cannot be loaded here/);
  });

  it("answers beside DuckDB over DuckDB's tables, alike", async () => {
    const client = at.start();
    at.post(200);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    await client.createView("loud", "SELECT handle, upper(content) AS content FROM tweets", []);
    for (const text of [
      topTweeters,
      "SELECT * FROM tweets ORDER BY _offset",
      "SELECT handle, count(*) AS n FROM loud GROUP BY ALL ORDER BY handle",
    ]) {
      const [own, beside] = [await client.query(text), await client.query(text, { engine: "alasql" })];
      deepEqual(shape(beside), shape(own), text);
    }
    equal(firstValue(await client.query("SELECT count(*) FROM tweets", { engine: "duckdb" })), 200n);
    await fails(
      client.query("SELECT list(handle) FROM tweets", { engine: "alasql" }),
      "SQL_INVALID",
      /--engine duckdb/,
    );
    await fails(client.query("SELECT * FROM twets", { engine: "alasql" }), "SQL_INVALID", /Did you mean "tweets"\?/);
    await client.createView("many", "SELECT range AS n FROM range(200001)", []);
    await fails(
      client.query("SELECT count(*) FROM many", { engine: "alasql" }),
      "SQL_FAILED",
      /many has 200,001 rows; .* up to 200,000/,
    );
  });

  it("keeps no live query beside DuckDB", async () => {
    const client = at.start();
    const updates: LiveUpdate[] = [];
    client.live("SELECT 1 AS a", { everyMs: 100, engine: "alasql" }, (update) => updates.push(update));
    const first = await until("it is refused", () => updates[0]);
    match(first.error?.message ?? "", /live queries run on the notebook's own engine, duckdb/);
  });
});

function counted({ result }: LiveUpdate): unknown {
  return result === undefined ? undefined : firstValue(result);
}

function shape(result: QueryResult): unknown {
  return {
    columns: result.columns.map(({ name, type, sqlType }) => [name, type, sqlType]),
    rows: Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row))),
  };
}

/** A module that hides DuckDB from whoever loads it, as on a machine without its binary. */
function withoutDuckDb(): string {
  const hook =
    'export async function resolve(name, context, next) { if (name.startsWith("@duckdb/")) throw new Error("no binary for this platform"); return next(name, context); }';
  const module = `import { register } from "node:module"; register(${JSON.stringify(dataAddress(hook))});`;
  return dataAddress(module);
}

function dataAddress(script: string): string {
  return `data:text/javascript,${encodeURIComponent(script)}`;
}
