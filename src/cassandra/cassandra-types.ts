/**
 * What each of Cassandra's types is in a table of ours. Where SQL has no type of the same range, the exact text is kept;
 * collections become JSON text. Knows the driver's values; reads none itself. Pure.
 */
import { types } from "cassandra-driver";
import type { Column, LogicalType } from "../sql/schema.js";

interface Mapping {
  readonly type: LogicalType;
  readonly sqlType: string;
  /** From the driver's value, never null, to the form in schema.ts. */
  readonly convert: (value: unknown) => unknown;
}

const { dataTypes } = types;

/** How values of a column are to be read, by the driver's number of its type. Unknown ones are text. */
export function mappingOf(typeCode: number): Mapping {
  switch (typeCode) {
    case dataTypes.boolean:
      return { type: "boolean", sqlType: "BOOLEAN", convert: (value) => value === true };
    case dataTypes.int:
    case dataTypes.smallint:
    case dataTypes.tinyint:
      return { type: "integer", sqlType: "INTEGER", convert: Number };
    case dataTypes.bigint:
    case dataTypes.counter:
      return { type: "bigint", sqlType: "BIGINT", convert: (value) => BigInt(String(value)) };
    case dataTypes.double:
    case dataTypes.float:
      return { type: "double", sqlType: "DOUBLE", convert: Number };
    case dataTypes.timestamp:
      return { type: "timestamp", sqlType: "TIMESTAMP", convert: (value) => (value as Date).getTime() };
    case dataTypes.date:
      return { type: "date", sqlType: "DATE", convert: dateMs };
    case dataTypes.time:
      // Nanoseconds since midnight; ours are microseconds.
      return {
        type: "time",
        sqlType: "TIME",
        convert: (value) => Number((value as types.LocalTime).getTotalNanoseconds().toString()) / 1000,
      };
    case dataTypes.blob:
      return { type: "blob", sqlType: "BLOB", convert: (value) => value };
    case dataTypes.list:
    case dataTypes.set:
    case dataTypes.map:
    case dataTypes.udt:
    case dataTypes.tuple:
      return { type: "text", sqlType: "VARCHAR", convert: toJson };
    case dataTypes.custom:
      // Durations come as one; so do vectors, and what a cluster has of its own.
      return { type: "text", sqlType: "VARCHAR", convert: customText };
    default:
      // ascii, text, uuid, timeuuid, inet, duration; decimal and varint, whose digits no SQL type is sure to hold.
      return { type: "text", sqlType: "VARCHAR", convert: String };
  }
}

/** One column of a page. */
export function columnOf(name: string, typeCode: number, values: readonly unknown[]): Column {
  const { type, sqlType, convert } = mappingOf(typeCode);
  const present = (value: unknown) => value !== null && value !== undefined;
  const nulls = Uint8Array.from(values, (value) => (present(value) ? 0 : 1));
  return {
    name,
    type,
    sqlType,
    data: { kind: "values", values: values.map((value) => (present(value) ? convert(value) : null)) },
    ...(nulls.includes(1) ? { nulls } : {}),
  };
}

function dateMs(value: unknown): number {
  const { year, month, day } = value as types.LocalDate;
  // Date.UTC takes a year below 100 for one of the last century.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

function customText(value: unknown): string {
  return typeof value === "string" || value instanceof types.Duration ? String(value) : toJson(value);
}

/** Values that JSON has no word for (64-bit numbers, UUIDs, addresses, bytes) as text. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return inner.toString();
    if (inner instanceof Map) return Object.fromEntries(inner);
    if (inner instanceof Set) return [...inner];
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString("base64");
    return inner;
  });
}
