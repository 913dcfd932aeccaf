/**
 * The scalar functions of the AlaSQL engine: the allow-list. Each takes exactly the types that stand here and answers to the
 * bit what DuckDB answers; logarithms, powers and the like are missing because two mathematical libraries differ in the last
 * bit. Pure.
 */
import { type Bound, coerce, computed, invalidCall, unified } from "./bound.js";
import { type ScalarFunction, shownCall, strict } from "./call-kinds.js";
import { absolute, round, signOf, squareRoot, toWhole } from "./number-functions.js";
import { condition, refuseUncomparable } from "./operators.js";
import {
  codePoints,
  concat,
  concatWith,
  cut,
  ends,
  find,
  left,
  lower,
  pad,
  repeat,
  right,
  splitPart,
  starts,
  trim,
  upper,
} from "./text-functions.js";
import { dateDiff, datePart, dateTrunc, ofTime, partOfDate, timeBucket } from "./time-functions.js";
import * as times from "./times.js";
import { BIGINT, BOOLEAN, compareValues, DOUBLE, INTEGER, notInEngine, VARCHAR, type Value } from "./types.js";

const coalesce: ScalarFunction = {
  bind(parameters) {
    if (parameters.length === 0) throw invalidCall("coalesce", parameters);
    const { type, bounds } = unified(parameters, "COALESCE");
    return computed("coalesce", type, shownCall("COALESCE", parameters), parameters, (row) => {
      for (const bound of bounds) {
        const value = bound.evaluate(row);
        if (value !== null) return value;
      }
      return null;
    });
  },
};

const nullIf: ScalarFunction = {
  bind(parameters, name) {
    if (parameters.length !== 2) throw invalidCall(name, parameters);
    const [kept] = parameters as readonly [Bound, Bound];
    const { type, bounds } = unified(parameters, "NULLIF");
    refuseUncomparable(type);
    const [first, second] = bounds as readonly [Bound, Bound];
    const result = kept.isText ? coerce(kept, VARCHAR, name) : kept;
    return computed(name, result.type, shownCall(name, parameters), parameters, (row) => {
      const [a, b] = [first.evaluate(row), second.evaluate(row)];
      if (a === null || (b !== null && compareValues(type, a, b) === 0)) return null;
      return result.evaluate(row);
    });
  },
};

function extreme(direction: 1 | -1): ScalarFunction {
  return {
    bind(parameters, name) {
      if (parameters.length === 0) throw invalidCall(name, parameters);
      const { type, bounds } = unified(parameters, name);
      refuseUncomparable(type);
      // DuckDB compares them here otherwise than with <.
      if (type.id === "INTERVAL") throw notInEngine(`${name} of INTERVAL`);
      return computed(name, type, shownCall(name, parameters), parameters, (row) => {
        let best: Value = null;
        for (const bound of bounds) {
          const value = bound.evaluate(row);
          if (value === null) continue;
          if (best === null || compareValues(type, value, best) * direction > 0) best = value;
        }
        return best;
      });
    },
  };
}

const ifElse: ScalarFunction = {
  bind(parameters) {
    if (parameters.length !== 3) throw invalidCall("if", parameters);
    const [when, ...results] = parameters as readonly [Bound, Bound, Bound];
    return chosen([{ when: condition(when, "The condition of IF"), result: results[0] as Bound }], results[1] as Bound);
  },
};

/** CASE: the first branch whose condition is true. */
export function chosen(
  branches: ReadonlyArray<{ readonly when: Bound; readonly result: Bound }>,
  otherwise: Bound,
): Bound {
  const { type, bounds } = unified([...branches.map((branch) => branch.result), otherwise], "CASE");
  const last = bounds.at(-1) as Bound;
  const parts = [...branches.flatMap((branch) => [branch.when, branch.result]), otherwise];
  const shown = parts.some((part) => part.shown === undefined)
    ? undefined
    : `CASE ${branches.map(({ when, result }) => ` WHEN (${when.shown}) THEN (${result.shown})`).join("")} ELSE ${otherwise.shown} END`;
  return computed("CASE", type, shown, parts, (row) => {
    const index = branches.findIndex((branch) => branch.when.evaluate(row) === true);
    return (index < 0 ? last : (bounds[index] as Bound)).evaluate(row);
  });
}

