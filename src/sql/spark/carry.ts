/**
 * A result of the notebook's engine as a table in a Spark session: its rows travel with the plan, in few plain Arrow types,
 * and Spark makes its own types of them. Owns which type of one engine is which of the other; sends nothing. Pure.
 */
import {
  Binary,
  Bool,
  type DataType,
  Float64,
  Int32,
  Int64,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { TidetableError } from "../../errors.js";
import { type Column, cellValue, type QueryResult } from "../schema.js";
import { localRelation, type Relation } from "../spark-connect/plans.js";
import { backQuoted } from "./dialect.js";

export interface CarriedTable {
  /** The rows, columns named `c0`, `c1`, … */
  readonly rows: Relation;
  readonly bytes: number;
  /** What makes the table of a view of these rows, under the columns' own names and with Spark's types. */
  selectFrom(view: string): string;
}

/** @throws TidetableError SQL_INVALID for a value that Spark has no type for. */
export function carriedTable(result: QueryResult): CarriedTable {
  const carried = result.columns.map((column) => carriedColumn(column));
  const vectors = carried.map(({ arrow, value }, index) => {
    const column = result.columns[index] as Column;
    const values = Array.from({ length: result.rowCount }, (_, row) => {
      const given = cellValue(column, row);
      return given === null ? null : value(given);
    });
    return vectorFromArray(values, arrow);
  });
  const table = new Table(Object.fromEntries(vectors.map((vector, index) => [`c${index}`, vector])));
  const data = tableToIPC(table, "stream");
  return {
    rows: localRelation(data, carried.map(({ type }, index) => `c${index} ${type}`).join(", ")),
    bytes: data.byteLength,
    selectFrom: (view) =>
      `SELECT ${carried
        .map(({ expression }, index) => {
          const name = result.columns[index]?.name ?? "";
          return `${expression(`c${index}`)} AS ${backQuoted(name)}`;
        })
        .join(", ")} FROM ${backQuoted(view)}`,
  };
}

/** How a column travels: its Arrow type, that type in Spark's words, and what becomes of it there. */
interface CarriedColumn {
  readonly arrow: DataType;
  readonly type: "BOOLEAN" | "INT" | "BIGINT" | "DOUBLE" | "STRING" | "BINARY";
  value(given: unknown): unknown;
  expression(name: string): string;
}

const DAY_MS = 86_400_000;
const DECIMAL_DIGITS_MAX = 38;
const asIs = (name: string) => name;

function carriedColumn(column: Column): CarriedColumn {
  switch (column.type) {
    case "boolean":
      return { arrow: new Bool(), type: "BOOLEAN", value: (given) => given, expression: asIs };
    case "integer":
      // Unsigned ones of 32 bits do not fit Spark's INT.
      return column.data.kind === "numbers" && column.data.values instanceof Int32Array
        ? { arrow: new Int32(), type: "INT", value: Number, expression: asIs }
        : { arrow: new Int64(), type: "BIGINT", value: (given) => BigInt(given as number), expression: asIs };
    case "bigint":
      return column.data.kind === "bigints"
        ? { arrow: new Int64(), type: "BIGINT", value: (given) => given, expression: asIs }
        : asText((given) => wideInteger(given, column), `DECIMAL(${DECIMAL_DIGITS_MAX}, 0)`);
    case "double":
      return { arrow: new Float64(), type: "DOUBLE", value: Number, expression: asIs };
    case "decimal":
      return asText(String, column.sqlType);
    case "blob":
      return { arrow: new Binary(), type: "BINARY", value: (given) => given, expression: asIs };
    case "date":
      return {
        arrow: new Int32(),
        type: "INT",
        value: (given) => finite(given, column) / DAY_MS,
        expression: (name) => `date_from_unix_date(${name})`,
      };
    case "timestamp":
      return {
        arrow: new Int64(),
        type: "BIGINT",
        value: (given) => microsecondsOf(finite(given, column)),
        expression: (name) => `timestamp_micros(${name})`,
      };
    case "time":
      return asText((given) => timeText(Number(given)));
    case "nested":
      return asText(jsonText);
    default:
      return asText(String);
  }
}

/** What has no plain form in Arrow travels as its text; Spark reads a type out of it where it has that type. */
function asText(value: (given: unknown) => string, sparkType?: string): CarriedColumn {
  return {
    arrow: new Utf8(),
    type: "STRING",
    value,
    expression: sparkType === undefined ? asIs : (name) => `CAST(${name} AS ${sparkType})`,
  };
}

function wideInteger(given: unknown, { name, sqlType }: Column): string {
  const text = String(given);
  if (text.replace("-", "").length <= DECIMAL_DIGITS_MAX) return text;
  throw new TidetableError(
    "SQL_INVALID",
    `${name} (${sqlType}) holds ${text}, beyond Spark's 38 digits. Leave the column out, or cast it to VARCHAR: %%sql part, then SELECT ….`,
  );
}

function finite(given: unknown, { name, sqlType }: Column): number {
  if (Number.isFinite(given)) return Number(given);
  throw new TidetableError(
    "SQL_INVALID",
    `${name} (${sqlType}) holds an infinite instant, which Spark does not know. Leave those rows out: %%sql part, then SELECT … WHERE isfinite(${name}).`,
  );
}

/** Milliseconds carry microseconds in their fraction; whole ones are kept exact beyond 2^53 microseconds. */
function microsecondsOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1000n + BigInt(Math.round((ms - whole) * 1000));
}

function timeText(microseconds: number): string {
  const text = new Date(Math.floor(microseconds / 1000)).toISOString().slice(11, 23);
  return `${text}${String(Math.round(microseconds % 1000)).padStart(3, "0")}`;
}

/** Integers beyond a number's keep their digits; bytes are as in SQL's literal. */
function jsonText(given: unknown): string {
  return JSON.stringify(given, (_, part: unknown) => {
    if (typeof part === "bigint") return String(part);
    return part instanceof Uint8Array ? Buffer.from(part).toString("hex") : part;
  });
}
