/**
 * Hands out the sequences of a table's rows and knows up to where all of them are committed, though batches overlap and
 * end in any order. Owns no rows and no offsets of its own.
 */
import type { OffsetPosition } from "./schema.js";

/** A batch that is being written. Each is an entry of its own: one without rows shares its sequence with the next. */
interface Writing {
  readonly first: bigint;
  readonly done: Promise<unknown>;
}

export class RowSequences {
  #next: bigint;
  readonly #inFlight = new Set<Writing>();
  /** Batches that are committed while one with lower sequences is not: which offset their partition had before. */
  #ahead: Array<OffsetPosition & { readonly end: bigint }> = [];

  constructor(next: bigint) {
    this.#next = next;
  }

  /** What the next batch's first row gets. */
  get next(): bigint {
    return this.#next;
  }

  /** Every row below is committed; rows at or above may still be on their way. Readers of deltas stop here. */
  get safe(): bigint {
    let safe = this.#next;
    for (const { first } of this.#inFlight) if (first < safe) safe = first;
    return safe;
  }

  /**
   * Takes sequences for a batch, or for several together, and writes it. `before`: where the partitions stood. `committed` is called in the same
   * turn in which the batch counts as committed, so that offsets and sequences are never seen apart.
   */
  async write(
    rows: number,
    before: readonly OffsetPosition[],
    work: (first: bigint) => Promise<void>,
    committed: () => void,
  ): Promise<void> {
    const first = this.#next;
    this.#next += BigInt(rows);
    const writing = { first, done: work(first) };
    this.#inFlight.add(writing);
    try {
      await writing.done;
    } finally {
      this.#inFlight.delete(writing);
      this.#forgetPassed();
    }
    const end = first + BigInt(rows);
    if (end > this.safe) this.#ahead.push(...before.map((position) => ({ ...position, end })));
    committed();
  }

  /** Resolves once every row that is committed now lies below the safe sequence: batches on their way have ended. */
  async settled(): Promise<void> {
    const committed = this.#ahead.map((batch) => batch.end);
    for (;;) {
      const before = [...this.#inFlight].filter(({ first }) => committed.some((end) => first < end));
      if (before.length === 0) return;
      await Promise.allSettled(before.map((writing) => writing.done));
    }
  }

  /** The next offsets at the safe sequence, of those that stand beside all committed rows. */
  offsetsAtSafe(committed: readonly OffsetPosition[]): OffsetPosition[] {
    this.#forgetPassed();
    return committed.map((position) => {
      const earliest = this.#ahead.find(
        ({ topic, partition }) => topic === position.topic && partition === position.partition,
      );
      return { ...position, nextOffset: earliest?.nextOffset ?? position.nextOffset };
    });
  }

  #forgetPassed(): void {
    const { safe } = this;
    this.#ahead = this.#ahead.filter((batch) => batch.end > safe);
  }
}
