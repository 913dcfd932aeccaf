/** Functions of numbers in the AlaSQL engine: those that two mathematical libraries answer alike to the bit. Pure. */
import { type Bound, coerce, computed, invalidCall, refuseNarrow } from "./bound.js";
import { numberOf, type Present, type ScalarFunction, shownCall, strict } from "./call-kinds.js";
import { rescale } from "./casts.js";
import * as times from "./times.js";
import { DOUBLE, decimal, failed, isInteger, notInEngine, type SqlType, typeName, type Value } from "./types.js";

export const absolute: ScalarFunction = {
  bind(parameters, name) {
    const number = numberOf(parameters, name);
    refuseNarrow([number], name);
    const { type } = number;
    return computed(name, type, shownCall(name, parameters), parameters, (row) => {
      const value = number.evaluate(row);
      if (typeof value === "number") return Math.abs(value);
      if (typeof value !== "bigint") return null;
      if (value === -(2n ** 31n) && type.id === "INTEGER") throw failed("Overflow in abs of INTEGER.");
      if (value === -(2n ** 63n) && type.id === "BIGINT") throw failed("Overflow in abs of BIGINT.");
      return value < 0n ? -value : value;
    });
  },
};

export const signOf: ScalarFunction = {
  bind(parameters, name) {
    const number = numberOf(parameters, name);
    return computed(name, { id: "TINYINT" }, shownCall(name, parameters), parameters, (row) => {
      const value = number.evaluate(row);
      if (value === null) return null;
      return Number(value) > 0 ? 1n : Number(value) < 0 ? -1n : 0n;
    });
  },
};

export const squareRoot: ScalarFunction = strict([DOUBLE], DOUBLE, (value: number) => {
  if (value < 0) throw failed("The square root of a negative number does not exist.");
  return Math.sqrt(value);
});

/** `floor` and `ceil`: integers become DOUBLE, decimals lose their places. */
export function toWhole(up: boolean): ScalarFunction {
  return {
    bind(parameters, name) {
      const number = numberOf(parameters, name);
      const { type } = number;
      const shown = shownCall(name, parameters);
      if (type.id === "DECIMAL" && type.scale > 0) {
        const power = 10n ** BigInt(type.scale);
        return computed(name, decimal(type.width, 0), shown, parameters, (row) => {
          const value = number.evaluate(row);
          if (value === null) return null;
          return up ? -times.floorDivide(-(value as bigint), power) : times.floorDivide(value as bigint, power);
        });
      }
      if (type.id === "DECIMAL") throw notInEngine(`${name} of ${typeName(type)}`);
      const double = coerce(number, DOUBLE, name);
      return computed(name, DOUBLE, shown, parameters, (row) => {
        const value = double.evaluate(row);
        return value === null ? null : up ? Math.ceil(value as number) : Math.floor(value as number);
      });
    },
  };
}

const PLACES_MAX = 15;

export const round: ScalarFunction = {
  bind(parameters, name) {
    const [, places] = parameters;
    const number = numberOf(parameters.slice(0, 1), name);
    if (parameters.length > 2) throw invalidCall(name, parameters);
    const digits = places === undefined ? 0 : Number(places.constant?.value ?? Number.NaN);
    if (
      !Number.isInteger(digits) ||
      Math.abs(digits) > PLACES_MAX ||
      (places !== undefined && !isInteger(places.type))
    ) {
      throw notInEngine(`${name} to a number of places that is no constant from -${PLACES_MAX} to ${PLACES_MAX}`);
    }
    const shown = shownCall(name, parameters);
    const { type } = number;
    if (type.id === "DOUBLE")
      return rounded(name, type, shown, parameters, (value) => roundDouble(value as number, digits));
    if (type.id === "DECIMAL") {
      if (digits < 0 || type.scale === 0) throw notInEngine(`${name} of ${typeName(type)} to ${digits} places`);
      const kept = Math.min(digits, type.scale);
      return rounded(name, decimal(type.width, kept), shown, parameters, (value) =>
        rescale(value as bigint, type.scale, kept),
      );
    }
    if (digits >= 0) return rounded(name, type, shown, parameters, (value) => value);
    if (type.id === "HUGEINT") throw notInEngine(`${name} of HUGEINT to tens`);
    return rounded(name, type, shown, parameters, (value) => {
      return rescale(value as bigint, -digits, 0) * 10n ** BigInt(-digits);
    });
  },
};

function rounded(
  name: string,
  type: SqlType,
  shown: string | undefined,
  parameters: readonly Bound[],
  apply: (value: Present) => Value,
): Bound {
  const [number] = parameters as readonly [Bound];
  return computed(name, type, shown, parameters, (row) => {
    const value = number.evaluate(row);
    return value === null ? null : apply(value);
  });
}

function roundDouble(value: number, digits: number): number {
  const power = 10 ** Math.abs(digits);
  const result = digits < 0 ? awayFromZero(value / power) * power : awayFromZero(value * power) / power;
  if (Number.isFinite(result)) return result;
  return digits < 0 ? 0 : value;
}

function awayFromZero(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}
