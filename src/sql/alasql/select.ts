/**
 * One SELECT: FROM, WHERE, grouping, windows, the list, DISTINCT. Decides what a name means at each place (a column, a
 * selected expression by its alias, a grouped expression) as DuckDB does. Every step is a list of rows.
 *
 * Long because the clauses of one SELECT share what a name means at each place.
 */

import { TidetableError } from "../../errors.js";
import { aggregateFunctions } from "./aggregates.js";
import { type BindingPlace, bindExpression, isAggregate } from "./binder.js";
import type { Bound } from "./bound.js";
import { distinctRows, type GroupedAggregate, groupRows } from "./grouping.js";
import { type BoundJoin, bindJoin, runJoin, scopeOf } from "./joins.js";
import { condition, refuseUncomparable } from "./operators.js";
import type { SortKey } from "./ordering.js";
import type { Plan, PlannedColumn, PlanningContext } from "./plan.js";
import { boundColumn, Scope, sameName } from "./scope.js";
import type { Call, ColumnReference, Expression, OrderItem, Select, SelectItem, TableReference } from "./syntax.js";
import { invalidSql, isInteger, notInEngine, type Row, type SqlType } from "./types.js";
import { holdsAggregate, holdsColumn, holdsQuery, isQuery } from "./walk.js";
import { addWindows, type BoundWindow, bindWindow } from "./windows.js";
import type { Work } from "./work.js";

export interface SelectPlan {
  readonly columns: readonly PlannedColumn[];
  readonly sortKeys: readonly SortKey[];
  /** Rows before the list is made of them, where DISTINCT has left only one of each. */
  rows(work: Work): Promise<readonly Row[]>;
  /** The list, for a row of `rows`. */
  readonly list: readonly Bound[];
}

interface ListedItem {
  readonly expression: Expression | undefined;
  readonly alias: string | undefined;
  /** For what `*` stands for. */
  readonly column: Bound | undefined;
  readonly columnName: string | undefined;
}

export function planSelect(select: Select, order: readonly OrderItem[], context: PlanningContext): SelectPlan {
  return new SelectPlanner(select, order, context).plan();
}

class SelectPlanner {
  readonly #select: Select;
  readonly #order: readonly OrderItem[];
  readonly #context: PlanningContext;
  readonly #sources: Plan[] = [];
  readonly #joins: BoundJoin[] = [];
  #scope: Scope = new Scope([], 0);
  #items: readonly ListedItem[] = [];
  /** Aliases that are being resolved, against circles. */
  readonly #resolving = new Set<string>();
  #group: readonly Bound[] = [];
  readonly #aggregates: (GroupedAggregate & { readonly key: string; readonly slot: Bound })[] = [];
  readonly #windows: { readonly key: string; readonly window: BoundWindow; readonly slot: Bound }[] = [];

  constructor(select: Select, order: readonly OrderItem[], context: PlanningContext) {
    this.#select = select;
    this.#order = order;
    this.#context = context;
  }

