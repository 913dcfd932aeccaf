/**
 * What a FROM clause brings into scope, where it passes each row of one stream on: the stream itself, a subquery that
 * picks and renames, a join with tables that do not stream. New rows of the stream then give the new rows of the whole.
 * Refuses every other FROM with the reason. Pure.
 */
import { columnNames, columnRef, inWords, mapNodes, withoutAlias } from "../syntax-edit.js";
import { expressionKey, isTreeNode, nodesIn, type Tree, type TreeNode, textIn } from "../syntax-tree.js";
import { besideCarried, CARRY_TABLE, carryQuery, RunningMaxima, withoutRunningMaxima } from "./lateness.js";
import { type Edge, splitEdges } from "./moving.js";

/** What planning has to know of the database. */
export interface PlanKnowledge {
  /** Columns of the stream of this name; undefined where no open stream has it. */
  streamColumns(table: string): readonly string[] | undefined;
  /** Columns of a table that no stream fills, or of a view over such tables; undefined where there is none. */
  tableColumns(table: string): readonly string[] | undefined;
  /** The query of a view that reads a stream. */
  viewQuery(view: string): TreeNode | undefined;
  /** A scalar function whose result depends on its arguments alone. */
  isPureFunction(name: string): boolean;
}

/** Thrown with the reason why a query is not kept up to date. */
export class Refusal extends Error {}

export const DELTA_TABLE = "tidetable_delta";

export interface Scope {
  readonly stream: string;
  /** The FROM clause over `DELTA_TABLE` in place of the stream. */
  readonly delta: TreeNode;
  /** Lower-case names of the columns, each with how it can be qualified. */
  readonly columns: readonly ScopeColumn[];
  /** Whether it reads tables that may be changed by statements. */
  readonly readsTables: boolean;
  /** Of a window that moves: conditions on the rows that are left to whoever reads them. */
  readonly edges: readonly Edge[];
  /** SELECT of what is carried from one refresh to the next, where rows are told how late they are. */
  readonly carry?: TreeNode;
  /** In words, for reasons. */
  readonly name: string;
}

interface ScopeColumn {
  readonly table: string;
  readonly name: string;
}

const EXPRESSION_CLASSES = new Set([
  "COLUMN_REF",
  "CONSTANT",
  "FUNCTION",
  "CASE",
  "CAST",
  "COMPARISON",
  "BETWEEN",
  "CONJUNCTION",
  "OPERATOR",
  "PARAMETER",
]);

/** Joins that give each row of the stream's side independently of its other rows. */
const JOINS_WITH_STREAM_LEFT = new Set(["INNER", "LEFT", "SEMI", "ANTI"]);
const JOINS_WITH_STREAM_RIGHT = new Set(["INNER", "RIGHT"]);

export function scopeOf(from: Tree | undefined, knowledge: PlanKnowledge): Scope {
  if (!isTreeNode(from)) throw new Refusal("it reads no table");
  if (from.sample !== null) throw new Refusal("it takes a sample");
  switch (from.type) {
    case "BASE_TABLE":
      return streamScope(from, knowledge);
    case "SUBQUERY":
      return subqueryScope(from, knowledge);
    case "JOIN":
      return joinScope(from, knowledge);
    default:
      throw new Refusal(`it reads ${inWords(String(from.type))}`);
  }
}

function streamScope(table: TreeNode, knowledge: PlanKnowledge): Scope {
  const stream = textIn(table, "table_name");
  refuseTableClauses(table);
  const columns = knowledge.streamColumns(stream);
  if (columns === undefined) throw new Refusal(`${stream} is not an open stream`);
  const alias = textIn(table, "alias") || stream;
  return {
    stream,
    delta: { ...table, table_name: DELTA_TABLE, alias },
    columns: columns.map((name) => ({ table: alias.toLowerCase(), name: name.toLowerCase() })),
    readsTables: false,
    edges: [],
    name: stream,
  };
}

function refuseTableClauses(table: TreeNode): void {
  if (textIn(table, "schema_name") !== "" || textIn(table, "catalog_name") !== "") {
    throw new Refusal(`${textIn(table, "table_name")} is not an open stream`);
  }
  if (table.at_clause !== null && table.at_clause !== undefined) throw new Refusal("it reads an older version");
  if (Array.isArray(table.column_name_alias) && table.column_name_alias.length > 0) {
    throw new Refusal("it renames the table's columns");
  }
}

