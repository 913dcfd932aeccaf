/** Comparison, logic and arithmetic with DuckDB's types, its NULLs and its overflows. Pure. */
import { type Bound, coerce, computed, isFixedNull, mixed, refuseFixedNull, refuseNarrow, unified } from "./bound.js";
import { castValue, rescale, withinWidth } from "./casts.js";
import type { BinaryOperator } from "./syntax.js";
import { lowerText, matchesLike, textOfValue } from "./text.js";
import { addIntervals, addToTimestamp, betweenTimestamps, scaleInterval } from "./times.js";
import {
  asDecimal,
  BIGINT,
  BOOLEAN,
  compareValues,
  DATE,
  DECIMAL_WIDTH_MAX,
  DOUBLE,
  decimal,
  failed,
  fitsInteger,
  INTERVAL,
  type Interval,
  integerRank,
  isInteger,
  isNumeric,
  notInEngine,
  type Row,
  type SqlType,
  TIMESTAMP,
  typeName,
  VARCHAR,
  type Value,
} from "./types.js";

export function binary(operator: BinaryOperator, left: Bound, right: Bound): Bound {
  switch (operator) {
    case "AND":
    case "OR":
      return logical(operator, left, right);
    case "LIKE":
    case "NOT LIKE":
    case "ILIKE":
    case "NOT ILIKE":
      return like(operator, left, right);
    case "||":
      return concatenation(left, right);
    case "+":
    case "-":
    case "*":
    case "/":
    case "//":
    case "%":
      return arithmetic(operator, left, right);
    default:
      return comparison(operator, left, right);
  }
}

export function condition(bound: Bound, where: string): Bound {
  const type = bound.type.id;
  if (type === "BOOLEAN" || type === "NULL" || bound.isText) return coerce(bound, BOOLEAN, where);
  throw notInEngine(`${where} of type ${typeName(bound.type)} (compare it with a value, such as x <> 0)`);
}

function logical(operator: "AND" | "OR", left: Bound, right: Bound): Bound {
  const [a, b] = [condition(left, `An operand of ${operator}`), condition(right, `An operand of ${operator}`)];
  const deciding = operator === "OR";
  const flat = [flattened(operator, left), flattened(operator, right)];
  const shown = flat.includes(undefined) ? undefined : `(${flat.join(` ${operator} `)})`;
  return computed(operator, BOOLEAN, shown, [left, right], (row) => {
    const first = a.evaluate(row);
    if (first === deciding) return deciding;
    const second = b.evaluate(row);
    if (second === deciding) return deciding;
    return first === null || second === null ? null : !deciding;
  });
}

/** `a AND (b AND c)` is shown as one list of three. */
function flattened(operator: "AND" | "OR", bound: Bound): string | undefined {
  return bound.key.startsWith(`${operator}(`) ? bound.shown?.slice(1, -1) : bound.shown;
}

export function not(operand: Bound): Bound {
  const bound = condition(operand, "The operand of NOT");
  // DuckDB names the opposite of a comparison where there is one; that is left to an alias.
  const shown = operand.key.startsWith("#") && operand.shown !== undefined ? `(NOT ${operand.shown})` : undefined;
  return computed("NOT", BOOLEAN, shown, [operand], (row) => {
    const value = bound.evaluate(row);
    return value === null ? null : !value;
  });
}

type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

const verdicts: Readonly<Record<Comparison, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

