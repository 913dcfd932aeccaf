/**
 * From an expression of the tree to one that runs: names found, types settled, functions looked up in the allow-lists. What
 * a column or an aggregate means at a place is the caller's business (alasql/select.ts). Runs nothing.
 */

import { TidetableError } from "../../errors.js";
import { probablyMeant } from "../identifiers.js";
import { aggregateFunctions } from "./aggregates.js";
import { type Bound, computed, constantOf, unified } from "./bound.js";
import { castable, castValue } from "./casts.js";
import { chosen, scalarFunctions } from "./functions.js";
import { shownType } from "./names.js";
import { binary, comparison, condition, not, refuseUncomparable, sign } from "./operators.js";
import type { Call, ColumnReference, Expression, Query } from "./syntax.js";
import {
  BOOLEAN,
  compareValues,
  failed,
  invalidSql,
  keyOf,
  NULL,
  notInEngine,
  type Row,
  type SqlType,
  type Value,
} from "./types.js";
import { windowFunctionNames } from "./windows.js";

/** A query inside an expression: it does not see the outer row, so it is run once, before the first of them. */
export interface BoundSubquery {
  readonly types: readonly SqlType[];
  /** Its rows, once it has run. */
  rows(): readonly Row[];
}

export interface BindingPlace {
  /** Asked first, for every part of the expression: what stands in the row already. */
  known?(expression: Expression): Bound | undefined;
  column(reference: ColumnReference): Bound;
  parameter(index: number): Bound;
  subquery(query: Query): BoundSubquery;
  /** For the error where an aggregate or a window function cannot stand: `WHERE`. */
  readonly clause: string;
}

export function bindExpression(expression: Expression, place: BindingPlace): Bound {
  const bind = (part: Expression): Bound => bindExpression(part, place);
  const known = place.known?.(expression);
  if (known !== undefined) return known;
  switch (expression.kind) {
    case "literal":
      return constantOf(expression.value, expression.type, expression.shown, expression.isText);
    case "parameter":
      return place.parameter(expression.index);
    case "column":
      return place.column(expression);
    case "unary":
      return expression.operator === "NOT"
        ? not(bind(expression.operand))
        : sign(expression.operator, bind(expression.operand));
    case "binary":
      return binary(expression.operator, bind(expression.left), bind(expression.right));
    case "is":
      return is(bind(expression.operand), expression.what, expression.negated);
    case "between":
      return between(bind(expression.operand), bind(expression.low), bind(expression.high), expression.negated);
    case "in":
      return "kind" in expression.items
        ? inQuery(bind(expression.operand), place.subquery(expression.items), expression.negated)
        : inList(bind(expression.operand), expression.items.map(bind), expression.negated);
    case "case":
      return cases(expression, bind);
    case "cast":
      return cast(bind(expression.operand), expression.type, expression.tolerant);
    case "call":
      return call(expression, place, bind);
    case "scalarQuery":
      return scalar(place.subquery(expression.query));
    case "exists":
      return exists(place.subquery(expression.query));
  }
}

export function isAggregate(call: Call): boolean {
  return call.over === undefined && aggregateFunctions.has(call.name);
}

function call(expression: Call, place: BindingPlace, bind: (part: Expression) => Bound): Bound {
  const { name } = expression;
  if (expression.over !== undefined) throw invalidSql(`${place.clause} cannot contain window functions.`);
  if (aggregateFunctions.has(name)) throw invalidSql(`${place.clause} cannot contain aggregates.`);
  if (windowFunctionNames.has(name)) throw invalidSql(`${name}() needs OVER (…).`);
  const found = scalarFunctions.get(name);
  if (found === undefined) {
    const meant = probablyMeant(name, [...scalarFunctions.keys(), ...aggregateFunctions.keys()]);
    throw notInEngine(`The function ${name}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`);
  }
  if (expression.star) throw invalidSql(`${name}(*) does not exist; only count takes *.`);
  if (expression.distinct || expression.filter !== undefined)
    throw invalidSql(`${name} is no aggregate: it takes neither DISTINCT nor FILTER.`);
  return found.bind(expression.parameters.map(bind), name);
}

function is(operand: Bound, what: "NULL" | "TRUE" | "FALSE", negated: boolean): Bound {
  if (what === "NULL") {
    const shown = operand.shown === undefined ? undefined : `(${operand.shown} IS ${negated ? "NOT " : ""}NULL)`;
    return computed(
      `IS NULL ${negated}`,
      BOOLEAN,
      shown,
      [operand],
      (row) => (operand.evaluate(row) === null) !== negated,
    );
  }
  const truth = condition(operand, `The left side of IS ${what}`);
  const wanted = what === "TRUE";
  return computed(
    `IS ${what} ${negated}`,
    BOOLEAN,
    undefined,
    [operand],
    (row) => (truth.evaluate(row) === wanted) !== negated,
  );
}

