import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { LiveUpdate } from "../../src/engine/protocol.js";
import { cellValue } from "../../src/sql/schema.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, firstValue, missing, one, tweetsAre } from "./engine-fixture.js";

describe("the engine process: queries", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  it("says what it is, and answers queries with bound values", async () => {
    const client = at.start();
    const hello = await client.hello();
    equal(hello.engine, "duckdb");
    equal(hello.store, join(at.folder, "data", "tidetable.duckdb"));
    const result = await client.query("SELECT ? + 1 AS n, ?::VARCHAR AS s, list_sum(?) AS l, ? IS NULL AS z, ? AS d", {
      parameters: [41, "it's", [1, 2.5], null, new Date(5)],
    });
    deepEqual(
      result.columns.map((column) => [column.name, cellValue(column, 0)]),
      [
        ["n", 42n],
        ["s", "it's"],
        ["l", 3.5],
        ["z", true],
        ["d", 5],
      ],
    );
  });

  it("counts every row and carries those asked for", async () => {
    const result = await at.start().query("SELECT range AS i FROM range(123456)", { rowLimit: 5_000 });
    equal(result.totalRowCount, 123_456);
    equal(result.rowCount, 5_000);
    equal(cellValue(result.columns[0] ?? missing(), 4_999), 4_999n);
  });

  it("names the column that was meant, and the table's columns", async () => {
    const client = at.start();
    at.post(1);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    await fails(
      client.query("SELECT handel, count(*) FROM tweets GROUP BY handel"),
      "SQL_INVALID",
      /^unknown column: handel\. Did you mean "handle"\? Table tweets has handle, .*content.*\n\nLINE 1: .*\n +\^$/s,
    );
    await fails(client.query("SELECT * FROM twets"), "SQL_INVALID", /^unknown table: twets\. Did you mean "tweets"\?/);
    await fails(client.query("SELECT tweets.handel FROM tweets"), "SQL_INVALID", /Did you mean "handle"\?/);
    await fails(client.query("SELEC 1"), "SQL_INVALID", /syntax error at or near "SELEC"/);
    await fails(client.query("SELECT 'x'::INTEGER"), "SQL_FAILED", /Could not convert string 'x'/);
    await fails(client.query("BEGIN"), "SQL_INVALID", /a transaction of its own/);
    await fails(client.query("SELECT ?"), "SQL_INVALID", /has 1 placeholders, but 0 values are given/);
    await fails(client.query(" -- nothing"), "SQL_INVALID", /no SQL statement/);
  });

  // Where a query would be heard of that reaches the network.
  let connections = 0;
  const elsewhere = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  const atElsewhere = (text: string) => {
    const address = elsewhere.address();
    return text.replace("ELSEWHERE", String(typeof address === "object" ? address?.port : ""));
  };
  before(async () => {
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
  });
  after(() => elsewhere.close());

  const reads = [
    "FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')",
    "FROM read_blob('/etc/passwd')",
    "FROM read_json('/etc/passwd')",
    "FROM read_parquet('/tmp/x.parquet')",
    "FROM sniff_csv('/etc/passwd')",
    "FROM glob('/*')",
    "FROM '/etc/passwd'",
    "FROM 'http://127.0.0.1:ELSEWHERE/x.csv'",
    "FROM read_parquet('http://127.0.0.1:ELSEWHERE/x.parquet')",
    "FROM read_csv('https://elsewhere.example/x.csv')",
    "FROM parquet_scan('s3://bucket/x')",
  ];
  const statements = [
    "COPY (SELECT 1) TO '/tmp/tidetable-escape.csv'",
    "ATTACH '/tmp/tidetable-escape.duckdb'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '/tmp/tidetable-escape'",
    "IMPORT DATABASE '/tmp/tidetable-escape'",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET lock_configuration = false",
    "SET GLOBAL allow_unsigned_extensions = true",
    "SET GLOBAL threads = 64",
    'SET "worker_threads" = 64',
    "PRAGMA threads = 64",
    "RESET threads",
    "RESET enable_external_access",
    "PRAGMA enable_external_access",
    "CREATE SECRET s (TYPE S3, KEY_ID 'a', SECRET 'b')",
    "CALL pragma_database_list() UNION SELECT * FROM read_text('/etc/passwd')",
  ];
  const modes: ReadonlyArray<(from: string) => string> = [
    (from) => `SELECT * ${from}`,
    (from) => `EXPLAIN ANALYZE SELECT * ${from}`,
    (from) => `CREATE TABLE kept AS SELECT * ${from}`,
    (from) => `WITH inner_rows AS (SELECT * ${from}) SELECT count(*) FROM inner_rows`,
  ];
  const probes = [...reads.flatMap((from) => modes.map((mode) => mode(from))), ...statements];

  it(`W15: lets no query reach files, the network or its settings: ${probes.length + 2 * reads.length} probes`, async () => {
    const client = at.start();
    await client.hello();
    const sentBefore = sentByThisNetwork();
    for (const text of probes) await rejects(client.query(atElsewhere(text)), text);
    // As a view, and as a live query, which is planned in another way.
    for (const from of reads) {
      const text = atElsewhere(`SELECT * ${from}`);
      // Some are found out when they are planned, the others when they are read.
      await rejects(
        client.createView("probed", text, []).then(() => client.query("SELECT * FROM probed")),
        text,
      );
      const update = await new Promise<LiveUpdate>((told) => {
        const stop = client.live(text, { everyMs: 20 }, (first) => {
          stop();
          told(first);
        });
      });
      equal(update.result, undefined, text);
      ok(update.error !== undefined, text);
    }
    equal(connections, 0);
    // In a network namespace of this test's own nobody else sends anything (CONTRIBUTING.md).
    if (process.env.W15_NAMESPACE === "1") deepEqual(sentByThisNetwork(), sentBefore);
    // What a record, a name or a value holds is the only way in, and none of these is there afterwards.
    const tables = await client.query("SELECT count(*)::INTEGER AS n FROM duckdb_tables() WHERE table_name = 'kept'");
    equal(firstValue(tables), 0);
    equal(firstValue(await client.query("SELECT current_setting('enable_external_access')::VARCHAR AS s")), "false");
  });

  it("cancels a query soon", async () => {
    const client = at.start();
    await client.hello();
    const abort = new AbortController();
    const endless = client.query("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b", {
      signal: abort.signal,
    });
    await until("the query runs", async () => (await one(client, "SELECT 1")) === 1);
    abort.abort();
    await fails(endless, "QUERY_INTERRUPTED", /interrupted/);
    equal(await one(client, "SELECT 2"), 2);
  });

  it("leaves a result under a name, as a view or with its values bound as a table", async () => {
    const client = at.start();
    at.post(14);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    await client.createView("top", "SELECT handle, count(*) AS n FROM tweets GROUP BY ALL;", []);
    equal(await one(client, "SELECT count(*) FROM top"), 7n);
    await client.createView("top", "SELECT * FROM tweets WHERE handle = ?", ["user1"]);
    equal(await one(client, "SELECT count(*) FROM top"), 2n);
    await client.createView("top", "SELECT 5 AS five", []);
    equal(await one(client, "SELECT five FROM top"), 5);
    await fails(client.createView("tweets", "SELECT 1", []), "SQL_INVALID", /name of a stream's table/);
    await fails(client.createView("bad", "SELECT handel FROM tweets", []), "SQL_INVALID", /unknown column: handel/);
    deepEqual(
      (await client.catalog()).map(({ name, kind }) => `${kind} ${name}`),
      ["stream tweets", "errors tweets_errors", "view top"],
    );
  });

  it("publishes a live query when its answer may have changed", async () => {
    const client = at.start();
    await client.openStream(at.options());
    const updates: LiveUpdate[] = [];
    const stop = client.live("SELECT count(*) AS n FROM tweets", { everyMs: 20 }, (update) => updates.push(update));
    await until("a first version", () => updates.length > 0);
    at.post(10);
    await until("10 rows", () => firstValue(updates.at(-1)?.result) === 10n);
    // The commit that brought the last rows may be told after they were read: one more version of the same answer.
    await until("no version without new rows", async () => {
      const before = updates.length;
      for (let query = 0; query < 10; query++) await one(client, "SELECT 1");
      return updates.length === before;
    });
    const published = updates.length;
    stop();
    at.post(5);
    await tweetsAre(client, 15);
    equal(updates.length, published);
    deepEqual(
      updates.map((update) => update.version),
      updates.map((_, index) => index + 1),
    );
    equal(updates[0]?.plan.mode, "incremental");
  });

  it("goes on with a live query after it has failed", async () => {
    const client = at.start();
    await client.openStream(at.options());
    const updates: LiveUpdate[] = [];
    client.live("SELECT count(handle) AS n FROM tweets", { everyMs: 20 }, (update) => updates.push(update));
    const failed = await until("an error", () => updates.find((update) => update.error !== undefined));
    match(failed.error?.message ?? "", /unknown column: handle.*has no record yet/s);
    at.post(3);
    await until("an answer", () => firstValue(updates.at(-1)?.result) === 3n);
  });
});

/** Connections begun and datagrams sent, by whatever process, since this network namespace is there. */
function sentByThisNetwork(): Readonly<Record<string, string | undefined>> {
  if (process.env.W15_NAMESPACE !== "1") return {};
  const text = readFileSync("/proc/net/snmp", "utf8");
  const field = (protocol: string, name: string) => {
    const [names, values] = [...text.matchAll(new RegExp(`^${protocol}: (.*)$`, "gm"))].map((line) =>
      line[1]?.split(" "),
    );
    return values?.[names?.indexOf(name) ?? -1];
  };
  return { connections: field("Tcp", "ActiveOpens"), datagrams: field("Udp", "OutDatagrams") };
}
