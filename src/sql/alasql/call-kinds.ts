/** What the scalar functions of the AlaSQL engine have in common: how they are bound, checked and named. Pure. */
import { type Bound, coerce, computed, invalidCall, isFixedNull, refuseFixedNull } from "./bound.js";
import { isInteger, isNumeric, type SqlType, type Value } from "./types.js";

export type Present = Exclude<Value, null>;

export interface ScalarFunction {
  bind(parameters: readonly Bound[], name: string): Bound;
}

/** Names that DuckDB writes with quotes or a schema. */
const shownNames: ReadonlyMap<string, string> = new Map([
  ["substring", 'main."substring"'],
  ["trim", 'main."trim"'],
  ["extract", "main.date_part"],
  ...[
    "left",
    "right",
    "replace",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "week",
    "quarter",
    "millisecond",
    "microsecond",
    "nullif",
  ].map((name) => [name, `"${name}"`] as const),
]);

export function shownCall(name: string, parameters: readonly Bound[]): string | undefined {
  const shown = parameters.map((parameter) => parameter.shown);
  return shown.includes(undefined) ? undefined : `${shownNames.get(name) ?? name}(${shown.join(", ")})`;
}

/** A function of values that answers NULL as soon as one of them is NULL. */
export function strict(
  signature: readonly SqlType[],
  type: SqlType,
  apply: (...values: never[]) => Value,
  optional = 0,
): ScalarFunction {
  return {
    bind(parameters, name) {
      if (parameters.length > signature.length || parameters.length < signature.length - optional) {
        throw invalidCall(name, parameters);
      }
      const bounds = parameters.map((parameter, index) =>
        argument(parameter, signature[index] as SqlType, name, parameters),
      );
      const isNull = parameters.some(isFixedNull);
      const call = computed(name, type, shownCall(name, parameters), parameters, (row) => {
        const values: Present[] = [];
        for (const bound of bounds) {
          const value = bound.evaluate(row);
          if (value === null) return null;
          values.push(value);
        }
        return apply(...(values as never[]));
      });
      return isNull ? { ...call, isFixed: true } : call;
    },
  };
}

/** Integers widen; a string constant is text and nothing else here. */
export function argument(parameter: Bound, wanted: SqlType, name: string, all: readonly Bound[]): Bound {
  if (parameter.type.id === wanted.id || parameter.type.id === "NULL") return coerce(parameter, wanted, name);
  if (
    isInteger(parameter.type) &&
    (wanted.id === "BIGINT" || wanted.id === "DOUBLE") &&
    parameter.type.id !== "HUGEINT"
  ) {
    return coerce(parameter, wanted, name);
  }
  if (wanted.id === "DOUBLE" && isNumeric(parameter.type)) return coerce(parameter, wanted, name);
  throw invalidCall(name, all);
}

export function numberOf(parameters: readonly Bound[], name: string): Bound {
  const [number] = parameters;
  if (parameters.length !== 1 || number === undefined || number.isText || !isNumeric(number.type)) {
    throw invalidCall(name, parameters);
  }
  if (number.type.id === "DECIMAL") refuseFixedNull([number], name);
  return number;
}
