/** Joins of the AlaSQL engine: by hash where the condition equates both sides, otherwise row by row. */

import { TidetableError } from "../../errors.js";
import { type BindingPlace, bindExpression } from "./binder.js";
import { type Bound, unified } from "./bound.js";
import { condition, refuseUncomparable } from "./operators.js";
import type { PlannedColumn } from "./plan.js";
import { Scope, type ScopeColumn, sameName } from "./scope.js";
import type { Expression, Join } from "./syntax.js";
import { invalidSql, keyOfRow, type Row } from "./types.js";
import type { Work } from "./work.js";

/** One side of an equation, for rows of that side alone. */
interface Equation {
  readonly left: Bound;
  readonly right: Bound;
}

export interface BoundJoin {
  readonly mode: Join["mode"];
  readonly scope: Scope;
  readonly leftWidth: number;
  readonly rightWidth: number;
  readonly equations: readonly Equation[];
  /** Over the joined row; absent where the equations say everything. */
  readonly on: Bound | undefined;
}

export function bindJoin(left: Scope, right: Scope, join: Join, placeOf: (scope: Scope) => BindingPlace): BoundJoin {
  const widths = { leftWidth: left.width, rightWidth: right.width };
  if (join.using.length > 0) {
    const equations = join.using.map((name) => usingEquation(left, right, name));
    const scope = mergeColumns(left, right, join);
    return { mode: join.mode, scope, ...widths, equations, on: undefined };
  }
  const scope = left.with(right);
  if (join.on === undefined) return { mode: join.mode, scope, ...widths, equations: [], on: undefined };
  const on = condition(bindExpression(join.on, placeOf(scope)), "The condition of the JOIN");
  const equations = conjuncts(join.on).flatMap((part) => equationOf(part, placeOf(left), placeOf(right)));
  return { mode: join.mode, scope, ...widths, equations, on };
}

function usingEquation(left: Scope, right: Scope, name: string): Equation {
  const reference = { kind: "column", table: undefined, name } as const;
  for (const scope of [left, right]) {
    if (!scope.has(name)) throw invalidSql(`USING (${name}): the column is missing on one side of the JOIN.`);
  }
  return equation(left.bind(reference), right.bind(reference));
}

/** The column of a USING stands once in `*`; of which side, the kind of join says. */
function mergeColumns(left: Scope, right: Scope, join: Join): Scope {
  const both = left.with(right);
  const isUsed = (column: ScopeColumn): boolean =>
    join.using.some((name) => !column.merged && sameName(column.name, name));
  const columns = both.columns.flatMap((column, index): ScopeColumn[] => {
    if (!isUsed(column)) return [column];
    if (index >= left.columns.length) return [{ ...column, merged: true }];
    const partner = both.columns
      .slice(left.columns.length)
      .find((other) => !other.merged && sameName(other.name, column.name ?? ""));
    if (partner === undefined || join.mode === "INNER" || join.mode === "LEFT") return [column];
    const places = join.mode === "RIGHT" ? partner.places : [...column.places, ...partner.places];
    // The name without a table stands for both; with one, for its own side.
    return [
      { ...column, table: undefined, places },
      { ...column, merged: true },
    ];
  });
  return new Scope(columns, both.width);
}

function conjuncts(expression: Expression): readonly Expression[] {
  if (expression.kind !== "binary" || expression.operator !== "AND") return [expression];
  return [...conjuncts(expression.left), ...conjuncts(expression.right)];
}

/** `a = b` with one side of each table; anything else is left to the whole condition. */
function equationOf(part: Expression, left: BindingPlace, right: BindingPlace): readonly Equation[] {
  if (part.kind !== "binary" || part.operator !== "=") return [];
  for (const [first, second] of [
    [part.left, part.right],
    [part.right, part.left],
  ] as const) {
    const a = bindIfKnown(first, left);
    const b = bindIfKnown(second, right);
    if (a !== undefined && b !== undefined && a.constant === undefined && b.constant === undefined)
      return [equation(a, b)];
  }
  return [];
}

function bindIfKnown(expression: Expression, place: BindingPlace): Bound | undefined {
  try {
    return bindExpression(expression, place);
  } catch (error) {
    // The whole condition was bound already: what fails here only names a column of the other side.
    if (error instanceof TidetableError) return undefined;
    throw error;
  }
}

function equation(a: Bound, b: Bound): Equation {
  const { type, bounds } = unified([a, b], "An equation of a JOIN");
  refuseUncomparable(type);
  const [left, right] = bounds as readonly [Bound, Bound];
  return { left, right };
}

export async function runJoin(
  join: BoundJoin,
  left: readonly Row[],
  right: readonly Row[],
  work: Work,
): Promise<Row[]> {
  const candidates = join.equations.length === 0 ? () => right : await hashed(join.equations, right, work);
  const keepsLeft = join.mode === "LEFT" || join.mode === "FULL";
  const keepsRight = join.mode === "RIGHT" || join.mode === "FULL";
  const matchedRight = new Set<Row>();
  const joined: Row[] = [];
  const nothingRight: Row = new Array(join.rightWidth).fill(null);
  for (const row of left) {
    let matched = false;
    for (const other of candidates(row)) {
      if (work.isDue) await work.pause();
      const both = row.concat(other);
      if (join.on !== undefined && join.on.evaluate(both) !== true) continue;
      matched = true;
      if (keepsRight) matchedRight.add(other);
      joined.push(both);
      work.checkRows(joined.length);
    }
    if (!matched && keepsLeft) joined.push([...row, ...nothingRight]);
    if (work.isDue) await work.pause();
  }
  if (!keepsRight) return joined;
  const nothingLeft: Row = new Array(join.leftWidth).fill(null);
  for (const other of right) if (!matchedRight.has(other)) joined.push([...nothingLeft, ...other]);
  return joined;
}

/** Rows of the right side by the values they are joined by. NULL equals nothing. */
async function hashed(
  equations: readonly Equation[],
  right: readonly Row[],
  work: Work,
): Promise<(row: Row) => readonly Row[]> {
  const types = equations.map((entry) => entry.left.type);
  const byKey = new Map<string, Row[]>();
  for (const row of right) {
    if (work.isDue) await work.pause();
    const values = equations.map((entry) => entry.right.evaluate(row));
    if (values.includes(null)) continue;
    const key = keyOfRow(types, values);
    const rows = byKey.get(key);
    if (rows === undefined) byKey.set(key, [row]);
    else rows.push(row);
  }
  return (row) => {
    const values = equations.map((entry) => entry.left.evaluate(row));
    return values.includes(null) ? [] : (byKey.get(keyOfRow(types, values)) ?? []);
  };
}

/** The scope of one table or subquery under its name. */
export function scopeOf(name: string | undefined, columns: readonly PlannedColumn[]): Scope {
  return Scope.of(name, columns);
}
