/**
 * Which queries Spark can keep up to date by itself, as one aggregation over one stream, and their text for that: the
 * stream's table is put before the query as a common table over the streaming source. Looks at tokens; what else Spark
 * cannot keep, Spark says when it is started. What it would take and answer otherwise than a whole query is refused here. Pure.
 */
import { type SqlToken, tokenizeSql } from "../sql-text.js";
import { backQuoted } from "./dialect.js";

export type KeptText =
  | {
      /** The table that is read. */
      readonly table: string;
      /** @param select the table's rows, over the streaming source */
      over(select: string): string;
    }
  | { readonly reason: string };

/** Another answer at another time, over the same rows. */
const VOLATILE =
  /^(now|current_\w+|curdate|localtimestamp|unix_timestamp|today|rand|random|randn|randstr|uniform|uuid|shuffle|monotonically_increasing_id|spark_partition_id|input_file_\w+|tablesample|ai_\w+)$/;
/** Go by the order in which rows come, or by how they are split. */
const ORDERED =
  /^(first|first_value|last|last_value|any_value|collect_list|collect_set|list|array_agg|string_agg|listagg|mode|percentile_approx|approx_percentile|approx_top_k\w*|histogram_numeric|count_min_sketch|schema_of_\w+_agg)$/;
/** Keep every value that they saw. */
const UNBOUNDED = /^(median|percentile|percentile_cont|percentile_disc|quantile_cont)$/;
/** A FROM inside their brackets names no table. */
const WITH_FROM = /^(extract|trim|substring|substr|overlay|position)$/;
/** What ends the list of tables after FROM. */
const AFTER_TABLES = /^(where|group|having|order|limit|offset|window|select|cluster|distribute|sort)$/;

/** @param text as Spark takes it; `isTable` knows the tables of streams, in lower case */
export function keptText(text: string, isTable: (name: string) => boolean): KeptText {
  const tokens = tokenizeSql(text).filter(({ kind }) => kind !== "space" && kind !== "comment");
  const [first] = tokens;
  const start = word(first);
  if (start !== "select" && start !== "with") return { reason: "it is not one SELECT" };
  const refusal = refusedWord(tokens);
  if (refusal !== undefined) return { reason: refusal };
  const common = commonTables(tokens);
  const found = tablesOf(tokens, common);
  if ("reason" in found) return found;
  const [table] = found.tables;
  if (table === undefined) return { reason: "it reads no stream" };
  const other = found.tables.find((name) => !isTable(name));
  if (other !== undefined) return { reason: `it reads ${other}, which is no stream's table` };
  if (found.tables.length > 1) return { reason: "it reads streams more than once" };
  const rest = start === "with" && first !== undefined ? `,${text.slice(first.end)}` : ` ${text}`;
  return { table, over: (select) => `WITH ${backQuoted(table)} AS (${select})${rest}` };
}

function refusedWord(tokens: readonly SqlToken[]): string | undefined {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    const name = word(token);
    const next = tokens[index + 1];
    const isCall = next?.text === "(";
    if (name === "") continue;
    // CURRENT ROW is of a window.
    if (VOLATILE.test(name) && (isCall || name.startsWith("current_") || name === "tablesample")) {
      return `${name} has another answer each time`;
    }
    if (isCall && ORDERED.test(name)) return `${name} goes by the order of the rows`;
    if (isCall && UNBOUNDED.test(name)) return `${name} would have every value kept`;
    if (name === "join") return "it joins";
    if (name === "union" || name === "intersect" || (name === "except" && tokens[index - 1]?.text !== "*")) {
      return "it puts queries together";
    }
    if (name === "recursive") return "it is recursive";
    if (name === "limit" && depth > 0) return "it takes some of the rows before it is done";
  }
  return undefined;
}

/** Names that WITH gives: `name AS (`, `name (columns) AS (`. */
function commonTables(tokens: readonly SqlToken[]): ReadonlySet<string> {
  const names = new Set<string>();
  tokens.forEach((token, index) => {
    if (word(token) !== "as" || tokens[index + 1]?.text !== "(") return;
    const before = tokens[index - 1];
    if (before !== undefined && nameOf(before) !== "") names.add(nameOf(before));
  });
  return names;
}

/** Tables after each FROM, or why they cannot be told. */
function tablesOf(
  tokens: readonly SqlToken[],
  common: ReadonlySet<string>,
): { readonly tables: readonly string[] } | { readonly reason: string } {
  const tables: string[] = [];
  const many = { reason: "it reads more than one table" };
  /** For each open bracket: whose it is, and whether the list of tables of its query is being read. */
  const open: Array<{ readonly callee: string; inTables: boolean }> = [{ callee: "", inTables: false }];
  for (const [index, token] of tokens.entries()) {
    const here = open.at(-1);
    if (here === undefined) return { reason: "its brackets do not match" };
    if (token.text === "(") open.push({ callee: word(tokens[index - 1]), inTables: false });
    else if (token.text === ")") open.pop();
    else if (token.text === "," && here.inTables) return many;
    else if (AFTER_TABLES.test(word(token))) here.inTables = false;
    else if (word(token) === "from" && !WITH_FROM.test(here.callee) && word(tokens[index - 1]) !== "distinct") {
      here.inTables = true;
      const next = tokens[index + 1];
      if (next === undefined || next.text === "(") continue;
      const name = nameOf(next);
      const after = tokens[index + 2]?.text;
      if (name === "" || after === "." || after === "(") return { reason: "it reads what is no table by name" };
      if (!common.has(name)) tables.push(name);
    }
  }
  return { tables };
}

function word(token: SqlToken | undefined): string {
  return token?.kind === "word" ? token.text.toLowerCase() : "";
}

function nameOf(token: SqlToken): string {
  if (token.kind === "word") return token.text.toLowerCase();
  return token.kind === "quoted" && token.closed ? token.text.slice(1, -1).replaceAll('""', '"').toLowerCase() : "";
}
