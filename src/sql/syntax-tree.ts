/**
 * DuckDB's serialized syntax trees as plain data, and back, without losing a digit: integers beyond 2^53 stand in them as
 * JSON numbers, which `JSON.parse` would round. Pure.
 */

export type Tree = null | boolean | number | string | readonly Tree[] | { readonly [name: string]: Tree };
export type TreeNode = { readonly [name: string]: Tree };

/** Marks an integer that is kept as text; the character occurs in no SQL text that parses. */
const MARK = "\u0001";

export function parseTree(json: string): Tree {
  const marked = json.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"\\u0001${token}"`,
  );
  // Positions in the text serve error messages only, and some are too large to be printed back.
  return JSON.parse(marked, (name, value: Tree) => (name === "query_location" ? undefined : value)) as Tree;
}

export function printTree(tree: Tree): string {
  return JSON.stringify(tree).replace(/"\\u0001(-?\d+)"/g, "$1");
}

export function isTreeNode(tree: Tree | undefined): tree is TreeNode {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}

/** A list of nodes under `name`; empty where there is none. */
export function nodesIn(node: TreeNode, name: string): readonly TreeNode[] {
  const list = node[name];
  return Array.isArray(list) ? (list as readonly Tree[]).filter(isTreeNode) : [];
}

export function textIn(node: TreeNode, name: string): string {
  const text = node[name];
  return typeof text === "string" ? text : "";
}

/** Whether a node was marked as an integer kept as text. */
export function isMarkedInteger(tree: Tree): boolean {
  return typeof tree === "string" && tree.startsWith(MARK);
}

/** Equal for expressions that say the same, whatever they are called. */
export function expressionKey(node: TreeNode): string {
  return JSON.stringify(node, (name, value: Tree) => (name === "alias" ? "" : value));
}

/** The one statement's root node; undefined where the text is not one SELECT. */
export function selectNode(tree: Tree): TreeNode | undefined {
  if (!isTreeNode(tree) || tree.error !== false) return undefined;
  const [statement, ...more] = nodesIn(tree, "statements");
  return more.length === 0 && isTreeNode(statement?.node) ? statement.node : undefined;
}

/** A tree with one statement of this root. */
export function statementOf(node: TreeNode): TreeNode {
  return { error: false, statements: [{ node, named_param_map: [] }] };
}
