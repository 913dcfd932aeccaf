/** Damages a note file: a value of another type, a key gone or added, or the text itself cut and changed. */
import type { JsonObject, JsonValue } from "../../zeppelin/json.js";
import type { Random } from "../support/seeded-random.js";

const wrongValues: readonly JsonValue[] = [
  null,
  0,
  -1.5,
  true,
  "",
  "text",
  [],
  {},
  [null],
  { a: null },
  "%x(",
  "2016-10-18T03:40:00.000Z",
  ["%md"],
  { type: 7 },
];

export function mutated(file: JsonObject, random: Random): string {
  let value: JsonValue = file;
  for (let count = 1 + random.below(3); count > 0; count -= 1) value = change(value, random, 0);
  const text = JSON.stringify(value);
  if (!random.chance(0.15)) return text;
  const at = random.below(text.length + 1);
  return random.chance(0.5)
    ? text.slice(0, at)
    : `${text.slice(0, at)}${random.pick(["}", '"', "\u0000", ",,", "// %%\n"])}${text.slice(at)}`;
}

function change(value: JsonValue, random: Random, depth: number): JsonValue {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  if (keys.length === 0 || (depth > 0 && random.chance(0.2))) return random.pick(wrongValues);
  const key = random.pick(keys);
  if (Array.isArray(value)) {
    const items: JsonValue[] = [...(value as readonly JsonValue[])];
    if (random.chance(0.1)) items.splice(Number(key), 1);
    else items[Number(key)] = change(items[Number(key)] ?? null, random, depth + 1);
    return items;
  }
  const object: Record<string, JsonValue> = { ...(value as JsonObject) };
  if (random.chance(0.15)) delete object[key];
  else if (random.chance(0.1))
    object[random.pick(["results", "result", "config", "settings", "title", "cells", "nbformat", "__proto__"])] =
      random.pick(wrongValues);
  else object[key] = change(object[key] ?? null, random, depth + 1);
  return object;
}
