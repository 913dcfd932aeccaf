/** Turns DuckDB's errors into ours: which code, which near names, where in the text. Pure. */
import { errorMessage, TidetableError } from "../../errors.js";
import { nearestFirst, probablyMeant } from "../identifiers.js";
import type { TableInfo } from "../sql-engine.js";

const NAMES_SHOWN_MAX = 30;

export const NO_SETTINGS = "Queries may not reach files, the network or the engine's settings.";

/** Words that DuckDB 1.5 does not take for a name everywhere: duckdb_keywords() whose category is not "unreserved". */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  "all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary bit boolean both by case cast char character check coalesce collate collation column columns concurrently constraint create cross dec decimal default deferrable desc describe distinct do else end except exists extract false fetch float for foreign freeze from full generated glob group grouping grouping_id having ilike in initially inner inout int integer intersect interval into is isnull join lambda lateral leading left like limit map national natural nchar none not notnull null nullif numeric offset on only or order out outer overlaps overlay pivot pivot_longer pivot_wider placing position positional precision primary qualify real references returning right row select semi setof show similar smallint some struct substring summarize symmetric table tablesample then time timestamp to trailing treat trim true try_cast union unique unpack unpivot using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable".split(
    " ",
  ),
);

/**
 * @param mentioned names of the tables that the query reads; empty when unknown.
 */
export function describeQueryError(
  error: unknown,
  catalog: readonly TableInfo[],
  mentioned: readonly string[],
): TidetableError {
  if (error instanceof TidetableError) return error;
  const text = errorMessage(error).replace(/^Failed to extract statements: /, "");
  if (/^INTERRUPT Error/i.test(text)) {
    return new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.", { cause: error });
  }
  const missingColumn = missingColumnMessage(text, catalog, mentioned);
  if (missingColumn !== undefined) return invalid(missingColumn.message, text, error, missingColumn.isThereNow);
  const missingTable = /^Catalog Error: Table with name (.+?) does not exist/.exec(text)?.[1];
  if (missingTable !== undefined) return invalid(missingTableMessage(missingTable, catalog), text, error);
  if (isDamage(text)) return damaged(error);
  if (/database has been invalidated|^FATAL Error/i.test(text)) {
    const message = `The store stopped working: ${withoutPrefix(text)}. Restart the kernel; the streams continue at their stored offsets.`;
    return new TidetableError("STORE_UNAVAILABLE", message, { cause: error });
  }
  if (/^Out of Memory Error/i.test(text)) {
    const message = `The query needs more memory than the engine may use. Aggregate or filter first, or use LIMIT. (${withoutPrefix(text)})`;
    return new TidetableError("SQL_FAILED", message, { cause: error });
  }
  if (/^Permission Error/i.test(text) || /configuration has been locked/i.test(text)) {
    const message = `${NO_SETTINGS} ${withoutPrefix(text)}`;
    return new TidetableError("SQL_INVALID", message, { cause: error });
  }
  const reserved = reservedName(text, catalog);
  if (reserved !== undefined) {
    const quoted = `"${reserved}"`;
    const message = `${withoutPrefix(text)}. ${reserved} is also a word of SQL itself: as a name it is written ${quoted}, in double quotes.`;
    return invalid(message, text, error);
  }
  const code = /^(Parser|Binder|Catalog|Syntax|Not implemented|Invalid Input) Error/i.test(text)
    ? "SQL_INVALID"
    : "SQL_FAILED";
  return new TidetableError(code, `${withoutPrefix(text)}${caretOf(text)}`, { cause: error });
}

/** The name of a table or column at which the parser stopped, or right behind which it did: it took it for another word. */
function reservedName(text: string, catalog: readonly TableInfo[]): string | undefined {
  const found = /^Parser Error: syntax error at or near [\s\S]*?(LINE \d+: .*)\n( *)\^/.exec(text);
  if (found === null) return undefined;
  const [, line = "", blanks = ""] = found;
  const at = /^[A-Za-z_]\w*/.exec(line.slice(blanks.length))?.[0];
  const before = /([A-Za-z_]\w*)\W*$/.exec(line.slice(0, blanks.length))?.[1];
  const names = catalog.flatMap(({ name, columns }) => [name, ...columns.map((column) => column.name)]);
  return [at, before]
    .filter((word) => RESERVED_WORDS.has(word?.toLowerCase() ?? ""))
    .flatMap((word) => names.find((name) => name.toLowerCase() === word?.toLowerCase()) ?? [])[0];
}

