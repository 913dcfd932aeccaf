/** Plain objects as a result, so that a program's own rows get the same table and the same charts as a query's. Pure. */
import type { Column, LogicalType, QueryResult } from "./schema.js";

/** Columns in the order in which the rows first name them; a row without a field has null there. */
export function resultFromRows(rows: readonly object[]): QueryResult {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  const columns = [...names].map((name) => columnOf(name, rows));
  return { columns, rowCount: rows.length, totalRowCount: rows.length, elapsedMs: 0 };
}

function columnOf(name: string, rows: readonly object[]): Column {
  const raw = rows.map((row) => (Object.hasOwn(row, name) ? (row as Record<string, unknown>)[name] : null) ?? null);
  const type = typeOf(raw);
  const values = type === "timestamp" ? raw.map((value) => (value instanceof Date ? value.getTime() : value)) : raw;
  const nulls = Uint8Array.from(raw, (value) => (value === null ? 1 : 0));
  return {
    name,
    type,
    sqlType: type.toUpperCase(),
    data: { kind: "values", values },
    ...(nulls.includes(1) ? { nulls } : {}),
  };
}

/** The one type of all values; mixed ones are nested, which shows each as it is. */
function typeOf(values: readonly unknown[]): LogicalType {
  const types = new Set(values.filter((value) => value !== null).map(typeOfValue));
  const [only = "text"] = types;
  if (types.size <= 1) return only;
  const numbers: readonly LogicalType[] = ["integer", "bigint", "double"];
  return [...types].every((type) => numbers.includes(type)) ? "double" : "nested";
}

function typeOfValue(value: unknown): LogicalType {
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "number":
      return Number.isInteger(value) ? "integer" : "double";
    case "bigint":
      return "bigint";
    case "string":
      return "text";
    default:
      if (value instanceof Date) return "timestamp";
      return value instanceof Uint8Array ? "blob" : "nested";
  }
}
