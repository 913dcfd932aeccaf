/** Fields of a stream's records as values: what a kind is in SQL, how it is read from the bytes, how it widens. Pure. */
import type { FieldKind } from "../../streaming/json/fields.js";
import { stringAt } from "../../streaming/json/lexis.js";
import { textOfValue } from "./text.js";
import { readTimestamp, timestampText } from "./times.js";
import { BIGINT, BOOLEAN, DOUBLE, HUGEINT, JSON_TYPE, type SqlType, TIMESTAMP, VARCHAR, type Value } from "./types.js";

const QUOTE = 0x22;

export function typeOfKind(kind: FieldKind): SqlType {
  switch (kind) {
    case "null":
    case "text":
    case "mixed":
      return VARCHAR;
    case "boolean":
      return BOOLEAN;
    case "bigint":
      return BIGINT;
    case "hugeint":
      return HUGEINT;
    case "double":
      return DOUBLE;
    case "timestamp":
      return TIMESTAMP;
    case "json":
      return JSON_TYPE;
    default:
      // Kinds that only a declared schema has; this engine refuses such streams before a record comes.
      return VARCHAR;
  }
}

/** The bytes from `start` to `end` hold one JSON value that the scanner has found to be of the kind. */
export function readField(kind: FieldKind, bytes: Buffer, start: number, end: number): Value {
  const isString = bytes[start] === QUOTE;
  switch (kind) {
    case "null":
      return null;
    case "boolean":
      return bytes[start] === 0x74;
    case "bigint":
    case "hugeint":
      return BigInt(bytes.toString("latin1", start, end));
    case "double":
      return Number(bytes.toString("latin1", start, end));
    case "timestamp":
      return readTimestamp(stringAt(bytes, start + 1, end - 1)) ?? null;
    case "text":
    case "mixed":
      return isString ? stringAt(bytes, start + 1, end - 1) : bytes.toString("utf8", start, end);
    default:
      return bytes.toString("utf8", start, end);
  }
}

/** A stored value when its column becomes wider. */
export function storedAs(value: Value, from: FieldKind | undefined, to: FieldKind): Value {
  if (value === null || from === undefined || from === to) return value;
  const [stored, wanted] = [typeOfKind(from), typeOfKind(to)];
  if (stored.id === wanted.id) return value;
  if (wanted.id === "DOUBLE") return Number(value);
  if (wanted.id !== "VARCHAR") return value;
  return stored.id === "TIMESTAMP" ? instantText(value as bigint) : textOfValue(stored, value);
}

/** An instant as the text it came as: milliseconds as JavaScript writes them, microseconds where there are any. */
function instantText(micros: bigint): string {
  const [text = "", fraction = ""] = timestampText(micros).split(".");
  return `${text.replace(" ", "T")}.${fraction.padEnd(micros % 1000n === 0n ? 3 : 6, "0")}Z`;
}
