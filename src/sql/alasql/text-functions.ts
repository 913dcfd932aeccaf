/** Functions of text in the AlaSQL engine. A character is a code point, as in DuckDB. Pure. */
import { computed, invalidCall } from "./bound.js";
import { argument, type ScalarFunction, shownCall, strict } from "./call-kinds.js";
import { lowerText, textOfValue, upperText } from "./text.js";
import { BIGINT, BOOLEAN, failed, notInEngine, VARCHAR } from "./types.js";

/** Longest text that a function may make. */
const TEXT_MAX = 10 * 1024 * 1024;

export const concat: ScalarFunction = {
  bind(parameters, name) {
    if (parameters.length === 0) throw invalidCall(name, parameters);
    for (const { type } of parameters) if (["OPAQUE", "JSON"].includes(type.id)) throw invalidCall(name, parameters);
    return computed(name, VARCHAR, shownCall(name, parameters), parameters, (row) => {
      let text = "";
      for (const parameter of parameters) {
        const value = parameter.evaluate(row);
        if (value !== null) text += textOfValue(parameter.type, value);
      }
      return text;
    });
  },
};

export const concatWith: ScalarFunction = {
  bind(parameters, name) {
    const [separator, ...rest] = parameters;
    if (separator === undefined || rest.length === 0) throw invalidCall(name, parameters);
    for (const { type } of rest) if (["OPAQUE", "JSON"].includes(type.id)) throw invalidCall(name, parameters);
    const between = argument(separator, VARCHAR, name, parameters);
    return computed(name, VARCHAR, shownCall(name, parameters), parameters, (row) => {
      const text = between.evaluate(row);
      if (text === null) return null;
      const present = rest.flatMap((parameter) => {
        const value = parameter.evaluate(row);
        return value === null ? [] : [textOfValue(parameter.type, value)];
      });
      return present.join(text as string);
    });
  },
};

export function left(text: string, count: bigint): string {
  const points = [...text];
  return points.slice(0, Number(count < 0n ? maximum(BigInt(points.length) + count, 0n) : count)).join("");
}

export function right(text: string, count: bigint): string {
  const points = [...text];
  const length = BigInt(points.length);
  const kept = count < 0n ? maximum(length + count, 0n) : minimum(count, length);
  return points.slice(points.length - Number(kept)).join("");
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function substring(text: string, start: bigint, length?: bigint): string {
  if (start < 1n || (length ?? 0n) < 0n) throw notInEngine("substring from below 1 or of a negative length");
  const points = [...text];
  const from = Number(start) - 1;
  return points
    .slice(from, length === undefined ? undefined : from + Number(minimum(length, BigInt(points.length))))
    .join("");
}

function trimmed(text: string, characters: string, atStart: boolean, atEnd: boolean): string {
  const points = [...text];
  const trim = new Set(characters);
  let from = 0;
  let to = points.length;
  while (atStart && from < to && trim.has(points[from] as string)) from += 1;
  while (atEnd && to > from && trim.has(points[to - 1] as string)) to -= 1;
  return points.slice(from, to).join("");
}

export function trim(atStart: boolean, atEnd: boolean): ScalarFunction {
  return strict(
    [VARCHAR, VARCHAR],
    VARCHAR,
    (text: string, characters = " ") => trimmed(text, characters, atStart, atEnd),
    1,
  );
}

export function pad(text: string, length: bigint, filling: string, before: boolean): string {
  const points = [...text];
  const wanted = Number(maximum(length, 0n));
  if (wanted > TEXT_MAX) throw failed(`A text of ${wanted} characters is too long.`);
  if (points.length >= wanted) return points.slice(0, wanted).join("");
  const fill = [...filling];
  if (fill.length === 0) throw failed("There is nothing to pad with.");
  const added = Array.from({ length: wanted - points.length }, (_, index) => fill[index % fill.length]).join("");
  return before ? added + text : text + added;
}

export function repeat(text: string, count: bigint): string {
  const times = Number(maximum(count, 0n));
  if (text.length * times > TEXT_MAX) throw failed(`A text of ${text.length * times} characters is too long.`);
  return text.repeat(times);
}

function position(text: string, part: string): bigint {
  const at = text.indexOf(part);
  return at < 0 ? 0n : BigInt([...text.slice(0, at)].length + 1);
}

export function splitPart(text: string, separator: string, index: bigint): string {
  if (separator === "" || index < 1n) throw notInEngine("split_part by nothing, or at a part below 1");
  return text.split(separator)[Number(index) - 1] ?? "";
}

export const starts = strict([VARCHAR, VARCHAR], BOOLEAN, (text: string, part: string) => text.startsWith(part));

export const ends = strict([VARCHAR, VARCHAR], BOOLEAN, (text: string, part: string) => text.endsWith(part));

export const find = strict([VARCHAR, VARCHAR], BIGINT, position);

export const codePoints = strict([VARCHAR], BIGINT, (text: string) => BigInt([...text].length));

export const cut = strict([VARCHAR, BIGINT, BIGINT], VARCHAR, substring, 1);

export const upper = strict([VARCHAR], VARCHAR, upperText);

export const lower = strict([VARCHAR], VARCHAR, lowerText);