/** A subquery that picks, renames, filters and unnests: each of its rows comes of one of the stream's. */
function subqueryScope(from: TreeNode, knowledge: PlanKnowledge): Scope {
  const { subquery } = from;
  const select = isTreeNode(subquery) ? subquery.node : undefined;
  if (!isTreeNode(subquery) || !isTreeNode(select) || select.type !== "SELECT_NODE") {
    throw new Refusal("it combines several queries");
  }
  refuseTableClauses(from);
  const isPlain =
    nodesIn(select, "modifiers").length === 0 &&
    nodesIn(select, "group_expressions").length === 0 &&
    select.aggregate_handling === "STANDARD_HANDLING" &&
    select.having === null &&
    select.sample === null &&
    isTreeNode(select.cte_map) &&
    nodesIn(select.cte_map, "map").length === 0;
  if (!isPlain) throw new Refusal("a subquery of it does more than pick and filter rows");
  const inner = scopeOf(select.from_table, knowledge);
  const alias = textIn(from, "alias").toLowerCase();
  const columns: ScopeColumn[] = [];
  const maxima = new RunningMaxima();
  const items: TreeNode[] = [];
  for (const item of nodesIn(select, "select_list")) {
    items.push(maxima.continued(item));
    if (isPlainStar(item)) {
      columns.push(...inner.columns.map(({ name }) => ({ table: alias, name })));
      continue;
    }
    const ofRow = withoutRunningMaxima(item);
    checkRowExpression(unnested(ofRow) ?? withoutAlias(ofRow), inner, knowledge);
    const name = textIn(item, "alias") || (columnNames(item).at(-1) ?? "");
    if (name !== "") columns.push({ table: alias, name: name.toLowerCase() });
  }
  const { edges, rest } = splitEdges(select.where_clause);
  for (const { subject } of edges) checkRowExpression(subject, inner, knowledge);
  if (rest !== null) checkRowExpression(rest, inner, knowledge);
  let qualify: TreeNode | null = null;
  if (isTreeNode(select.qualify)) {
    checkRowExpression(withoutRunningMaxima(select.qualify), inner, knowledge);
    qualify = maxima.continued(select.qualify);
  }
  const lifted = liftEdges([...inner.edges, ...edges]);
  const node = { ...select, select_list: [...items, ...lifted.items], where_clause: rest, qualify };
  const reading = { ...inner, columns, edges: lifted.edges };
  if (maxima.arguments.length === 0) {
    return { ...reading, delta: { ...from, subquery: { ...subquery, node: { ...node, from_table: inner.delta } } } };
  }
  if (!isTreeNode(select.from_table) || select.from_table.type !== "BASE_TABLE") {
    throw new Refusal("it tells how late rows are that are not the stream's own");
  }
  if (lifted.edges.length > 0) throw new Refusal("it tells how late rows are inside of a window that moves");
  const carry = carryQuery({ ...select, where_clause: rest }, inner.delta, maxima.arguments);
  const beside = { ...node, from_table: besideCarried(inner.delta, CARRY_TABLE) };
  return { ...reading, carry, delta: { ...from, subquery: { ...subquery, node: beside } } };
}

/** The rows' moments as columns of their own, under names of ours, so that the edges can be told outside of the subquery. */
function liftEdges(edges: readonly Edge[]): { readonly items: readonly TreeNode[]; readonly edges: readonly Edge[] } {
  const keys = [...new Set(edges.map(({ subject }) => expressionKey(subject)))];
  const items = keys.flatMap((key, index) => {
    const edge = edges.find(({ subject }) => expressionKey(subject) === key);
    return edge === undefined ? [] : { ...edge.subject, alias: liftedName(edge.subject, index) };
  });
  const lifted = edges.map((edge) => {
    const index = keys.indexOf(expressionKey(edge.subject));
    return { ...edge, subject: columnRef(liftedName(edge.subject, index)) };
  });
  return { items, edges: lifted };
}

const LIFTED_NAME = "tidetable_moment";

/** Another one at each level: a star passes those from further inside on. */
function liftedName(subject: TreeNode, index: number): string {
  const [name] = subject.class === "COLUMN_REF" ? columnNames(subject) : [];
  return name?.startsWith(LIFTED_NAME) === true ? `${name}_${index}` : `${LIFTED_NAME}${index}`;
}