function between(operand: Bound, low: Bound, high: Bound, negated: boolean): Bound {
  const { bounds } = unified([operand, low, high], "BETWEEN");
  const [value, from, to] = bounds as readonly [Bound, Bound, Bound];
  const both = binary("AND", comparison(">=", value, from), comparison("<=", value, to));
  const parts = [operand, low, high];
  const shown = parts.some((part) => part.shown === undefined)
    ? undefined
    : `(${operand.shown} BETWEEN ${low.shown} AND ${high.shown})`;
  if (!negated) return computed("BETWEEN", BOOLEAN, shown, parts, both.evaluate);
  return computed(
    "NOT BETWEEN",
    BOOLEAN,
    shown === undefined ? undefined : `(NOT ${shown})`,
    parts,
    not(both).evaluate,
  );
}

function inList(operand: Bound, items: readonly Bound[], negated: boolean): Bound {
  const { type, bounds } = unified([operand, ...items], "IN");
  refuseUncomparable(type);
  const [value, ...others] = bounds as readonly [Bound, ...Bound[]];
  const shownItems = items.map((item) => item.shown);
  const shown =
    operand.shown === undefined || shownItems.includes(undefined)
      ? undefined
      : `(${operand.shown} ${negated ? "NOT IN" : "IN"} (${shownItems.join(", ")}))`;
  return computed(negated ? "NOT IN" : "IN", BOOLEAN, shown, [operand, ...items], (row) => {
    const wanted = value.evaluate(row);
    if (wanted === null) return null;
    let unknown = false;
    for (const other of others) {
      const item = other.evaluate(row);
      if (item === null) unknown = true;
      else if (compareValues(type, wanted, item) === 0) return !negated;
    }
    return unknown ? null : negated;
  });
}

function inQuery(operand: Bound, query: BoundSubquery, negated: boolean): Bound {
  const [type] = query.types;
  if (query.types.length !== 1 || type === undefined) throw oneColumn(query.types.length);
  const stored: Bound = {
    type,
    key: "",
    shown: undefined,
    isText: false,
    isFixed: false,
    evaluate: (row) => row[0] ?? null,
  };
  const { type: common, bounds } = unified([operand, stored], "IN");
  refuseUncomparable(common);
  const [value, item] = bounds as readonly [Bound, Bound];
  let keys: { readonly found: ReadonlySet<string>; readonly hasNull: boolean } | undefined;
  return computed(`IN query ${negated} ${subqueryKey()}`, BOOLEAN, undefined, [operand], (row) => {
    if (keys === undefined) {
      const items = query.rows().map((entry) => item.evaluate(entry));
      keys = { found: new Set(items.map((entry) => keyOf(common, entry))), hasNull: items.includes(null) };
    }
    const wanted = value.evaluate(row);
    if (keys.found.size === 0) return negated;
    if (wanted === null) return null;
    if (keys.found.has(keyOf(common, wanted))) return !negated;
    return keys.hasNull ? null : negated;
  });
}

function scalar(query: BoundSubquery): Bound {
  const [type] = query.types;
  if (query.types.length !== 1 || type === undefined) throw oneColumn(query.types.length);
  return computed(`scalar query ${subqueryKey()}`, type, undefined, [], () => {
    const rows = query.rows();
    if (rows.length > 1)
      throw failed("A query in an expression may give one row at the most; add LIMIT 1 or an aggregate.");
    return rows[0]?.[0] ?? null;
  });
}

function exists(query: BoundSubquery): Bound {
  return computed(`EXISTS ${subqueryKey()}`, BOOLEAN, undefined, [], () => query.rows().length > 0);
}

let subqueries = 0;

/** No two subqueries are taken for the same, even of one text. */
function subqueryKey(): string {
  subqueries += 1;
  return String(subqueries);
}

function oneColumn(count: number): Error {
  return invalidSql(`A query in an expression gives one column; this one gives ${count}.`);
}

function cases(expression: Extract<Expression, { kind: "case" }>, bind: (part: Expression) => Bound): Bound {
  const operand = expression.operand === undefined ? undefined : bind(expression.operand);
  const branches = expression.branches.map(({ when, result }) => ({
    when: operand === undefined ? condition(bind(when), "A condition of CASE") : comparison("=", operand, bind(when)),
    result: bind(result),
  }));
  const otherwise = expression.otherwise === undefined ? constantOf(null, NULL, "NULL") : bind(expression.otherwise);
  return chosen(branches, otherwise);
}

function cast(operand: Bound, type: SqlType, tolerant: boolean): Bound {
  const word = tolerant ? "TRY_CAST" : "CAST";
  const shown = operand.shown === undefined ? undefined : `${word}(${operand.shown} AS ${shownType(type)})`;
  const { type: from } = operand;
  if (!castable(from, type)) throw notInEngine(`A cast of ${shownType(from)} to ${shownType(type)}`);
  const convert = (value: Value): Value => {
    try {
      return castValue(value, from, type);
    } catch (error) {
      if (tolerant && error instanceof TidetableError && error.code === "SQL_FAILED") return null;
      throw error;
    }
  };
  const constant = operand.constant;
  const bound = computed(`${word} ${shownType(type)}`, type, shown, [operand], (row) => convert(operand.evaluate(row)));
  return constant === undefined ? bound : { ...bound, constant: { value: convert(constant.value) } };
}

/** A value bound to `?`. */
export function boundParameter(value: Value, type: SqlType, index: number): Bound {
  const constant = constantOf(value, type, `$${index + 1}`, type.id === "VARCHAR");
  return { ...constant, key: `$${index}` };
}
