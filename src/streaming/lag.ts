/** The figures of a stream's status: lag, backlog, rate. Pure: the clock is an argument. */

export interface PartitionProgress {
  readonly partition: number;
  /** Where reading began. */
  readonly startOffset: bigint;
  /** Everything below is in the table. */
  readonly nextOffset: bigint;
  readonly highWatermark: bigint;
  /** The high watermark when the stream began: what loading has to reach. */
  readonly targetOffset: bigint;
}

/** Records between the stored offset and the high watermark. Never negative: a watermark may be older than the offset. */
export function partitionLag(progress: PartitionProgress): number {
  return Number(atLeastZero(progress.highWatermark - progress.nextOffset));
}

export function totalLag(partitions: readonly PartitionProgress[]): number {
  return partitions.reduce((sum, progress) => sum + partitionLag(progress), 0);
}

/** How much of what was there at the beginning is loaded; undefined once all of it is. */
export function backlogOf(
  partitions: readonly PartitionProgress[],
): { readonly loaded: number; readonly target: number } | undefined {
  let loaded = 0n;
  let target = 0n;
  for (const { startOffset, nextOffset, targetOffset } of partitions) {
    const size = atLeastZero(targetOffset - startOffset);
    target += size;
    // Past the target, everything that was there is loaded.
    loaded += nextOffset >= targetOffset ? size : atLeastZero(nextOffset - startOffset);
  }
  return loaded === target ? undefined : { loaded: Number(loaded), target: Number(target) };
}

/** Rows per second over a sliding window. */
export class RateMeter {
  readonly #windowMs: number;
  readonly #samples: Array<{ readonly atMs: number; readonly total: number }> = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  record(atMs: number, total: number): void {
    this.#samples.push({ atMs, total });
    // One sample from before the window stays: the rate is taken from there.
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? 0) <= atMs - this.#windowMs) this.#samples.shift();
  }

  perSecond(nowMs: number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first === last) return 0;
    if (nowMs - last.atMs > this.#windowMs) return 0;
    const spanMs = Math.max(nowMs - first.atMs, 1);
    return ((last.total - first.total) * 1000) / spanMs;
  }
}

function atLeastZero(value: bigint): bigint {
  return value > 0n ? value : 0n;
}
