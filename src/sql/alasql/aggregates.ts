/** The aggregate functions of the AlaSQL engine: what each takes, its type, and its state while rows go by. Pure. */
import { type Bound, coerce, invalidCall } from "./bound.js";
import { withinWidth } from "./casts.js";
import { refuseUncomparable } from "./operators.js";
import { textOfValue } from "./text.js";
import {
  BIGINT,
  BOOLEAN,
  compareValues,
  DECIMAL_WIDTH_MAX,
  DOUBLE,
  decimal,
  failed,
  fitsInteger,
  HUGEINT,
  isInteger,
  notInEngine,
  type Row,
  type SqlType,
  typeName,
  VARCHAR,
  type Value,
} from "./types.js";

export interface AggregateState {
  add(row: Row): void;
  result(): Value;
}

export interface Aggregate {
  readonly type: SqlType;
  /** What DISTINCT looks at. */
  readonly parameters: readonly Bound[];
  /** Rows in another order may give another answer in the last bit, or another answer. */
  readonly dependsOnOrder: boolean;
  create(): AggregateState;
}

type Binder = (parameters: readonly Bound[], name: string) => Aggregate;

const count: Binder = (parameters, name) => {
  if (parameters.length > 1) throw invalidCall(name, parameters);
  const [counted] = parameters;
  return aggregate(BIGINT, parameters, () => {
    let rows = 0n;
    return {
      add: (row) => {
        if (counted === undefined || counted.evaluate(row) !== null) rows += 1n;
      },
      result: () => rows,
    };
  });
};

/** Integers sum to HUGEINT, decimals to 38 digits, doubles one after the other. */
const sum: Binder = (parameters, name) => {
  const number = numberOf(parameters, name, true);
  const { type } = number;
  if (type.id === "DOUBLE") {
    return folded(DOUBLE, number, (total: number | null, value: number) => (total ?? 0) + value, true);
  }
  if (type.id === "DECIMAL") {
    const wide = decimal(DECIMAL_WIDTH_MAX, type.scale);
    return folded(wide, number, (total: bigint | null, value: bigint) =>
      withinWidth((total ?? 0n) + value, DECIMAL_WIDTH_MAX, () => `Overflow in sum of ${typeName(type)}.`),
    );
  }
  return folded(HUGEINT, number, (total: bigint | null, value: bigint | boolean) => {
    const next = (total ?? 0n) + BigInt(value);
    if (!fitsInteger(next, "HUGEINT")) throw failed(`Overflow in sum of ${typeName(type)}.`);
    return next;
  });
};

const average: Binder = (parameters, name) => {
  const number = numberOf(parameters, name, false);
  const { type } = number;
  if (type.id === "DECIMAL") throw notInEngine("avg of DECIMAL (cast it to DOUBLE)");
  return aggregate(
    DOUBLE,
    parameters,
    () => {
      let total = 0n;
      let doubles = 0;
      let rows = 0n;
      return {
        add: (row) => {
          const value = number.evaluate(row);
          if (value === null) return;
          rows += 1n;
          if (typeof value === "number") doubles += value;
          else total += BigInt(value as bigint);
        },
        result: () => {
          if (rows === 0n) return null;
          return type.id === "DOUBLE" ? doubles / Number(rows) : divideExtended(total, rows);
        },
      };
    },
    type.id === "DOUBLE",
  );
};

/**
 * A quotient with 64 bits of mantissa, then rounded to a double: DuckDB divides in the processor's extended format, and
 * rounding twice is not always rounding once.
 */
export function divideExtended(dividend: bigint, divisor: bigint): number {
  if (dividend === 0n) return 0;
  const negative = dividend < 0n;
  const extended = roundToBits(negative ? -dividend : dividend, 1n, 64n);
  const quotient = roundToBits(extended.numerator, divisor * extended.denominator, 64n);
  const value = Number(quotient.numerator) / Number(quotient.denominator);
  return negative ? -value : value;
}

/** numerator / denominator as a number of so many bits times a power of two, half to even. */
function roundToBits(numerator: bigint, denominator: bigint, bits: bigint): { numerator: bigint; denominator: bigint } {
  let shift = bits - BigInt(numerator.toString(2).length - denominator.toString(2).length);
  const scaled = (by: bigint): [bigint, bigint] =>
    by >= 0n ? [numerator << by, denominator] : [numerator, denominator << -by];
  let [top, bottom] = scaled(shift);
  while (top / bottom >= 1n << bits) {
    shift -= 1n;
    [top, bottom] = scaled(shift);
  }
  while (top / bottom < 1n << (bits - 1n)) {
    shift += 1n;
    [top, bottom] = scaled(shift);
  }
  let mantissa = top / bottom;
  const rest = (top % bottom) * 2n;
  if (rest > bottom || (rest === bottom && mantissa % 2n === 1n)) mantissa += 1n;
  return shift >= 0n
    ? { numerator: mantissa, denominator: 1n << shift }
    : { numerator: mantissa << -shift, denominator: 1n };
}

function extreme(direction: 1 | -1): Binder {
  return (parameters, name) => {
    const [bound] = parameters;
    if (parameters.length !== 1 || bound === undefined) throw invalidCall(name, parameters);
    const value = bound.isText ? coerce(bound, VARCHAR, name) : bound;
    refuseUncomparable(value.type);
    return folded(value.type, value, (best: Value, next: Exclude<Value, null>) =>
      best === null || compareValues(value.type, next, best) * direction > 0 ? next : best,
    );
  };
}

