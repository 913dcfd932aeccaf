/**
 * A whole query: common tables, set operations, ORDER BY, LIMIT. Plans first, so that every name and type is known before a
 * row is read; then runs, subqueries before the query that holds them.
 */
import type { BoundSubquery } from "./binder.js";
import { type Bound, coerce, unified } from "./bound.js";
import { keyedRow, ordering, type SortKey } from "./ordering.js";
import type { Plan, PlannedColumn, PlanningContext } from "./plan.js";
import { sameName } from "./scope.js";
import { planSelect } from "./select.js";
import type { Expression, OrderItem, Query, QueryBody, SetOperation } from "./syntax.js";
import { failed, invalidSql, isInteger, keyOfRow, notInEngine, type Row, type SqlType, typeName } from "./types.js";
import type { Work } from "./work.js";

/** What the engine gives: its tables, and the values bound. */
export interface QueryEnvironment {
  table: PlanningContext["table"];
  parameter: PlanningContext["parameter"];
}

export function planQuery(query: Query, environment: QueryEnvironment): Plan {
  return planWithin(query, {
    ...environment,
    plan: planWithin,
    outer: [],
    subquery: () => {
      throw invalidSql("A subquery cannot stand here.");
    },
  });
}

/** Subqueries belong to the query that holds them, so that they run before it and only once. */
function planWithin(query: Query, outer: PlanningContext): Plan {
  const subqueries: Plan[] = [];
  const scope = withCommonTables(query, outer);
  const context: PlanningContext = {
    ...scope,
    subquery: (inner, around) => noteSubquery(inner, { ...context, outer: [...context.outer, around] }, subqueries),
  };
  const plan = planBody(query, context);
  return {
    columns: plan.columns,
    run: async (work) => {
      for (const subquery of subqueries) await subquery.run(work);
      return plan.run(work);
    },
  };
}

function noteSubquery(query: Query, context: PlanningContext, subqueries: Plan[]): BoundSubquery {
  const plan = context.plan(query, context);
  let rows: readonly Row[] = [];
  subqueries.push({
    columns: plan.columns,
    run: async (work) => {
      rows = await plan.run(work);
      return rows;
    },
  });
  return { types: plan.columns.map((column) => column.type), rows: () => rows };
}

/** Each common table sees those before it; its rows are made once. */
function withCommonTables(query: Query, context: PlanningContext): PlanningContext {
  let scope = context;
  for (const common of query.withs) {
    const before = scope;
    const plan = remembered(renamed(before.plan(common.query, before), common.columns, common.name));
    const named = { ...plan, name: common.name };
    scope = { ...context, table: (name) => (sameName(common.name, name) ? named : before.table(name)) };
  }
  return scope;
}

function renamed(plan: Plan, names: readonly string[], table: string): Plan {
  if (names.length === 0) return plan;
  if (names.length > plan.columns.length)
    throw invalidSql(`${table} has ${plan.columns.length} columns, but ${names.length} names.`);
  return { ...plan, columns: plan.columns.map((column, index) => ({ ...column, name: names[index] ?? column.name })) };
}

function remembered(plan: Plan): Plan {
  let rows: Promise<readonly Row[]> | undefined;
  return {
    columns: plan.columns,
    run: (work) => {
      rows ??= plan.run(work);
      return rows;
    },
  };
}

function planBody(query: Query, context: PlanningContext): Plan {
  const limit = planLimit(query, context);
  if (query.body.kind === "select") {
    const { columns, list, sortKeys, rows } = planSelect(query.body, query.order, context);
    return {
      columns,
      run: async (work) => {
        const sorted = await sortedRows(await rows(work), sortKeys, work);
        return work.map(limit(sorted), (row) => list.map((bound) => bound.evaluate(row)));
      },
    };
  }
  const plan = planSet(query.body, context);
  const sortKeys = query.order.map((item) => sortKeyOfSet(item, plan.columns));
  return {
    columns: plan.columns,
    run: async (work) => limit(await sortedRows(await plan.run(work), sortKeys, work)),
  };
}

async function sortedRows(rows: readonly Row[], keys: readonly SortKey[], work: Work): Promise<readonly Row[]> {
  if (keys.length === 0) return rows;
  const keyed = await work.map(rows, (row) => keyedRow(row, keys));
  return (await work.sort(keyed, ordering(keys))).map((entry) => entry.row);
}

