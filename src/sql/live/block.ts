/**
 * Plans one SELECT over a stream: what is aggregated over the new rows, how that is merged with what is kept, what is
 * made of it. Covers grouped and ungrouped aggregates, DISTINCT, and the first rows in an order. Pure.
 *
 * Long because recognising one query block is a single walk over DuckDB's syntax tree, clause by clause.
 */

import {
  baseTable,
  columnNames,
  columnRef,
  constantRows,
  functionCall,
  integerConstant,
  inWords,
  isPlainDistinct,
  mapNodes,
  ordinalOf,
  star,
  withoutAlias,
} from "../syntax-edit.js";
import { expressionKey, isTreeNode, nodesIn, type Tree, type TreeNode, textIn } from "../syntax-tree.js";
import { AGGREGATES, extremeOf, type Merge, mergedAgain } from "./aggregates.js";
import {
  type BlockPlan,
  FIRST_ROWS_MAX,
  FIRST_ROWS_TABLE,
  groupColumn,
  type MovingWindow,
  PANE_COLUMN,
  partialColumn,
  STATE_TABLE,
} from "./block-plan.js";
import { directFinal } from "./direct.js";
import { distinctValueOf, distinctValues } from "./distinct.js";
import {
  distancesQuery,
  type Edge,
  haveOneSubject,
  insidePlaceholders,
  limitsQuery,
  paneOf,
  splitEdges,
} from "./moving.js";
import {
  checkClass,
  checkRowExpression,
  isPlainStar,
  isPureCall,
  type PlanKnowledge,
  Refusal,
  type Scope,
  scopeOf,
} from "./scope.js";

/** @throws Refusal with the reason. */
export function planBlock(select: TreeNode, index: number, knowledge: PlanKnowledge): BlockPlan {
  return new BlockPlanner(select, index, knowledge).plan();
}

class BlockPlanner {
  readonly #select: TreeNode;
  readonly #knowledge: PlanKnowledge;
  readonly #scope: Scope;
  readonly #stateTable: string;
  readonly #items: readonly TreeNode[];
  readonly #aliases = new Map<string, TreeNode>();
  readonly #groups: TreeNode[] = [];
  readonly #groupKeys: string[] = [];
  readonly #partials: TreeNode[] = [];
  readonly #partialKeys: string[] = [];
  readonly #merges: Merge[] = [];
  /** Conditions of a window that moves, and what else the WHERE clause says. */
  readonly #edges: readonly Edge[];
  readonly #where: TreeNode | null;

  /** What `aggregate(DISTINCT …)` counts: more groups of the state, aggregated again at the end; columns by expression. */
  readonly #distinctColumns = new Map<string, number>();

  constructor(select: TreeNode, index: number, knowledge: PlanKnowledge) {
    this.#select = select;
    this.#knowledge = knowledge;
    this.#scope = scopeOf(select.from_table, knowledge);
    this.#stateTable = `${STATE_TABLE}_${index}`;
    this.#items = nodesIn(select, "select_list").flatMap((item) => this.#starColumns(item));
    const { edges, rest } = splitEdges(select.where_clause);
    this.#edges = [...this.#scope.edges, ...edges];
    this.#where = rest;
  }

