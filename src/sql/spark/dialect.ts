/**
 * The few places where Spark's SQL spells or orders differently what DuckDB's text says: casts, order of nulls, values,
 * names of functions. Works on tokens and knows no grammar beyond them: what it does not know it leaves as it is, and
 * Spark says so. Pure.
 */
import { TidetableError } from "../../errors.js";
import type { SqlValue } from "../schema.js";
import { type BoundStatement, type SqlToken, tokenizeSql } from "../sql-text.js";

/** Settings that make a session read text as DuckDB does. */
export const sparkSessionConfig: Readonly<Record<string, string>> = {
  "spark.sql.session.timeZone": "UTC",
  "spark.sql.ansi.enabled": "true",
  // "x" is a name, not a text.
  "spark.sql.ansi.doubleQuotedIdentifiers": "true",
  // A backslash in '…' is a backslash.
  "spark.sql.parser.escapedStringLiterals": "true",
  // `${` in a name or a text is no variable of Spark's.
  "spark.sql.variable.substitute": "false",
  // Two equal keys of a header: the last one counts.
  "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
  // Arrow in JavaScript reads no compressed buffers.
  "spark.sql.execution.arrow.compression.codec": "none",
  "spark.connect.progress.reportInterval": "250ms",
};

/** Functions of DuckDB's that a session gets at its start; a built-in one of the same name stays. */
export const sparkSessionFunctions: readonly string[] = [
  // Buckets are counted from Monday, 2000-01-03, as DuckDB counts them.
  `CREATE TEMPORARY FUNCTION time_bucket(width INTERVAL DAY TO SECOND, instant TIMESTAMP) RETURNS TIMESTAMP RETURN
     timestamp_micros(unix_micros(instant) - pmod(unix_micros(instant) - unix_micros(TIMESTAMP'2000-01-03 00:00:00'),
       unix_micros(timestamp_seconds(0) + width)))`,
  "CREATE TEMPORARY FUNCTION epoch_ms(instant TIMESTAMP) RETURNS BIGINT RETURN unix_millis(instant)",
  "CREATE TEMPORARY FUNCTION epoch(instant TIMESTAMP) RETURNS DOUBLE RETURN unix_micros(instant) / 1000000D",
  "CREATE TEMPORARY FUNCTION regexp_matches(subject STRING, pattern STRING) RETURNS BOOLEAN RETURN regexp_like(subject, pattern)",
  "CREATE TEMPORARY FUNCTION strpos(subject STRING, part STRING) RETURNS INT RETURN instr(subject, part)",
];

/** @throws TidetableError SQL_INVALID for a `$n` that no value is given for. */
export function toSparkSql(text: string, parameters: readonly SqlValue[]): BoundStatement {
  const code = tokenizeSql(text).map((token): Part => ({ token, text: token.text }));
  const parts = code.filter(({ token }) => token.kind !== "space" && token.kind !== "comment");
  const bound = numberedToPositional(parts, parameters);
  rewriteNames(parts);
  rewriteLiterals(parts);
  rewriteCasts(parts);
  rewriteFunctions(parts);
  rewriteOperators(parts);
  orderNullsLast(parts);
  return { text: code.map((part) => part.text).join(""), parameters: bound };
}

/** A token, and what is to stand in its place. */
interface Part {
  readonly token: SqlToken;
  text: string;
}

/** `$1` is numbered, `?` is counted. */
function numberedToPositional(parts: readonly Part[], parameters: readonly SqlValue[]): readonly SqlValue[] {
  const bound: SqlValue[] = [];
  let counted = 0;
  for (const [index, part] of parts.entries()) {
    if (isSymbol(part, "?")) bound.push(parameters[counted++] ?? null);
    const next = parts[index + 1];
    if (!isSymbol(part, "$") || next?.token.kind !== "number" || next.token.start !== part.token.end) continue;
    const number = Number(next.token.text);
    if (!(number >= 1 && number <= parameters.length)) {
      throw new TidetableError("SQL_INVALID", `$${next.token.text} has no value; ${parameters.length} are given.`);
    }
    bound.push(parameters[number - 1] ?? null);
    part.text = "?";
    next.text = "";
  }
  return bound;
}

