/**
 * Views that are no stream's, such as named results, as live queries see them: the query of each, and whether it reads a
 * stream. One that does is put in its place; one that does not is as good as a table. Plans nothing.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { errorMessage } from "../../errors.js";
import { quoteIdentifier } from "../identifiers.js";
import { AGGREGATES } from "../live/aggregates.js";
import { Refusal } from "../live/scope.js";
import { isTreeNode, parseTree, selectNode, type Tree, type TreeNode, textIn } from "../syntax-tree.js";
import type { DuckDbDatabase } from "./database.js";

/** Tables and views that are no stream's, by lower-case name. */
export interface PlainTables {
  readonly tables: ReadonlyMap<string, readonly string[]>;
  readonly views: ReadonlyMap<string, PlainView>;
}

export interface PlainView {
  readonly name: string;
  readonly columns: readonly string[];
  /** The SELECT behind it. */
  readonly text: string;
}

export interface SeenView {
  readonly columns: readonly string[];
  readonly query: TreeNode;
  /** Itself, or by way of another view. */
  readonly readsStream: boolean;
  /** What it shows depends on nothing but tables that statements change. */
  readonly isSteady: boolean;
}

/** What views are looked at with. */
export interface ViewKnowledge extends PlainTables {
  isStream(name: string): boolean;
  isPureFunction(name: string): boolean;
}

/** As DuckDB prints what it keeps of a view, without a list of columns of its own. */
const PRINTED_VIEW = /^CREATE VIEW (?:(?:"(?:[^"]|"")*"|[^\s".(]+)\.)*(?:"(?:[^"]|"")*"|[^\s".(]+) AS ([\s\S]*?);?\s*$/;

/** The SELECTs of views by lower-case name; a name that two schemas have is left out. */
export async function readViewTexts(database: DuckDbDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await database.read(
    "SELECT lower(view_name), any_value(sql) FROM duckdb_views() WHERE NOT internal GROUP BY 1 HAVING count(*) = 1",
  );
  const texts = new Map<string, string>();
  for (const [name, sql] of rows) {
    const text = PRINTED_VIEW.exec(String(sql))?.[1];
    if (text !== undefined) texts.set(String(name), text);
  }
  return texts;
}

/**
 * The views that a query reads, and those that these read, by lower-case name.
 * @throws Refusal for one that does not stand any more: it was made for columns that are others now.
 */
export async function readViews(
  connection: DuckDBConnection,
  query: TreeNode | undefined,
  known: ViewKnowledge,
): Promise<ReadonlyMap<string, SeenView>> {
  const seen = new Map<string, SeenView>();
  const look = async (tree: Tree): Promise<void> => {
    for (const name of tablesOf(tree)) {
      const view = known.isStream(name) ? undefined : known.views.get(name);
      if (view === undefined || seen.has(name)) continue;
      await refuseBroken(connection, view);
      const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [view.text]);
      const read = selectNode(parseTree(String(reader.getRows()[0]?.[0])));
      if (read === undefined) throw new Refusal(`${view.name} is not one SELECT`);
      await look(read);
      const readsStream = tablesOf(read).some(
        (table) => known.isStream(table) || seen.get(table)?.readsStream === true,
      );
      seen.set(name, { columns: view.columns, query: read, readsStream, isSteady: isSteady(read, seen, known) });
    }
  };
  if (query !== undefined) await look(query);
  return seen;
}

function isSteady(query: TreeNode, seen: ReadonlyMap<string, SeenView>, known: ViewKnowledge): boolean {
  const nodes = nodesOf(query);
  const tables = tablesOf(query).every((name) => known.tables.has(name) || seen.get(name)?.isSteady === true);
  const functions = nodes
    .filter((node) => node.class === "FUNCTION")
    .map((node) => textIn(node, "function_name"))
    .every((name) => known.isPureFunction(name) || AGGREGATES.has(name));
  return tables && functions && !nodes.some((node) => node.type === "TABLE_FUNCTION");
}

async function refuseBroken(connection: DuckDBConnection, { name }: PlainView): Promise<void> {
  try {
    (await connection.prepare(`SELECT * FROM ${quoteIdentifier(name)}`)).destroySync();
  } catch (error) {
    throw new Refusal(`${name} does not stand any more: ${errorMessage(error).split("\n", 1)[0]}`);
  }
}

/** In lower case. */
function tablesOf(tree: Tree): readonly string[] {
  return nodesOf(tree).flatMap((node) => (node.type === "BASE_TABLE" ? textIn(node, "table_name").toLowerCase() : []));
}

function nodesOf(tree: Tree): readonly TreeNode[] {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap(nodesOf);
  return isTreeNode(tree) ? [tree, ...Object.values(tree).flatMap(nodesOf)] : [];
}
