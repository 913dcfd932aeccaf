/**
 * Completion inside a SQL cell: tables after FROM, columns of the tables that the statement names, functions and
 * keywords elsewhere. Works on tokens, so it answers for statements that are half written.
 */
import type { MagicCompletion } from "../cell-output.js";
import type { TableInfo } from "./sql-engine.js";
import { quoteWhereNeeded } from "./sql-names.js";
import { type SqlToken, tokenizeSql } from "./sql-text.js";
import { functions, keywords } from "./sql-vocabulary.js";
import { findTable, type NamedTable, namedTables, noAlias, plainName, tableWords } from "./statement-tables.js";

type Match = MagicCompletion["matches"][number];

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
  if (afterTable || afterComma) return [...tables.map(tableMatch), ...withMatches(statement)];
  const distinct = [...named.values()];
  const columns =
    distinct.length > 0 ? distinct.flatMap(columnMatches) : previous === undefined ? [] : allColumns(tables);
  const aliases = [...named.values()].map(({ name }) => ({ text: quoteWhereNeeded(name), type: "table" }));
  return unique([...columns, ...aliases, ...functionMatches(prefix), ...keywordMatches(prefix)]);
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

/** Names that the statement's WITH has made. */
function withMatches(statement: readonly SqlToken[]): readonly Match[] {
  if (statement[0]?.text.toLowerCase() !== "with") return [];
  return statement.flatMap((token, index) => {
    const isMade = statement[index + 1]?.text.toLowerCase() === "as" && statement[index + 2]?.text === "(";
    return isMade ? [{ text: quoteWhereNeeded(plainName(token)), type: "table" }] : [];
  });
}

function columnMatches({ columns }: Pick<NamedTable, "columns">): readonly Match[] {
  return columns.map(({ name, sqlType }) => ({
    text: quoteWhereNeeded(name),
    type: "column",
    ...(sqlType === undefined ? {} : { signature: sqlType }),
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
