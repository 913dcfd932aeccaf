/** Functions of dates, timestamps and intervals in the AlaSQL engine; the reckoning is in alasql/times.ts. Pure. */
import { type Bound, coerce, computed, invalidCall } from "./bound.js";
import { type ScalarFunction, shownCall } from "./call-kinds.js";
import * as times from "./times.js";
import { BIGINT, DATE, DOUBLE, type Interval, notInEngine, type SqlType, TIMESTAMP, type Value } from "./types.js";

/** `name` for a timestamp or a date, which becomes its midnight. */
export function ofTime(type: SqlType, apply: (micros: bigint) => Value): ScalarFunction {
  return {
    bind(parameters, name) {
      const [time] = parameters;
      if (parameters.length !== 1 || time === undefined) throw invalidCall(name, parameters);
      const micros = point(time, name, parameters);
      return computed(name, type, shownCall(name, parameters), parameters, (row) => {
        const value = micros.evaluate(row);
        return value === null ? null : apply(value as bigint);
      });
    },
  };
}

function point(bound: Bound, name: string, all: readonly Bound[]): Bound {
  if (bound.isText || !["TIMESTAMP", "DATE"].includes(bound.type.id)) throw invalidCall(name, all);
  return coerce(bound, TIMESTAMP, name);
}

/** The unit of time that a call names; only a constant is taken. */
function unitOf(bound: Bound | undefined, name: string): string {
  if (typeof bound?.constant?.value !== "string") throw notInEngine(`${name} with a unit that is no constant`);
  return times.unitOf(bound.constant.value);
}

export const dateTrunc: ScalarFunction = {
  bind(parameters, name) {
    const [unitName, time] = parameters;
    if (parameters.length !== 2 || time === undefined) throw invalidCall(name, parameters);
    const unit = unitOf(unitName, name);
    const micros = point(time, name, parameters);
    return computed(`${name} ${unit}`, TIMESTAMP, shownCall(name, parameters), parameters, (row) => {
      const value = micros.evaluate(row);
      return value === null ? null : times.truncate(unit, value as bigint);
    });
  },
};

export const datePart: ScalarFunction = {
  bind(parameters, name) {
    const [unitName, time] = parameters;
    if (parameters.length !== 2 || time === undefined) throw invalidCall(name, parameters);
    const unit = unitOf(unitName, name);
    const micros = point(time, name, parameters);
    const type = unit === "epoch" ? DOUBLE : BIGINT;
    return computed(`${name} ${unit}`, type, shownCall(name, parameters), parameters, (row) => {
      const value = micros.evaluate(row);
      return value === null ? null : times.part(unit, value as bigint);
    });
  },
};

export const dateDiff: ScalarFunction = {
  bind(parameters, name) {
    const [unitName, from, to] = parameters;
    if (parameters.length !== 3 || from === undefined || to === undefined) throw invalidCall(name, parameters);
    const unit = unitOf(unitName, name);
    const [start, end] = [point(from, name, parameters), point(to, name, parameters)];
    return computed(`${name} ${unit}`, BIGINT, shownCall(name, parameters), parameters, (row) => {
      const [first, second] = [start.evaluate(row), end.evaluate(row)];
      return first === null || second === null ? null : times.borders(unit, first as bigint, second as bigint);
    });
  },
};

export const timeBucket: ScalarFunction = {
  bind(parameters, name) {
    const [width, time] = parameters;
    if (parameters.length !== 2 || width === undefined || time === undefined) throw invalidCall(name, parameters);
    if (width.isText || width.type.id !== "INTERVAL") throw invalidCall(name, parameters);
    const isDate = time.type.id === "DATE";
    const micros = point(time, name, parameters);
    return computed(name, isDate ? DATE : TIMESTAMP, shownCall(name, parameters), parameters, (row) => {
      const [interval, value] = [width.evaluate(row), micros.evaluate(row)];
      if (interval === null || value === null) return null;
      const start = times.bucket(interval as Interval, value as bigint);
      return isDate ? times.floorDivide(start, times.DAY_MICROS) : start;
    });
  },
};

export const partOfDate = (unit: string): ScalarFunction => ofTime(BIGINT, (micros) => times.part(unit, micros));