export function comparison(
  operator: Comparison | "IS DISTINCT FROM" | "IS NOT DISTINCT FROM",
  left: Bound,
  right: Bound,
): Bound {
  const {
    type,
    bounds: [a, b],
  } = unified([left, right], "A comparison");
  refuseUncomparable(type);
  const shown = shownBinary(left, operator, right);
  const compare = (row: Row, decide: (order: number) => boolean, ofNulls: (bothNull: boolean) => Value): Value => {
    const first = (a as Bound).evaluate(row);
    const second = (b as Bound).evaluate(row);
    if (first === null || second === null) return ofNulls(first === second);
    return decide(compareValues(type, first, second));
  };
  if (operator === "IS DISTINCT FROM" || operator === "IS NOT DISTINCT FROM") {
    const same = operator === "IS NOT DISTINCT FROM";
    const decide = (order: number): boolean => (order === 0) === same;
    return computed(operator, BOOLEAN, shown, [left, right], (row) =>
      compare(row, decide, (bothNull) => bothNull === same),
    );
  }
  return computed(operator, BOOLEAN, shown, [left, right], (row) => compare(row, verdicts[operator], () => null));
}

/** What has no order that is DuckDB's for certain. */
export function refuseUncomparable(type: SqlType): void {
  if (type.id === "OPAQUE" || type.id === "JSON")
    throw notInEngine(`Comparing, sorting or grouping by values of type ${typeName(type)}`);
}

function like(operator: "LIKE" | "NOT LIKE" | "ILIKE" | "NOT ILIKE", left: Bound, right: Bound): Bound {
  const [text, pattern] = [left, right].map((side) => {
    if (side.type.id !== "VARCHAR" && side.type.id !== "NULL") throw mixed(operator, side.type, VARCHAR);
    return coerce(side, VARCHAR, operator);
  }) as [Bound, Bound];
  const negated = operator.startsWith("NOT ");
  const caseless = operator.endsWith("ILIKE");
  const fold = caseless ? lowerText : (value: string): string => value;
  const symbol = `${negated ? "!~~" : "~~"}${caseless ? "*" : ""}`;
  return computed(operator, BOOLEAN, shownBinary(left, symbol, right), [left, right], (row) => {
    const value = text.evaluate(row);
    const wanted = pattern.evaluate(row);
    if (value === null || wanted === null) return null;
    return matchesLike(fold(value as string), fold(wanted as string)) !== negated;
  });
}

function concatenation(left: Bound, right: Bound): Bound {
  for (const side of [left, right]) {
    if (side.type.id === "OPAQUE" || side.type.id === "JSON") throw mixed("||", side.type, VARCHAR);
  }
  const shown = shownBinary(left, "||", right);
  if (left.type.id === "NULL" || right.type.id === "NULL") {
    return { ...computed("||", { id: "NULL" }, shown, [left, right], () => null), isFixed: true };
  }
  refuseFixedNull([left, right], "||");
  return computed("||", VARCHAR, shown, [left, right], (row) => {
    const first = left.evaluate(row);
    const second = right.evaluate(row);
    if (first === null || second === null) return null;
    return textOfValue(left.type, first) + textOfValue(right.type, second);
  });
}

type Arithmetic = "+" | "-" | "*" | "/" | "//" | "%";

function arithmetic(operator: Arithmetic, left: Bound, right: Bound): Bound {
  const shown = shownBinary(left, operator, right);
  if (left.isText || right.isText) throw notInEngine(`${operator} with a string (cast it first)`);
  const result = arithmeticOf(operator, left, right, shown);
  return { ...result, isFixed: result.isFixed || isFixedNull(left) || isFixedNull(right) };
}

function arithmeticOf(operator: Arithmetic, left: Bound, right: Bound, shown: string | undefined): Bound {
  const timed = temporal(operator, left, right, shown);
  if (timed !== undefined) return timed;
  for (const side of [left, right]) {
    if (!isNumeric(side.type)) throw mixed(operator, left.type, right.type);
  }
  refuseNarrow([left, right], operator);
  if (operator === "/") return doubles(operator, left, right, shown);
  if (left.type.id === "DOUBLE" || right.type.id === "DOUBLE") return doubles(operator, left, right, shown);
  if (isInteger(left.type) && isInteger(right.type)) return integers(operator, left, right, shown);
  return decimals(operator, left, right, shown);
}

const ofDoubles: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "//": (a, b) => a / b,
  "%": (a, b) => a % b,
};