/** A quote in a name. */
function rewriteNames(parts: readonly Part[]): void {
  let inBackQuotes = false;
  for (const part of parts) {
    if (isSymbol(part, "`")) inBackQuotes = !inBackQuotes;
    const { kind, closed, text } = part.token;
    if (kind !== "quoted" || !closed || inBackQuotes || !text.slice(1, -1).includes('""')) continue;
    part.text = backQuoted(text.slice(1, -1).replaceAll('""', '"'));
  }
}

/** `1_000` and `$$text$$` are DuckDB's; so are two quotes for one where a backslash is a backslash. */
function rewriteLiterals(parts: readonly Part[]): void {
  for (const part of parts) {
    if (part.token.kind === "number") part.text = part.text.replaceAll("_", "");
    if (part.token.kind !== "string" || !part.token.closed) continue;
    const [, , inside] = /^(\$\w*\$)([\s\S]*)\1$/.exec(part.text) ?? [];
    if (inside !== undefined) part.text = sparkText(inside);
    else if (part.text.startsWith("'")) part.text = sparkText(part.text.slice(1, -1).replaceAll("''", "'"));
  }
}

/** A text constant. A quote cannot stand in one as Spark is set here. */
export function sparkText(text: string): string {
  const pieces = text.split(/(')/).filter((piece) => piece !== "");
  const quoted = pieces.map((piece) => (piece === "'" ? "chr(39)" : `'${piece}'`));
  return quoted.length > 1 || text === "'" ? `(${quoted.join(" || ")})` : (quoted[0] ?? "''");
}

/** A name. Not every version of Spark takes a doubled quote between double quotes. */
export function backQuoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

const typeNames: Readonly<Record<string, string>> = {
  varchar: "STRING",
  text: "STRING",
  char: "STRING",
  bpchar: "STRING",
  int1: "TINYINT",
  int2: "SMALLINT",
  int4: "INT",
  int8: "BIGINT",
  long: "BIGINT",
  signed: "INT",
  hugeint: "DECIMAL(38, 0)",
  float4: "FLOAT",
  float8: "DOUBLE",
  real: "FLOAT",
  bool: "BOOLEAN",
  logical: "BOOLEAN",
  blob: "BINARY",
  bytea: "BINARY",
  datetime: "TIMESTAMP",
};

/** The name of a type stands after `::`, and after the AS of a CAST. A length, as in VARCHAR(10), stays for Spark. */
function rewriteCasts(parts: readonly Part[]): void {
  const casts: boolean[] = [];
  parts.forEach((part, index) => {
    const before = parts[index - 1];
    if (isSymbol(part, "(")) casts.push(isWord(before, "cast", "try_cast"));
    else if (isSymbol(part, ")")) casts.pop();
    else if (isWord(before, "as") && casts.at(-1) === true) renameType(parts, index);
    else if (isSymbol(before, ":") && isSymbol(parts[index - 2], ":")) renameType(parts, index);
  });
}

function renameType(parts: readonly Part[], index: number): void {
  const part = parts[index];
  if (part?.token.kind !== "word" || isSymbol(parts[index + 1], "(")) return;
  part.text = typeNames[part.token.text.toLowerCase()] ?? part.text;
}

const functionNames: Readonly<Record<string, string>> = {
  arg_max: "max_by",
  arg_min: "min_by",
  list: "collect_list",
  list_contains: "array_contains",
  json_extract_string: "get_json_object",
  quantile_cont: "percentile",
};

/** Functions whose unit is a text in DuckDB's and a word in Spark's. */
const unitFunctions = ["date_diff", "datediff", "date_sub", "datesub"];

function rewriteFunctions(parts: readonly Part[]): void {
  parts.forEach((part, index) => {
    if (part.token.kind !== "word" || !isSymbol(parts[index + 1], "(")) return;
    const name = part.token.text.toLowerCase();
    part.text = functionNames[name] ?? part.text;
    const open = parts[index + 1] as Part;
    const first = parts[index + 2];
    if (unitFunctions.includes(name) && first?.token.kind === "string") first.text = first.text.slice(1, -1);
    // A null is left out, not the whole text made null.
    if (name === "concat" && first !== undefined && !isSymbol(first, ")")) {
      part.text = "concat_ws";
      open.text = "('', ";
    }
    // Without a separator, DuckDB's is a comma and Spark's nothing.
    if (name === "string_agg") {
      const { close, commas, ordered } = callFrom(parts, index + 1);
      if (close !== undefined && commas === 0 && !ordered) close.text = ", ',')";
    }
    // Without a group, DuckDB's is the whole match and Spark's the first group.
    if (name === "regexp_extract") {
      const { close, commas } = callFrom(parts, index + 1);
      if (close !== undefined && commas === 1) close.text = ", 0)";
    }
  });
}

interface Call {
  readonly close: Part | undefined;
  readonly commas: number;
  /** An ORDER BY among its arguments. */
  readonly ordered: boolean;
}

function callFrom(parts: readonly Part[], open: number): Call {
  let depth = 0;
  let commas = 0;
  let ordered = false;
  for (const part of parts.slice(open)) {
    if (isSymbol(part, "(", "[", "{")) depth += 1;
    else if (isSymbol(part, ")", "]", "}")) depth -= 1;
    else if (isSymbol(part, ",") && depth === 1) commas += 1;
    else if (isWord(part, "order") && depth === 1) ordered = true;
    if (depth === 0) return { close: part, commas, ordered };
  }
  return { close: undefined, commas, ordered };
}

/** `//` is DIV; `* EXCLUDE (…)` is `* EXCEPT (…)`. */
function rewriteOperators(parts: readonly Part[]): void {
  parts.forEach((part, index) => {
    const next = parts[index + 1];
    if (isSymbol(part, "/") && isSymbol(next, "/") && next?.token.start === part.token.end) {
      part.text = " DIV ";
      next.text = "";
    }
    if (isWord(part, "exclude") && isSymbol(parts[index - 1], "*")) part.text = "EXCEPT";
  });
}

const orderEnds = ["limit", "offset", "fetch", "union", "except", "intersect", "rows", "range", "groups", "window"];

/** Spark puts nulls first where nothing is said; DuckDB last, in either direction. */
function orderNullsLast(parts: readonly Part[]): void {
  parts.forEach((part, index) => {
    if (isWord(part, "order") && isWord(parts[index + 1], "by")) orderFrom(parts, index + 2);
  });
}

function orderFrom(parts: readonly Part[], start: number): void {
  let depth = 0;
  let said = false;
  for (let index = start; index < parts.length; index++) {
    const part = parts[index] as Part;
    const ends = depth === 0 && (isSymbol(part, ")", ";") || isWord(part, ...orderEnds));
    if (ends || (depth === 0 && isSymbol(part, ","))) {
      if (!said) appendTo(parts[index - 1]);
      if (ends) return;
      said = false;
    } else if (isWord(part, "nulls") && depth === 0) said = true;
    else if (isSymbol(part, "(", "[")) depth += 1;
    else if (isSymbol(part, ")", "]")) depth -= 1;
  }
  if (!said) appendTo(parts.at(-1));
}

function appendTo(part: Part | undefined): void {
  if (part !== undefined) part.text += " NULLS LAST";
}

function isSymbol(part: Part | undefined, ...symbols: readonly string[]): boolean {
  return part?.token.kind === "symbol" && symbols.includes(part.token.text);
}

function isWord(part: Part | undefined, ...words: readonly string[]): boolean {
  return part?.token.kind === "word" && words.includes(part.token.text.toLowerCase());
}
