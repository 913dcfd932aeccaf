/**
 * The difference between what a chart shows and what it should show. Pure. Rows keep their order, because the order of
 * the rows is the order of the bars: a run of rows stays, rows leave before and after it, new ones come at its end.
 * That is what a moving window does, and a series whose last value still grows.
 */
export type Row = Readonly<Record<string, unknown>>;

export interface RowChange {
  /** The rows that stay: this many, from this index. All others go. */
  readonly keptFrom: number;
  readonly kept: number;
  /** Rows that come, after those that stay. */
  readonly added: readonly Row[];
}

/** A window that moved further than this between two updates is drawn anew; the search for it is not free. */
const movedRowsMax = 1000;

/** Undefined when nothing changed. */
export function rowChange(shown: readonly Row[], wanted: readonly Row[]): RowChange | undefined {
  const keptFrom = longestRunStart(shown, wanted);
  const kept = runLength(shown, keptFrom, wanted);
  if (kept === shown.length && kept === wanted.length) return undefined;
  return { keptFrom, kept, added: wanted.slice(kept) };
}

/** Where in `shown` the longest beginning of `wanted` stands. */
function longestRunStart(shown: readonly Row[], wanted: readonly Row[]): number {
  let best = 0;
  let longest = runLength(shown, 0, wanted);
  for (let start = 1; start <= movedRowsMax && longest < shown.length - start; start++) {
    const length = runLength(shown, start, wanted);
    if (length > longest) [best, longest] = [start, length];
  }
  return best;
}

function runLength(shown: readonly Row[], start: number, wanted: readonly Row[]): number {
  let length = 0;
  while (sameRow(shown[start + length], wanted[length])) length++;
  return length;
}

function sameRow(one: Row | undefined, other: Row | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => sameValue(one[key], other[key]));
}

export function sameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  return typeof one === "object" && one !== null && JSON.stringify(one) === JSON.stringify(other);
}
