/** `cassandra(table)` against a real one: every type, pages and limits, conditions, refreshing under a join, and refusals. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { types } from "cassandra-driver";
import { type CassandraCluster, startCassandra } from "../../scripts/components/cassandra.js";
import {
  type CassandraPage,
  type CassandraTableRequest,
  readCassandraTable,
} from "../../src/cassandra/cassandra-table.js";
import type { CellLibrary } from "../../src/cells/library.js";
import { readConfig } from "../../src/config.js";
import { openTidetable, type Tidetable } from "../../src/session.js";
import { cassandraClient, closeCassandraClient } from "../../src/tweeter/cassandra-client.js";
import { RecordingCell } from "../cells/recording-cell.js";
import { hostileTexts } from "../support/hostile-texts.js";
import { requireComponent } from "../support/require-component.js";
import { testSeed } from "../support/seeded-random.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const rows = 5_000;
const code = (wanted: string) => (error: { code?: string }) => error.code === wanted;

describe("cassandra() in a cell", function () {
  this.timeout(120_000);
  let cluster: CassandraCluster;
  let folder: TemporaryFolder;
  let client: ReturnType<typeof cassandraClient>;
  let cell: RecordingCell;
  const sessions: Tidetable[] = [];

  const open = (environment: Readonly<Record<string, string>> = {}): CellLibrary => {
    const config = readConfig(
      { TIDETABLE_DATA: folder.path, CASSANDRA_CONTACT_POINTS: cluster.contactPoints.join(","), ...environment },
      folder.path,
    );
    const session = openTidetable({ config, currentCell: () => cell, workingDirectory: folder.path });
    sessions.push(session);
    return session.library;
  };

  before(async function () {
    cluster = await requireComponent(this, () => startCassandra({ nodes: 1, sync: "periodic" }));
    folder = temporaryFolder("cassandra-table");
    client = cassandraClient({ contactPoints: cluster.contactPoints });
    await client.connect();
    const define = (text: string) => client.execute(text, [], { prepare: false, readTimeout: 60_000 });
    await define("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await define(
      "CREATE TABLE k.all_types (id int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet, k smallint, l text, m time, n timestamp, o timeuuid, p tinyint, q uuid, r varint, s list<int>, t map<text, bigint>, u set<text>, v tuple<int, text>)",
    );
    await define("CREATE TABLE k.posts (day int, id int, handle text, PRIMARY KEY (day, id))");
    await client.execute(
      "INSERT INTO k.all_types (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        1,
        "plain",
        types.Long.fromString("9007199254740993"),
        Buffer.from([0, 255]),
        true,
        types.LocalDate.fromString("0099-12-31"),
        types.BigDecimal.fromString("12345678901234567890.123456789"),
        0.1,
        types.Duration.fromString("1mo2d3s"),
        0.5,
        types.InetAddress.fromString("192.0.2.1"),
        -5,
        "l'été 🌊",
        types.LocalTime.fromString("13:45:10.123456789"),
        new Date(Date.UTC(2026, 0, 31, 12, 0, 0, 250)),
        types.TimeUuid.fromString("50554d6e-29bb-11e5-b345-feff819cdc9f"),
        7,
        types.Uuid.fromString("f81d4fae-7dec-4bd0-a765-00a0c91e6bf6"),
        types.Integer.fromString("170141183460469231731687303715884105728"),
        [1, 2],
        { big: types.Long.fromString("9007199254740993") },
        ["x", "y"],
        new types.Tuple(1, "one"),
      ],
    );
    await client.execute("INSERT INTO k.all_types (id) VALUES (?)", [2]);
    const insert = "INSERT INTO k.posts (day, id, handle) VALUES (?, ?, ?)";
    for (let first = 0; first < rows; first += 200) {
      const batch = Array.from({ length: 200 }, (_, index) => first + index);
      await Promise.all(batch.map((id) => client.execute(insert, [id % 3, id, `h${id % 7}`], { readTimeout: 60_000 })));
    }
  });
  beforeEach(() => {
    cell = new RecordingCell();
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all(sessions.map((session) => session.close()));
    if (client !== undefined) await closeCassandraClient(client);
    await cluster?.stop();
    folder?.remove();
  });

  for (const engine of ["duckdb", "alasql"]) {
    it(`${engine}: each type keeps its value`, async () => {
      const { cassandra, sql } = open({ TIDETABLE_ENGINE: engine });
      const table = await cassandra("k.all_types");
      deepEqual([table.name, table.rows, table.complete], ["k_all_types", 2, true]);
      const read = await sql`SELECT * FROM k_all_types ORDER BY id`;
      const row = read.at(0) ?? {};
      deepEqual(
        { ...row },
        {
          id: 1,
          a: "plain",
          b: 9007199254740993n,
          c: row.c,
          d: true,
          e: new Date("0099-12-31T00:00:00Z"),
          f: "12345678901234567890.123456789",
          g: 0.1,
          h: "1mo2d3s",
          i: 0.5,
          j: "192.0.2.1",
          k: -5,
          l: "l'été 🌊",
          m: row.m,
          n: new Date(Date.UTC(2026, 0, 31, 12, 0, 0, 250)),
          o: "50554d6e-29bb-11e5-b345-feff819cdc9f",
          p: 7,
          q: "f81d4fae-7dec-4bd0-a765-00a0c91e6bf6",
          r: "170141183460469231731687303715884105728",
          s: "[1,2]",
          t: '{"big":"9007199254740993"}',
          u: '["x","y"]',
          v: row.v,
        },
      );
      deepEqual([...(row.c as Uint8Array)], [0, 255]);
      match(String(row.v), /1.*one/);
      // Microseconds since midnight; the last three digits of the nanoseconds have no place.
      if (engine === "duckdb") equal(Math.round(Number(row.m)), 49_510_123_457);
      ok(Object.entries(read.at(1) ?? {}).every(([name, value]) => name === "id" || value === null));
    });
  }

  it("is read in pages up to a limit, says what it left, and takes conditions on the key", async () => {
    const { cassandra, sql } = open();
    const all = await cassandra("k.posts", { name: "stored" });
    deepEqual([all.rows, all.complete], [rows, true]);
    match(cell.text(0), /^stored: 5,000 rows of k\.posts, read in .* refresh\(\) reads them again$/);
    equal((await sql`SELECT count(DISTINCT id) AS n FROM stored`).at(0)?.n, BigInt(rows));

    const some = await cassandra("k.posts", { name: "some", limit: 2_500, columns: ["id"] });
    deepEqual([some.rows, some.complete, some.columns], [2_500, false, [{ name: "id", sqlType: "INTEGER" }]]);
    match(cell.text(1), /the first 2,500 rows of k\.posts \(limit: 2500; there are more\)/);
    const exactly = await cassandra("k.posts", { name: "some", limit: rows });
    deepEqual([exactly.rows, exactly.complete], [rows, true]);

    const day = await cassandra("k.posts", { name: "some", where: { day: 1 } });
    equal(day.rows, Math.ceil((rows - 1) / 3));
    equal((await cassandra("k.posts", { name: "some", where: { day: [0, 2] } })).rows, rows - day.rows);
  });

  it("is joined with other tables, and a refresh takes the place of what was there", async () => {
    const { cassandra, sql } = open();
    const stored = await cassandra("k.posts", { name: "stored" });
    const perHandle = () =>
      sql<{
        handle: string;
        n: bigint;
      }>`SELECT handle, count(*) AS n FROM stored WHERE handle IN ('h0', 'new') GROUP BY handle ORDER BY handle`;
    equal((await perHandle()).length, 1);
    await client.execute("INSERT INTO k.posts (day, id, handle) VALUES (?, ?, ?)", [9, 1, "new"]);
    equal((await perHandle()).length, 1);
    equal((await stored.refresh()).rows, rows + 1);
    deepEqual((await perHandle()).at(1), { handle: "new", n: 1n });
    match(cell.text(0), /^stored: 5,001 rows/);
    await client.execute("DELETE FROM k.posts WHERE day = ?", [9]);
  });

  it("says what is wrong, and leaves the table that was there", async () => {
    const { cassandra, sql } = open();
    await cassandra("k.posts", { name: "kept", limit: 10 });
    await rejects(cassandra("posts"), /takes "keyspace\.table"/);
    await rejects(cassandra("k.posts", { limit: 0 }), /limit is 0/);
    await rejects(cassandra("k.nothing", { name: "kept" }), code("SQL_INVALID"));
    await rejects(cassandra("k.posts", { name: "kept", columns: ["colour"] }), /colour/);
    await rejects(cassandra("k.posts", { name: "kept", where: { handle: "h1" } }), /on its key/);
    await rejects(cassandra('k.posts" --', { name: "kept" }), code("SQL_INVALID"));
    await rejects(cassandra("k.posts", { name: "kept", contactPoints: "127.0.0.1:1" }), code("STORE_UNAVAILABLE"));
    await rejects(open({ CASSANDRA_CONTACT_POINTS: "" }).cassandra("k.posts"), /CASSANDRA_CONTACT_POINTS=/);
    equal((await sql`SELECT count(*) AS n FROM kept`).at(0)?.n, 10n);
    cell.interrupt();
    await rejects(cassandra("k.posts", { name: "kept" }), code("QUERY_INTERRUPTED"));
  });

  const seed = testSeed();
  it(`W16: names and values of strangers stay what they are: 1,000 names of columns, 1,000 values (seed ${seed})`, async () => {
    const texts = hostileTexts(1_000, seed);
    const names = texts.map((text) => `"${text.replaceAll('"', '""')}" int`).join(", ");
    await client.execute(`CREATE TABLE k.names (id int PRIMARY KEY, ${names})`, [], {
      prepare: false,
      readTimeout: 60_000,
    });
    await client.execute("INSERT INTO k.names (id) VALUES (?)", [1]);
    await client.execute("CREATE TABLE k.values (text text PRIMARY KEY, n int)");
    for (let first = 0; first < texts.length; first += 200) {
      await Promise.all(
        texts
          .slice(first, first + 200)
          .map((text, index) =>
            client.execute("INSERT INTO k.values (text, n) VALUES (?, ?)", [text, first + index], { prepare: true }),
          ),
      );
    }
    const connection = { contactPoints: cluster.contactPoints };
    const { signal } = new AbortController();
    const read = async (request: Omit<CassandraTableRequest, "connection" | "keyspace" | "limit">) => {
      const pages: CassandraPage[] = [];
      const asked = { connection, keyspace: "k", limit: 2_000, ...request };
      for await (const page of readCassandraTable(asked, signal)) pages.push(page);
      return pages;
    };
    const [named] = await read({ table: "names", columns: texts });
    deepEqual(
      named?.columns.map(({ name }) => name),
      texts,
    );
    let found = 0;
    for (let first = 0; first < texts.length; first += 100) {
      const wanted = texts.slice(first, first + 100);
      for (const page of await read({ table: "values", where: { text: wanted } })) found += page.rowCount;
    }
    equal(found, 1_000);
    // As the name of a table, of a keyspace and of a condition: refused, and nothing else has happened.
    for (const text of texts.slice(0, 5)) {
      await rejects(read({ table: text }), code("SQL_INVALID"));
      await rejects(read({ table: "values", where: { [text]: 1 } }), code("SQL_INVALID"));
    }
    equal((await client.execute("SELECT count(*) FROM k.values")).first().get(0).toNumber(), 1_000);
  });
});
