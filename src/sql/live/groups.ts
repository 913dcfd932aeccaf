/**
 * The kept state of a grouped query as JavaScript values: one entry a group, merged with the partial aggregates that
 * DuckDB makes of new rows, and put in order for the answer. Only for values whose adding and comparing is exact here
 * as there; which types these are is decided by the caller. Pure.
 */
import type { Merge } from "./aggregates.js";
import type { DirectFinal } from "./block-plan.js";

/** A value as it is kept: numbers as they are; integers and instants beyond 2^53 as bigint, and only those. */
export type KeptValue = null | boolean | number | bigint | string;
export type KeptColumn = KeptValue[];

/** Sorting all groups is for answers that hold more than one in so many of them. */
const FEW_OF_ALL = 8;

const HUGEINT_MAX = 2n ** 127n - 1n;
const SAFE_MIN = BigInt(Number.MIN_SAFE_INTEGER);
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export class KeptGroups {
  /** Group columns first, then partial aggregates. */
  readonly columns: readonly KeptColumn[];
  readonly #groupCount: number;
  readonly #merges: readonly Merge[];
  readonly #slots = new Map<KeptValue, number>();

  constructor(groupCount: number, merges: readonly Merge[]) {
    this.#groupCount = groupCount;
    this.#merges = merges;
    this.columns = Array.from({ length: groupCount + merges.length }, () => []);
  }

  get size(): number {
    return this.#slots.size;
  }

  /**
   * Joins the partial aggregates of new rows, columns in the same order as ours. `isWhole`: which columns hold integers,
   * whose sums stay exact beyond 2^53.
   */
  merge(fresh: readonly KeptColumn[], rowCount: number, isWhole: readonly boolean[]): void {
    const slots = new Int32Array(rowCount);
    const known = this.size;
    for (let row = 0; row < rowCount; row++) slots[row] = this.#slotOf(fresh, row);
    fresh.forEach((values, index) => {
      const kept = this.columns[index] as KeptColumn;
      const merge = this.#merges[index - this.#groupCount];
      const join = merge === undefined ? undefined : joinOf(merge, isWhole[index] === true);
      for (let row = 0; row < rowCount; row++) {
        const slot = slots[row] as number;
        const value = values[row] as KeptValue;
        if (slot >= known) kept[slot] = value;
        else if (join !== undefined) kept[slot] = join(kept[slot] as KeptValue, value);
      }
    });
  }

  /** The groups of the answer, in its order. */
  select({ orders, offset, limit }: DirectFinal): Int32Array {
    const end = limit === undefined ? this.size : Math.min(this.size, offset + limit);
    if (orders.length === 0)
      return Int32Array.from({ length: Math.max(0, end - offset) }, (_, index) => offset + index);
    const compare = (a: number, b: number): number => this.#compareSlots(orders, a, b);
    const ordered = end * FEW_OF_ALL > this.size ? this.#sorted(compare) : this.#first(end, compare);
    return Int32Array.from(ordered.slice(offset, end));
  }

  #sorted(compare: (a: number, b: number) => number): readonly number[] {
    return Array.from({ length: this.size }, (_, slot) => slot).sort(compare);
  }

  /** The first ones in order, by one pass: most slots are compared with the last of them only. */
  #first(count: number, compare: (a: number, b: number) => number): readonly number[] {
    const first: number[] = [];
    for (let slot = 0; slot < this.size; slot++) {
      const last = first[count - 1];
      if (last !== undefined && compare(slot, last) >= 0) continue;
      let [low, high] = [0, first.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compare(slot, first[middle] as number) < 0) high = middle;
        else low = middle + 1;
      }
      first.splice(low, 0, slot);
      if (first.length > count) first.pop();
    }
    return first;
  }

  #slotOf(columns: readonly KeptColumn[], row: number): number {
    const key = this.#groupCount === 1 ? (columns[0]?.[row] ?? null) : jointKey(columns, this.#groupCount, row);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(key, slot);
    return slot;
  }

  #compareSlots(orders: DirectFinal["orders"], a: number, b: number): number {
    for (const { column, descending, nullsFirst } of orders) {
      const values = this.columns[column] as KeptColumn;
      const [left, right] = [values[a] as KeptValue, values[b] as KeptValue];
      if (left === null || right === null) {
        if (left === right) continue;
        return (left === null) === nullsFirst ? -1 : 1;
      }
      const order = compareValues(left, right);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  }
}

/** Text that differs whenever a value does; the columns' types are fixed, so kinds need no mark of their own. */
function jointKey(columns: readonly KeptColumn[], groupCount: number, row: number): string {
  let key = "";
  for (let index = 0; index < groupCount; index++) {
    const value = (columns[index] as KeptColumn)[row] as KeptValue;
    const text = value === null ? "" : String(value);
    key += value === null ? "-1:" : `${text.length}:${text}`;
  }
  return key;
}

type Join = (kept: KeptValue, fresh: KeptValue) => KeptValue;

const least: Join = (kept, fresh) =>
  fresh === null ? kept : kept === null || compareValues(fresh, kept) < 0 ? fresh : kept;
const greatest: Join = (kept, fresh) =>
  fresh === null ? kept : kept === null || compareValues(fresh, kept) > 0 ? fresh : kept;
const sumOfDoubles: Join = (kept, fresh) =>
  fresh === null ? kept : kept === null ? fresh : (kept as number) + (fresh as number);
const wholeSum: Join = (kept, fresh) => {
  if (typeof kept === "number" && typeof fresh === "number") {
    const sum = kept + fresh;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return fresh === null ? kept : kept === null ? fresh : wideSum(kept, fresh);
};

function joinOf(merge: Merge, isWhole: boolean): Join {
  switch (merge) {
    case "count":
    case "sum":
      return isWhole ? wholeSum : sumOfDoubles;
    case "min":
      return least;
    case "max":
      return greatest;
    default:
      throw new TypeError("an aggregate in DuckDB's own form is not merged here");
  }
}

function wideSum(kept: KeptValue, fresh: KeptValue): KeptValue {
  const [a, b] = [wideInteger(kept), wideInteger(fresh)];
  const total = a + b;
  if (total > HUGEINT_MAX || total < -HUGEINT_MAX) throw new RangeError("a sum is too large for HUGEINT");
  return wholeValue(total);
}

function wideInteger(value: KeptValue): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return BigInt(value);
  throw new TypeError(`no sum with ${typeof value}`);
}

/** An integer as it is kept: one form for each value, as groups are found by it. */
export function wholeValue(value: bigint): number | bigint {
  return value >= SAFE_MIN && value <= SAFE_MAX ? Number(value) : value;
}

/** As DuckDB orders values of one type: NaN above all numbers, text by its UTF-8 bytes. */
export function compareValues(a: KeptValue, b: KeptValue): number {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "number" && typeof b === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

/** UTF-16 and UTF-8 differ in order only where one text has a surrogate and the other a unit above them. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left === right) continue;
    const [leftIsHalf, rightIsHalf] = [isSurrogate(left), isSurrogate(right)];
    if (leftIsHalf !== rightIsHalf) return leftIsHalf ? 1 : -1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
