/**
 * What a SQL statement calls its tables, also while it is half written: names, aliases, and the columns of subqueries and of
 * WITH. Works on tokens; where it cannot tell, it says nothing. Pure.
 */
import type { SqlToken } from "./sql-text.js";
import { keywords, statementKeywords } from "./sql-vocabulary.js";

/** What is known of a table of the catalogue. */
export interface CatalogTable {
  readonly name: string;
  readonly kind: string;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly sqlType: string }>;
}

/** Columns by a name that stands before a dot. */
export interface NamedTable {
  /** As the statement writes it. */
  readonly name: string;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly sqlType?: string }>;
  /** What it is another name for; absent for a subquery. */
  readonly table?: CatalogTable;
}

/** Words after which a table is named. */
export const tableWords: ReadonlySet<string> = new Set("from join into describe summarize table update".split(" "));
/** Words that cannot be an alias, though they follow a table. */
export const noAlias: ReadonlySet<string> = new Set([
  ...keywords.map((keyword) => keyword.toLowerCase()),
  ...statementKeywords,
]);

const depthMax = 20;

/** Tables by the lower-case name under which the statement knows them; inner statements know their own only. */
export function namedTables(
  statement: readonly SqlToken[],
  tables: readonly CatalogTable[],
  depth = 0,
): ReadonlyMap<string, NamedTable> {
  const found = new Map<string, NamedTable>();
  if (depth > depthMax) return found;
  const withs = new Map<string, NamedTable>();
  const known = (name: string): NamedTable | undefined => {
    const table = findTable(tables, name);
    return withs.get(name.toLowerCase()) ?? (table && { name: table.name, columns: table.columns, table });
  };
  const columnsOf = (inner: readonly SqlToken[]) => outputColumns(inner, tables, withs, depth + 1);
  let isInFrom = false;
  for (let index = 0; index < statement.length; index++) {
    const token = statement[index] as SqlToken;
    const lower = token.text.toLowerCase();
    const end = token.text === "(" ? closing(statement, index) : index;
    const previous = statement[index - 1]?.text.toLowerCase() ?? "";
    if (token.text === "(") {
      const inner = statement.slice(index + 1, end);
      const owner = statement[index - 2];
      const isWith = previous === "as" && owner !== undefined && isName(owner) && isQuery(inner);
      if (isWith) {
        const name = plainName(owner);
        withs.set(name.toLowerCase(), { name, columns: columnsOf(inner) });
      } else if (isInFrom && (tableWords.has(previous) || previous === ",") && isQuery(inner)) {
        const alias = aliasAt(statement, end + 1);
        if (alias !== undefined) found.set(alias.toLowerCase(), { name: alias, columns: columnsOf(inner) });
      }
      // What is written inside belongs to the inner statement, but for where the cursor may stand in it.
      if (isQuery(inner))
        for (const [name, table] of namedTables(inner, tables, depth + 1)) if (!found.has(name)) found.set(name, table);
      index = end;
      continue;
    }
    if (tableWords.has(lower)) isInFrom = true;
    else if (token.kind === "word" && noAlias.has(lower) && lower !== "as") isInFrom = false;
    if (!isInFrom || !isName(token) || !(tableWords.has(previous) || previous === ",")) continue;
    const table = known(plainName(token));
    if (table === undefined) continue;
    const name = aliasAt(statement, index + 1) ?? table.name;
    found.set(name.toLowerCase(), { ...table, name });
  }
  return found;
}

/** The columns that a query gives, as far as its text tells. */
function outputColumns(
  query: readonly SqlToken[],
  tables: readonly CatalogTable[],
  withs: ReadonlyMap<string, NamedTable>,
  depth: number,
): NamedTable["columns"] {
  const start = query.findIndex(({ text }) => text.toLowerCase() === "select");
  if (start < 0) return [];
  const inside = [...withs.values()].map(({ name, columns }) => ({
    ...{ name, kind: "view" },
    columns: columns.map(({ name: column, sqlType = "" }) => ({ name: column, sqlType })),
  }));
  const named = [...new Set(namedTables(query, [...inside, ...tables], depth).values())];
  const all = named.flatMap(({ columns }) => columns);
  return itemsOf(query.slice(start + 1)).flatMap((item) => {
    const [first, second, third] = item;
    const last = item.at(-1);
    if (first === undefined || last === undefined) return [];
    if (first.text === "*") return all;
    if (second?.text === "." && third?.text === "*") {
      return named.find(({ name }) => name.toLowerCase() === plainName(first).toLowerCase())?.columns ?? [];
    }
    const before = item.at(-2);
    const isNamed = isName(last) && !noAlias.has(last.text.toLowerCase());
    // A function's name, a number or a closing bracket is no column's name.
    if (!isNamed || (before !== undefined && /^[-+*/%<>=|:]+$/.test(before.text))) return [];
    const name = plainName(last);
    const own = all.find((column) => column.name.toLowerCase() === name.toLowerCase());
    const isPlain = item.length === 1 || before?.text === ".";
    return [isPlain && own !== undefined ? own : { name }];
  });
}

/** What stands between the commas of a select list. */
function itemsOf(list: readonly SqlToken[]): readonly (readonly SqlToken[])[] {
  const items: SqlToken[][] = [[]];
  for (let index = 0; index < list.length; index++) {
    const token = list[index] as SqlToken;
    const lower = token.text.toLowerCase();
    if (token.kind === "word" && (lower === "from" || lower === "union" || lower === "where")) break;
    if (token.text === ",") items.push([]);
    else items.at(-1)?.push(token);
    if (token.text !== "(") continue;
    const end = closing(list, index);
    items.at(-1)?.push(...list.slice(index + 1, end + 1));
    index = end;
  }
  return items.map((item) => (item[0]?.text.toLowerCase() === "distinct" ? item.slice(1) : item));
}

function aliasAt(statement: readonly SqlToken[], index: number): string | undefined {
  const next = statement[index];
  const alias = next?.text.toLowerCase() === "as" ? statement[index + 1] : next;
  return alias !== undefined && isName(alias) && !noAlias.has(alias.text.toLowerCase()) ? plainName(alias) : undefined;
}

/** Where the bracket ends; the end of the text where it does not. */
function closing(tokens: readonly SqlToken[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index++) {
    const text = tokens[index]?.text;
    if (text === "(") depth++;
    if (text === ")" && --depth === 0) return index;
  }
  return tokens.length;
}

function isQuery(inner: readonly SqlToken[]): boolean {
  return ["select", "with", "from"].includes(inner[0]?.text.toLowerCase() ?? "");
}

export function findTable<Table extends CatalogTable>(tables: readonly Table[], name: string): Table | undefined {
  return tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
}

function isName(token: SqlToken): boolean {
  return token.kind === "word" || token.kind === "quoted";
}

export function plainName(token: SqlToken): string {
  return token.kind === "quoted"
    ? token.text.slice(1, token.closed ? -1 : undefined).replaceAll('""', '"')
    : token.text;
}
