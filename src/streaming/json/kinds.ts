/** Which kind of column a JSON value needs: the narrowest that holds it exactly. Pure. */
import type { FieldKind } from "./fields.js";

const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Digits that always fit a 64-bit integer, and that a DOUBLE always holds exactly. */
const BIGINT_DIGITS_SAFE = 18;
const DOUBLE_DIGITS_SAFE = 15;
const BIGINT_MIN = -(2n ** 63n);
const BIGINT_MAX = 2n ** 63n - 1n;
const HUGEINT_MAX = 2n ** 127n - 1n;
const HUGEINT_DIGITS_MAX = 39;

/** Two kinds seen for one field within a batch; the caller widens the column by the result. */
export function mergeObserved(first: FieldKind, second: FieldKind): FieldKind {
  if (first === second || second === "null") return first;
  if (first === "null") return second;
  const numeric = (kind: FieldKind): boolean => kind === "bigint" || kind === "hugeint" || kind === "double";
  if (numeric(first) && numeric(second)) return first === "double" || second === "double" ? "double" : "hugeint";
  const textual = (kind: FieldKind): boolean => kind === "timestamp" || kind === "text";
  return textual(first) && textual(second) ? "text" : "mixed";
}

/** The kind of a valid number literal: the narrowest that holds it exactly. */
export function numberKind(bytes: Buffer, start: number, end: number, wanted: FieldKind): FieldKind {
  const digitsStart = bytes[start] === MINUS ? start + 1 : start;
  let integer = true;
  let exponent = false;
  for (let position = digitsStart; position < end; position++) {
    const byte = bytes[position] as number;
    if (byte >= ZERO && byte <= NINE) continue;
    integer = false;
    if (byte === 0x65 || byte === 0x45) exponent = true;
  }
  const digits = end - digitsStart;
  if (integer) {
    if (digits <= DOUBLE_DIGITS_SAFE) return wanted === "double" || wanted === "hugeint" ? wanted : "bigint";
    if (wanted !== "double" && digits <= BIGINT_DIGITS_SAFE) return wanted === "hugeint" ? "hugeint" : "bigint";
    return longIntegerKind(bytes.toString("latin1", start, end), wanted);
  }
  // A fraction takes the nearest DOUBLE, as everywhere; one that is out of range has none and stays text.
  if ((exponent || digits > 300) && !Number.isFinite(Number(bytes.toString("latin1", start, end)))) return "mixed";
  return "double";
}

function longIntegerKind(text: string, wanted: FieldKind): FieldKind {
  if (text.length > HUGEINT_DIGITS_MAX + 1) return "mixed";
  const value = BigInt(text);
  if (wanted === "double") return BigInt(Number(text)) === value ? "double" : "mixed";
  if (value >= BIGINT_MIN && value <= BIGINT_MAX) return wanted === "hugeint" ? "hugeint" : "bigint";
  return value >= -HUGEINT_MAX && value <= HUGEINT_MAX ? "hugeint" : "mixed";
}

export type EpochKind = "epoch_s" | "epoch_ms" | "epoch_us";

/** Units a second. */
const EPOCH_UNITS: Readonly<Record<EpochKind, number>> = { epoch_s: 1, epoch_ms: 1_000, epoch_us: 1_000_000 };
/** Midnight after 9999-12-31. */
const EPOCH_SECONDS_END = 253_402_300_800;

export function isEpochKind(kind: FieldKind): kind is EpochKind {
  return kind === "epoch_s" || kind === "epoch_ms" || kind === "epoch_us";
}

/** Whether a number literal is an instant between 1970 and 9999 in that unit; seconds and milliseconds may have fractions. */
export function isEpoch(text: string, kind: EpochKind): boolean {
  const seconds = Number(text) / EPOCH_UNITS[kind];
  return seconds >= 0 && seconds < EPOCH_SECONDS_END && (kind !== "epoch_us" || /^\d+$/.test(text));
}

/** `YYYY-MM-DDTHH:MM:SS[.f{1,6}]Z` with a day that exists. Streams have one in nearly every record, so it is read in one go. */
export function isInstant(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (length < 20 || length > 27 || length === 21 || bytes[end - 1] !== 0x5a) return false;
  if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS || bytes[start + 10] !== 0x54) return false;
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return false;
  const century = twoDigits(bytes, start);
  const yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  // Each is negative where a digit is none.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) return false;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
  const year = century * 100 + yearOfCentury;
  if (year < 1 || (day > 28 && day > daysInMonth(year, month))) return false;
  if (length === 20) return true;
  if (bytes[start + 19] !== 0x2e) return false;
  for (let position = start + 20; position < end - 1; position++) {
    const byte = bytes[position] as number;
    if (byte < ZERO || byte > NINE) return false;
  }
  return true;
}

/** Negative where one of the two bytes is no digit. */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - ZERO;
  const ones = (bytes[at + 1] as number) - ZERO;
  return ((tens | ones | (9 - tens) | (9 - ones)) & SIGN) | (tens * 10 + ones);
}

const SIGN = 0x8000_0000 | 0;

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