/** What `unnest(list) AS x` makes rows of. */
function unnested(item: TreeNode): TreeNode | undefined {
  const [list, ...more] = nodesIn(item, "children");
  const isUnnest = item.class === "FUNCTION" && item.function_name === "unnest" && textIn(item, "alias") !== "";
  return isUnnest && more.length === 0 ? list : undefined;
}

function joinScope(from: TreeNode, knowledge: PlanKnowledge): Scope {
  const { left, right, condition } = from;
  if (!isTreeNode(left) || !isTreeNode(right)) throw new Refusal("it joins something unknown");
  if (from.ref_type !== "REGULAR" && from.ref_type !== "CROSS") {
    throw new Refusal(`it has ${inWords(`${from.ref_type} join`)}`);
  }
  const leftTable = staticColumns(left, knowledge);
  const rightTable = staticColumns(right, knowledge);
  if ((leftTable === undefined) === (rightTable === undefined)) {
    throw new Refusal(leftTable === undefined ? "it joins streams or views" : "it does not read a stream");
  }
  const streamsLeft = rightTable !== undefined;
  const scope = scopeOf(streamsLeft ? left : right, knowledge);
  const kind = String(from.join_type);
  if (!(streamsLeft ? JOINS_WITH_STREAM_LEFT : JOINS_WITH_STREAM_RIGHT).has(kind)) {
    throw new Refusal(`its ${kind} join depends on more than the new rows`);
  }
  const table = rightTable ?? leftTable ?? [];
  const own = kind === "SEMI" || kind === "ANTI" ? [] : table;
  const joined: Scope = { ...scope, readsTables: true, columns: [...scope.columns, ...own] };
  const inCondition = { ...joined, columns: [...scope.columns, ...table] };
  if (isTreeNode(condition)) checkRowExpression(condition, inCondition, knowledge);
  return { ...joined, delta: { ...from, [streamsLeft ? "left" : "right"]: scope.delta } };
}

function staticColumns(from: TreeNode, knowledge: PlanKnowledge): readonly ScopeColumn[] | undefined {
  if (from.type !== "BASE_TABLE" || from.sample !== null) return undefined;
  const columns = knowledge.tableColumns(textIn(from, "table_name"));
  if (columns === undefined) return undefined;
  refuseTableClauses(from);
  const table = (textIn(from, "alias") || textIn(from, "table_name")).toLowerCase();
  return columns.map((name) => ({ table, name: name.toLowerCase() }));
}

/** An expression over the scope's rows: known classes, pure functions, the scope's own columns. */
export function checkRowExpression(expression: TreeNode, scope: Scope, knowledge: PlanKnowledge): void {
  mapNodes(expression, (node) => {
    checkClass(node);
    if (node.class === "COLUMN_REF") checkColumn(node, scope);
    if (node.class === "FUNCTION" && !isPureCall(node, knowledge)) {
      throw new Refusal(`${textIn(node, "function_name")}() depends on more than its row`);
    }
    return undefined;
  });
}

export function checkClass(node: TreeNode): void {
  if (typeof node.class === "string" && !EXPRESSION_CLASSES.has(node.class)) {
    throw new Refusal(`it has ${inWords(node.class)}`);
  }
}

export function isPureCall(call: TreeNode, knowledge: PlanKnowledge): boolean {
  return textIn(call, "schema") === "" && knowledge.isPureFunction(textIn(call, "function_name"));
}

export function isPlainStar(node: TreeNode): boolean {
  const isEmpty = (value: Tree | undefined): boolean =>
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  if (node.class !== "STAR" || textIn(node, "relation_name") !== "" || node.columns === true) return false;
  return ["exclude_list", "replace_list", "rename_list", "qualified_exclude_list", "expr"].every((name) =>
    isEmpty(node[name]),
  );
}

function checkColumn(node: TreeNode, scope: Scope): void {
  const names = columnNames(node).map((name) => name.toLowerCase());
  const [table, name] = names.length === 2 ? names : [undefined, names[0]];
  const known = scope.columns.some((column) => column.name === name && (table === undefined || column.table === table));
  if (names.length > 2 || !known) throw new Refusal(`${columnNames(node).join(".")} is not a column of ${scope.name}`);
}
