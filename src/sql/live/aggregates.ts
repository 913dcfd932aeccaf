/**
 * The aggregates that can be kept up to date, by the way in which what is kept of them joins what new rows bring; and
 * what those need beside themselves. Pure.
 */

import { asBigint, coalesce, columnRef, functionCall, integerConstant } from "../syntax-edit.js";
import { isTreeNode, nodesIn, type TreeNode } from "../syntax-tree.js";
import { Refusal } from "./scope.js";

/** How a partial aggregate of new rows joins the one that is kept. `arg_…` go by the partial that follows theirs. */
export type Merge = "count" | "sum" | "min" | "max" | "arg_min" | "arg_max" | "state";

/** Aggregates by the way they are merged. Those of `state` are kept in DuckDB's own intermediate form. */
export const AGGREGATES: ReadonlyMap<string, Merge> = new Map<string, Merge>([
  ["count_star", "count"],
  ["count", "count"],
  ["count_if", "count"],
  ["sum", "sum"],
  ["min", "min"],
  ["max", "max"],
  ["avg", "state"],
  ["mean", "state"],
  ["stddev", "state"],
  ["stddev_samp", "state"],
  ["stddev_pop", "state"],
  ["variance", "state"],
  ["var_samp", "state"],
  ["var_pop", "state"],
  ["bool_and", "state"],
  ["bool_or", "state"],
  ["arg_min", "arg_min"],
  ["argmin", "arg_min"],
  ["min_by", "arg_min"],
  ["arg_max", "arg_max"],
  ["argmax", "arg_max"],
  ["max_by", "arg_max"],
]);

/** The value that an arg_max or arg_min goes by: rows without an argument do not count there. */
export function extremeOf(aggregate: TreeNode, merge: "arg_min" | "arg_max"): [TreeNode, Merge] {
  const [argument, by] = nodesIn(aggregate, "children");
  if (argument === undefined || by === undefined) throw new Refusal(`${merge}() lacks an argument`);
  const present: TreeNode = { class: "OPERATOR", type: "OPERATOR_IS_NOT_NULL", alias: "", children: [argument] };
  const filter = isTreeNode(aggregate.filter)
    ? { class: "CONJUNCTION", type: "CONJUNCTION_AND", alias: "", children: [aggregate.filter, present] }
    : present;
  const kind = merge === "arg_max" ? "max" : "min";
  return [{ ...functionCall(kind, [by]), filter }, kind];
}

/** A partial aggregate over the groups that differ in distinct values only; `by` is what an arg_max goes by. */
export function mergedAgain(column: TreeNode, merge: Merge, by: TreeNode): TreeNode {
  switch (merge) {
    case "count":
      return asBigint(coalesce(functionCall("sum", [column]), integerConstant(0)));
    case "sum":
    case "min":
    case "max":
      return functionCall(merge, [column]);
    case "arg_min":
    case "arg_max":
      return functionCall(merge, [column, by]);
    case "state":
      return functionCall("finalize", [combined(column)]);
  }
}

/** `list_reduce(list(x), lambda a, b: combine(a, b))`: DuckDB has no aggregate that combines its intermediate forms. */
function combined(column: TreeNode): TreeNode {
  const pair = [columnRef("tidetable_one"), columnRef("tidetable_other")];
  const lambda: TreeNode = {
    class: "LAMBDA",
    type: "LAMBDA",
    alias: "",
    lhs: functionCall("row", pair),
    expr: functionCall("combine", pair),
  };
  return functionCall("list_reduce", [functionCall("list", [column]), lambda]);
}