/** Every function by name. The documentation's list is checked against it. */
export const scalarFunctions: ReadonlyMap<string, ScalarFunction> = new Map<string, ScalarFunction>([
  ["abs", absolute],
  ["ceil", toWhole(true)],
  ["ceiling", toWhole(true)],
  ["coalesce", coalesce],
  ["concat", concat],
  ["concat_ws", concatWith],
  ["contains", strict([VARCHAR, VARCHAR], BOOLEAN, (text: string, part: string) => text.includes(part))],
  ["date_diff", dateDiff],
  ["datediff", dateDiff],
  ["date_part", datePart],
  ["datepart", datePart],
  ["date_trunc", dateTrunc],
  ["datetrunc", dateTrunc],
  ["day", partOfDate("day")],
  ["dayname", ofTime(VARCHAR, times.weekdayName)],
  ["dayofmonth", partOfDate("day")],
  ["dayofweek", partOfDate("dow")],
  ["dayofyear", partOfDate("doy")],
  ["ends_with", ends],
  ["epoch", ofTime(DOUBLE, (micros) => times.part("epoch", micros))],
  ["epoch_ms", ofTime(BIGINT, (micros) => times.floorDivide(micros, 1000n))],
  ["extract", datePart],
  ["floor", toWhole(false)],
  ["greatest", extreme(1)],
  ["hour", partOfDate("hour")],
  ["if", ifElse],
  ["ifnull", coalesce],
  ["instr", find],
  ["isodow", partOfDate("isodow")],
  ["lcase", lower],
  ["least", extreme(-1)],
  ["left", strict([VARCHAR, BIGINT], VARCHAR, left)],
  ["len", codePoints],
  ["length", codePoints],
  ["lower", lower],
  [
    "lpad",
    strict([VARCHAR, INTEGER, VARCHAR], VARCHAR, (text: string, length: bigint, fill: string) =>
      pad(text, length, fill, true),
    ),
  ],
  ["ltrim", trim(true, false)],
  ["minute", partOfDate("minute")],
  ["month", partOfDate("month")],
  ["monthname", ofTime(VARCHAR, times.monthName)],
  ["nullif", nullIf],
  ["prefix", starts],
  ["quarter", partOfDate("quarter")],
  ["repeat", strict([VARCHAR, BIGINT], VARCHAR, repeat)],
  [
    "replace",
    strict([VARCHAR, VARCHAR, VARCHAR], VARCHAR, (text: string, part: string, by: string) =>
      part === "" ? text : text.replaceAll(part, () => by),
    ),
  ],
  ["right", strict([VARCHAR, BIGINT], VARCHAR, right)],
  ["round", round],
  [
    "rpad",
    strict([VARCHAR, INTEGER, VARCHAR], VARCHAR, (text: string, length: bigint, fill: string) =>
      pad(text, length, fill, false),
    ),
  ],
  ["rtrim", trim(false, true)],
  ["second", partOfDate("second")],
  ["sign", signOf],
  ["split_part", strict([VARCHAR, VARCHAR, BIGINT], VARCHAR, splitPart)],
  ["sqrt", squareRoot],
  ["starts_with", starts],
  ["strlen", strict([VARCHAR], BIGINT, (text: string) => BigInt(Buffer.byteLength(text)))],
  ["strpos", find],
  ["substr", cut],
  ["substring", cut],
  ["suffix", ends],
  ["time_bucket", timeBucket],
  ["trim", trim(true, true)],
  ["ucase", upper],
  ["upper", upper],
  ["week", partOfDate("week")],
  ["weekofyear", partOfDate("week")],
  ["year", partOfDate("year")],
]);