  plan(): SelectPlan {
    this.#bindFrom();
    this.#items = this.#select.items.flatMap((item) => this.#listed(item));
    const where = this.#bindCondition(this.#select.where, this.#basePlace("WHERE"), "WHERE");
    const isGrouped = this.#isGrouped();
    this.#group = isGrouped ? this.#bindGroup() : [];
    const place = isGrouped ? this.#groupedPlace("HAVING") : this.#basePlace("HAVING");
    if (this.#select.having !== undefined && !isGrouped) throw invalidSql("HAVING needs a GROUP BY or an aggregate.");
    const having = this.#bindCondition(this.#select.having, place, "HAVING");
    const list = this.#items.map((item) => this.#bindItem(item, isGrouped));
    const sortKeys = this.#order.map((item) => this.#sortKey(item, list, isGrouped));
    if (this.#select.distinct) this.#checkDistinct(list, sortKeys);
    const windows = this.#windows.map(({ window }) => window);
    return {
      columns: list.map((bound, index) => ({ name: this.#columnName(index, bound), type: bound.type })),
      sortKeys,
      list,
      rows: async (work) => {
        let rows = await this.#runFrom(work);
        if (where !== undefined) rows = await work.filter(rows, (row) => where.evaluate(row) === true);
        if (isGrouped) rows = await groupRows(rows, this.#group, this.#aggregates, work);
        if (having !== undefined) rows = await work.filter(rows, (row) => having.evaluate(row) === true);
        if (windows.length > 0) rows = await addWindows(rows, windows, work);
        return this.#select.distinct ? distinctRows(rows, list, work) : rows;
      },
    };
  }

  #bindFrom(): void {
    for (const reference of this.#select.from) this.#addSource(reference, { mode: "CROSS", using: [], on: undefined });
    for (const join of this.#select.joins) this.#addSource(join.table, join);
  }

  #addSource(
    reference: TableReference,
    join: Pick<BoundJoin, "mode"> & Pick<Select["joins"][number], "using" | "on">,
  ): void {
    const { plan, name } = this.#source(reference);
    const scope = scopeOf(name, plan.columns);
    this.#sources.push(plan);
    if (this.#sources.length === 1) {
      this.#scope = scope;
      return;
    }
    const bound = bindJoin(this.#scope, scope, { ...join, table: reference }, (at) => this.#placeIn(at, "ON"));
    this.#joins.push(bound);
    this.#scope = bound.scope;
  }

  #source(reference: TableReference): { readonly plan: Plan; readonly name: string | undefined } {
    if (reference.kind === "query")
      return { plan: this.#context.plan(reference.query, this.#context), name: reference.alias };
    const table = this.#context.table(reference.name);
    return { plan: table, name: reference.alias ?? table.name };
  }

  #listed(item: SelectItem): ListedItem[] {
    const { expression, alias } = item;
    if (expression.kind !== "star") return [{ expression, alias, column: undefined, columnName: undefined }];
    return this.#scope.expand(expression.table).map((column) => ({
      expression: undefined,
      alias: undefined,
      column: boundColumn(column),
      columnName: column.name,
    }));
  }

  #bindItem(item: ListedItem, isGrouped: boolean): Bound {
    if (item.expression !== undefined) {
      return bindExpression(item.expression, this.#listPlace(isGrouped, "SELECT"));
    }
    if (item.column === undefined) throw invalidSql("* needs a FROM.");
    if (!isGrouped) return item.column;
    return this.#groupSlot(item.column) ?? this.#notGrouped(item.columnName ?? "*");
  }

  #columnName(index: number, bound: Bound): string | undefined {
    const item = this.#items[index];
    if (item?.alias !== undefined) return item.alias;
    if (item?.columnName !== undefined) return item.columnName;
    // A bare column has the name that its table gives it, in that spelling.
    if (item?.expression?.kind === "column") return this.#bareName(item.expression) ?? bound.shown;
    return bound.shown;
  }

  #bareName(reference: ColumnReference): string | undefined {
    if (reference.table === undefined && !this.#scope.has(reference.name)) return reference.name;
    return this.#scope.resolve(reference).name;
  }

  /** Columns of the tables, then expressions of the list by their alias. */
  #basePlace(clause: string): BindingPlace {
    return {
      ...this.#placeIn(this.#scope, clause),
      column: (reference) => this.#columnOrAlias(reference, this.#scope, clause),
    };
  }

  #placeIn(scope: Scope, clause: string): BindingPlace {
    return {
      clause,
      column: (reference) => this.#column(reference, scope),
      parameter: this.#context.parameter,
      subquery: (query) => this.#context.subquery(query, this.#scope),
    };
  }

