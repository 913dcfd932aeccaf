/**
 * Records as they leave a source: columns, not one object a record, because at a million records a second the
 * objects would be the cost. This file owns the shapes and does no IO.
 */

/** One batch of consecutive records of one partition, in offset order. Offsets may have gaps (compaction, control records). */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  /** Number of records; every column below has this many entries. 0 when control records alone moved `nextOffset` on. */
  readonly count: number;
  readonly offsets: BigInt64Array;
  /** Record timestamps, epoch milliseconds; -1 where the producer set none. */
  readonly timestampsMs: BigInt64Array;
  /** Holds every key and value of the batch; the `*Starts` / `*Lengths` columns point into it. */
  readonly bytes: Buffer;
  readonly valueStarts: Int32Array;
  /** Length in bytes; -1 for a null value (a tombstone). */
  readonly valueLengths: Int32Array;
  readonly keyStarts: Int32Array;
  /** Length in bytes; -1 for a null key. */
  readonly keyLengths: Int32Array;
  /** Headers by record index; absent when no record of the batch has any. */
  readonly headers?: ReadonlyMap<number, readonly RecordHeader[]>;
  /** Where reading continues after this batch: past its last record and past control records. */
  readonly nextOffset: bigint;
  /** The partition's high watermark when the batch was read. */
  readonly highWatermark: bigint;
}

export interface RecordHeader {
  readonly key: string;
  /** Null where the header has no value. */
  readonly value: Buffer | null;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A partition's position: `low` and `high` watermarks as the broker sees them, `next` offset to read. */
export interface PartitionWatermarks extends TopicPartition {
  readonly low: bigint;
  readonly high: bigint;
}

/** The value of record `index`, a view without a copy; null for a tombstone. */
export function valueAt(batch: RecordBatch, index: number): Buffer | null {
  return slice(batch.bytes, batch.valueStarts[index], batch.valueLengths[index]);
}

/** The key of record `index`, a view without a copy; null where there is none. */
export function keyAt(batch: RecordBatch, index: number): Buffer | null {
  return slice(batch.bytes, batch.keyStarts[index], batch.keyLengths[index]);
}

function slice(bytes: Buffer, start: number | undefined, length: number | undefined): Buffer | null {
  if (start === undefined || length === undefined || length < 0) return null;
  return bytes.subarray(start, start + length);
}

/** Key of a topic-partition in a Map. `#` cannot occur in a Kafka topic name (legal: letters, digits, `.`, `_`, `-`). */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}#${partition}`;
}
