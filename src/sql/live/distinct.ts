/**
 * The distinct values that a query's aggregates ask for: each expression becomes one more group of the state, which is
 * aggregated again at the end. `f(DISTINCT x) FILTER (WHERE c)` asks for the values of `CASE WHEN c THEN x END`: aggregates
 * leave NULL out as the filter does. Pure.
 */

import { mapNodes } from "../syntax-edit.js";
import { expressionKey, isTreeNode, nodesIn, type Tree, type TreeNode } from "../syntax-tree.js";
import { Refusal } from "./scope.js";

/** Every combination of their values is a row of the state. */
const EXPRESSIONS_MAX = 3;

/** By `expressionKey`, in the order in which they are met. */
export function distinctValues(places: readonly Tree[]): ReadonlyMap<string, TreeNode> {
  const found = new Map<string, TreeNode>();
  for (const place of places) {
    if (!isTreeNode(place)) continue;
    mapNodes({ place, class: "" }, (node) => {
      if (node.class !== "FUNCTION" || node.distinct !== true) return undefined;
      const value = distinctValueOf(node);
      found.set(expressionKey(value), value);
      return undefined;
    });
  }
  if (found.size > EXPRESSIONS_MAX) {
    throw new Refusal(`it asks for the distinct values of more than ${EXPRESSIONS_MAX} expressions`);
  }
  return found;
}

export function distinctValueOf(aggregate: TreeNode): TreeNode {
  const [argument, ...more] = nodesIn(aggregate, "children");
  if (argument === undefined || more.length > 0) throw new Refusal("DISTINCT of several values needs every value");
  const { filter } = aggregate;
  if (!isTreeNode(filter)) return argument;
  return {
    class: "CASE",
    type: "CASE_EXPR",
    alias: "",
    case_checks: [{ when_expr: filter, then_expr: argument }],
    else_expr: {
      class: "CONSTANT",
      type: "VALUE_CONSTANT",
      alias: "",
      value: { type: { id: "NULL", type_info: null }, is_null: true },
    },
  };
}
