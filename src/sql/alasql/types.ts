/**
 * The SQL types that the AlaSQL engine computes with, one JavaScript form for each, and which type two of them have in
 * common. DuckDB's rules; where they are wider than what stands here, the caller refuses. Pure.
 *
 * Forms: every integer type is a bigint; DECIMAL a bigint, unscaled; DOUBLE a number; VARCHAR and JSON a string; TIMESTAMP
 * microseconds and DATE days since 1970 as bigint; INTERVAL three counts; what nothing is computed with, as it came.
 */
import { TidetableError } from "../../errors.js";
import type { LogicalType } from "../schema.js";

export type SqlType =
  | { readonly id: "NULL" | "BOOLEAN" | IntegerId | "DOUBLE" | "VARCHAR" | "JSON" | "DATE" | "TIMESTAMP" | "INTERVAL" }
  | { readonly id: "DECIMAL"; readonly width: number; readonly scale: number }
  /** Can be selected, counted and compared with NULL, nothing else: a BLOB, a MAP, whatever another engine has. */
  | { readonly id: "OPAQUE"; readonly sqlType: string; readonly logical: LogicalType };

export type IntegerId = "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT";

export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

/** A value in its type's form; null is SQL NULL. */
export type Value = null | boolean | number | bigint | string | Interval | object;

export type Row = readonly Value[];

export const NULL: SqlType = { id: "NULL" };
export const BOOLEAN: SqlType = { id: "BOOLEAN" };
export const INTEGER: SqlType = { id: "INTEGER" };
export const BIGINT: SqlType = { id: "BIGINT" };
export const HUGEINT: SqlType = { id: "HUGEINT" };
export const DOUBLE: SqlType = { id: "DOUBLE" };
export const VARCHAR: SqlType = { id: "VARCHAR" };
export const JSON_TYPE: SqlType = { id: "JSON" };
export const DATE: SqlType = { id: "DATE" };
export const TIMESTAMP: SqlType = { id: "TIMESTAMP" };
export const INTERVAL: SqlType = { id: "INTERVAL" };

export function decimal(width: number, scale: number): SqlType {
  return { id: "DECIMAL", width: Math.min(width, DECIMAL_WIDTH_MAX), scale };
}

export const DECIMAL_WIDTH_MAX = 38;

/** Bits of each integer type, narrowest first, and the decimal digits that hold all of its values. */
const integers: ReadonlyArray<{ readonly id: IntegerId; readonly bits: bigint; readonly digits: number }> = [
  { id: "TINYINT", bits: 8n, digits: 3 },
  { id: "SMALLINT", bits: 16n, digits: 5 },
  { id: "INTEGER", bits: 32n, digits: 10 },
  { id: "BIGINT", bits: 64n, digits: 19 },
  { id: "HUGEINT", bits: 128n, digits: 38 },
];

export function integerRank(type: SqlType): number {
  return integers.findIndex((entry) => entry.id === type.id);
}

export function isInteger(type: SqlType): type is { readonly id: IntegerId } {
  return integerRank(type) >= 0;
}

export function isNumeric(type: SqlType): boolean {
  return isInteger(type) || type.id === "DECIMAL" || type.id === "DOUBLE";
}

export function fitsInteger(value: bigint, id: IntegerId): boolean {
  const bits = integers.find((entry) => entry.id === id)?.bits ?? 0n;
  return value >= -(1n << (bits - 1n)) && value < 1n << (bits - 1n);
}

/** The type of an integer as it is written: INTEGER, or as wide as it has to be. */
export function integerTypeOf(value: bigint): SqlType {
  if (fitsInteger(value, "INTEGER")) return INTEGER;
  return fitsInteger(value, "BIGINT") ? BIGINT : HUGEINT;
}

/** A type as DuckDB writes it. */
export function typeName(type: SqlType): string {
  if (type.id === "DECIMAL") return `DECIMAL(${type.width},${type.scale})`;
  if (type.id === "OPAQUE") return type.sqlType;
  return type.id;
}

export function sameType(a: SqlType, b: SqlType): boolean {
  return typeName(a) === typeName(b);
}

/** An integer type as the decimal that holds it. */
export function asDecimal(type: SqlType): { readonly width: number; readonly scale: number } | undefined {
  if (type.id === "DECIMAL") return type;
  const digits = integers.find((entry) => entry.id === type.id)?.digits;
  return digits === undefined ? undefined : { width: digits, scale: 0 };
}