/** The value of the row in which another one is greatest or least; of several such rows, the first. */
function extremeBy(direction: 1 | -1): Binder {
  return (parameters, name) => {
    const [value, by] = parameters;
    if (parameters.length !== 2 || value === undefined || by === undefined) throw invalidCall(name, parameters);
    refuseUncomparable(by.type);
    return aggregate(
      value.type,
      parameters,
      () => {
        let best: { readonly value: Value; readonly by: Exclude<Value, null> } | undefined;
        return {
          add: (row) => {
            const key = by.evaluate(row);
            const candidate = value.evaluate(row);
            if (key === null || candidate === null) return;
            if (best === undefined || compareValues(by.type, key, best.by) * direction > 0)
              best = { value: candidate, by: key };
          },
          result: () => best?.value ?? null,
        };
      },
      true,
    );
  };
}

const anyValue: Binder = (parameters, name) => {
  const [value] = parameters;
  if (parameters.length !== 1 || value === undefined) throw invalidCall(name, parameters);
  return folded(value.type, value, (first: Value, next: Value) => first ?? next, true);
};

function truth(all: boolean): Binder {
  return (parameters, name) => {
    const [value] = parameters;
    if (parameters.length !== 1 || value === undefined || value.type.id !== "BOOLEAN")
      throw invalidCall(name, parameters);
    return folded(BOOLEAN, value, (so: boolean | null, next: boolean) =>
      so === null ? next : all ? so && next : so || next,
    );
  };
}

const countIf: Binder = (parameters, name) => {
  const [value] = parameters;
  if (parameters.length !== 1 || value === undefined || value.type.id !== "BOOLEAN")
    throw invalidCall(name, parameters);
  return aggregate(HUGEINT, parameters, () => {
    let rows = 0n;
    return {
      add: (row) => {
        if (value.evaluate(row) === true) rows += 1n;
      },
      result: () => rows,
    };
  });
};

const joinTexts: Binder = (parameters, name) => {
  const [value, separator] = parameters;
  if (value === undefined || parameters.length > 2) throw invalidCall(name, parameters);
  if (["OPAQUE", "JSON", "NULL"].includes(value.type.id)) throw invalidCall(name, parameters);
  const between = separator === undefined ? "," : separator.constant?.value;
  if (typeof between !== "string") throw notInEngine(`${name} with a separator that is no constant`);
  return aggregate(
    VARCHAR,
    [value],
    () => {
      let text: string | null = null;
      return {
        add: (row) => {
          const next = value.evaluate(row);
          if (next === null) return;
          const written = textOfValue(value.type, next);
          text = text === null ? written : text + between + written;
        },
        result: () => text,
      };
    },
    true,
  );
};

/** Welford's method, in the order of the rows. */
function spread(kind: "sample" | "population", root: boolean): Binder {
  return (parameters, name) => {
    const double = coerce(numberOf(parameters, name, false), DOUBLE, name);
    return aggregate(
      DOUBLE,
      parameters,
      () => {
        let rows = 0;
        let mean = 0;
        let squares = 0;
        return {
          add: (row) => {
            const value = double.evaluate(row) as number | null;
            if (value === null) return;
            rows += 1;
            const delta = value - mean;
            mean += delta / rows;
            squares += delta * (value - mean);
          },
          result: () => {
            if (rows === 0 || (rows === 1 && kind === "sample")) return null;
            const variance = rows === 1 ? 0 : squares / (kind === "sample" ? rows - 1 : rows);
            if (!Number.isFinite(variance)) throw failed(`${name} is out of range.`);
            return root ? Math.sqrt(variance) : variance;
          },
        };
      },
      true,
    );
  };
}

/** Every aggregate by name. */
export const aggregateFunctions: ReadonlyMap<string, Binder> = new Map<string, Binder>([
  ["any_value", anyValue],
  ["arg_max", extremeBy(1)],
  ["arg_min", extremeBy(-1)],
  ["avg", average],
  ["bool_and", truth(true)],
  ["bool_or", truth(false)],
  ["count", count],
  ["count_if", countIf],
  ["max", extreme(1)],
  ["max_by", extremeBy(1)],
  ["mean", average],
  ["min", extreme(-1)],
  ["min_by", extremeBy(-1)],
  ["stddev", spread("sample", true)],
  ["stddev_pop", spread("population", true)],
  ["stddev_samp", spread("sample", true)],
  ["string_agg", joinTexts],
  ["sum", sum],
  ["var_pop", spread("population", false)],
  ["var_samp", spread("sample", false)],
  ["variance", spread("sample", false)],
]);

function numberOf(parameters: readonly Bound[], name: string, booleans: boolean): Bound {
  const [number] = parameters;
  if (parameters.length !== 1 || number === undefined || number.isText) throw invalidCall(name, parameters);
  const { type } = number;
  const accepted = isInteger(type) || ["DOUBLE", "DECIMAL"].includes(type.id) || (booleans && type.id === "BOOLEAN");
  if (!accepted) throw invalidCall(name, parameters);
  // DuckDB multiplies instead of adding.
  if (type.id === "DOUBLE" && number.isFixed) throw notInEngine(`${name} of a constant`);
  return number;
}

function aggregate(
  type: SqlType,
  parameters: readonly Bound[],
  create: () => AggregateState,
  dependsOnOrder = false,
): Aggregate {
  return { type, parameters, dependsOnOrder, create };
}

/** An aggregate that skips NULLs and keeps one value, NULL before the first. */
function folded<State extends Value, Input>(
  type: SqlType,
  bound: Bound,
  step: (state: State, value: Input) => State,
  dependsOnOrder = false,
): Aggregate {
  return aggregate(
    type,
    [bound],
    () => {
      let state: Value = null;
      return {
        add: (row) => {
          const value = bound.evaluate(row);
          if (value !== null) state = step(state as State, value as Input);
        },
        result: () => state,
      };
    },
    dependsOnOrder,
  );
}
