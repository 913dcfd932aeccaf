import { deepEqual, equal, rejects } from "node:assert/strict";
import type { TidetableError } from "../../src/errors.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { RESERVED_WORDS } from "../../src/sql/duckdb/errors.js";
import { type Column, cellValue, type LogicalType, type SqlValue } from "../../src/sql/schema.js";

const MS = Date.UTC(2026, 0, 31, 9, 30, 0, 125);

function object(fields: Record<string, unknown>): object {
  return Object.assign(Object.create(null), fields);
}

describe("values from DuckDB", () => {
  let engine: DuckDbEngine;
  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  async function column(text: string, parameters: readonly SqlValue[] = []): Promise<Column> {
    const result = await engine.query({ text, parameters, rowLimit: 100_000 }, new AbortController().signal);
    return result.columns[0] as Column;
  }

  it("of its own words of SQL are those that errors know", async () => {
    const text =
      "SELECT string_agg(keyword_name, ' ' ORDER BY keyword_name) FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'";
    const words = cellValue(await column(text), 0);
    equal(words, [...RESERVED_WORDS].toSorted().join(" "));
  });

  const cases: ReadonlyArray<readonly [string, LogicalType, string, unknown]> = [
    ["true", "boolean", "BOOLEAN", true],
    ["(-128)::TINYINT", "integer", "TINYINT", -128],
    ["(-32768)::SMALLINT", "integer", "SMALLINT", -32768],
    ["(-2147483648)::INTEGER", "integer", "INTEGER", -2147483648],
    ["255::UTINYINT", "integer", "UTINYINT", 255],
    ["65535::USMALLINT", "integer", "USMALLINT", 65535],
    ["4294967295::UINTEGER", "integer", "UINTEGER", 4294967295],
    ["9223372036854775807", "bigint", "BIGINT", 9223372036854775807n],
    ["18446744073709551615::UBIGINT", "bigint", "UBIGINT", 18446744073709551615n],
    ["170141183460469231731687303715884105727::HUGEINT", "bigint", "HUGEINT", 170141183460469231731687303715884105727n],
    ["sum(5::BIGINT)", "bigint", "HUGEINT", 5n],
    [
      "340282366920938463463374607431768211455::UHUGEINT",
      "bigint",
      "UHUGEINT",
      340282366920938463463374607431768211455n,
    ],
    ["0.5::FLOAT", "double", "FLOAT", 0.5],
    ["1e-300::DOUBLE", "double", "DOUBLE", 1e-300],
    ["'inf'::DOUBLE", "double", "DOUBLE", Number.POSITIVE_INFINITY],
    ["12345678901234567890.123::DECIMAL(38,3)", "decimal", "DECIMAL(38,3)", "12345678901234567890.123"],
    ["-0.50::DECIMAL(4,2)", "decimal", "DECIMAL(4,2)", "-0.50"],
    ["'é😀' || chr(0) || 'x'", "text", "VARCHAR", "é😀\0x"],
    ["''", "text", "VARCHAR", ""],
    ["'{\"a\":1}'::JSON", "text", "JSON", '{"a":1}'],
    ["'\\x00\\xFF'::BLOB", "blob", "BLOB", Uint8Array.of(0, 255)],
    ["DATE '2026-01-31'", "date", "DATE", Date.UTC(2026, 0, 31)],
    ["DATE '0001-01-01'", "date", "DATE", Date.parse("0001-01-01T00:00:00Z")],
    ["'infinity'::DATE", "date", "DATE", Number.POSITIVE_INFINITY],
    ["TIMESTAMP '2026-01-31 09:30:00.125'", "timestamp", "TIMESTAMP", MS],
    ["TIMESTAMP '2026-01-31 09:30:00.125250'", "timestamp", "TIMESTAMP", MS + 0.25],
    ["TIMESTAMPTZ '2026-01-31 10:30:00.125+01:00'", "timestamp", "TIMESTAMP WITH TIME ZONE", MS],
    ["TIMESTAMP_S '2026-01-31 09:30:00'", "timestamp", "TIMESTAMP_S", MS - 125],
    ["TIMESTAMP_MS '2026-01-31 09:30:00.125'", "timestamp", "TIMESTAMP_MS", MS],
    ["TIMESTAMP_NS '2026-01-31 09:30:00.125'", "timestamp", "TIMESTAMP_NS", MS],
    ["'-infinity'::TIMESTAMP", "timestamp", "TIMESTAMP", Number.NEGATIVE_INFINITY],
    ["TIME '00:00:01.5'", "time", "TIME", 1_500_000],
    ["INTERVAL '1 day 2 hours'", "interval", "INTERVAL", "1 day 02:00:00"],
    ["'0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'::UUID", "text", "UUID", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"],
    ["'b'::ENUM('a', 'b')", "text", "ENUM('a', 'b')", "b"],
    ["'0101'::BIT", "text", "BIT", "0101"],
    ["[1, NULL, 3]", "nested", "INTEGER[]", [1, null, 3]],
    ["[1, 2]::INTEGER[2]", "nested", "INTEGER[2]", [1, 2]],
    [
      "{'a': 1, 'b': {'c': 'x'}}",
      "nested",
      'STRUCT("a" INTEGER, "b" STRUCT("c" VARCHAR))',
      object({ a: 1, b: object({ c: "x" }) }),
    ],
    ["MAP {'k': 1, 'constructor': 2}", "nested", "MAP(VARCHAR, INTEGER)", object({ k: 1, constructor: 2 })],
    ["MAP {1: 'x'}", "nested", "MAP(INTEGER, VARCHAR)", [[1, "x"]]],
    ["union_value(n := 5)", "nested", 'UNION("n" INTEGER)', 5],
  ];
  for (const [expression, type, sqlType, value] of cases) {
    it(`${expression} is ${type}`, async () => {
      const found = await column(`SELECT ${expression} AS v`);
      deepEqual({ type: found.type, sqlType: found.sqlType, value: cellValue(found, 0) }, { type, sqlType, value });
      const nothing = await column(`SELECT CASE WHEN false THEN (SELECT ${expression}) END AS v`);
      deepEqual({ type: nothing.type, value: cellValue(nothing, 0) }, { type, value: null });
    });
  }

  it("NULL without a type is what DuckDB takes it for", async () => {
    const found = await column("SELECT NULL AS v");
    deepEqual([found.type, cellValue(found, 0)], ["integer", null]);
  });

  it("come whole over many chunks, nulls in their places", async () => {
    const rows = 10_000;
    const result = await engine.query(
      {
        text: `SELECT CASE WHEN i % 3 <> 0 THEN i END AS n, CASE WHEN i % 5 <> 0 THEN 's' || i % 7 END AS s, CASE WHEN i % 7 <> 0 THEN [i] END AS l, i % 11 = 0 AS b FROM range(${rows}) r(i) ORDER BY i`,
        parameters: [],
        rowLimit: rows,
      },
      new AbortController().signal,
    );
    const [n, s, l, b] = result.columns as [Column, Column, Column, Column];
    equal(s.data.kind === "dictionary" ? s.data.dictionary.length : 0, 7);
    for (let i = 0; i < rows; i++) {
      deepEqual(
        [cellValue(n, i), cellValue(s, i), cellValue(l, i), cellValue(b, i)],
        [
          i % 3 === 0 ? null : BigInt(i),
          i % 5 === 0 ? null : `s${i % 7}`,
          i % 7 === 0 ? null : [BigInt(i)],
          i % 11 === 0,
        ],
      );
    }
  });

  it("keep the names that a query gives, also twice the same", async () => {
    const result = await engine.query(
      { text: 'SELECT 1 AS "__proto__", 2 AS a, 3 AS a', parameters: [], rowLimit: 1 },
      new AbortController().signal,
    );
    deepEqual(
      result.columns.map((entry) => [entry.name, cellValue(entry, 0)]),
      [
        ["__proto__", 1],
        ["a", 2],
        ["a", 3],
      ],
    );
  });

  it("refuse to carry more than a page can hold", async () => {
    await rejects(
      column("SELECT repeat(i::VARCHAR, 1000000) FROM range(10, 99) r(i)"),
      (error: TidetableError) => error.code === "RESULT_TOO_LARGE" && /Select fewer columns/.test(error.message),
    );
  });

  const bound: ReadonlyArray<readonly [SqlValue, string, unknown]> = [
    [null, '"NULL"', null],
    [true, "BOOLEAN", true],
    [5, "BIGINT", 5n],
    [-0.5, "DOUBLE", -0.5],
    [2 ** 60, "DOUBLE", 2 ** 60],
    [2n ** 70n, "HUGEINT", 2n ** 70n],
    ["'; DROP TABLE t; --", "VARCHAR", "'; DROP TABLE t; --"],
    [new Date(MS), "TIMESTAMP", MS],
    [Uint8Array.of(1, 0), "BLOB", Uint8Array.of(1, 0)],
    [[1, 2.5, null], "DOUBLE[]", [1, 2.5, null]],
    [["a", "b"], "VARCHAR[]", ["a", "b"]],
    [[], '"NULL"[]', []],
  ];
  for (const [value, type, back] of bound) {
    it(`are bound as ${type} and come back`, async () => {
      equal(cellValue(await column("SELECT typeof(?)", [value]), 0), type);
      deepEqual(cellValue(await column("SELECT ?", [value]), 0), back);
    });
  }

  it("are refused when they have no SQL meaning", async () => {
    await rejects(column("SELECT ?", [[1, "a"]]), /mixes/);
    await rejects(column("SELECT ?", [2n ** 130n]), /beyond 128 bits/);
    await rejects(column("SELECT ?", [new Date(Number.NaN)]), /invalid Date/);
  });
});