  plan(): BlockPlan {
    this.#refuseClauses();
    for (const item of this.#items) {
      const alias = textIn(item, "alias").toLowerCase();
      if (alias !== "") this.#aliases.set(alias, withoutAlias(item));
    }
    if (this.#where !== null) this.#checkRow(this.#where);
    this.#checkEdges();
    if (this.#takesRows()) return this.#isDistinct() ? this.#distinctRows() : this.#firstRows();
    this.#collectGroups();
    this.#collectDistinct();
    const items = this.#items.map((item) => ({ ...this.#toFinal(withoutAlias(item)), alias: textIn(item, "alias") }));
    const having = isTreeNode(this.#select.having) ? this.#toFinal(this.#withAliases(this.#select.having)) : null;
    const modifiers = nodesIn(this.#select, "modifiers").map((modifier) => this.#finalModifier(modifier));
    if (this.#partials.length === 0 && this.#groups.length === 0) throw new Refusal("it does not aggregate");
    return this.#block(items, having, modifiers);
  }

  #block(items: readonly TreeNode[], having: TreeNode | null, modifiers: readonly TreeNode[]): BlockPlan {
    const isAgain = this.#distinctColumns.size > 0;
    const window = this.#movingWindow();
    const { carry } = this.#scope;
    const isTable = isAgain || window !== undefined || carry !== undefined;
    const direct = isTable ? undefined : directFinal(items, having, modifiers, (node) => this.#stateColumn(node));
    return {
      stream: this.#scope.stream,
      stateTable: this.#stateTable,
      original: this.#select,
      delta: this.#deltaNode(),
      groupCount: this.#groups.length,
      merges: this.#merges,
      aggregatesAgain: isAgain,
      final: this.#finalNode(items, having, modifiers),
      readsTables: this.#scope.readsTables,
      ...(direct === undefined ? {} : { direct }),
      ...(window === undefined ? {} : { window }),
      ...(carry === undefined ? {} : { carry }),
    };
  }

  #checkEdges(): void {
    if (this.#edges.length === 0) return;
    // Those of a subquery are checked there, and have names of ours here.
    for (const { subject } of this.#edges.slice(this.#scope.edges.length)) this.#checkRow(subject);
    if (!haveOneSubject(this.#edges)) throw new Refusal("it has moving windows over several expressions");
    if (!this.#edges.some(({ side }) => side === "from")) throw new Refusal("its window has no beginning");
    if (this.#scope.carry !== undefined) {
      throw new Refusal("it tells how late rows are inside of a window that moves");
    }
  }

  #movingWindow(): MovingWindow | undefined {
    const [edge] = this.#edges;
    if (edge === undefined) return undefined;
    return {
      edges: this.#edges,
      limits: limitsQuery(this.#edges),
      distances: distancesQuery(this.#edges),
      subject: {
        ...this.#rowsNode([edge.subject], this.#scope.delta, null, []),
        aggregate_handling: "STANDARD_HANDLING",
        group_expressions: [],
        group_sets: [],
        having: null,
      },
    };
  }

  #stateColumn(node: TreeNode): number | undefined {
    const [name] = node.class === "COLUMN_REF" ? columnNames(node) : [];
    const groups = this.#groups.map((_, index) => groupColumn(index));
    const index = [...groups, ...this.#partials.map((_, at) => partialColumn(at))].indexOf(name ?? "");
    return index < 0 ? undefined : index;
  }

  #starColumns(item: TreeNode): readonly TreeNode[] {
    if (!isPlainStar(item)) return [item];
    return this.#scope.columns.map(({ name }) => columnRef(name));
  }

  #takesRows(): boolean {
    const { aggregate_handling: handling } = this.#select;
    return (
      handling === "STANDARD_HANDLING" &&
      nodesIn(this.#select, "group_expressions").length === 0 &&
      this.#select.having === null &&
      !this.#items.some((item) => this.#holdsAggregate(item))
    );
  }

  #isDistinct(): boolean {
    return nodesIn(this.#select, "modifiers").some((modifier) => modifier.type === "DISTINCT_MODIFIER");
  }

  /** SELECT DISTINCT of rows: every item is a group, and nothing is aggregated. */
  #distinctRows(): BlockPlan {
    for (const item of this.#items) this.#addGroup(withoutAlias(item));
    const items = this.#items.map((item, index) => ({
      ...columnRef(groupColumn(index)),
      alias: textIn(item, "alias"),
    }));
    const modifiers = nodesIn(this.#select, "modifiers")
      .filter((modifier) => !isPlainDistinct(modifier))
      .map((modifier) => this.#finalModifier(modifier));
    return this.#block(items, null, modifiers);
  }

  /** ORDER BY … LIMIT n of rows: the first of those kept and of the new ones' first are the first of all. */
  #firstRows(): BlockPlan {
    if (this.#edges.length > 0) throw new Refusal("it takes rows of a window that moves");
    for (const item of this.#items) this.#refuseUnknownCalls(item);
    const modifiers = nodesIn(this.#select, "modifiers");
    const order = modifiers.find((modifier) => modifier.type === "ORDER_MODIFIER");
    const limit = modifiers.find((modifier) => modifier.type === "LIMIT_MODIFIER");
    const rows = limit === undefined ? undefined : constantRows(limit);
    if (order === undefined || limit === undefined || rows === undefined || modifiers.length > 2) {
      throw new Refusal("it does not aggregate");
    }
    if (rows > FIRST_ROWS_MAX) throw new Refusal(`it keeps more than ${FIRST_ROWS_MAX} rows`);
    for (const item of this.#items) this.#checkRow(withoutAlias(item));
    const keys = nodesIn(order, "orders").map((entry) => this.#orderKey(entry));
    const columns = [...this.#items.map(withoutAlias), ...keys.map((key) => key.expression)];
    const named = columns.map((column, index) => ({ ...column, alias: groupColumn(index) }));
    const orders = keys.map((key, index) => ({
      ...key.entry,
      expression: columnRef(groupColumn(this.#items.length + index)),
    }));
    const cut = { ...limit, limit: integerConstant(rows), offset: null };
    return {
      stream: this.#scope.stream,
      stateTable: this.#stateTable,
      original: this.#select,
      delta: this.#rowsNode(named, this.#scope.delta, this.#where, [{ ...order, orders }, cut]),
      groupCount: columns.length,
      merges: [],
      aggregatesAgain: false,
      first: this.#rowsNode([star()], { ...baseTable(FIRST_ROWS_TABLE) }, null, [{ ...order, orders }, cut]),
      final: this.#rowsNode(
        this.#items.map((item, index) => ({ ...columnRef(groupColumn(index)), alias: textIn(item, "alias") })),
        baseTable(this.#stateTable),
        null,
        [{ ...order, orders }, limit],
      ),
      readsTables: this.#scope.readsTables,
      ...(this.#scope.carry === undefined ? {} : { carry: this.#scope.carry }),
    };
  }

  #refuseUnknownCalls(expression: TreeNode): void {
    mapNodes(expression, (node) => {
      if (node.class === "FUNCTION" && !isPureCall(node, this.#knowledge)) {
        throw new Refusal(`${textIn(node, "function_name")}() is not kept up to date`);
      }
      return undefined;
    });
  }

  #orderKey(entry: TreeNode): { readonly entry: TreeNode; readonly expression: TreeNode } {
    const { expression } = entry;
    if (!isTreeNode(expression)) throw new Refusal("it orders by something unknown");
    const item = expression.class === "CONSTANT" ? this.#items[ordinalOf(expression) - 1] : undefined;
    const meant = item === undefined ? this.#withAliases(expression) : withoutAlias(item);
    this.#checkRow(meant);
    return { entry, expression: meant };
  }

  #rowsNode(items: readonly TreeNode[], from: TreeNode, where: Tree, modifiers: readonly TreeNode[]): TreeNode {
    return { ...this.#select, select_list: items, from_table: from, where_clause: where, modifiers };
  }

  #checkRow(expression: TreeNode): void {
    checkRowExpression(expression, this.#scope, this.#knowledge);
  }

  /** What `f(DISTINCT x)` asks for: groups of the state that are none of the answer. */
  #collectDistinct(): void {
    const places = [...this.#items, this.#select.having ?? null, ...nodesIn(this.#select, "modifiers")];
    for (const [key, expression] of distinctValues(places)) {
      this.#checkRow(expression);
      this.#distinctColumns.set(key, this.#groups.length);
      this.#groups.push(expression);
      // Not a key: outside of the aggregate the expression is not grouped.
      this.#groupKeys.push("");
    }
  }

  #refuseClauses(): void {
    const { cte_map: ctes, qualify, sample } = this.#select;
    if (isTreeNode(ctes) && nodesIn(ctes, "map").length > 0) throw new Refusal("it has a WITH clause");
    if (qualify !== null) throw new Refusal("it has a QUALIFY clause");
    if (sample !== null) throw new Refusal("it takes a sample");
  }

  #collectGroups(): void {
    const handling = this.#select.aggregate_handling;
    const listed = nodesIn(this.#select, "group_expressions");
    if (handling === "FORCE_AGGREGATES") {
      for (const item of this.#items) if (!this.#holdsAggregate(item)) this.#addGroup(withoutAlias(item));
      return;
    }
    if (handling !== "STANDARD_HANDLING") throw new Refusal("it groups in a way that is not kept");
    const sets = this.#select.group_sets;
    if (Array.isArray(sets) && sets.length > 1) throw new Refusal("it has several grouping sets");
    for (const expression of listed) this.#addGroup(this.#groupExpression(expression));
  }

  /** What GROUP BY 1 and GROUP BY alias stand for. */
  #groupExpression(expression: TreeNode): TreeNode {
    if (expression.class === "CONSTANT") {
      const item = this.#items[ordinalOf(expression) - 1];
      if (item === undefined) throw new Refusal("it groups by a constant");
      return withoutAlias(item);
    }
    return this.#withAliases(expression);
  }

  #addGroup(expression: TreeNode): void {
    if (expression.class === "CONSTANT" || expression.class === "PARAMETER")
      throw new Refusal("it groups by a constant");
    this.#checkRow(expression);
    this.#groups.push(expression);
    this.#groupKeys.push(expressionKey(expression));
  }

  /** An alias of the select list in place of a column; where both exist, which one is meant differs by clause. */
  #withAliases(expression: TreeNode): TreeNode {
    return mapNodes(expression, (node) => {
      if (node.class !== "COLUMN_REF") return undefined;
      const names = columnNames(node);
      const name = names[0]?.toLowerCase() ?? "";
      const aliased = names.length === 1 ? this.#aliases.get(name) : undefined;
      if (aliased === undefined) return undefined;
      if (!this.#scope.columns.some((column) => column.name === name)) return aliased;
      if (aliased.class === "COLUMN_REF" && columnNames(aliased).at(-1)?.toLowerCase() === name) return undefined;
      throw new Refusal(`${name} is a column and something else in the answer`);
    });
  }

  #holdsAggregate(expression: TreeNode): boolean {
    let found = false;
    mapNodes(expression, (node) => {
      if (node.class === "FUNCTION" && AGGREGATES.has(textIn(node, "function_name"))) found = true;
      return undefined;
    });
    return found;
  }

  /** The expression over the state: groups and aggregates become its columns. */
  #toFinal(expression: TreeNode): TreeNode {
    return mapNodes(expression, (node) => {
      const group = this.#groupKeys.indexOf(expressionKey(node));
      if (group >= 0) return columnRef(groupColumn(group));
      checkClass(node);
      if (node.class === "COLUMN_REF")
        throw new Refusal(`${columnNames(node).join(".")} is neither grouped nor aggregated`);
      if (node.class !== "FUNCTION") return undefined;
      const name = textIn(node, "function_name");
      const merge = AGGREGATES.get(name);
      if (merge !== undefined) return this.#partial(node, merge);
      if (!isPureCall(node, this.#knowledge)) throw new Refusal(`${name}() is not kept up to date`);
      return undefined;
    });
  }

  #partial(aggregate: TreeNode, merge: Merge): TreeNode {
    if (isTreeNode(aggregate.order_bys) && nodesIn(aggregate.order_bys, "orders").length > 0) {
      throw new Refusal("an aggregate with ORDER BY needs every value");
    }
    const children = nodesIn(aggregate, "children");
    const name = textIn(aggregate, "function_name");
    if (children.length > (merge === "arg_min" || merge === "arg_max" ? 2 : 1)) {
      throw new Refusal(`${name}() with ${children.length} arguments is not kept up to date`);
    }
    if (aggregate.distinct === true) return this.#distinctAggregate(aggregate);
    for (const child of children) this.#checkRow(child);
    if (isTreeNode(aggregate.filter)) this.#checkRow(aggregate.filter);
    const key = expressionKey(aggregate);
    let index = this.#partialKeys.indexOf(key);
    if (index < 0) {
      index = this.#partials.length;
      this.#addPartial({ ...withoutAlias(aggregate), export_state: merge === "state" }, merge, key);
      // What decides between two such values stands beside them.
      if (merge === "arg_min" || merge === "arg_max") this.#addPartial(...extremeOf(aggregate, merge), "");
    }
    const column = columnRef(partialColumn(index));
    if (this.#distinctColumns.size > 0) return mergedAgain(column, merge, columnRef(partialColumn(index + 1)));
    return merge === "state" ? functionCall("finalize", [column]) : column;
  }

  #addPartial(partial: TreeNode, merge: Merge, key: string): void {
    this.#partials.push(partial);
    this.#partialKeys.push(key);
    this.#merges.push(merge);
  }

  #distinctAggregate(aggregate: TreeNode): TreeNode {
    const column = this.#distinctColumns.get(expressionKey(distinctValueOf(aggregate)));
    if (column === undefined) throw new Refusal("it asks for the distinct values of what has another name in it");
    // Those of one expression are distinct already, within their group.
    const distinct = this.#distinctColumns.size > 1;
    return { ...withoutAlias(aggregate), children: [columnRef(groupColumn(column))], filter: null, distinct };
  }

  #finalModifier(modifier: TreeNode): TreeNode {
    if (modifier.type === "LIMIT_MODIFIER") {
      for (const bound of [modifier.limit, modifier.offset]) {
        const known = !isTreeNode(bound) || bound.class === "CONSTANT" || bound.class === "PARAMETER";
        if (!known) throw new Refusal("its LIMIT is computed");
      }
      return modifier;
    }
    if (isPlainDistinct(modifier)) return modifier;
    if (modifier.type !== "ORDER_MODIFIER") throw new Refusal(`it has ${inWords(String(modifier.type))}`);
    const orders = nodesIn(modifier, "orders").map((order) => {
      const { expression } = order;
      if (!isTreeNode(expression)) throw new Refusal("it orders by something unknown");
      // A number is the place of an output column, here as there.
      if (expression.class === "CONSTANT") return order;
      return { ...order, expression: this.#toFinal(this.#withAliases(expression)) };
    });
    return { ...modifier, orders };
  }

  #deltaNode(): TreeNode {
    const columns: TreeNode[] = [
      ...this.#groups.map((group, index) => ({ ...group, alias: groupColumn(index) })),
      ...this.#partials.map((partial, index) => ({ ...partial, alias: partialColumn(index) })),
    ];
    const [edge] = this.#edges;
    if (edge !== undefined) columns.push({ ...paneOf(edge.subject), alias: PANE_COLUMN });
    return {
      ...this.#select,
      select_list: columns,
      from_table: this.#scope.delta,
      where_clause: edge === undefined ? this.#where : insidePlaceholders(edge.subject, this.#where),
      group_expressions: [],
      group_sets: [],
      // As GROUP BY ALL: whatever is not an aggregate is a group.
      aggregate_handling: this.#groups.length > 0 || edge !== undefined ? "FORCE_AGGREGATES" : "STANDARD_HANDLING",
      having: null,
      modifiers: [],
    };
  }

  #finalNode(items: readonly TreeNode[], having: TreeNode | null, modifiers: readonly TreeNode[]): TreeNode {
    const isAgain = this.#distinctColumns.size > 0;
    const kept = isAgain ? this.#groups.slice(0, -this.#distinctColumns.size) : [];
    const groups = kept.map((_, index) => columnRef(groupColumn(index)));
    return {
      ...this.#select,
      select_list: items,
      from_table: baseTable(this.#stateTable),
      where_clause: isAgain ? null : having,
      group_expressions: groups,
      group_sets: groups.length === 0 ? [] : [groups.map((_, index) => index)],
      aggregate_handling: "STANDARD_HANDLING",
      having: isAgain ? having : null,
      modifiers,
    };
  }
}