function doubles(operator: Arithmetic, left: Bound, right: Bound, shown: string | undefined): Bound {
  if (operator === "//") throw notInEngine("// of DOUBLE");
  const [a, b] = [coerce(left, DOUBLE, operator), coerce(right, DOUBLE, operator)];
  const compute = ofDoubles[operator];
  return computed(operator, DOUBLE, shown, [left, right], (row) => {
    const first = a.evaluate(row);
    const second = b.evaluate(row);
    return first === null || second === null ? null : compute(first as number, second as number);
  });
}

function integers(operator: Arithmetic, left: Bound, right: Bound, shown: string | undefined): Bound {
  const type = integerRank(left.type) >= integerRank(right.type) ? left.type : right.type;
  if (!isInteger(type)) throw mixed(operator, left.type, right.type);
  return computed(operator, type, shown, [left, right], (row) => {
    const first = left.evaluate(row);
    const second = right.evaluate(row);
    if (first === null || second === null) return null;
    const value = ofIntegers(operator, first as bigint, second as bigint);
    if (value !== null && !fitsInteger(value, type.id)) throw overflow(operator, type, first, second);
    return value;
  });
}

/** Division and remainder by zero are NULL. */
function ofIntegers(operator: Arithmetic, a: bigint, b: bigint): bigint | null {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "//":
      return b === 0n ? null : a / b;
    default:
      return b === 0n ? null : a % b;
  }
}

const WIDTH_OF_64_BITS = 18;

function decimals(operator: Arithmetic, left: Bound, right: Bound, shown: string | undefined): Bound {
  const [a, b] = [asDecimal(left.type), asDecimal(right.type)];
  if (operator === "//") throw notInEngine("// of DECIMAL");
  if (a === undefined || b === undefined) throw mixed(operator, left.type, right.type);
  refuseFixedNull([left, right], operator);
  const product = operator === "*";
  const scale = product ? a.scale + b.scale : Math.max(a.scale, b.scale);
  const whole = Math.max(a.width - a.scale, b.width - b.scale);
  let width = product ? a.width + b.width : whole + scale + (operator === "%" ? 0 : 1);
  if (operator === "%" && width > DECIMAL_WIDTH_MAX)
    throw notInEngine(`% of ${typeName(left.type)} and ${typeName(right.type)}`);
  const widest = Math.max(a.width, b.width);
  // Two that fit 64 bits stay there, and overflow instead.
  if (width > WIDTH_OF_64_BITS && widest <= WIDTH_OF_64_BITS && scale < WIDTH_OF_64_BITS) width = WIDTH_OF_64_BITS;
  if (scale > DECIMAL_WIDTH_MAX) throw notInEngine("A DECIMAL of more than 38 places");
  const type = decimal(width, scale);
  if (type.id !== "DECIMAL") throw mixed(operator, left.type, right.type);
  return computed(operator, type, shown, [left, right], (row) => {
    const first = left.evaluate(row);
    const second = right.evaluate(row);
    if (first === null || second === null) return null;
    const x = product ? (first as bigint) : rescale(first as bigint, a.scale, scale);
    const y = product ? (second as bigint) : rescale(second as bigint, b.scale, scale);
    const value = ofIntegers(operator, x, y);
    return value === null
      ? null
      : withinWidth(value, type.width, () => `Overflow in ${typeName(type)} at ${operator}.`);
  });
}

/** Dates, timestamps and intervals; undefined where neither side is one. */
function temporal(operator: Arithmetic, left: Bound, right: Bound, shown: string | undefined): Bound | undefined {
  const rule = temporalRules.find((entry) => entry.operator === operator && entry.matches(left.type, right.type));
  if (rule === undefined) return undefined;
  return computed(operator, rule.type, shown, [left, right], (row) => {
    const first = left.evaluate(row);
    const second = right.evaluate(row);
    return first === null || second === null ? null : rule.apply(first, second, left.type, right.type);
  });
}

