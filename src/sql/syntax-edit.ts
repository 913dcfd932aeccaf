/** Makes new syntax trees of given ones: nodes replaced, nodes made. Pure; no tree is ever changed in place. */
import { isTreeNode, nodesIn, type Tree, type TreeNode } from "./syntax-tree.js";

/** Replaces nodes from the top: where `replace` answers, its answer stands and is not looked into. */
export function mapNodes(node: TreeNode, replace: (node: TreeNode) => TreeNode | undefined): TreeNode {
  const replaced = typeof node.class === "string" ? replace(node) : undefined;
  if (replaced !== undefined) return replaced;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, mapTree(value, replace)]));
}

function mapTree(tree: Tree, replace: (node: TreeNode) => TreeNode | undefined): Tree {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map((item) => mapTree(item, replace));
  return isTreeNode(tree) ? mapNodes(tree, replace) : tree;
}

export function withoutAlias(node: TreeNode): TreeNode {
  return { ...node, alias: "" };
}

export function columnNames(node: TreeNode): string[] {
  return Array.isArray(node.column_names) ? node.column_names.map(String) : [];
}

export function columnRef(name: string): TreeNode {
  return { class: "COLUMN_REF", type: "COLUMN_REF", alias: "", column_names: [name] };
}

export function functionCall(name: string, children: readonly TreeNode[]): TreeNode {
  return {
    class: "FUNCTION",
    type: "FUNCTION",
    alias: "",
    function_name: name,
    schema: "",
    children,
    filter: null,
    order_bys: { type: "ORDER_MODIFIER", orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: "",
  };
}

export function ordinalOf(constant: TreeNode): number {
  const { value } = constant;
  return isTreeNode(value) && typeof value.value === "number" ? value.value : 0;
}

export function inWords(kind: string): string {
  return `a ${kind.toLowerCase().replaceAll("_", " ")}`;
}

/** Replaces query nodes (SELECT_NODE and the like) from the top: what is replaced is not looked into. */
export function mapSelects(node: TreeNode, replace: (node: TreeNode) => TreeNode | undefined): TreeNode {
  const replaced = replace(node);
  if (replaced !== undefined) return replaced;
  const inside = (tree: Tree): Tree => {
    if (Array.isArray(tree)) return (tree as readonly Tree[]).map(inside);
    if (!isTreeNode(tree)) return tree;
    return mapSelects(tree, replace);
  };
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, inside(value)]));
}

export function baseTable(name: string): TreeNode {
  return {
    type: "BASE_TABLE",
    alias: "",
    sample: null,
    schema_name: "",
    table_name: name,
    column_name_alias: [],
    catalog_name: "",
    at_clause: null,
  };
}

export function star(): TreeNode {
  return {
    class: "STAR",
    type: "STAR",
    alias: "",
    relation_name: "",
    exclude_list: [],
    replace_list: [],
    columns: false,
  };
}

export function integerConstant(value: number): TreeNode {
  const type = { id: "BIGINT", type_info: null };
  return { class: "CONSTANT", type: "VALUE_CONSTANT", alias: "", value: { type, is_null: false, value } };
}

export function coalesce(value: TreeNode, otherwise: TreeNode): TreeNode {
  return { class: "OPERATOR", type: "OPERATOR_COALESCE", alias: "", children: [value, otherwise] };
}

export function asBigint(child: TreeNode): TreeNode {
  return castTo(child, "BIGINT");
}

export function castTo(child: TreeNode, id: string): TreeNode {
  const type = { id, type_info: null };
  return { class: "CAST", type: "OPERATOR_CAST", alias: "", child, cast_type: type, try_cast: false };
}

export function parameter(number: number): TreeNode {
  return { class: "PARAMETER", type: "VALUE_PARAMETER", alias: "", identifier: String(number) };
}

/** A SELECT without a table. */
export function emptySelect(items: readonly TreeNode[]): TreeNode {
  return {
    type: "SELECT_NODE",
    modifiers: [],
    cte_map: { map: [] },
    select_list: items,
    from_table: { type: "EMPTY", alias: "", sample: null },
    where_clause: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: "STANDARD_HANDLING",
    having: null,
    sample: null,
    qualify: null,
  };
}

/** DISTINCT, not DISTINCT ON. */
export function isPlainDistinct(modifier: TreeNode): boolean {
  return modifier.type === "DISTINCT_MODIFIER" && nodesIn(modifier, "distinct_on_targets").length === 0;
}

/** Rows that a LIMIT lets through and skips; undefined where they are not constants. */
export function constantRows({ limit, offset }: TreeNode): number | undefined {
  const numbers = [limit, offset].map((node) => {
    if (!isTreeNode(node)) return 0;
    const { value } = node;
    return node.class === "CONSTANT" && isTreeNode(value) && typeof value.value === "number" ? value.value : Number.NaN;
  });
  const total = (numbers[0] ?? 0) + (numbers[1] ?? 0);
  return isTreeNode(limit) && Number.isSafeInteger(total) ? total : undefined;
}