  #column(reference: ColumnReference, scope: Scope): Bound {
    const isOuter = !scope.knows(reference) && this.#context.outer.some((around) => around.knows(reference));
    if (isOuter) throw notInEngine(`A subquery that reads ${reference.name} of the query around it`);
    return scope.bind(reference);
  }

  #columnOrAlias(reference: ColumnReference, scope: Scope, clause: string): Bound {
    if (reference.table !== undefined || scope.has(reference.name)) return this.#column(reference, scope);
    const expression = this.#aliased(reference.name);
    if (expression === undefined) return this.#column(reference, scope);
    return this.#guarded(reference.name, () => bindExpression(expression, this.#basePlace(clause)));
  }

  #aliased(name: string): Expression | undefined {
    return this.#items.find((item) => item.expression !== undefined && sameName(item.alias, name))?.expression;
  }

  #guarded(alias: string, bind: () => Bound): Bound {
    const key = alias.toLowerCase();
    if (this.#resolving.has(key)) throw invalidSql(`The alias ${alias} stands for itself.`);
    this.#resolving.add(key);
    try {
      const bound = bind();
      return { ...bound, shown: alias };
    } finally {
      this.#resolving.delete(key);
    }
  }

  #bindCondition(expression: Expression | undefined, place: BindingPlace, clause: string): Bound | undefined {
    return expression === undefined
      ? undefined
      : condition(bindExpression(expression, place), `The condition of ${clause}`);
  }

  #isGrouped(): boolean {
    const { group, having } = this.#select;
    if (group !== undefined) return true;
    const expressions = [
      ...this.#items.map((item) => item.expression),
      having,
      ...this.#order.map((item) => item.expression),
    ];
    return expressions.some((expression) => expression !== undefined && holdsAggregate(expression));
  }

  #bindGroup(): readonly Bound[] {
    const { group } = this.#select;
    if (group === undefined) return [];
    const expressions =
      group === "ALL"
        ? this.#items.flatMap((item) =>
            item.expression !== undefined && !holdsAggregate(item.expression) && holdsColumn(item.expression)
              ? [item.expression]
              : [],
          )
        : group.map((expression) => this.#ordinalItem(expression, "GROUP BY") ?? expression);
    if (group === "ALL" && this.#items.some((item) => item.column !== undefined))
      throw notInEngine("GROUP BY ALL with *");
    const place = this.#basePlace("GROUP BY");
    return expressions.map((expression) => {
      if (holdsQuery(expression)) throw notInEngine("GROUP BY an expression with a subquery");
      const bound = bindExpression(expression, place);
      refuseUncomparable(bound.type);
      return bound;
    });
  }

  /** `GROUP BY 1`: the first expression of the list. */
  #ordinalItem(expression: Expression, clause: string): Expression | undefined {
    if (expression.kind !== "literal" || typeof expression.value !== "bigint" || !isInteger(expression.type))
      return undefined;
    const item = this.#items[Number(expression.value) - 1];
    if (item === undefined)
      throw invalidSql(`${clause} ${expression.value}: the list has ${this.#items.length} columns.`);
    if (item.expression === undefined) throw notInEngine(`${clause} ${expression.value} where the list has *`);
    return item.expression;
  }

  #listPlace(isGrouped: boolean, clause: string): BindingPlace {
    const place = isGrouped ? this.#groupedPlace(clause) : this.#basePlace(clause);
    return { ...place, known: (expression) => this.#windowSlot(expression, isGrouped) ?? place.known?.(expression) };
  }

  /** After grouping a row holds what is grouped by, then the aggregates. */
  #groupedPlace(clause: string): BindingPlace {
    const base = this.#basePlace(clause);
    return {
      ...base,
      known: (expression) => {
        if (expression.kind === "call" && isAggregate(expression)) return this.#aggregateSlot(expression);
        if (expression.kind === "literal" || holdsAggregate(expression)) return undefined;
        const bound = bindIfPossible(expression, base);
        return bound === undefined || bound.constant !== undefined ? undefined : this.#groupSlot(bound);
      },
      column: (reference) => this.#groupedColumn(reference, clause),
    };
  }

  #groupedColumn(reference: ColumnReference, clause: string): Bound {
    const isColumn = reference.table !== undefined || this.#scope.has(reference.name);
    const aliased = reference.table === undefined ? this.#aliased(reference.name) : undefined;
    // DuckDB takes the alias where the column itself cannot stand.
    if (aliased !== undefined && !(aliased.kind === "column" && sameName(aliased.name, reference.name))) {
      return this.#guarded(reference.name, () => bindExpression(aliased, this.#groupedPlace(clause)));
    }
    if (!isColumn) return this.#column(reference, this.#scope);
    this.#scope.resolve(reference);
    return this.#notGrouped(reference.name);
  }

  #notGrouped(name: string): never {
    throw invalidSql(
      `The column ${name} must stand in GROUP BY or in an aggregate; any_value(${name}) takes the one of some row.`,
    );
  }

  #groupSlot(bound: Bound): Bound | undefined {
    const index = this.#group.findIndex((grouped) => grouped.key === bound.key);
    return index < 0 ? undefined : slot(index, bound.type, `g${index}`, bound.shown);
  }

  #aggregateSlot(call: Call): Bound {
    const bind = aggregateFunctions.get(call.name);
    if (bind === undefined || (call.star && call.name !== "count"))
      throw invalidSql(`${call.name}(*) does not exist; only count takes *.`);
    if (call.distinct && call.parameters.length !== 1) throw notInEngine(`DISTINCT of several values in ${call.name}`);
    if (call.parameters.some(holdsAggregate)) throw invalidSql("Aggregates cannot be nested.");
    const place = this.#basePlace("An aggregate");
    const parameters = call.parameters.map((parameter) => bindExpression(parameter, place));
    const filter = this.#bindCondition(call.filter, place, "FILTER");
    const key = `${call.name}(${call.distinct} ${parameters.map((parameter) => parameter.key).join(", ")}) ${filter?.key}`;
    const known = this.#aggregates.find((entry) => entry.key === key);
    if (known !== undefined) return known.slot;
    const aggregate = bind(parameters, call.name);
    if (call.distinct) for (const parameter of aggregate.parameters) refuseUncomparable(parameter.type);
    const shown = shownAggregate(call, parameters, filter);
    const bound = slot(
      this.#group.length + this.#aggregates.length,
      aggregate.type,
      `a${this.#aggregates.length}`,
      shown,
    );
    this.#aggregates.push({ key, aggregate, filter, distinct: call.distinct, slot: bound });
    return bound;
  }

  #windowSlot(expression: Expression, isGrouped: boolean): Bound | undefined {
    if (expression.kind !== "call" || expression.over === undefined) return undefined;
    const { name, over, star, distinct, filter } = expression;
    if (distinct || filter !== undefined || (star && name !== "count"))
      throw notInEngine(`${name} with DISTINCT or FILTER over a window`);
    const place = isGrouped ? this.#groupedPlace("A window") : this.#basePlace("A window");
    const bind = (part: Expression): Bound => bindExpression(part, place);
    const parameters = expression.parameters.map(bind);
    const partition = over.partition.map(bind);
    const order = over.order.map((item) => ({ ...item, bound: bind(item.expression) }));
    const window = bindWindow(name, parameters, partition, order);
    const key = JSON.stringify([
      name,
      parameters.map(keyOfBound),
      partition.map(keyOfBound),
      order.map((item) => [item.bound.key, item.descending, item.nullsFirst]),
    ]);
    const known = this.#windows.find((entry) => entry.key === key);
    if (known !== undefined) return known.slot;
    const width = isGrouped ? undefined : this.#scope.width;
    const bound = this.#windowBound(this.#windows.length, window.type, width);
    this.#windows.push({ key, window, slot: bound });
    return bound;
  }

  /** Behind the row; how long a grouped row is, is known once every aggregate is. */
  #windowBound(index: number, type: SqlType, width: number | undefined): Bound {
    return {
      type,
      key: `w${index}`,
      shown: undefined,
      isText: false,
      isFixed: false,
      evaluate: (row) => row[(width ?? this.#group.length + this.#aggregates.length) + index] ?? null,
    };
  }

  /** ORDER BY means a column of the list by number or name first, then any expression. */
  #sortKey(item: OrderItem, list: readonly Bound[], isGrouped: boolean): SortKey {
    const { descending, nullsFirst, expression } = item;
    return { descending, nullsFirst, bound: this.#sortBound(expression, list, isGrouped) };
  }

  #sortBound(expression: Expression, list: readonly Bound[], isGrouped: boolean): Bound {
    if (expression.kind === "literal" && typeof expression.value === "bigint" && isInteger(expression.type)) {
      const bound = list[Number(expression.value) - 1];
      if (bound === undefined) throw invalidSql(`ORDER BY ${expression.value}: the list has ${list.length} columns.`);
      return bound;
    }
    if (expression.kind === "literal" || expression.kind === "parameter") throw notInEngine("ORDER BY a constant");
    const place = this.#listPlace(isGrouped, "ORDER BY");
    const byAlias = (reference: Expression): Bound | undefined => {
      if (reference.kind !== "column" || reference.table !== undefined) return undefined;
      const index = this.#items.findIndex((entry) => sameName(entry.alias, reference.name));
      return index < 0 ? undefined : list[index];
    };
    return bindExpression(expression, { ...place, known: (part) => byAlias(part) ?? place.known?.(part) });
  }

  /** With DISTINCT only what is selected has one value for a row of the result. */
  #checkDistinct(list: readonly Bound[], sortKeys: readonly SortKey[]): void {
    for (const bound of list) refuseUncomparable(bound.type);
    const keys = new Set(list.map((bound) => bound.key));
    if (sortKeys.some(({ bound }) => !keys.has(bound.key)))
      throw notInEngine("ORDER BY an expression that SELECT DISTINCT does not list");
  }

  async #runFrom(work: Work): Promise<readonly Row[]> {
    const [first, ...others] = this.#sources;
    if (first === undefined) return [[]];
    let rows = await first.run(work);
    for (const [index, source] of others.entries()) {
      rows = await runJoin(this.#joins[index] as BoundJoin, rows, await source.run(work), work);
    }
    return rows;
  }
}

