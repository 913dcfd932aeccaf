/** Constants and type names as they stand in SQL text, read as DuckDB reads them. Pure. */

import type { SqlToken } from "../sql-text.js";
import type { Literal } from "./syntax.js";
import { doubleText } from "./text.js";
import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  decimal,
  fitsInteger,
  HUGEINT,
  INTEGER,
  INTERVAL,
  integerTypeOf,
  NULL,
  notInEngine,
  type SqlType,
  TIMESTAMP,
  VARCHAR,
} from "./types.js";

/** `7` is INTEGER, or as wide as it has to be; `1.50` is DECIMAL(3,2); `1e3` is DOUBLE. */
export function readNumber(written: string): Literal {
  const text = written.replaceAll("_", "");
  if (/^\d+$/.test(text)) {
    const value = BigInt(text);
    if (fitsInteger(value, "HUGEINT")) {
      return { kind: "literal", value, type: integerTypeOf(value), isText: false, shown: String(value) };
    }
  }
  const [, whole, fraction] = /^(\d*)\.?(\d*)$/.exec(text) ?? [];
  if (whole !== undefined && fraction !== undefined && whole.length + fraction.length <= 38) {
    const value = BigInt(whole + fraction);
    const shown = `${whole}${fraction === "" ? "" : `.${fraction}`}`;
    const usual = /^(0|[1-9]\d*)\.\d+$/.test(text);
    return {
      kind: "literal",
      value,
      type: decimal(whole.length + fraction.length, fraction.length),
      isText: false,
      shown: usual ? shown : undefined,
    };
  }
  const value = Number(text);
  if (!Number.isFinite(value)) throw notInEngine(`The number ${written}`);
  return { kind: "literal", value, type: DOUBLE, isText: false, shown: doubleText(value) };
}

const typeNames: ReadonlyMap<string, SqlType> = new Map<string, SqlType>([
  ...names("tinyint int1", { id: "TINYINT" }),
  ...names("smallint int2 int16 short", { id: "SMALLINT" }),
  ...names("integer int int4 int32 signed", INTEGER),
  ...names("bigint int8 int64 long", BIGINT),
  ...names("hugeint int128", HUGEINT),
  ...names("double float8", DOUBLE),
  ...names("varchar text string", VARCHAR),
  ...names("boolean bool logical", BOOLEAN),
  ...names("date", DATE),
  ...names("timestamp datetime", TIMESTAMP),
  ...names("interval", INTERVAL),
]);

function names(words: string, type: SqlType): ReadonlyArray<readonly [string, SqlType]> {
  return words.split(" ").map((word) => [word, type] as const);
}

/** The type at the beginning of `tokens`, and how many of them it takes. */
export function readType(tokens: readonly SqlToken[]): { readonly type: SqlType; readonly length: number } {
  const name = tokens[0]?.text ?? "";
  const word = name.toLowerCase();
  const decimalType = ["decimal", "numeric", "dec"].includes(word) ? readDecimal(tokens) : undefined;
  const plain = typeNames.get(word);
  const read =
    decimalType ??
    (plain === undefined
      ? undefined
      : { type: plain, length: word === "double" && tokens[1]?.text.toLowerCase() === "precision" ? 2 : 1 });
  if (read === undefined) throw notInEngine(`A cast to ${name}`);
  const next = tokens[read.length]?.text.toLowerCase() ?? "";
  if (next === "[" || next === "(") throw notInEngine(`A cast to ${name}${next}…`);
  if (next === "with" && tokens[read.length + 1]?.text.toLowerCase() === "time")
    throw notInEngine(`A cast to ${name} WITH TIME ZONE`);
  return read;
}

function readDecimal(tokens: readonly SqlToken[]): { readonly type: SqlType; readonly length: number } {
  if (tokens[1]?.text !== "(") return { type: decimal(18, 3), length: 1 };
  const closing = tokens.findIndex((token) => token.text === ")");
  const [width = Number.NaN, scale = 0] = tokens
    .slice(2, closing)
    .filter((token) => token.text !== ",")
    .map((token) => (/^\d{1,2}$/.test(token.text) ? Number(token.text) : Number.NaN));
  if (!(closing <= 5 && width >= 1 && width <= 38 && scale <= width))
    throw notInEngine("A DECIMAL of this width and scale");
  return { type: decimal(width, scale), length: closing + 1 };
}

export const nullLiteral: Literal = { kind: "literal", value: null, type: NULL, isText: false, shown: "NULL" };

export function booleanLiteral(value: boolean): Literal {
  return { kind: "literal", value, type: BOOLEAN, isText: false, shown: `CAST('${value ? "t" : "f"}' AS BOOLEAN)` };
}
