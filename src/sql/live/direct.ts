/**
 * Recognises last steps that need no arithmetic: columns of the state as they are, ordered by columns of the state, cut
 * at constant places. Everything else is DuckDB's. Pure.
 */

import { isTreeNode, nodesIn, type Tree, type TreeNode } from "../syntax-tree.js";
import type { DirectFinal } from "./block-plan.js";

/** `columnOf` answers with the state's column that a node names; undefined for anything more. */
export function directFinal(
  items: readonly TreeNode[],
  having: TreeNode | null,
  modifiers: readonly TreeNode[],
  columnOf: (node: TreeNode) => number | undefined,
): DirectFinal | undefined {
  const outputs = items.map(columnOf);
  if (having !== null || !allKnown(outputs)) return undefined;
  let final: DirectFinal = { outputs, orders: [], offset: 0 };
  for (const modifier of modifiers) {
    const next =
      modifier.type === "ORDER_MODIFIER"
        ? withOrders(final, modifier, columnOf)
        : modifier.type === "LIMIT_MODIFIER"
          ? withLimit(final, modifier)
          : undefined;
    if (next === undefined) return undefined;
    final = next;
  }
  return final;
}

function withOrders(
  final: DirectFinal,
  modifier: TreeNode,
  columnOf: (node: TreeNode) => number | undefined,
): DirectFinal | undefined {
  const orders: DirectFinal["orders"][number][] = [];
  for (const { type, null_order: nulls, expression } of nodesIn(modifier, "orders")) {
    if (!isTreeNode(expression)) return undefined;
    const place = expression.class === "CONSTANT" ? constantOf(expression) : undefined;
    const column = place === undefined ? columnOf(expression) : final.outputs[place - 1];
    if (column === undefined) return undefined;
    // NULLs come last unless asked for, in both directions.
    orders.push({ column, descending: type === "DESCENDING", nullsFirst: nulls === "NULLS FIRST" });
  }
  return { ...final, orders };
}

function withLimit(final: DirectFinal, { limit, offset }: TreeNode): DirectFinal | undefined {
  const [rows, skipped] = [bound(limit), bound(offset)];
  if (rows === "computed" || skipped === "computed") return undefined;
  return { ...final, offset: skipped ?? 0, ...(rows === undefined ? {} : { limit: rows }) };
}

function bound(node: Tree | undefined): number | "computed" | undefined {
  if (!isTreeNode(node)) return undefined;
  return constantOf(node) ?? "computed";
}

function constantOf({ class: kind, value }: TreeNode): number | undefined {
  const known = kind === "CONSTANT" && isTreeNode(value) && typeof value.value === "number" ? value.value : -1;
  return Number.isSafeInteger(known) && known >= 0 ? known : undefined;
}

function allKnown(numbers: ReadonlyArray<number | undefined>): numbers is readonly number[] {
  return numbers.every((number) => number !== undefined);
}
