/**
 * From a TypeScript value to one that can be bound into SQL. What has no exact SQL meaning is refused by name instead
 * of being turned into text. Pure.
 */
import { TidetableError } from "../errors.js";
import type { SqlValue } from "./schema.js";

/**
 * @param label how the value is named in an error, for example `${minimum}`
 * @throws TidetableError SQL_INVALID for undefined, functions, symbols, promises, invalid dates and plain objects.
 */
export function toSqlValue(value: unknown, label: string): SqlValue {
  switch (typeof value) {
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return value;
    case "object":
      return value === null ? null : objectToSqlValue(value, label);
    default:
      throw refusal(label, value === undefined ? "undefined" : `a ${typeof value}`);
  }
}

function objectToSqlValue(value: object, label: string): SqlValue {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refusal(label, "an invalid Date");
    return value;
  }
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item, index) => toSqlValue(item, `${label}[${index}]`));
  if (value instanceof Set) return [...value].map((item, index) => toSqlValue(item, `${label}[${index}]`));
  if (typeof (value as { then?: unknown }).then === "function") {
    throw refusal(label, "a promise", "Write await before it.");
  }
  if (typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === "function") {
    throw refusal(label, "a result", "Take one value of it, or write its name as a table.");
  }
  throw refusal(label, "an object", "Bind its fields one by one, or JSON.stringify it.");
}

function refusal(label: string, what: string, wayOut = ""): TidetableError {
  const accepted = "A value is a string, number, bigint, boolean, Date, Uint8Array, null or an array of these.";
  return new TidetableError("SQL_INVALID", `${label} is ${what}. ${wayOut === "" ? accepted : wayOut}`);
}
