/**
 * Recognises windows whose edges move: conditions such as `_timestamp > now() - INTERVAL 5 MINUTE`, where one side is an
 * expression of the row and the other one of the clock, or of what another part of the query comes to. Everything inside
 * of the edges is kept by panes, so that rows leave as the edges move; how is not decided here. Pure.
 */

import {
  castTo,
  coalesce,
  columnNames,
  emptySelect,
  functionCall,
  integerConstant,
  mapNodes,
  parameter,
} from "../syntax-edit.js";
import { expressionKey, isTreeNode, nodesIn, type Tree, type TreeNode, textIn } from "../syntax-tree.js";

export interface Edge {
  /** The row's side: a moment of the row. */
  readonly subject: TreeNode;
  readonly side: "from" | "until";
  /** Whether the limit itself is inside. */
  readonly isInside: boolean;
  /** The side that moves. */
  readonly limit: TreeNode;
}

/** Numbers of placeholders that no query has: they stand for values of the refresh. */
export const MOMENT_PARAMETER = 1_000_001;
export const FROM_PARAMETER = 1_000_002;
export const LAST_PARAMETER = 1_000_003;
export const WIDTH_PARAMETER = 1_000_004;

/** Calls that answer with the moment of the query, by what they answer with. */
const CLOCK_TYPES: ReadonlyMap<string, string> = new Map([
  ["now", "TIMESTAMP WITH TIME ZONE"],
  ["current_timestamp", "TIMESTAMP WITH TIME ZONE"],
  ["get_current_timestamp", "TIMESTAMP WITH TIME ZONE"],
  ["transaction_timestamp", "TIMESTAMP WITH TIME ZONE"],
  ["current_localtimestamp", "TIMESTAMP"],
  ["localtimestamp", "TIMESTAMP"],
  ["current_date", "DATE"],
  ["today", "DATE"],
]);

/** The conditions of a WHERE clause: those that are edges, and what remains. */
export function splitEdges(where: Tree | undefined): {
  readonly edges: readonly Edge[];
  readonly rest: TreeNode | null;
} {
  const edges: Edge[] = [];
  const rest: TreeNode[] = [];
  for (const condition of isTreeNode(where) ? conjunctsOf(where) : []) {
    const found = edgesOf(condition);
    if (found.length === 0) rest.push(condition);
    edges.push(...found);
  }
  return { edges, rest: conjunction(rest) };
}

export function conjunction(conditions: readonly TreeNode[]): TreeNode | null {
  const [only, ...more] = conditions;
  if (only === undefined || more.length === 0) return only ?? null;
  return { class: "CONJUNCTION", type: "CONJUNCTION_AND", alias: "", children: conditions };
}

/** Where edges stand, of one moment: a SELECT without a table. */
export function limitsQuery(edges: readonly Edge[]): TreeNode {
  return emptySelect(edges.map(({ limit }) => atMoment(limit)));
}

/** The same with the moment in the place of every subquery, too: how far each edge is from it. */
export function distancesQuery(edges: readonly Edge[]): TreeNode {
  const moment = castTo(parameter(MOMENT_PARAMETER), "TIMESTAMP");
  const replaced = (limit: TreeNode): TreeNode =>
    mapNodes(limit, (node) => (node.class === "SUBQUERY" ? moment : undefined));
  return emptySelect(edges.map(({ limit }) => atMoment(replaced(limit))));
}

function conjunctsOf(condition: TreeNode): readonly TreeNode[] {
  const isAnd = condition.class === "CONJUNCTION" && condition.type === "CONJUNCTION_AND";
  return isAnd ? nodesIn(condition, "children").flatMap(conjunctsOf) : [condition];
}

const COMPARISONS: ReadonlyMap<string, Pick<Edge, "side" | "isInside">> = new Map([
  ["COMPARE_GREATERTHAN", { side: "from", isInside: false }],
  ["COMPARE_GREATERTHANOREQUALTO", { side: "from", isInside: true }],
  ["COMPARE_LESSTHAN", { side: "until", isInside: false }],
  ["COMPARE_LESSTHANOREQUALTO", { side: "until", isInside: true }],
]);

