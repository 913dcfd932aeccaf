/** Results written down as rows of a test: columns with their type and values, made into what an engine would send. */
import type { Column, LogicalType, QueryResult } from "../../src/sql/schema.js";

const sqlTypes: Readonly<Record<LogicalType, string>> = {
  boolean: "BOOLEAN",
  integer: "INTEGER",
  bigint: "BIGINT",
  double: "DOUBLE",
  decimal: "DECIMAL(18,3)",
  text: "VARCHAR",
  blob: "BLOB",
  date: "DATE",
  timestamp: "TIMESTAMP",
  time: "TIME",
  interval: "INTERVAL",
  nested: "VARCHAR[]",
};

/** `result({ handle: ["text", "ada", "bob"], count: ["bigint", 3n, 1n] })`; null is a NULL. */
export function result(
  columns: Readonly<Record<string, readonly [LogicalType, ...unknown[]]>>,
  options: { readonly totalRowCount?: number; readonly elapsedMs?: number } = {},
): QueryResult {
  const made = Object.entries(columns).map(([name, [type, ...values]]) => column(name, type, values));
  const rowCount = Math.max(0, ...Object.values(columns).map((values) => values.length - 1));
  return {
    columns: made,
    rowCount,
    totalRowCount: options.totalRowCount ?? rowCount,
    elapsedMs: options.elapsedMs ?? 12,
  };
}

/** In the representation that the engine picks for such a column, so that every kind is read by some test. */
function column(name: string, type: LogicalType, values: readonly unknown[]): Column {
  const nulls = Uint8Array.from(values, (value) => (value === null ? 1 : 0));
  const base = { name, type, sqlType: sqlTypes[type], ...(nulls.includes(1) ? { nulls } : {}) };
  const isNumber = values.every((value) => value === null || typeof value === "number");
  if (isNumber && ["integer", "double", "timestamp", "date", "time"].includes(type)) {
    return { ...base, data: { kind: "numbers", values: Float64Array.from(values, (value) => Number(value ?? 0)) } };
  }
  if (type === "bigint" && values.every((value) => value === null || fits64(value))) {
    return {
      ...base,
      data: { kind: "bigints", values: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n) },
    };
  }
  if (type === "text") {
    const dictionary = [...new Set(values.filter((value) => value !== null).map(String))];
    const codes = Uint32Array.from(values, (value) => (value === null ? 0 : dictionary.indexOf(String(value))));
    return { ...base, data: { kind: "dictionary", codes, dictionary } };
  }
  return { ...base, data: { kind: "values", values } };
}

function fits64(value: unknown): boolean {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value;
}
