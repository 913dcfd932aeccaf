/**
 * Puts queries in the places where their names are read: those of a WITH clause, and those of views, such as the named
 * result of an earlier cell. What stands there is then seen as what it is. Pure.
 */

import { isTreeNode, nodesIn, type Tree, type TreeNode, textIn } from "../syntax-tree.js";
import { Refusal } from "./scope.js";

/** What is read twice must be computed once, so a query with one of these stays where it is. */
const VOLATILE_CALL = /"function_name":"(?:random|uuid|gen_random_uuid|uuidv4|uuidv7|nextval)"/;
/** A view that reads a view, and so on. */
const NESTED_VIEWS_MAX = 16;

/** `WITH q AS (…)` in the place where q is read: what stands in a WITH clause is then seen as what it is. */
export function inlineCommonTables(query: TreeNode): TreeNode {
  const map = isTreeNode(query.cte_map) ? nodesIn(query.cte_map, "map") : [];
  if (map.length === 0) return query;
  if (query.type !== "SELECT_NODE" && query.type !== "SET_OPERATION_NODE") throw new Refusal("it has a WITH clause");
  let inlined: TreeNode = { ...query, cte_map: { map: [] } };
  // A later one may read an earlier one.
  for (const { key, value } of [...map].reverse()) {
    if (typeof key !== "string" || !isTreeNode(value) || !isTreeNode(value.query))
      throw new Refusal("it has a WITH clause");
    const { query: subquery, aliases } = value;
    if (VOLATILE_CALL.test(JSON.stringify(subquery))) throw new Refusal("a WITH clause of it asks for chance");
    if (
      !isTreeNode(subquery.node) ||
      subquery.node.type === "RECURSIVE_CTE_NODE" ||
      subquery.node.type === "CTE_NODE"
    ) {
      throw new Refusal("it has a recursive WITH clause");
    }
    const reads = (node: TreeNode): boolean =>
      node.type === "BASE_TABLE" &&
      textIn(node, "table_name").toLowerCase() === key.toLowerCase() &&
      textIn(node, "schema_name") === "";
    const replaced = replaceTables(inlined, (node) => {
      if (!reads(node)) return undefined;
      const own = Array.isArray(node.column_name_alias) && node.column_name_alias.length > 0;
      return asSubquery(node, subquery, { name: key, columns: (own ? node.column_name_alias : aliases) ?? [] });
    });
    inlined = isTreeNode(replaced) ? replaced : inlined;
  }
  return inlined;
}

/** Views in the place where they are read; `queryOf` knows those that are to be seen through. */
export function inlineViews(
  query: TreeNode,
  queryOf: (name: string) => TreeNode | undefined,
): { readonly node: TreeNode; readonly readsViews: boolean } {
  let node = query;
  for (let depth = 0; depth <= NESTED_VIEWS_MAX; depth++) {
    let found = false;
    const replaced = replaceTables(node, (table) => {
      const name = textIn(table, "table_name");
      if (table.type !== "BASE_TABLE" || textIn(table, "schema_name") !== "") return undefined;
      const view = queryOf(name);
      if (view === undefined) return undefined;
      if (VOLATILE_CALL.test(JSON.stringify(view))) throw new Refusal(`the view ${name} asks for chance`);
      found = true;
      const subquery = { node: inlineCommonTables(view), named_param_map: [] };
      return asSubquery(table, subquery, { name, columns: table.column_name_alias ?? [] });
    });
    if (!found || !isTreeNode(replaced)) return { node, readsViews: depth > 0 };
    node = replaced;
  }
  throw new Refusal("its views read each other");
}

function asSubquery(
  table: TreeNode,
  subquery: TreeNode,
  { name, columns }: { readonly name: string; readonly columns: Tree },
): TreeNode {
  const alias = textIn(table, "alias") || name;
  return { type: "SUBQUERY", alias, sample: table.sample ?? null, subquery, column_name_alias: columns };
}

function replaceTables(tree: Tree, replace: (node: TreeNode) => TreeNode | undefined): Tree {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map((item) => replaceTables(item, replace));
  if (!isTreeNode(tree)) return tree;
  const replaced = replace(tree);
  if (replaced !== undefined) return replaced;
  if (isTreeNode(tree.cte_map) && nodesIn(tree.cte_map, "map").length > 0)
    throw new Refusal("it has a nested WITH clause");
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, replaceTables(value, replace)]));
}
