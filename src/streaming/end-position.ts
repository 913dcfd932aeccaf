/**
 * Where the reading of a stream ends that is asked for only `until` something: per partition an offset, found at once or
 * when the first record past an instant comes. Pure: marks and clock are arguments.
 */
import { type PartitionWatermarks, partitionKey, type RecordBatch } from "./record.js";
import { sliceBatch } from "./record-slices.js";
import type { EndPosition } from "./record-source.js";

export class EndOfReading {
  readonly #until: EndPosition;
  /** First offset that is not read any more. */
  readonly #ends = new Map<string, bigint>();
  /** Partitions that are not in `#ends` have nothing to read. */
  #settled = false;

  constructor(until: EndPosition) {
    this.#until = until;
  }

  /** Whether watermarks of now would tell where the end is. An instant to come is waited for. */
  needsMarks(nowMs: number): boolean {
    if (this.#settled) return false;
    return typeof this.#until === "string" || "offsets" in this.#until || this.#until.timestampMs <= nowMs;
  }

  /** Takes the ends from watermarks that were asked for when `needsMarks` said so. */
  settle(marks: readonly PartitionWatermarks[]): void {
    this.#settled = true;
    const offsets = typeof this.#until === "object" && "offsets" in this.#until ? this.#until.offsets : {};
    for (const { topic, partition, high } of marks) {
      const key = partitionKey(topic, partition);
      if (!this.#ends.has(key)) this.#ends.set(key, offsets[partition] ?? high);
    }
  }

  /** What of the batch is still to be written; undefined when nothing is. */
  before(batch: RecordBatch): RecordBatch | undefined {
    const key = partitionKey(batch.topic, batch.partition);
    const end = this.#ends.get(key);
    if (end === undefined && this.#settled) return undefined;
    const count = this.#countBefore(batch, end);
    if (count === batch.count) return batch;
    this.#ends.set(key, batch.offsets[count] as bigint);
    return count === 0 ? undefined : sliceBatch(batch, 0, count);
  }

  /**
   * @param nextOffset everything below is in the table
   * @param handedOffset everything below has been handed to a writer; no record lies between it and what `before` refused
   */
  isReached(topic: string, partition: number, nextOffset: bigint, handedOffset: bigint): boolean {
    const end = this.#ends.get(partitionKey(topic, partition));
    if (end === undefined) return this.#settled;
    return nextOffset >= end || (this.#refused.has(partitionKey(topic, partition)) && nextOffset >= handedOffset);
  }

  readonly #refused = new Set<string>();

  #countBefore(batch: RecordBatch, end: bigint | undefined): number {
    const limitMs =
      typeof this.#until === "object" && "timestampMs" in this.#until ? this.#until.timestampMs : undefined;
    for (let index = 0; index < batch.count; index++) {
      const past = end !== undefined && (batch.offsets[index] as bigint) >= end;
      const late = limitMs !== undefined && Number(batch.timestampsMs[index]) >= limitMs;
      if (!past && !late) continue;
      this.#refused.add(partitionKey(batch.topic, batch.partition));
      return index;
    }
    return batch.count;
  }
}
