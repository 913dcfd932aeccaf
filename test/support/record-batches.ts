/** Record batches from plain values, for tests of what stands behind a source. */
import type { RecordBatch, RecordHeader } from "../../src/streaming/record.js";

export interface TestRecord {
  /** Null is a tombstone. */
  readonly value: string | Uint8Array | null;
  readonly key?: string | Uint8Array | null;
  readonly timestampMs?: bigint;
  readonly headers?: readonly RecordHeader[];
  /** Defaults to one more than the record before. */
  readonly offset?: bigint;
}

export function recordBatch(
  records: readonly TestRecord[],
  place: { readonly topic?: string; readonly partition?: number; readonly firstOffset?: bigint } = {},
): RecordBatch {
  const { topic = "tweets", partition = 0, firstOffset = 0n } = place;
  const count = records.length;
  const columns = {
    offsets: new BigInt64Array(count),
    timestampsMs: new BigInt64Array(count),
    valueStarts: new Int32Array(count),
    valueLengths: new Int32Array(count),
    keyStarts: new Int32Array(count),
    keyLengths: new Int32Array(count),
  };
  const headers = new Map<number, readonly RecordHeader[]>();
  const parts: Buffer[] = [];
  let used = 0;
  const put = (bytes: string | Uint8Array | null, starts: Int32Array, lengths: Int32Array, row: number): void => {
    const part = bytes === null ? undefined : Buffer.from(bytes);
    starts[row] = used;
    lengths[row] = part?.length ?? -1;
    used += part?.length ?? 0;
    if (part !== undefined) parts.push(part);
  };
  let offset = firstOffset;
  records.forEach((record, row) => {
    offset = record.offset ?? offset;
    columns.offsets[row] = offset;
    columns.timestampsMs[row] = record.timestampMs ?? 1_700_000_000_000n;
    put(record.key ?? null, columns.keyStarts, columns.keyLengths, row);
    put(record.value, columns.valueStarts, columns.valueLengths, row);
    if (record.headers !== undefined) headers.set(row, record.headers);
    offset += 1n;
  });
  return {
    topic,
    partition,
    count,
    ...columns,
    bytes: Buffer.concat(parts),
    nextOffset: offset,
    highWatermark: offset,
    ...(headers.size === 0 ? {} : { headers }),
  };
}

/** One record for each value. */
export function values(...texts: ReadonlyArray<string | Uint8Array | null>): TestRecord[] {
  return texts.map((value) => ({ value }));
}
