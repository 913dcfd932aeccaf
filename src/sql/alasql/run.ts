/** One query of the AlaSQL engine from text to result, over whatever tables there are. Knows no streams and no process. */

import { nearestFirst, probablyMeant } from "../identifiers.js";
import type { QueryResult, SqlValue } from "../schema.js";
import type { QueryRequest } from "../sql-engine.js";
import { boundParameter } from "./binder.js";
import type { Bound } from "./bound.js";
import { parseQuery } from "./parser.js";
import type { Plan, TableSnapshot } from "./plan.js";
import { planQuery } from "./query.js";
import { toResult } from "./results.js";
import { sameName } from "./scope.js";
import type { Expression, Query, QueryBody, TableReference } from "./syntax.js";
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  failed,
  fitsInteger,
  HUGEINT,
  invalidSql,
  NULL,
  notInEngine,
  TIMESTAMP,
  VARCHAR,
} from "./types.js";
import { Work } from "./work.js";

export interface TableProvider {
  /** The table as it is now; undefined for a name that is none. */
  snapshot(name: string, work: Work): Promise<TableSnapshot | undefined>;
  names(): Promise<readonly string[]>;
}

/** @throws TidetableError SQL_INVALID, SQL_FAILED, QUERY_INTERRUPTED */
export async function runQuery(
  request: QueryRequest,
  tables: TableProvider,
  signal: AbortSignal,
): Promise<QueryResult> {
  const startedMs = performance.now();
  const work = new Work(signal);
  work.throwIfAborted();
  const planned = await planText(request.text, request.parameters, tables, work);
  const rows = await running(planned, work);
  const columns = planned.columns.map(({ name, type }, index) => ({ name: name ?? unnamed(index), type }));
  return { ...toResult(columns, rows, request.rowLimit), elapsedMs: performance.now() - startedMs };
}

/** Parsed, allowed, bound, and its tables taken as they are now. */
export async function planText(
  text: string,
  parameters: readonly SqlValue[],
  tables: TableProvider,
  work: Work,
): Promise<Plan> {
  const { query, parameterCount } = parseQuery(text);
  if (parameterCount !== parameters.length) {
    const given = parameters.length === 1 ? "1 value is" : `${parameters.length} values are`;
    throw invalidSql(`The query has ${parameterCount} placeholders, but ${given} given.`);
  }
  const snapshots = new Map<string, TableSnapshot>();
  for (const name of tablesOf(query)) {
    const snapshot = await tables.snapshot(name, work);
    if (snapshot !== undefined) snapshots.set(name.toLowerCase(), snapshot);
  }
  const names = await tables.names();
  const bound = parameters.map(bindParameter);
  const plan = planQuery(query, {
    table: (name) => tablePlan(snapshots.get(name.toLowerCase()) ?? unknownTable(name, names)),
    parameter: (index) => bound[index] ?? noParameter(index),
  });
  const nameless = plan.columns.findIndex((column) => column.name === undefined);
  if (nameless >= 0) throw notInEngine(`Column ${nameless + 1} without a name (write AS and a name behind it)`);
  return plan;
}

async function running(plan: Plan, work: Work): ReturnType<Plan["run"]> {
  try {
    return await plan.run(work);
  } catch (error) {
    // Such as a text beyond what a string can hold.
    if (error instanceof RangeError) throw failed(`The query cannot be answered: ${error.message}.`);
    throw error;
  }
}

function tablePlan(snapshot: TableSnapshot): Plan & { readonly name: string } {
  const [first = [], ...others] = snapshot.parts;
  return {
    name: snapshot.name,
    columns: snapshot.columns,
    run: async () => (others.length === 0 ? first : snapshot.parts.flat()),
  };
}

function bindParameter(value: SqlValue, index: number): Bound {
  switch (typeof value) {
    case "boolean":
      return boundParameter(value, BOOLEAN, index);
    case "string":
      return boundParameter(value.toWellFormed(), VARCHAR, index);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? boundParameter(BigInt(value), BIGINT, index)
        : boundParameter(value, DOUBLE, index);
    case "bigint":
      if (!fitsInteger(value, "HUGEINT"))
        throw invalidSql(`value ${index + 1} is ${value}, beyond 128 bits; bind it as text instead.`);
      return boundParameter(value, fitsInteger(value, "BIGINT") ? BIGINT : HUGEINT, index);
    default:
      return bindObject(value, index);
  }
}

function bindObject(value: Extract<SqlValue, object | null>, index: number): Bound {
  if (value === null) return boundParameter(null, NULL, index);
  if (value instanceof Date) {
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw invalidSql(`value ${index + 1} is an invalid Date.`);
    return boundParameter(BigInt(ms) * 1000n, TIMESTAMP, index);
  }
  throw notInEngine(value instanceof Uint8Array ? "A bound value of bytes" : "A bound array");
}

function noParameter(index: number): never {
  throw invalidSql(`The query has no value ${index + 1}.`);
}

function unknownTable(name: string, names: readonly string[]): never {
  if (names.length === 0)
    throw invalidSql(`unknown table: ${name}. There is no table yet; a stream makes one: await stream("${name}").`);
  const meant = probablyMeant(name, names);
  const suggestion = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  throw invalidSql(
    `unknown table: ${name}.${suggestion} There are ${nearestFirst(name, names).slice(0, 30).join(", ")}.`,
  );
}

function unnamed(index: number): string {
  return `column${index}`;
}

/** Every name that stands where a table can; common tables among them, which shadow. */
export function tablesOf(query: Query): readonly string[] {
  const names: string[] = [];
  const add = (name: string): void => {
    if (!names.some((known) => sameName(known, name))) names.push(name);
  };
  visitQuery(query, add);
  return names;
}

function visitQuery(query: Query, add: (name: string) => void): void {
  for (const common of query.withs) visitQuery(common.query, add);
  visitBody(query.body, add);
  for (const item of query.order) visitExpression(item.expression, add);
}

function visitBody(body: QueryBody, add: (name: string) => void): void {
  if (body.kind === "set") {
    visitBody(body.left, add);
    visitBody(body.right, add);
    return;
  }
  const visitTable = (table: TableReference): void => {
    if (table.kind === "table") add(table.name);
    else visitQuery(table.query, add);
  };
  for (const table of body.from) visitTable(table);
  for (const join of body.joins) {
    visitTable(join.table);
    if (join.on !== undefined) visitExpression(join.on, add);
  }
  for (const { expression } of body.items) if (expression.kind !== "star") visitExpression(expression, add);
  for (const expression of [body.where, body.having, ...(Array.isArray(body.group) ? body.group : [])]) {
    if (expression !== undefined) visitExpression(expression, add);
  }
}

/** Queries may stand anywhere in an expression; their nodes are plain data, so every part is looked through. */
function visitExpression(expression: Expression, add: (name: string) => void): void {
  for (const part of Object.values(expression)) visitPart(part, add);
}

function visitPart(part: unknown, add: (name: string) => void): void {
  if (Array.isArray(part)) {
    for (const entry of part) visitPart(entry, add);
  } else if (typeof part === "object" && part !== null) {
    if ("kind" in part && part.kind === "query") visitQuery(part as Query, add);
    else for (const entry of Object.values(part)) visitPart(entry, add);
  }
}
