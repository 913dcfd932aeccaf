/** Casts from type to type, as DuckDB makes them: rounding, ranges, what text is a number. Pure. */
import { textOfValue } from "./text.js";
import { DAY_MICROS, floorDivide, literalInterval, readDate, readTimestamp } from "./times.js";
import { failed, fitsInteger, isInteger, notInEngine, type SqlType, typeName, type Value } from "./types.js";

/** Whether a cast of one type to the other is in this engine at all. */
export function castable(from: SqlType, to: SqlType): boolean {
  if (from.id === "NULL" || from.id === to.id) return from.id !== "OPAQUE";
  if (to.id === "VARCHAR") return from.id !== "OPAQUE";
  const targets = casts.get(isInteger(from) ? "INTEGER" : from.id);
  return targets?.has(isInteger(to) ? "INTEGER" : to.id) ?? false;
}

const casts: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    BOOLEAN: ["INTEGER", "DOUBLE"],
    INTEGER: ["INTEGER", "BOOLEAN", "DOUBLE", "DECIMAL"],
    DOUBLE: ["INTEGER", "BOOLEAN"],
    DECIMAL: ["INTEGER", "DOUBLE"],
    VARCHAR: ["INTEGER", "BOOLEAN", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP", "INTERVAL"],
    DATE: ["TIMESTAMP"],
    TIMESTAMP: ["DATE"],
  }).map(([from, to]) => [from, new Set(to)]),
);

/** @throws TidetableError SQL_FAILED for a value that the type cannot hold. */
export function castValue(value: Value, from: SqlType, to: SqlType): Value {
  if (value === null) return null;
  if (to.id === "VARCHAR") return textOfValue(from, value);
  if (typeof value === "string") return readText(value, to);
  if (isInteger(to)) return toInteger(value, from, to);
  switch (to.id) {
    case "BOOLEAN":
      return typeof value === "boolean" ? value : Number(value) !== 0;
    case "DOUBLE":
      return toDouble(value, from);
    case "DECIMAL":
      return toDecimal(value, from, to.width, to.scale);
    case "DATE":
      return from.id === "TIMESTAMP" ? floorDivide(value as bigint, DAY_MICROS) : value;
    case "TIMESTAMP":
      return from.id === "DATE" ? (value as bigint) * DAY_MICROS : value;
    default:
      return value;
  }
}

export function toDouble(value: Exclude<Value, null>, from: SqlType): number {
  if (from.id !== "DECIMAL") return Number(value);
  const unscaled = value as bigint;
  const power = 10n ** BigInt(from.scale);
  if (from.scale === 0 || (unscaled <= DOUBLE_EXACT && unscaled >= -DOUBLE_EXACT))
    return Number(unscaled) / Number(power);
  return Number(unscaled / power) + Number(unscaled % power) / Number(power);
}

const DOUBLE_EXACT = 2n ** 53n;

function toInteger(value: Exclude<Value, null>, from: SqlType, to: SqlType): bigint {
  const whole = wholeNumber(value, from);
  if (whole === undefined || !isInteger(to) || !fitsInteger(whole, to.id))
    throw outOfRange(textOfValue(from, value), from, to);
  return whole;
}

/** A double is rounded to the even neighbour, a decimal away from zero. */
function wholeNumber(value: Exclude<Value, null>, from: SqlType): bigint | undefined {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") return Number.isFinite(value) ? BigInt(roundToEven(value)) : undefined;
  if (from.id === "DECIMAL") return rescale(value as bigint, from.scale, 0);
  return value as bigint;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function toDecimal(value: Exclude<Value, null>, from: SqlType, width: number, scale: number): bigint {
  const unscaled =
    from.id === "DECIMAL"
      ? rescale(value as bigint, from.scale, scale)
      : BigInt(value as bigint) * 10n ** BigInt(scale);
  return withinWidth(unscaled, width, () => `${textOfValue(from, value)} does not fit DECIMAL(${width},${scale})`);
}

export function withinWidth(unscaled: bigint, width: number, message: () => string): bigint {
  const limit = 10n ** BigInt(width);
  if (unscaled >= limit || unscaled <= -limit) throw failed(message());
  return unscaled;
}

/** Another number of decimal places, rounded half away from zero. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const power = 10n ** BigInt(from - to);
  const half = power / 2n;
  return (unscaled + (unscaled < 0n ? -half : half)) / power;
}

/** Forms of text that DuckDB may or may not read are refused rather than guessed. */
function readText(text: string, to: SqlType): Value {
  const trimmed = text.trim();
  const plain = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(trimmed);
  if (isInteger(to) || to.id === "DECIMAL") {
    if (plain === null) throw unreadable(text, to, /^[+-]?(\d|\.\d)/.test(trimmed));
    const [, sign, whole = "", fraction = ""] = plain;
    const unscaled = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
    const wanted = to.id === "DECIMAL" ? to : undefined;
    const value = rescale(unscaled, fraction.length, wanted?.scale ?? 0);
    if (wanted !== undefined) return withinWidth(value, wanted.width, () => notConverted(text, to));
    if (isInteger(to) && !fitsInteger(value, to.id)) throw failed(notConverted(text, to));
    return value;
  }
  switch (to.id) {
    case "DOUBLE":
      if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed) && Number.isFinite(Number(trimmed)))
        return Number(trimmed);
      throw unreadable(text, to, /^[+-]?(\d|\.|n|i)/i.test(trimmed));
    case "BOOLEAN":
      return readBoolean(trimmed, text, to);
    case "DATE":
      return readDate(text) ?? refuseTime(text, to);
    case "TIMESTAMP":
      return readTimestamp(text) ?? refuseTime(text, to);
    case "INTERVAL":
      return literalInterval(text)?.value ?? refuseTime(text, to);
    default:
      throw notInEngine(`A cast of VARCHAR to ${typeName(to)}`);
  }
}

function readBoolean(trimmed: string, text: string, to: SqlType): boolean {
  const word = trimmed.toLowerCase();
  if (["true", "t", "1", "yes", "y"].includes(word)) return true;
  if (["false", "f", "0", "no", "n"].includes(word)) return false;
  throw failed(notConverted(text, to));
}

function refuseTime(text: string, to: SqlType): never {
  throw unreadable(text, to, /\d/.test(text));
}

/** `maybe`: DuckDB might still read it. */
function unreadable(text: string, to: SqlType, maybe: boolean): Error {
  return maybe ? notInEngine(`The text '${text.slice(0, 40)}' as ${typeName(to)}`) : failed(notConverted(text, to));
}

function notConverted(text: string, to: SqlType): string {
  return `Could not convert the text '${text.slice(0, 40)}' to ${typeName(to)}.`;
}

function outOfRange(text: string, from: SqlType, to: SqlType): Error {
  return failed(`${text} (${typeName(from)}) is out of the range of ${typeName(to)}.`);
}
