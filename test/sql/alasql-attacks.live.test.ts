/** What SQL text must not be able to do on AlaSQL's engine: run JavaScript, read or write a file, reach the network, stay for ever. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { TidetableError } from "../../src/errors.js";
import { AlaSqlEngine } from "../../src/sql/alasql/engine.js";
import { cellValue } from "../../src/sql/schema.js";
import { recordBatch, values } from "../support/record-batches.js";
import { temporaryFolder } from "../support/temporary-folder.js";

declare global {
  var attacked: unknown;
}

describe("SQL text against AlaSQL's engine", () => {
  let engine: AlaSqlEngine;
  let server: Server;
  let requests = 0;
  const folder = temporaryFolder("attacks");

  before(async () => {
    engine = new AlaSqlEngine();
    const table = await engine.openStreamTable({ name: "t", format: "json", keep: { rows: 100_000 } });
    await table.write(recordBatch(values('{"a":1,"s":"x"}', '{"a":2,"s":"y"}')));
    writeFileSync(join(folder.path, "secret.csv"), "word\nsecret\n");
    writeFileSync(join(folder.path, "secret.json"), '[{"word":"secret"}]');
    server = createServer((_, response) => {
      requests += 1;
      response.end("[]");
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  });
  after(async () => {
    await engine.close();
    await new Promise((closed) => server.close(closed));
    folder.remove();
  });

  async function run(text: string): Promise<unknown[][]> {
    const result = await engine.query({ text, parameters: [], rowLimit: 100 }, new AbortController().signal);
    return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
  }

  const path = (name: string): string => join(folder.path, name).replaceAll("\\", "/");
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  /** Every way of AlaSQL's documentation and grammar to reach out of a statement. `PATH` and `URL` are filled in. */
  const attacks: Readonly<Record<string, readonly string[]>> = {
    "JavaScript between back-quotes": [
      "SELECT ``globalThis.attacked = 1``",
      "SELECT ``process.env.PATH`` AS p",
      "SELECT a FROM t WHERE ``globalThis.attacked = 1``",
      "SELECT `a` FROM t",
      "SELECT a AS ``globalThis.attacked = 1`` FROM t",
    ],
    "functions and aggregates of one's own": [
      "CREATE FUNCTION f AS ``function() { globalThis.attacked = 1 }``",
      "CREATE AGGREGATE f AS ``function() { globalThis.attacked = 1 }``",
      "CREATE CLASS c",
      "SET f = @{a: 1}",
    ],
    "methods and properties": [
      "SELECT s->length FROM t",
      "SELECT s->constructor->constructor('globalThis.attacked = 1')() FROM t",
      "SELECT s->('constructor') FROM t",
      "SELECT s->>'x' FROM t",
      "SELECT t.s.constructor FROM t",
      "SELECT a->toString() FROM t",
      "SELECT s!length FROM t",
      "SELECT s..constructor FROM t",
    ],
    "objects, arrays and variables": [
      "SELECT @{a: 1}",
      "SELECT @[1, 2]",
      "SELECT {a: 1}",
      "SELECT @x",
      "SELECT @x := 1",
      "DECLARE @x INT",
      "SET @x = 1",
      "SELECT $x",
      "SELECT :x",
      "SELECT NEW Date()",
      "SELECT #a FROM t",
      "SELECT ==a FROM t",
    ],
    "functions that evaluate, load or see the process": [
      "SELECT eval('globalThis.attacked = 1')",
      "SELECT JS('globalThis.attacked = 1')",
      "SELECT constructor('globalThis.attacked = 1')",
      "SELECT __proto__",
      "SELECT toString()",
      "SELECT hasOwnProperty('a')",
      "SELECT require('fs')",
      "SELECT process()",
      "SELECT alasql('SELECT 1')",
      "SELECT CONVERT(VARCHAR, a) FROM t",
      "SELECT INSTANCEOF(a, 'x') FROM t",
      "SELECT OBJECT_ID('t')",
      "SELECT REDUCE(a) FROM t",
      "SELECT AGGR(a) FROM t",
      "SELECT REGEXP_LIKE(s, '(a+)+$') FROM t",
      "SELECT s REGEXP '(a+)+$' FROM t",
      "SELECT s GLOB '*' FROM t",
    ],
    "files read": [
      "SELECT * FROM CSV('PATH/secret.csv')",
      "SELECT * FROM CSV('PATH/secret.csv', {headers: true})",
      "SELECT * FROM TXT('PATH/secret.csv')",
      "SELECT * FROM TAB('PATH/secret.csv')",
      "SELECT * FROM TSV('PATH/secret.csv')",
      "SELECT * FROM JSON('PATH/secret.json')",
      "SELECT * FROM JSONL('PATH/secret.json')",
      "SELECT * FROM XLSX('PATH/secret.csv')",
      "SELECT * FROM XLS('PATH/secret.csv')",
      "SELECT * FROM XML('PATH/secret.csv')",
      "SELECT * FROM GEXF('PATH/secret.csv')",
      "SELECT * FROM ODS('PATH/secret.csv')",
      "SELECT * FROM FILE('PATH/secret.csv')",
      "SELECT * FROM SQLITE('PATH/secret.csv')",
      "SELECT * FROM HTML('PATH/secret.csv')",
      "SELECT * FROM RANGE(1, 3)",
      "SELECT * FROM 'PATH/secret.csv'",
      'SELECT * FROM "PATH/secret.csv"',
      "SELECT * FROM read_csv('PATH/secret.csv')",
      "SELECT * FROM [PATH/secret.csv]",
      "SELECT txt('PATH/secret.csv')",
      "SELECT a FROM t WHERE a IN (SELECT word FROM CSV('PATH/secret.csv'))",
      "WITH c AS (SELECT * FROM CSV('PATH/secret.csv')) SELECT * FROM c",
      "SELECT * FROM t JOIN CSV('PATH/secret.csv') c ON TRUE",
      "SELECT * FROM ?",
      "SOURCE 'PATH/secret.csv'",
      "REQUIRE echo",
      "REQUIRE 'PATH/secret.csv'",
      "ATTACH SQLITE DATABASE x('PATH/secret.csv')",
      "ATTACH LOCALSTORAGE DATABASE x",
      "ATTACH FILESTORAGE DATABASE x('PATH/secret.json')",
      "CREATE FILESTORAGE DATABASE x('PATH/written')",
      "USE x",
      "ASSERT {a: 1}",
    ],
    "files written": [
      "SELECT * INTO CSV('PATH/written') FROM t",
      "SELECT * INTO JSON('PATH/written') FROM t",
      "SELECT * INTO TXT('PATH/written') FROM t",
      "SELECT * INTO XLSX('PATH/written') FROM t",
      "SELECT * INTO SQL('PATH/written') FROM t",
      "SELECT * INTO HTML('PATH/written') FROM t",
      "SELECT * INTO other FROM t",
      "COPY t TO 'PATH/written'",
    ],
    "the network": [
      "SELECT * FROM JSON('URLdata')",
      "SELECT * FROM CSV('URLdata')",
      "SELECT * FROM TXT('URLdata')",
      "SOURCE 'URLdata'",
      "REQUIRE 'URLdata'",
    ],
    changes: [
      "INSERT INTO t VALUES (1)",
      "UPDATE t SET a = 0",
      "DELETE FROM t",
      "DROP TABLE t",
      "TRUNCATE TABLE t",
      "ALTER TABLE t ADD COLUMN b INT",
      "CREATE TABLE x (a INT)",
      "CREATE TRIGGER x BEFORE INSERT ON t ``globalThis.attacked = 1``",
      "MERGE INTO t USING t AS u ON TRUE WHEN MATCHED THEN DELETE",
      "BEGIN TRANSACTION",
      "EXPLAIN SELECT 1",
      "SHOW TABLES",
      "HELP",
      "ECHO 1",
      "PRINT 1",
      "IF 1 = 1 SELECT 1",
      "WHILE TRUE SELECT 1",
      "SEARCH a FROM t",
      "RETURN 1",
      "SELECT 1; DROP TABLE t",
      "SELECT a FROM t; ``globalThis.attacked = 1``",
    ],
    "literals that end early elsewhere": [
      "SELECT 'a\\' UNION SELECT ``globalThis.attacked = 1`` --' FROM nowhere",
      "SELECT E'\\'' || ``1``",
      "SELECT N'x'",
      'SELECT "a\\" , ``globalThis.attacked = 1``" FROM t',
      "SELECT 1 /* */ ``globalThis.attacked = 1``",
      "SELECT 1 // comment\n, ``globalThis.attacked = 1``",
      "SELECT 1 # comment",
      "SELECT [a] FROM t",
      "SELECT [``globalThis.attacked = 1``] FROM t",
    ],
    "grammar of AlaSQL's own": [
      "SELECT VALUE a FROM t",
      "SELECT ROW a FROM t",
      "SELECT COLUMN a FROM t",
      "SELECT MATRIX a FROM t",
      "SELECT INDEX a FROM t",
      "SELECT RECORDSET a FROM t",
      "SELECT TOP 1 a FROM t",
      "SELECT a FROM t PIVOT (sum(a) FOR s IN ('x'))",
      "SELECT a FROM t UNPIVOT (a FOR s IN (x))",
      "SELECT a FROM t GROUP BY CUBE(a)",
      "SELECT a FROM t OUTER APPLY (SELECT 1) AS q",
      "SELECT a FROM t UNION CORRESPONDING SELECT a FROM t",
      "SELECT a FROM CLASS t",
      "SELECT a REMOVE COLUMN s FROM t",
      "SELECT a FROM t GRAPH x",
    ],
  };

  for (const [kind, texts] of Object.entries(attacks)) {
    it(`${kind}: ${texts.length} refused`, async () => {
      for (const template of texts) {
        const text = template.replaceAll("PATH", folder.path.replaceAll("\\", "/")).replaceAll("URL", address());
        const error = await run(text).then(
          (rows) =>
            new Error(
              `answered ${JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? `${value}` : value))}`,
            ),
          (reason: unknown) => reason as Error,
        );
        ok(error instanceof TidetableError && error.code === "SQL_INVALID", `${text}: ${error.message}`);
        ok(!error.message.includes("secret\n"), text);
      }
      equal(globalThis.attacked, undefined);
      equal(existsSync(path("written")), false);
      equal(requests, 0);
    });
  }

  it("hostile names and values are names and values", async () => {
    const hostile = ["__proto__", "constructor", "a]b", "``x``", "a'b", 'a"b', "i0", "$1", "?", "select", "toString"];
    const record = JSON.stringify(Object.fromEntries(hostile.map((name, index) => [name, index])));
    const table = await engine.openStreamTable({ name: "hostile ]`name", format: "json", keep: { rows: 10 } });
    await table.write(recordBatch(values(record)));
    for (const [index, name] of hostile.entries()) {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      deepEqual(await run(`SELECT ${quoted} AS "${index} \`\`" FROM "hostile ]\`name"`), [[BigInt(index)]], name);
    }
    for (const value of [
      "``globalThis.attacked = 1``",
      "' OR 1=1 --",
      "\\' OR 1=1 --",
      "[i0]",
      "?",
      "\u0000",
      `$${"{x}"}`,
    ]) {
      const request = {
        text: "SELECT ? AS v, a FROM t WHERE s <> $1 ORDER BY a LIMIT 1",
        parameters: [value],
        rowLimit: 9,
      };
      const bound = await engine.query(
        { ...request, text: "SELECT a, ? AS v FROM t ORDER BY a LIMIT 1" },
        new AbortController().signal,
      );
      equal(bound.columns[1] === undefined ? undefined : cellValue(bound.columns[1], 0), value);
      deepEqual(await run(`SELECT '${value.replaceAll("'", "''")}' AS v`), [[value]], value);
    }
    equal(globalThis.attacked, undefined);
  });

  it("a join that nobody meant is stopped, and does not stop the others", async () => {
    const table = await engine.openStreamTable({ name: "many", format: "json", keep: { rows: 100_000 } });
    await table.write(recordBatch(values(...Array.from({ length: 1_500 }, (_, index) => `{"n":${index}}`))));
    const abort = new AbortController();
    const text = "SELECT count(*) FROM many a JOIN many b ON a.n <> b.n JOIN many c ON c.n <> b.n";
    const endless = engine.query({ text, parameters: [], rowLimit: 10 }, abort.signal);
    const failed = rejects(endless, { code: "QUERY_INTERRUPTED" });
    deepEqual(await run("SELECT count(*) FROM t"), [[2n]]);
    abort.abort();
    await failed;
    await rejects(run("SELECT count(*) FROM many a CROSS JOIN many b"), {
      code: "SQL_FAILED",
      message: /more than 2,000,000 rows/,
    });
  });

  it("patterns and nesting cost no more than their length", async () => {
    const text = `${"a".repeat(2_000)}b`;
    deepEqual(await run(`SELECT '${text}' LIKE '${"%a".repeat(500)}%c' AS l`), [[false]]);
    await rejects(run(`SELECT ${"(".repeat(1_000)}1${")".repeat(1_000)}`), { code: "SQL_INVALID", message: /nested/ });
    await rejects(run(`SELECT ${"1+".repeat(100_000)}1`), { code: "SQL_INVALID", message: /more than 4000 words/ });
    deepEqual(await run(`SELECT ${"1+".repeat(1_500)}1 AS n`), [[1501]]);
    await rejects(run("SELECT repeat(repeat('x', 1000000), 1000) AS t"), { code: "SQL_FAILED", message: /too long/ });
  });
});