/** The type that holds the values of both, as for the branches of a CASE; undefined where DuckDB wants a cast, or we do. */
export function commonType(a: SqlType, b: SqlType): SqlType | undefined {
  if (sameType(a, b)) return a;
  if (a.id === "NULL") return b;
  if (b.id === "NULL") return a;
  if (isNumeric(a) && isNumeric(b)) return commonNumber(a, b);
  const ids = new Set([a.id, b.id]);
  if (ids.has("DATE") && ids.has("TIMESTAMP")) return TIMESTAMP;
  return undefined;
}

function commonNumber(a: SqlType, b: SqlType): SqlType | undefined {
  if (a.id === "DOUBLE" || b.id === "DOUBLE") return DOUBLE;
  if (isInteger(a) && isInteger(b)) return integerRank(a) >= integerRank(b) ? a : b;
  const left = asDecimal(a);
  const right = asDecimal(b);
  if (left === undefined || right === undefined) return undefined;
  const scale = Math.max(left.scale, right.scale);
  const width = Math.max(left.width - left.scale, right.width - right.scale) + scale;
  if (a.id === "HUGEINT" || b.id === "HUGEINT") return decimal(DECIMAL_WIDTH_MAX, scale);
  // Beyond 38 digits DuckDB gives up scale or precision; that is its own business.
  return width > DECIMAL_WIDTH_MAX ? undefined : decimal(width, scale);
}

/** Orders two values of one type; NULLs are the caller's business. */
export function compareValues(type: SqlType, a: Exclude<Value, null>, b: Exclude<Value, null>): number {
  if (typeof a === "number" && typeof b === "number") return compareDoubles(a, b);
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  if (type.id === "INTERVAL") return compareBigints(intervalMicros(a as Interval), intervalMicros(b as Interval));
  if (type.id === "OPAQUE") throw notComparable(type);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NaN is the greatest, and equal to itself; the two zeros are equal. */
function compareDoubles(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code point, as UTF-8 bytes are ordered; UTF-16 units would put an emoji before U+FFFD. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const surrogates = Number(isSurrogate(left)) - Number(isSurrogate(right));
    return surrogates === 0 ? left - right : surrogates;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const DAY_MICROS = 86_400_000_000n;

/** As DuckDB orders intervals: a month is 30 days, a day 24 hours. */
function intervalMicros(interval: Interval): bigint {
  return (BigInt(interval.months) * 30n + BigInt(interval.days)) * DAY_MICROS + interval.micros;
}

/** A text that two values of one type share exactly if SQL holds them for equal; NULL has one of its own. */
export function keyOf(type: SqlType, value: Value): string {
  if (value === null) return "-";
  switch (typeof value) {
    case "number":
      return `=${value === 0 ? 0 : value}`;
    case "object":
      // Of intervals, too: DuckDB's groups take two that are equal for different, or not, as the case may be.
      throw notComparable(type);
    default:
      return `=${value}`;
  }
}

/** The key of several values; lengths stand before the parts, so that no text can imitate a border. */
export function keyOfRow(types: readonly SqlType[], values: Row): string {
  if (types.length === 1) return keyOf(types[0] as SqlType, values[0] ?? null);
  let key = "";
  for (let index = 0; index < types.length; index++) {
    const part = keyOf(types[index] as SqlType, values[index] ?? null);
    key += `${part.length}:${part}`;
  }
  return key;
}

function notComparable(type: SqlType): TidetableError {
  return notInEngine(`comparing, sorting or grouping values of type ${typeName(type)}`);
}

/** Every refusal of this engine: the thing by name, then the way out. */
export function notInEngine(what: string): TidetableError {
  return new TidetableError(
    "SQL_INVALID",
    `${what} is not in the AlaSQL engine; run it with --engine duckdb, or set TIDETABLE_ENGINE=duckdb for the notebook.`,
  );
}

export function invalidSql(message: string): TidetableError {
  return new TidetableError("SQL_INVALID", message);
}

/** A value that an operation cannot answer, as DuckDB fails at run time. */
export function failed(message: string): TidetableError {
  return new TidetableError("SQL_FAILED", message);
}