function slot(index: number, type: SqlType, key: string, shown: string | undefined): Bound {
  return { type, key, shown, isText: false, isFixed: false, evaluate: (row) => row[index] ?? null };
}

function keyOfBound(bound: Bound): string {
  return bound.key;
}

function shownAggregate(call: Call, parameters: readonly Bound[], filter: Bound | undefined): string | undefined {
  const shown = parameters.map((parameter) => parameter.shown);
  if (shown.includes(undefined) || (filter !== undefined && filter.shown === undefined)) return undefined;
  const name =
    call.name === "count" && parameters.length === 0
      ? "count_star()"
      : `${call.name}(${call.distinct ? "DISTINCT " : ""}${shown.join(", ")})`;
  if (filter === undefined) return name;
  return `${name} FILTER (WHERE ${filter.shown})`;
}

function bindIfPossible(expression: Expression, place: BindingPlace): Bound | undefined {
  try {
    return bindExpression(expression, { ...place, known: refuseSubqueries });
  } catch (error) {
    if (error instanceof TidetableError) return undefined;
    throw error;
  }
}

/** Binding a subquery plans it; only the real binding may do that. */
function refuseSubqueries(expression: Expression): undefined {
  if (isQuery(expression)) throw invalidSql("A subquery cannot be grouped by.");
  return undefined;
}
