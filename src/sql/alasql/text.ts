/** Values as text, as DuckDB's cast to VARCHAR writes them, and its matching of LIKE patterns. Pure. */
import { dateText, intervalText, timestampText } from "./times.js";
import { type Interval, notInEngine, type SqlType, typeName, type Value } from "./types.js";

export function textOfValue(type: SqlType, value: Exclude<Value, null>): string {
  switch (type.id) {
    case "VARCHAR":
    case "JSON":
    case "BOOLEAN":
      return String(value);
    case "DOUBLE":
      return doubleText(value as number);
    case "DECIMAL":
      return decimalText(value as bigint, type.scale);
    case "DATE":
      return dateText(value as bigint);
    case "TIMESTAMP":
      return timestampText(value as bigint);
    case "INTERVAL":
      return intervalText(value as Interval);
    case "OPAQUE":
    case "NULL":
      throw notInEngine(`Text of a value of type ${typeName(type)}`);
    default:
      return String(value);
  }
}

/** The shortest digits that read back as the same number; an exponent from 1e16 and below 1e-4. */
export function doubleText(value: number): string {
  // The sign of a NaN shows in DuckDB, and not in JavaScript.
  if (Number.isNaN(value)) throw notInEngine("NaN as text");
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

export function decimalText(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/**
 * Upper and lower case, one code point for one: DuckDB's rule, which differs from JavaScript's where that makes two of one.
 */
export function upperText(text: string): string {
  return mapCodePoints(text, (point) => simpleUpper.get(point) ?? point.toUpperCase());
}

export function lowerText(text: string): string {
  return mapCodePoints(text, (point) => (point === "\u0130" ? "i" : point.toLowerCase()));
}

const ASCII = /^[\0-\x7f]*$/;
/** Letters that came with Unicode 16 and 17, after DuckDB's tables. */
const younger =
  /[\u019B\u0264\u1C89\u1C8A\uA7CB-\uA7CF\uA7D2-\uA7D5\uA7DA-\uA7DC\u{10D50}-\u{10D85}\u{16EA0}-\u{16ED3}]/u;

/** Sharp s, and Greek letters with a iota below, whose one capital is the title case. */
const simpleUpper: ReadonlyMap<string, string> = new Map([
  ["\u00df", "\u1e9e"],
  ...[0x1f80, 0x1f90, 0x1fa0].flatMap((first) => Array.from({ length: 8 }, (_, index) => shifted(first + index, 8))),
  ...[0x1fb3, 0x1fc3, 0x1ff3].map((point) => shifted(point, 9)),
]);

function shifted(point: number, by: number): readonly [string, string] {
  return [String.fromCodePoint(point), String.fromCodePoint(point + by)];
}

function mapCodePoints(text: string, fold: (point: string) => string): string {
  if (ASCII.test(text)) return fold(text);
  let mapped = "";
  for (const point of text) {
    const folded = younger.test(point) ? point : fold(point);
    mapped += [...folded].length === 1 ? folded : point;
  }
  return mapped;
}

/**
 * LIKE without an escape character: `%` any text, `_` one code point. Time is bounded by the product of the lengths:
 * after a mismatch only the last `%` is tried again.
 */
export function matchesLike(text: string, pattern: string): boolean {
  const points = [...text];
  const wanted = [...pattern];
  let at = 0;
  let patternAt = 0;
  let percentAt = -1;
  let resumeAt = 0;
  while (at < points.length) {
    if (wanted[patternAt] === "%") {
      percentAt = patternAt;
      patternAt += 1;
      resumeAt = at;
    } else if (patternAt < wanted.length && (wanted[patternAt] === "_" || wanted[patternAt] === points[at])) {
      at += 1;
      patternAt += 1;
    } else if (percentAt >= 0) {
      patternAt = percentAt + 1;
      resumeAt += 1;
      at = resumeAt;
    } else {
      return false;
    }
  }
  while (wanted[patternAt] === "%") patternAt += 1;
  return patternAt === wanted.length;
}