interface TemporalRule {
  readonly operator: Arithmetic;
  readonly type: SqlType;
  matches(left: SqlType, right: SqlType): boolean;
  apply(left: Exclude<Value, null>, right: Exclude<Value, null>, leftType: SqlType, rightType: SqlType): Value;
}

const isPoint = (type: SqlType): boolean => type.id === "DATE" || type.id === "TIMESTAMP";
const isInterval = (type: SqlType): boolean => type.id === "INTERVAL";
const isDays = (type: SqlType): boolean => type.id === "INTEGER";
const micros = (value: Exclude<Value, null>, type: SqlType): bigint => castValue(value, type, TIMESTAMP) as bigint;

const temporalRules: readonly TemporalRule[] = [
  {
    operator: "+",
    type: TIMESTAMP,
    matches: (left, right) => isPoint(left) && isInterval(right),
    apply: (left, right, type) => addToTimestamp(micros(left, type), right as Interval),
  },
  {
    operator: "+",
    type: TIMESTAMP,
    matches: (left, right) => isInterval(left) && isPoint(right),
    apply: (left, right, _, type) => addToTimestamp(micros(right, type), left as Interval),
  },
  {
    operator: "-",
    type: TIMESTAMP,
    matches: (left, right) => isPoint(left) && isInterval(right),
    apply: (left, right, type) => addToTimestamp(micros(left, type), scaleInterval(right as Interval, -1n)),
  },
  {
    operator: "+",
    type: DATE,
    matches: (left, right) => left.id === "DATE" && isDays(right),
    apply: (left, right) => (left as bigint) + (right as bigint),
  },
  {
    operator: "-",
    type: DATE,
    matches: (left, right) => left.id === "DATE" && isDays(right),
    apply: (left, right) => (left as bigint) - (right as bigint),
  },
  {
    operator: "-",
    type: BIGINT,
    matches: (left, right) => left.id === "DATE" && right.id === "DATE",
    apply: (left, right) => (left as bigint) - (right as bigint),
  },
  {
    operator: "-",
    type: INTERVAL,
    matches: (left, right) => left.id === "TIMESTAMP" && right.id === "TIMESTAMP",
    apply: (left, right) => betweenTimestamps(left as bigint, right as bigint),
  },
  {
    operator: "+",
    type: INTERVAL,
    matches: (left, right) => isInterval(left) && isInterval(right),
    apply: (left, right) => addIntervals(left as Interval, right as Interval),
  },
  {
    operator: "-",
    type: INTERVAL,
    matches: (left, right) => isInterval(left) && isInterval(right),
    apply: (left, right) => addIntervals(left as Interval, scaleInterval(right as Interval, -1n)),
  },
];

export function sign(operator: "-" | "+", operand: Bound): Bound {
  const { type } = operand;
  if (operand.isText || !isNumeric(type)) throw mixed(`The sign ${operator}`, type, type);
  refuseNarrow([operand], "The sign");
  if (type.id === "DECIMAL") refuseFixedNull([operand], "The sign");
  const shown = operand.shown === undefined ? undefined : `${operator}(${operand.shown})`;
  return computed(`sign${operator}`, type, shown, [operand], (row) => {
    const value = operand.evaluate(row);
    if (value === null || operator === "+") return value;
    if (typeof value === "number") return -value;
    if (isInteger(type) && !fitsInteger(-(value as bigint), type.id)) throw overflow("-", type, value);
    return -(value as bigint);
  });
}

export function shownBinary(left: Bound, operator: string, right: Bound): string | undefined {
  return left.shown === undefined || right.shown === undefined
    ? undefined
    : `(${left.shown} ${operator} ${right.shown})`;
}

function overflow(operator: string, type: SqlType, ...operands: readonly Value[]): Error {
  return failed(`Overflow in ${typeName(type)}: ${operands.map(String).join(` ${operator} `)} is out of its range.`);
}
