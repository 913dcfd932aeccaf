/**
 * How many records a stream has stored, by what became of them, and where it stood at each count. Who has read more than is
 * counted can wait for the next count. Owns the numbers; who counts is stream.ts.
 */
import type { OffsetPosition } from "../schema.js";

export interface Counts {
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
}

/** What is stored at one moment, whatever a record has become there. */
export interface StoredRows {
  readonly rows: number;
  /** Where the stream stood when it had stored so many; undefined where that is not known any more. */
  offsetsAt(rows: number): readonly OffsetPosition[] | undefined;
}

const momentsKept = 64;
const none: Counts = { rows: 0, rejected: 0, tombstones: 0 };

export class StoredCounts {
  #counts = none;
  /** Where it stood, by how many records were stored then. */
  readonly #moments = new Map<number, readonly OffsetPosition[]>();
  /** Who waits for the next count. */
  readonly #waiting = new Set<() => void>();

  get counts(): Counts {
    return this.#counts;
  }

  /** Counted anew. */
  set(counts: Counts): void {
    this.#counts = counts;
  }

  add({ rows, rejected, tombstones }: Counts): void {
    this.#counts = {
      rows: this.#counts.rows + rows,
      rejected: this.#counts.rejected + rejected,
      tombstones: this.#counts.tombstones + tombstones,
    };
  }

  clear(): void {
    this.#counts = none;
  }

  /** All that was stored up to here is counted. */
  reached(positions: readonly OffsetPosition[]): void {
    this.#moments.set(this.#stored, positions);
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > momentsKept && oldest !== undefined) this.#moments.delete(oldest);
  }

  /** Who waited for the count looks again. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Once at least so many are counted, or `timeoutMs` later. */
  async settled(atLeast: number, timeoutMs: number): Promise<StoredRows> {
    const deadlineMs = performance.now() + timeoutMs;
    while (this.#stored < atLeast && performance.now() < deadlineMs) await this.#next(deadlineMs);
    return { rows: this.#stored, offsetsAt: (rows) => this.#moments.get(rows) };
  }

  get #stored(): number {
    return this.#counts.rows + this.#counts.rejected + this.#counts.tombstones;
  }

  async #next(deadlineMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, deadlineMs - performance.now());
      this.#waiting.add(done);
    });
  }
}
