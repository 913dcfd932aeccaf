/**
 * Long loops that stay interruptible: every few milliseconds they let the process do something else (a batch is stored, a
 * cancel arrives) and look whether they are still wanted. Sorting included, which the language does in one go.
 */
import { setImmediate as turn } from "node:timers/promises";
import { TidetableError } from "../../errors.js";
import { failed, type Row } from "./types.js";

/** A loop runs this long at a stretch: an interrupt arrives well within 300 ms. */
const STRETCH_MS = 8;
const STEPS_BETWEEN_LOOKS = 64;
/** Rows of a step between tables: a join that nobody meant would fill the memory first. */
const ROWS_MAX = 2_000_000;
const SORTED_AT_ONCE = 4_096;

export class Work {
  readonly #signal: AbortSignal;
  #steps = 0;
  #sinceMs = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether `pause` is due; called once for every row. */
  get isDue(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS_BETWEEN_LOOKS === 0 && performance.now() - this.#sinceMs > STRETCH_MS;
  }

  /** @throws TidetableError QUERY_INTERRUPTED */
  async pause(): Promise<void> {
    await turn();
    this.throwIfAborted();
    this.#sinceMs = performance.now();
  }

  throwIfAborted(): void {
    if (this.#signal.aborted) throw new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
  }

  /** @throws TidetableError SQL_FAILED beyond what a step may hold. */
  checkRows(count: number): void {
    if (count > ROWS_MAX) {
      throw failed(
        `The query makes more than ${ROWS_MAX.toLocaleString("en-US")} rows on its way. Filter or aggregate first, or run it with --engine duckdb.`,
      );
    }
  }

  async filter(rows: readonly Row[], keep: (row: Row) => boolean): Promise<Row[]> {
    const kept: Row[] = [];
    for (const row of rows) {
      if (this.isDue) await this.pause();
      if (keep(row)) kept.push(row);
    }
    return kept;
  }

  async map<Out>(rows: readonly Row[], make: (row: Row) => Out): Promise<Out[]> {
    const made: Out[] = [];
    for (const row of rows) {
      if (this.isDue) await this.pause();
      made.push(make(row));
    }
    return made;
  }

  /** Stable, as rows without an order of their own keep the one they came in. */
  async sort<Item>(items: readonly Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
    let runs: Item[][] = [];
    for (let start = 0; start < items.length; start += SORTED_AT_ONCE) {
      runs.push(items.slice(start, start + SORTED_AT_ONCE).sort(compare));
      await this.#pauseIfLong();
    }
    while (runs.length > 1) {
      const merged: Item[][] = [];
      for (let index = 0; index < runs.length; index += 2) {
        merged.push(await this.#merge(runs[index] as Item[], runs[index + 1] ?? [], compare));
      }
      runs = merged;
    }
    return runs[0] ?? [];
  }

  async #merge<Item>(a: readonly Item[], b: readonly Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
    const merged: Item[] = [];
    let [left, right] = [0, 0];
    while (left < a.length || right < b.length) {
      if (this.isDue) await this.pause();
      const first = right >= b.length || (left < a.length && compare(a[left] as Item, b[right] as Item) <= 0);
      merged.push((first ? a[left++] : b[right++]) as Item);
    }
    return merged;
  }

  async #pauseIfLong(): Promise<void> {
    if (performance.now() - this.#sinceMs > STRETCH_MS) await this.pause();
  }
}
