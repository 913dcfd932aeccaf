/**
 * Recognises how late a row is: `max(moment) OVER (PARTITION BY _topic, _partition ORDER BY _offset)` is the newest
 * moment of the row's partition up to the row. Rows come in this order, so that what is carried from one refresh to the
 * next is one value for each partition. Pure.
 */

import { baseTable, columnNames, columnRef, functionCall, mapNodes } from "../syntax-edit.js";
import { expressionKey, isTreeNode, nodesIn, type TreeNode, textIn } from "../syntax-tree.js";

/** What is carried of the rows before the new ones, for each partition. */
export const CARRY_TABLE = "tidetable_carried";
export const CARRY_KEYS = ["tidetable_topic", "tidetable_partition"] as const;

export function carryColumn(index: number): string {
  return `tidetable_newest${index}`;
}

/** Collects the running maxima of a SELECT over the stream, and puts in their places what continues them. */
export class RunningMaxima {
  readonly #arguments: TreeNode[] = [];

  /** What the maxima are of. */
  get arguments(): readonly TreeNode[] {
    return this.#arguments;
  }

  /** `expression` for new rows: each running maximum goes on from the one that is carried. */
  continued(expression: TreeNode): TreeNode {
    return mapNodes(expression, (node) => {
      const argument = runningMaximumOf(node);
      if (argument === undefined) return undefined;
      const carried = columnRef(carryColumn(this.#indexOf(argument)));
      return { ...functionCall("greatest", [{ ...node, alias: "" }, carried]), alias: textIn(node, "alias") };
    });
  }

  #indexOf(argument: TreeNode): number {
    const key = expressionKey(argument);
    const known = this.#arguments.findIndex((other) => expressionKey(other) === key);
    return known >= 0 ? known : this.#arguments.push(argument) - 1;
  }
}

/** The expression with every running maximum replaced by what it is of: all that is left to be checked. */
export function withoutRunningMaxima(expression: TreeNode): TreeNode {
  return mapNodes(expression, (node) => {
    const argument = runningMaximumOf(node);
    return argument === undefined ? undefined : { ...argument, alias: textIn(node, "alias") };
  });
}

/** New rows of the stream, each beside what is carried of its partition. */
export function besideCarried(stream: TreeNode, carryTable: string): TreeNode {
  const alias = textIn(stream, "alias");
  const same = (own: string, key: string): TreeNode => ({
    class: "COMPARISON",
    type: "COMPARE_EQUAL",
    alias: "",
    left: { ...columnRef(own), column_names: [alias, own] },
    right: columnRef(key),
  });
  const condition: TreeNode = {
    class: "CONJUNCTION",
    type: "CONJUNCTION_AND",
    alias: "",
    children: [same("_topic", CARRY_KEYS[0]), same("_partition", CARRY_KEYS[1])],
  };
  return {
    type: "JOIN",
    alias: "",
    sample: null,
    left: stream,
    right: baseTable(carryTable),
    condition,
    join_type: "LEFT",
    ref_type: "REGULAR",
    using_columns: [],
    delim_flipped: false,
    duplicate_eliminated_columns: [],
  };
}

/** SELECT of what new rows add to what is carried. */
export function carryQuery(select: TreeNode, stream: TreeNode, maxima: readonly TreeNode[]): TreeNode {
  const keys = ["_topic", "_partition"].map((name, index) => ({ ...columnRef(name), alias: CARRY_KEYS[index] ?? "" }));
  const newest = maxima.map((argument, index) => ({ ...functionCall("max", [argument]), alias: carryColumn(index) }));
  return {
    ...select,
    select_list: [...keys, ...newest],
    from_table: stream,
    aggregate_handling: "FORCE_AGGREGATES",
    group_expressions: [],
    group_sets: [],
    modifiers: [],
    having: null,
    qualify: null,
  };
}

function runningMaximumOf(node: TreeNode): TreeNode | undefined {
  if (node.class !== "WINDOW" || node.type !== "WINDOW_AGGREGATE" || node.function_name !== "max") return undefined;
  const [argument, ...more] = nodesIn(node, "children");
  const isPlain =
    node.start === "UNBOUNDED_PRECEDING" &&
    (node.end === "CURRENT_ROW_RANGE" || node.end === "CURRENT_ROW_ROWS") &&
    node.exclude_clause === "NO_OTHER" &&
    node.filter_expr === null &&
    textIn(node, "schema") === "" &&
    nodesIn(node, "arg_orders").length === 0;
  const partitions = nodesIn(node, "partitions").map(lastName).sort().join();
  const [order, ...orders] = nodesIn(node, "orders");
  const expression = order?.expression;
  const isInOrder =
    (order?.type === "ORDER_DEFAULT" || order?.type === "ASCENDING") &&
    isTreeNode(expression) &&
    lastName(expression) === "_offset" &&
    orders.length === 0;
  const isRunning = isPlain && partitions === "_partition,_topic" && isInOrder && more.length === 0;
  return isRunning ? argument : undefined;
}

function lastName(node: TreeNode): string {
  return node.class === "COLUMN_REF" ? (columnNames(node).at(-1)?.toLowerCase() ?? "") : "";
}