function edgesOf(condition: TreeNode): readonly Edge[] {
  if (condition.class === "BETWEEN" && condition.type === "COMPARE_BETWEEN") {
    const { input, lower, upper } = condition;
    if (!isTreeNode(input) || !isTreeNode(lower) || !isTreeNode(upper)) return [];
    if (moves(input) || !(moves(lower) || moves(upper)) || readsRow(lower) || readsRow(upper)) return [];
    return [
      { subject: input, side: "from", isInside: true, limit: lower },
      { subject: input, side: "until", isInside: true, limit: upper },
    ];
  }
  const { left, right } = condition;
  const kind = condition.class === "COMPARISON" ? COMPARISONS.get(textIn(condition, "type")) : undefined;
  if (kind === undefined || !isTreeNode(left) || !isTreeNode(right) || moves(left) === moves(right)) return [];
  const [subject, limit] = moves(right) ? [left, right] : [right, left];
  if (readsRow(limit)) return [];
  // `now() - INTERVAL 5 MINUTE < _timestamp` says the same the other way round.
  const side = limit === right ? kind.side : kind.side === "from" ? "until" : "from";
  return [{ subject, side, isInside: kind.isInside, limit }];
}

/** Whether an expression asks for the clock, or for the answer of a subquery. */
function moves(expression: TreeNode): boolean {
  let found = false;
  mapNodes(expression, (node) => {
    if (clockType(node) !== undefined || isScalarSubquery(node)) found = true;
    return undefined;
  });
  return found;
}

/** Whether it names a column, subqueries aside: what these may name is seen when they are planned. */
function readsRow(expression: TreeNode): boolean {
  let found = false;
  mapNodes(expression, (node) => {
    if (isScalarSubquery(node)) return node;
    if (node.class === "COLUMN_REF" && clockType(node) === undefined) found = true;
    return undefined;
  });
  return found;
}

function isScalarSubquery(node: TreeNode): boolean {
  return node.class === "SUBQUERY" && node.subquery_type === "SCALAR";
}

/** `current_timestamp` and the like are parsed as columns when written without parentheses. */
function clockType(node: TreeNode): string | undefined {
  if (node.class === "FUNCTION" && nodesIn(node, "children").length === 0) {
    return CLOCK_TYPES.get(textIn(node, "function_name"));
  }
  const names = node.class === "COLUMN_REF" ? columnNames(node) : [];
  return names.length === 1 ? CLOCK_TYPES.get(names[0]?.toLowerCase() ?? "") : undefined;
}

function atMoment(expression: TreeNode): TreeNode {
  return mapNodes(expression, (node) => {
    const type = clockType(node);
    if (type === undefined) return undefined;
    const moment = castTo(parameter(MOMENT_PARAMETER), "TIMESTAMP WITH TIME ZONE");
    return castTo(moment, type);
  });
}

/** Whether all edges are those of one expression. */
export function haveOneSubject(edges: readonly Edge[]): boolean {
  return new Set(edges.map(({ subject }) => expressionKey(subject))).size <= 1;
}

/** `subject` between two placeholders, and the rest of a WHERE clause. */
export function insidePlaceholders(subject: TreeNode, rest: TreeNode | null): TreeNode | null {
  const compared = (type: string, number: number): TreeNode => ({
    class: "COMPARISON",
    type,
    alias: "",
    left: subject,
    right: castTo(parameter(number), "TIMESTAMP"),
  });
  return conjunction([
    ...(rest === null ? [] : [rest]),
    compared("COMPARE_GREATERTHANOREQUALTO", FROM_PARAMETER),
    compared("COMPARE_LESSTHANOREQUALTO", LAST_PARAMETER),
  ]);
}

/** The number of the pane that a row is in; infinity is in the last of all. */
export function paneOf(subject: TreeNode): TreeNode {
  const width = castTo(parameter(WIDTH_PARAMETER), "BIGINT");
  const number = functionCall("//", [functionCall("epoch_us", [subject]), width]);
  return coalesce({ ...number, is_operator: true }, integerConstant(Number.MAX_SAFE_INTEGER));
}
