/**
 * Completion inside a SQL cell: tables after FROM, columns of the tables that the statement names, functions and
 * keywords elsewhere. Works on tokens, so it answers for statements that are half written.
 */
import type { MagicCompletion } from "../cell-output.js";
import type { TableInfo } from "./sql-engine.js";
import { quoteWhereNeeded } from "./sql-names.js";
import { type SqlToken, tokenizeSql } from "./sql-text.js";
import { functions, keywords, statementKeywords } from "./sql-vocabulary.js";

type Match = MagicCompletion["matches"][number];

/** Words after which a table is named. */
const tableWords = new Set(["from", "join", "into", "describe", "summarize", "table", "update"]);
/** Words that cannot be an alias, though they follow a table. */
const noAlias = new Set([...keywords.map((keyword) => keyword.toLowerCase()), ...statementKeywords]);

/** @param catalog answers fast, or with what it knows */
export async function completeSql(
  body: string,
  cursor: number,
  catalog: () => Promise<readonly TableInfo[]>,
): Promise<MagicCompletion> {
  const tokens = tokenizeSql(body);
  const at = tokens.find((token) => token.start < cursor && cursor <= token.end);
  if (at !== undefined && isOpaque(at, cursor)) return { start: cursor, end: cursor, matches: [] };
  const typed = at !== undefined && (at.kind === "word" || at.kind === "quoted") ? at : undefined;
  const start = typed?.start ?? cursor;
  const prefix = body.slice(start, cursor);
  const tables = await catalog();
  const statement = statementAround(tokens, start);
  const matches = candidates(statement, start, prefix, tables).filter((match) => startsWith(match.text, prefix));
  return { start, end: typed?.end ?? cursor, matches };
}

/** Inside a string, a comment or a TypeScript expression there is no SQL to complete. */
function isOpaque(token: SqlToken, cursor: number): boolean {
  if (token.kind === "number") return true;
  const inside = token.kind === "string" || token.kind === "comment" || token.kind === "expression";
  return inside && (cursor < token.end || !token.closed);
}

function candidates(
  statement: readonly SqlToken[],
  start: number,
  prefix: string,
  tables: readonly TableInfo[],
): readonly Match[] {
  const before = statement.filter((token) => token.end <= start).reverse();
  const [previous, owner] = before;
  const named = namedTables(statement, tables);
  if (previous?.text === "." && owner !== undefined) {
    const table = named.get(plainName(owner).toLowerCase()) ?? findTable(tables, plainName(owner));
    return table === undefined ? [] : columnMatches(table);
  }
  const afterTable = previous !== undefined && tableWords.has(previous.text.toLowerCase());
  const afterComma = previous?.text === "," && clauseOf(before) === "from";
  if (afterTable || afterComma) return tables.map(tableMatch);
  const distinct = [...new Set(named.values())];
  const columns =
    distinct.length > 0 ? distinct.flatMap(columnMatches) : previous === undefined ? [] : allColumns(tables);
  const aliases = [...named.keys()].map((alias) => ({ text: quoteWhereNeeded(alias), type: "table" }));
  return unique([...columns, ...aliases, ...functionMatches(prefix), ...keywordMatches(prefix)]);
}

/** Tables by the lower-case name or alias under which the statement knows them. */
function namedTables(statement: readonly SqlToken[], tables: readonly TableInfo[]): ReadonlyMap<string, TableInfo> {
  const named = new Map<string, TableInfo>();
  let inFrom = false;
  statement.forEach((token, index) => {
    const lower = token.text.toLowerCase();
    if (tableWords.has(lower)) {
      inFrom = true;
    } else if (token.kind === "word" && noAlias.has(lower) && lower !== "as") {
      inFrom = false;
    }
    const previous = statement[index - 1]?.text.toLowerCase() ?? "";
    if (!inFrom || !(tableWords.has(previous) || previous === ",")) return;
    const table = findTable(tables, plainName(token));
    if (table === undefined) return;
    const next = statement[index + 1];
    const alias = next?.text.toLowerCase() === "as" ? statement[index + 2] : next;
    const hasAlias = alias !== undefined && isName(alias) && !noAlias.has(alias.text.toLowerCase());
    named.set((hasAlias ? plainName(alias) : table.name).toLowerCase(), table);
  });
  return named;
}

function statementAround(tokens: readonly SqlToken[], position: number): readonly SqlToken[] {
  const code = tokens.filter((token) => token.kind !== "space" && token.kind !== "comment");
  const ends = code.filter((token) => token.text === ";").map((token) => token.end);
  const from = ends.filter((end) => end <= position).at(-1) ?? 0;
  const to = ends.find((end) => end > position) ?? Number.POSITIVE_INFINITY;
  return code.filter((token) => token.start >= from && token.end <= to && token.text !== ";");
}

/** The clause that the cursor stands in, read backwards. */
function clauseOf(before: readonly SqlToken[]): "from" | "other" {
  for (const token of before) {
    const lower = token.text.toLowerCase();
    if (lower === "from" || lower === "join") return "from";
    if (token.text === "(" || (token.kind === "word" && lower !== "as" && noAlias.has(lower))) return "other";
  }
  return "other";
}

function tableMatch(table: TableInfo): Match {
  return {
    text: quoteWhereNeeded(table.name),
    type: table.kind === "stream" ? "stream" : table.kind === "view" ? "view" : "table",
  };
}

function columnMatches(table: TableInfo): readonly Match[] {
  return table.columns.map(({ name, sqlType }) => ({
    text: quoteWhereNeeded(name),
    type: "column",
    signature: sqlType,
  }));
}

function allColumns(tables: readonly TableInfo[]): readonly Match[] {
  return unique(tables.filter((table) => table.kind === "stream").flatMap(columnMatches));
}

function functionMatches(prefix: string): readonly Match[] {
  if (prefix === "") return [];
  return [...functions].map(([name, signature]) => ({ text: name, type: "function", signature }));
}

/** In the case that is being typed. */
function keywordMatches(prefix: string): readonly Match[] {
  const lower = prefix !== "" && prefix === prefix.toLowerCase();
  return keywords.map((keyword) => ({ text: lower ? keyword.toLowerCase() : keyword, type: "keyword" }));
}

function findTable(tables: readonly TableInfo[], name: string): TableInfo | undefined {
  return tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
}

function isName(token: SqlToken): boolean {
  return token.kind === "word" || token.kind === "quoted";
}

function plainName(token: SqlToken): string {
  return token.kind === "quoted"
    ? token.text.slice(1, token.closed ? -1 : undefined).replaceAll('""', '"')
    : token.text;
}

function startsWith(text: string, prefix: string): boolean {
  const plain = (name: string) => name.replace(/^"/, "").toLowerCase();
  return plain(text).startsWith(plain(prefix));
}

function unique(matches: readonly Match[]): readonly Match[] {
  const seen = new Set<string>();
  return matches.filter((match) => {
    const key = match.text.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
