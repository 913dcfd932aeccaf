/** Parts and sums of record batches: cutting off what is stored already, cutting large ones, joining small ones. Pure. */
import type { RecordBatch, RecordHeader } from "./record.js";

/** What of the batch lies at or after `offset`; undefined when nothing does and the position would not move either. */
export function afterOffset(batch: RecordBatch, offset: bigint): RecordBatch | undefined {
  if (batch.nextOffset <= offset) return undefined;
  let first = 0;
  while (first < batch.count && (batch.offsets[first] as bigint) < offset) first++;
  return first === 0 ? batch : sliceBatch(batch, first, batch.count);
}

/** Records `from` up to, without, `to`. Shares the memory; its bytes are no more than its records need. */
export function sliceBatch(batch: RecordBatch, from: number, to: number): RecordBatch {
  const valueLengths = batch.valueLengths.subarray(from, to);
  const keyLengths = batch.keyLengths.subarray(from, to);
  const valueStarts = batch.valueStarts.slice(from, to);
  const keyStarts = batch.keyStarts.slice(from, to);
  const values = extent(valueStarts, valueLengths);
  const keys = extent(keyStarts, keyLengths);
  const first = Math.min(values.first, keys.first);
  const end = Math.max(values.end, keys.end, 0);
  const base = Number.isFinite(first) ? first : 0;
  const headers = batch.headers === undefined ? undefined : sliceHeaders(batch.headers, from, to);
  return {
    topic: batch.topic,
    partition: batch.partition,
    count: to - from,
    offsets: batch.offsets.subarray(from, to),
    timestampsMs: batch.timestampsMs.subarray(from, to),
    bytes: batch.bytes.subarray(base, Math.max(base, end)),
    valueStarts: valueStarts.map((start) => start - base),
    valueLengths,
    keyStarts: keyStarts.map((start) => start - base),
    keyLengths,
    nextOffset: to === batch.count ? batch.nextOffset : (batch.offsets[to] as bigint),
    highWatermark: batch.highWatermark,
    ...(headers === undefined ? {} : { headers }),
  };
}

/** The first `rowsMax` records of each batch, and what is left of those that have more. */
export function cutAt(
  batches: readonly RecordBatch[],
  rowsMax: number,
): { readonly now: readonly RecordBatch[]; readonly later: readonly RecordBatch[] } {
  return {
    now: batches.map((batch) => (batch.count > rowsMax ? sliceBatch(batch, 0, rowsMax) : batch)),
    later: batches.flatMap((batch) => (batch.count > rowsMax ? sliceBatch(batch, rowsMax, batch.count) : [])),
  };
}

function extent(starts: Int32Array, lengths: Int32Array): { readonly first: number; readonly end: number } {
  let first = Number.POSITIVE_INFINITY;
  let end = 0;
  for (let index = 0; index < starts.length; index++) {
    const length = lengths[index] as number;
    if (length < 0) continue;
    first = Math.min(first, starts[index] as number);
    end = Math.max(end, (starts[index] as number) + length);
  }
  return { first, end };
}

/** Consecutive batches of one partition as one. */
export function joinBatches(batches: readonly [RecordBatch, ...RecordBatch[]]): RecordBatch {
  const [first] = batches;
  if (batches.length === 1) return first;
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const bytes = Buffer.concat(batches.map((batch) => batch.bytes));
  const joined = {
    offsets: new BigInt64Array(count),
    timestampsMs: new BigInt64Array(count),
    valueStarts: new Int32Array(count),
    valueLengths: new Int32Array(count),
    keyStarts: new Int32Array(count),
    keyLengths: new Int32Array(count),
  };
  const headers = new Map<number, readonly RecordHeader[]>();
  let row = 0;
  let byte = 0;
  for (const batch of batches) {
    joined.offsets.set(batch.offsets, row);
    joined.timestampsMs.set(batch.timestampsMs, row);
    joined.valueLengths.set(batch.valueLengths, row);
    joined.keyLengths.set(batch.keyLengths, row);
    for (let index = 0; index < batch.count; index++) {
      joined.valueStarts[row + index] = (batch.valueStarts[index] as number) + byte;
      joined.keyStarts[row + index] = (batch.keyStarts[index] as number) + byte;
    }
    for (const [index, list] of batch.headers ?? []) headers.set(row + index, list);
    row += batch.count;
    byte += batch.bytes.length;
  }
  const last = batches.at(-1) ?? first;
  return {
    topic: first.topic,
    partition: first.partition,
    count,
    bytes,
    ...joined,
    nextOffset: last.nextOffset,
    highWatermark: last.highWatermark,
    ...(headers.size === 0 ? {} : { headers }),
  };
}

function sliceHeaders(
  headers: ReadonlyMap<number, readonly RecordHeader[]>,
  from: number,
  to: number,
): ReadonlyMap<number, readonly RecordHeader[]> | undefined {
  const kept = [...headers].filter(([row]) => row >= from && row < to);
  return kept.length === 0 ? undefined : new Map(kept.map(([row, list]) => [row - from, list]));
}
