/** Orders rows by several expressions, NULLs where SQL wants them. Pure. */
import type { Bound } from "./bound.js";
import { refuseUncomparable } from "./operators.js";
import { compareValues, type Row, type Value } from "./types.js";

export interface SortKey {
  readonly bound: Bound;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface KeyedRow {
  readonly row: Row;
  readonly keys: readonly Value[];
}

export function keyedRow(row: Row, keys: readonly SortKey[]): KeyedRow {
  return { row, keys: keys.map((key) => key.bound.evaluate(row)) };
}

export function ordering(keys: readonly SortKey[]): (a: KeyedRow, b: KeyedRow) => number {
  for (const { bound } of keys) refuseUncomparable(bound.type);
  return (a, b) => {
    for (const [index, key] of keys.entries()) {
      const order = compareKeys(key, a.keys[index] ?? null, b.keys[index] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compareKeys(key: SortKey, a: Value, b: Value): number {
  if (a === null || b === null) {
    if (a === b) return 0;
    return (a === null) === key.nullsFirst ? -1 : 1;
  }
  const order = compareValues(key.bound.type, a, b);
  return key.descending ? -order : order;
}
