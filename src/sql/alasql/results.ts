/** Rows of the AlaSQL engine as the columns that travel to a cell, and columns of another engine as rows for this one. Pure. */

import { type Column, type ColumnValues, cellValue, type LogicalType, type QueryResult } from "../schema.js";
import { textOfValue } from "./text.js";
import {
  BOOLEAN,
  DATE,
  DOUBLE,
  decimal,
  isInteger,
  JSON_TYPE,
  type Row,
  type SqlType,
  TIMESTAMP,
  typeName,
  VARCHAR,
  type Value,
} from "./types.js";

const DAY_MS = 86_400_000;

export function toResult(
  columns: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>,
  rows: readonly Row[],
  rowLimit: number,
): Omit<QueryResult, "elapsedMs"> {
  const carried = rows.length > rowLimit ? rows.slice(0, rowLimit) : rows;
  return {
    columns: columns.map(({ name, type }, index) =>
      toColumn(
        name,
        type,
        carried.map((row) => row[index] ?? null),
      ),
    ),
    rowCount: carried.length,
    totalRowCount: rows.length,
  };
}

function toColumn(name: string, type: SqlType, values: readonly Value[]): Column {
  const nulls = values.includes(null) ? { nulls: Uint8Array.from(values, (value) => Number(value === null)) } : {};
  // A column of NULLs alone is an INTEGER to the outside.
  const sqlType = type.id === "NULL" ? "INTEGER" : typeName(type);
  return { name, type: logicalType(type), sqlType, data: columnValues(type, values), ...nulls };
}

function logicalType(type: SqlType): LogicalType {
  switch (type.id) {
    case "BOOLEAN":
      return "boolean";
    case "BIGINT":
    case "HUGEINT":
      return "bigint";
    case "DOUBLE":
      return "double";
    case "DECIMAL":
      return "decimal";
    case "DATE":
      return "date";
    case "TIMESTAMP":
      return "timestamp";
    case "INTERVAL":
      return "interval";
    case "OPAQUE":
      return type.logical;
    case "VARCHAR":
    case "JSON":
      return "text";
    default:
      return "integer";
  }
}

function columnValues(type: SqlType, values: readonly Value[]): ColumnValues {
  switch (type.id) {
    case "BIGINT":
    case "HUGEINT":
      return bigints(values as ReadonlyArray<bigint | null>);
    case "DOUBLE":
      return { kind: "numbers", values: Float64Array.from(values, (value) => (value ?? 0) as number) };
    case "DATE":
      return { kind: "numbers", values: Float64Array.from(values, (value) => Number(value ?? 0) * DAY_MS) };
    case "TIMESTAMP":
      return { kind: "numbers", values: Float64Array.from(values, (value) => Number(value ?? 0) / 1000) };
    case "DECIMAL":
    case "INTERVAL":
    case "VARCHAR":
    case "JSON":
      return dictionary(values.map((value) => (value === null ? null : textOfValue(type, value))));
    case "BOOLEAN":
      return { kind: "values", values };
    case "OPAQUE":
      return opaque(type.logical, values);
    default:
      return { kind: "numbers", values: Int32Array.from(values, (value) => Number(value ?? 0)) };
  }
}

function bigints(values: ReadonlyArray<bigint | null>): ColumnValues {
  if (!values.every((value) => value === null || BigInt.asIntN(64, value) === value)) return { kind: "values", values };
  return { kind: "bigints", values: BigInt64Array.from(values, (value) => value ?? 0n) };
}

function dictionary(texts: ReadonlyArray<string | null>): ColumnValues {
  const codesByText = new Map<string, number>();
  const codes = Uint32Array.from(texts, (text) => {
    if (text === null) return 0;
    const known = codesByText.get(text);
    if (known !== undefined) return known;
    const code = codesByText.size;
    codesByText.set(text, code);
    return code;
  });
  return { kind: "dictionary", codes, dictionary: [...codesByText.keys()] };
}

function opaque(logical: LogicalType, values: readonly Value[]): ColumnValues {
  if (logical === "text" || logical === "decimal" || logical === "interval") {
    return dictionary(values.map((value) => (value === null ? null : String(value))));
  }
  if (["integer", "double", "date", "timestamp", "time"].includes(logical)) {
    return { kind: "numbers", values: Float64Array.from(values, (value) => Number(value ?? 0)) };
  }
  return { kind: "values", values };
}

/** A column's type in this engine; one that it does not compute with can still be selected. */
export function typeOfColumn(column: Pick<Column, "type" | "sqlType">): SqlType {
  const [, width, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(column.sqlType) ?? [];
  if (width !== undefined) return decimal(Number(width), Number(scale));
  const id = plainTypes.get(column.sqlType);
  return id ?? { id: "OPAQUE", sqlType: column.sqlType, logical: column.type };
}

const plainTypes: ReadonlyMap<string, SqlType> = new Map(
  [
    BOOLEAN,
    DOUBLE,
    VARCHAR,
    JSON_TYPE,
    DATE,
    TIMESTAMP,
    ...(["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"] as const).map((id) => ({ id })),
  ].map((type) => [typeName(type), type]),
);

export function toRows(result: QueryResult): { readonly types: readonly SqlType[]; readonly rows: readonly Row[] } {
  const types = result.columns.map(typeOfColumn);
  const rows = Array.from({ length: result.rowCount }, (_, row) =>
    result.columns.map((column, index) => fromCell(types[index] as SqlType, cellValue(column, row))),
  );
  return { types, rows };
}

function fromCell(type: SqlType, value: unknown): Value {
  if (value === null || value === undefined) return null;
  switch (type.id) {
    case "DATE":
      return BigInt(Math.round(Number(value) / DAY_MS));
    case "TIMESTAMP":
      // Milliseconds carry microseconds in their fraction.
      return BigInt(Math.round(Number(value) * 1000));
    case "DECIMAL":
      return BigInt(String(value).replace(".", ""));
    default:
      return isInteger(type) ? BigInt(value as number | bigint) : (value as Value);
  }
}