function planLimit(query: Query, context: PlanningContext): (rows: readonly Row[]) => readonly Row[] {
  const limit = rowCount(query.limit, context, "LIMIT");
  const offset = rowCount(query.offset, context, "OFFSET") ?? 0;
  return (rows) =>
    limit === undefined && offset === 0 ? rows : rows.slice(offset, limit === undefined ? undefined : offset + limit);
}

function rowCount(expression: Expression | undefined, context: PlanningContext, clause: string): number | undefined {
  if (expression === undefined) return undefined;
  const bound = constantIn(expression, context);
  if (bound === undefined) throw notInEngine(`${clause} of an expression`);
  const value = bound.constant?.value;
  if (value === null) return undefined;
  if (!isInteger(bound.type) || typeof value !== "bigint")
    throw notInEngine(`${clause} of type ${typeName(bound.type)}`);
  if (value < 0n) throw failed(`${clause} cannot be negative.`);
  return Number(value);
}

function constantIn(expression: Expression, context: PlanningContext): Bound | undefined {
  if (expression.kind === "parameter") return context.parameter(expression.index);
  if (expression.kind !== "literal") return undefined;
  const { value, type } = expression;
  return { type, key: "", shown: undefined, isText: false, isFixed: false, constant: { value }, evaluate: () => value };
}

function planSet(body: QueryBody, context: PlanningContext): Plan {
  if (body.kind === "select")
    return planBody({ kind: "query", withs: [], body, order: [], limit: undefined, offset: undefined }, context);
  const [left, right] = [planSet(body.left, context), planSet(body.right, context)];
  if (left.columns.length !== right.columns.length) {
    throw invalidSql(
      `${body.operator} needs the same number of columns on both sides; they have ${left.columns.length} and ${right.columns.length}.`,
    );
  }
  const sides = left.columns.map((column, index) =>
    commonColumn(body.operator, index, column.type, right.columns[index]?.type as SqlType),
  );
  const types = sides.map((side) => side.type);
  return {
    columns: left.columns.map((column, index) => ({ name: column.name, type: types[index] as SqlType })),
    run: async (work) => {
      const first = await work.map(await left.run(work), (row) => sides.map((side) => side.left.evaluate(row)));
      const second = await work.map(await right.run(work), (row) => sides.map((side) => side.right.evaluate(row)));
      work.checkRows(first.length + second.length);
      return combine(body.operator, types, first, second, work);
    },
  };
}

function commonColumn(
  operator: string,
  index: number,
  left: SqlType,
  right: SqlType,
): { readonly type: SqlType; readonly left: Bound; readonly right: Bound } {
  const column = (type: SqlType): Bound => ({
    type,
    key: `#${index}`,
    shown: undefined,
    isText: false,
    isFixed: false,
    evaluate: (row) => row[index] ?? null,
  });
  const { type, bounds } = unified([column(left), column(right)], operator);
  const [a, b] = bounds as readonly [Bound, Bound];
  return { type, left: coerce(a, type, operator), right: coerce(b, type, operator) };
}

async function combine(
  operator: SetOperation["operator"],
  types: readonly SqlType[],
  left: readonly Row[],
  right: readonly Row[],
  work: Work,
): Promise<readonly Row[]> {
  if (operator === "UNION ALL") return [...left, ...right];
  const seen = new Set<string>();
  const isNew = (row: Row): boolean => {
    const key = keyOfRow(types, row);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  if (operator === "UNION") return work.filter([...left, ...right], isNew);
  const others = new Set(await work.map(right, (row) => keyOfRow(types, row)));
  const wanted = operator === "INTERSECT";
  return work.filter(left, (row) => others.has(keyOfRow(types, row)) === wanted && isNew(row));
}

function sortKeyOfSet(item: OrderItem, columns: readonly PlannedColumn[]): SortKey {
  const { expression, descending, nullsFirst } = item;
  const index =
    expression.kind === "literal" && typeof expression.value === "bigint"
      ? Number(expression.value) - 1
      : expression.kind === "column" && expression.table === undefined
        ? columns.findIndex((column) => sameName(column.name, expression.name))
        : -1;
  const column = columns[index];
  if (column === undefined)
    throw notInEngine("ORDER BY of a set operation by anything but a column of its first SELECT, by name or number,");
  const bound: Bound = {
    type: column.type,
    key: `#${index}`,
    shown: undefined,
    isText: false,
    isFixed: false,
    evaluate: (row) => row[index] ?? null,
  };
  return { bound, descending, nullsFirst };
}