/** Whether DuckDB says that what it finds in its file cannot be. */
export function isDamage(text: string): boolean {
  return /corrupt database file|does not match stored checksum|could not read enough bytes from file|failed to deserialize|not a valid DuckDB database file/i.test(
    text,
  );
}

export function damaged(error: unknown): TidetableError {
  const text = withoutPrefix(errorMessage(error));
  return new TidetableError(
    "STORE_DAMAGED",
    `The store is damaged: ${text}. It is moved aside and its streams are read again into a new one; run the cell once more.`,
    { cause: error, retryable: true },
  );
}

function invalid(message: string, text: string, cause: unknown, retryable = false): TidetableError {
  return new TidetableError("SQL_INVALID", message + caretOf(text), { cause, retryable });
}

function missingColumnMessage(
  text: string,
  catalog: readonly TableInfo[],
  mentioned: readonly string[],
): { readonly message: string; readonly isThereNow: boolean } | undefined {
  const bare = /^Binder Error: Referenced column "(.+?)" not found in FROM clause/.exec(text);
  const qualified = /^Binder Error: (?:Table|Values list) "(.+?)" does not have a column named "(.+?)"/.exec(text);
  const column = bare?.[1] ?? qualified?.[2];
  if (column === undefined) return undefined;
  const names = new Set(mentioned.map((name) => name.toLowerCase()));
  const table = qualified?.[1]?.toLowerCase();
  const exact = catalog.filter((info) => info.name.toLowerCase() === table);
  const tables = exact.length > 0 ? exact : catalog.filter((info) => names.has(info.name.toLowerCase()));
  if (tables.length === 0) return { message: `unknown column: ${column}.`, isThereNow: false };
  // The stream's first record may have brought it since the query was planned; else this part of the query reads no such table.
  const owner = tables.find((info) => info.columns.some((entry) => entry.name.toLowerCase() === column.toLowerCase()));
  if (owner !== undefined) {
    const message = `unknown column: ${column}. ${owner.name} has it, but it cannot be seen at this place of the query.`;
    return { message, isThereNow: true };
  }
  const all = tables.flatMap((info) => info.columns.map((entry) => entry.name));
  const meant = probablyMeant(column, all);
  const suggestion = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  const lists = tables.map((info) => `${info.name} has ${listed(columnNames(info, column))}.`);
  return {
    message: `unknown column: ${column}.${suggestion} Table ${lists.join(" Table ")}${emptyStreamHint(tables)}`,
    isThereNow: false,
  };
}

/** The nearest first, those that every stream has last. */
function columnNames(info: TableInfo, wanted: string): string[] {
  const names = nearestFirst(
    wanted,
    info.columns.map((entry) => entry.name),
  );
  const isMetadata = (name: string): boolean => info.kind === "stream" && name.startsWith("_");
  return [...names.filter((name) => !isMetadata(name)), ...names.filter(isMetadata)];
}

/** A stream's own columns come with its first record. */
function emptyStreamHint(tables: readonly TableInfo[]): string {
  const empty = tables.find(
    (info) => info.kind === "stream" && info.columns.every((column) => column.name.startsWith("_")),
  );
  return empty === undefined
    ? ""
    : ` Stream ${empty.name} has no record yet; its own columns appear with the first one.`;
}

function missingTableMessage(name: string, catalog: readonly TableInfo[]): string {
  const names = catalog.map((info) => info.name);
  if (names.length === 0)
    return `unknown table: ${name}. There is no table yet; a stream makes one: await stream("${name}").`;
  const meant = probablyMeant(name, names);
  const suggestion = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return `unknown table: ${name}.${suggestion} There are ${listed(nearestFirst(name, names))}.`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

/** DuckDB's own line and caret, on lines of their own; empty where it gives none. */
function caretOf(text: string): string {
  const at = text.search(/^LINE \d+:/m);
  return at < 0 ? "" : `\n\n${text.slice(at).trimEnd()}`;
}

function withoutPrefix(text: string): string {
  const end = text.search(/\n\s*\nLINE \d+:|\nLINE \d+:/);
  const body = end < 0 ? text : text.slice(0, end);
  return body.replace(/^[A-Z][A-Za-z ]+ Error: /, "").trim();
}
