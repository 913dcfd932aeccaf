/** The columns of a batch while it is decoded: they grow, and a batch is cut from them at the end. Pure. */
import type { RecordBatch, RecordHeader } from "./record.js";

/** Position of a 64-bit number's halves in memory: BigInt64Array has the machine's byte order. */
const low = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;
const high = 1 - low;

export class RecordColumns {
  count = 0;
  offsets = new BigInt64Array(0);
  timestampsMs = new BigInt64Array(0);
  valueStarts = new Int32Array(0);
  valueLengths = new Int32Array(0);
  keyStarts = new Int32Array(0);
  keyLengths = new Int32Array(0);
  headers: Map<number, readonly RecordHeader[]> | undefined;
  #offsetWords = new Uint32Array(0);
  #timestampWords = new Uint32Array(0);

  /** Room for `count` more records. */
  reserve(count: number): void {
    const needed = this.count + count;
    if (needed <= this.valueStarts.length) return;
    const capacity = Math.max(needed, this.count * 2);
    this.offsets = grown(this.offsets, new BigInt64Array(capacity));
    this.timestampsMs = grown(this.timestampsMs, new BigInt64Array(capacity));
    this.valueStarts = grown(this.valueStarts, new Int32Array(capacity));
    this.valueLengths = grown(this.valueLengths, new Int32Array(capacity));
    this.keyStarts = grown(this.keyStarts, new Int32Array(capacity));
    this.keyLengths = grown(this.keyLengths, new Int32Array(capacity));
    this.#offsetWords = new Uint32Array(this.offsets.buffer);
    this.#timestampWords = new Uint32Array(this.timestampsMs.buffer);
  }

  /** A safe integer, written as two halves: a bigint a record would cost more than the rest of its decoding. */
  setOffset(index: number, offset: number): void {
    this.#offsetWords[2 * index + low] = offset;
    this.#offsetWords[2 * index + high] = Math.floor(offset / 0x1_0000_0000);
  }

  /** A safe integer. */
  setTimestampMs(index: number, timestampMs: number): void {
    this.#timestampWords[2 * index + low] = timestampMs;
    this.#timestampWords[2 * index + high] = Math.floor(timestampMs / 0x1_0000_0000);
  }

  setHeaders(index: number, headers: readonly RecordHeader[]): void {
    this.headers ??= new Map();
    this.headers.set(index, headers);
  }

  /** Forgets the records from `count` on. */
  truncate(count: number): void {
    for (let index = count; index < this.count; index += 1) this.headers?.delete(index);
    if (this.headers?.size === 0) this.headers = undefined;
    this.count = count;
  }

  cut(batch: Pick<RecordBatch, "topic" | "partition" | "bytes" | "nextOffset" | "highWatermark">): RecordBatch {
    const { count } = this;
    return {
      ...batch,
      count,
      offsets: this.offsets.subarray(0, count),
      timestampsMs: this.timestampsMs.subarray(0, count),
      valueStarts: this.valueStarts.subarray(0, count),
      valueLengths: this.valueLengths.subarray(0, count),
      keyStarts: this.keyStarts.subarray(0, count),
      keyLengths: this.keyLengths.subarray(0, count),
      ...(this.headers === undefined ? {} : { headers: this.headers }),
    };
  }
}

function grown<T extends BigInt64Array | Int32Array>(from: T, to: T): T {
  // Both are of one type; the union of `set` signatures hides it.
  (to as { set(values: T): void }).set(from);
  return to;
}
