/** Which of a stream's columns a query over it can touch, so that no others are bound in every refresh. Pure. */
import { columnNames } from "../syntax-edit.js";
import { isTreeNode, nodesIn, type Tree, type TreeNode } from "../syntax-tree.js";

const COUNTED_ON_SIGHT = new Set(["STAR", "POSITIONAL_REFERENCE", "LAMBDA"]);

/**
 * Those of `columns` whose name stands in one of the trees; undefined, for all of them, wherever something may stand for
 * a column without its name: a star, a place, a join by equal names, a name that is no column's (an alias, a whole row).
 */
export function columnsRead(columns: readonly string[], trees: readonly TreeNode[]): readonly string[] | undefined {
  const known = new Set(columns.map((name) => name.toLowerCase()));
  const read = new Set<string>();
  if (!trees.every((tree) => collect(tree, known, read))) return undefined;
  return columns.filter((name) => read.has(name.toLowerCase()));
}

/** Whether the names alone tell which columns are read. */
function collect(tree: Tree, known: ReadonlySet<string>, read: Set<string>): boolean {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).every((item) => collect(item, known, read));
  if (!isTreeNode(tree)) return true;
  if (COUNTED_ON_SIGHT.has(String(tree.class)) || joinsByName(tree)) return false;
  if (tree.class === "COLUMN_REF") {
    const names = columnNames(tree).map((name) => name.toLowerCase());
    if (!names.some((name) => known.has(name))) return false;
    for (const name of names) read.add(name);
  }
  return Object.values(tree).every((part) => collect(part, known, read));
}

function joinsByName(node: TreeNode): boolean {
  const using = node.using_columns;
  return (
    node.ref_type === "NATURAL" ||
    (Array.isArray(using) && using.length > 0) ||
    nodesIn(node, "using_columns").length > 0
  );
}
