/** An expression that is ready to run: its type, and its value for a row. */
import { TidetableError } from "../../errors.js";
import { castable, castValue } from "./casts.js";
import {
  commonType,
  invalidSql,
  isInteger,
  notInEngine,
  type Row,
  type SqlType,
  sameType,
  typeName,
  type Value,
} from "./types.js";

export interface Bound {
  readonly type: SqlType;
  /** Two expressions of one query with one key have one value. */
  readonly key: string;
  /** As DuckDB would name a column of it; undefined where it has to be given a name. */
  readonly shown: string | undefined;
  /** A string constant or a bound string: it takes the type of what it meets. */
  readonly isText: boolean;
  /** No column and no query is in it: DuckDB computes it once, before the rows, and by rules of its own. */
  readonly isFixed: boolean;
  /** Present where the value is known already. */
  readonly constant?: { readonly value: Value };
  evaluate(row: Row): Value;
}

export function constantOf(value: Value, type: SqlType, shown: string | undefined, isText = false): Bound {
  return {
    type,
    key: `${typeName(type)} ${typeof value === "object" ? JSON.stringify(value, bigintAsText) : String(value)}`,
    shown,
    isText,
    isFixed: true,
    constant: { value },
    evaluate: () => value,
  };
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

/** An expression over others, answered once where all of them are constants. */
export function computed(
  key: string,
  type: SqlType,
  shown: string | undefined,
  parts: readonly Bound[],
  evaluate: (row: Row) => Value,
): Bound {
  const bound: Bound = {
    type,
    key: `${key}(${parts.map((part) => part.key).join(", ")})`,
    shown,
    isText: false,
    isFixed: parts.length > 0 && parts.every((part) => part.isFixed),
    evaluate,
  };
  return bound;
}

/** The value in another type, by the rules of a cast that is not written. */
export function coerce(bound: Bound, type: SqlType, what: string): Bound {
  if (sameType(bound.type, type)) return bound.isText ? { ...bound, isText: false } : bound;
  if (bound.type.id === "NULL") return { ...constantOf(null, type, bound.shown), key: bound.key };
  if (bound.isText && bound.constant !== undefined) {
    return { ...readConstant(bound.constant.value, bound.type, type, bound.shown), key: bound.key };
  }
  if (!castable(bound.type, type)) throw mixed(what, bound.type, type);
  const from = bound.type;
  return { ...bound, type, isText: false, evaluate: (row) => castValue(bound.evaluate(row), from, type) };
}

/** A text that is no value of the type fails for the first row that asks for it, and not where there is none. */
function readConstant(value: Value, from: SqlType, to: SqlType, shown: string | undefined): Bound {
  try {
    return constantOf(castValue(value, from, to), to, shown);
  } catch (error) {
    if (!(error instanceof TidetableError) || error.code !== "SQL_FAILED") throw error;
    const fail = (): never => {
      throw error;
    };
    return { type: to, key: "", shown, isText: false, isFixed: true, evaluate: fail };
  }
}

/** The one type of several expressions; string constants adapt to the others. */
export function unified(
  bounds: readonly Bound[],
  what: string,
): { readonly type: SqlType; readonly bounds: readonly Bound[] } {
  const firm = bounds.filter((bound) => !bound.isText);
  const basis = firm.some((bound) => bound.type.id !== "NULL") ? firm : bounds;
  let type: SqlType = { id: "NULL" };
  for (const bound of basis) {
    const common = commonType(type, bound.type);
    if (common === undefined) throw mixed(what, type, bound.type);
    type = common;
  }
  refuseNarrow(bounds, what);
  return { type, bounds: bounds.map((bound) => coerce(bound, type, what)) };
}

/** An integer constant takes the narrow type of its neighbour in DuckDB; ours is always INTEGER or wider. */
export function refuseNarrow(bounds: readonly Bound[], what: string): void {
  const narrow = bounds.find((bound) => bound.type.id === "TINYINT" || bound.type.id === "SMALLINT");
  if (narrow === undefined || bounds.every((bound) => sameType(bound.type, narrow.type))) return;
  throw notInEngine(`${what} of ${typeName(narrow.type)} and another type (cast it to INTEGER first)`);
}

export function invalidCall(name: string, parameters: readonly Bound[]): Error {
  const types = parameters.map((parameter) => (parameter.isText ? "a string" : typeName(parameter.type)));
  return notInEngine(`${name}(${types.join(", ")})`);
}

export function mixed(what: string, a: SqlType, b: SqlType): Error {
  return invalidSql(
    `${what} of ${typeName(a)} and ${typeName(b)} needs a cast in the AlaSQL engine, such as CAST(x AS ${typeName(isInteger(b) ? a : b)}); or run it with --engine duckdb.`,
  );
}

/**
 * Of an expression that is NULL whatever the row DuckDB forgets the type, for some operators.
 * @throws TidetableError SQL_INVALID
 */
export function refuseFixedNull(bounds: readonly Bound[], what: string): void {
  for (const bound of bounds) {
    if (isFixedNull(bound)) throw notInEngine(`${what} of a constant that is NULL`);
  }
}

export function isFixedNull(bound: Bound): boolean {
  return bound.type.id === "NULL" || (bound.isFixed && valueOrNull(bound) === null);
}

function valueOrNull(bound: Bound): Value {
  try {
    return bound.evaluate([]);
  } catch (error) {
    if (error instanceof TidetableError) return null;
    throw error;
  }
}
