/**
 * The records inside a batch of format v2: variable-length integers, keys, values, headers. The hot loop of reading.
 * Pure. Throws plain errors whose text completes "the batch at offset N …".
 */
import type { RecordHeader } from "./record.js";
import type { RecordColumns } from "./record-columns.js";

export interface RecordsFrame {
  readonly baseOffset: bigint;
  readonly lastOffsetDelta: number;
  /** As the header announces it; checked against the bytes before anything is allocated. */
  readonly count: number;
  readonly baseTimestampMs: bigint;
  /** The broker's append time, which then holds for every record. */
  readonly fixedTimestampMs: bigint | undefined;
  /** Records before it are skipped. */
  readonly fromOffset: bigint;
  /** Added to every start: where these bytes will stand in the batch's. */
  readonly shift: number;
}

/** Length, attributes, two deltas, key length, value length, header count: one byte each. */
const recordBytesMin = 7;

export function readRecords(
  records: { readonly bytes: Buffer; readonly start: number; readonly end: number },
  columns: RecordColumns,
  frame: RecordsFrame,
): void {
  const { count, shift } = frame;
  if (count < 0 || count * recordBytesMin > records.end - records.start) {
    throw new Error(`announces ${count} records, more than its bytes can hold`);
  }
  columns.reserve(count);
  const cursor = new Cursor(records.bytes, records.start, records.end);
  const baseOffset = Number(frame.baseOffset);
  const baseTimestampMs = Number(frame.baseTimestampMs);
  const smallOffsets = isSmall(frame.baseOffset);
  const fixedTimestampMs = frame.fixedTimestampMs;
  const smallTimestamps = fixedTimestampMs === undefined && isSmall(frame.baseTimestampMs);
  // As a delta: exact, because both are offsets of one partition near each other, or the whole batch is wanted.
  const fromDelta = Number(frame.fromOffset - frame.baseOffset);
  let previousDelta = -1;
  let index = columns.count;

  for (let read = 0; read < count; read += 1) {
    const length = cursor.varint();
    const end = cursor.at + length;
    if (length < recordBytesMin - 1 || end > records.end) throw new Error(`holds a record of ${length} bytes`);
    cursor.at += 1; // attributes, unused
    const timestampDelta = cursor.varlong();
    const offsetDelta = cursor.varint();
    if (offsetDelta <= previousDelta || offsetDelta > frame.lastOffsetDelta) {
      throw new Error(`holds offset delta ${offsetDelta} after ${previousDelta}`);
    }
    previousDelta = offsetDelta;
    const keyLength = cursor.varint();
    const keyStart = cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    if (cursor.at > end) throw new Error(`holds a key of ${keyLength} bytes in a record of ${length}`);
    const valueLength = cursor.varint();
    const valueStart = cursor.at;
    if (valueLength > 0) cursor.at += valueLength;
    if (cursor.at > end) throw new Error(`holds a value of ${valueLength} bytes in a record of ${length}`);
    const headerCount = cursor.varint();
    const headers = headerCount === 0 ? undefined : readHeaders(cursor, headerCount, end);
    if (cursor.at !== end) throw new Error(`holds a record of ${length} bytes that ends elsewhere`);
    if (offsetDelta < fromDelta) continue;

    if (smallOffsets) columns.setOffset(index, baseOffset + offsetDelta);
    else columns.offsets[index] = BigInt.asIntN(64, frame.baseOffset + BigInt(offsetDelta));
    if (smallTimestamps && cursor.wide === undefined) {
      columns.setTimestampMs(index, baseTimestampMs + timestampDelta);
    } else {
      const delta = cursor.wide ?? BigInt(timestampDelta);
      columns.timestampsMs[index] = fixedTimestampMs ?? BigInt.asIntN(64, frame.baseTimestampMs + delta);
    }
    columns.keyStarts[index] = keyStart + shift;
    columns.keyLengths[index] = keyLength < 0 ? -1 : keyLength;
    columns.valueStarts[index] = valueStart + shift;
    columns.valueLengths[index] = valueLength < 0 ? -1 : valueLength;
    if (headers !== undefined) columns.setHeaders(index, headers);
    index += 1;
  }
  if (cursor.at !== records.end) throw new Error(`has ${records.end - cursor.at} bytes after its last record`);
  columns.count = index;
}

/** What a control batch says, from the key of its one record: two shorts, version and type. */
export function readControlType(bytes: Buffer, start: number, end: number): "abort" | "commit" | "other" {
  const cursor = new Cursor(bytes, start, end);
  cursor.varint(); // length
  cursor.at += 1; // attributes
  cursor.varlong(); // timestamp delta
  cursor.varint(); // offset delta
  const keyLength = cursor.varint();
  if (keyLength < 4 || cursor.at + keyLength > end) throw new Error("is a control batch without a type");
  const type = bytes.readInt16BE(cursor.at + 2);
  return type === 0 ? "abort" : type === 1 ? "commit" : "other";
}

function readHeaders(cursor: Cursor, count: number, end: number): readonly RecordHeader[] {
  // A header is at least two bytes: its key's length and its value's.
  if (count < 0 || count * 2 > end - cursor.at)
    throw new Error(`announces ${count} headers in ${end - cursor.at} bytes`);
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    const key = cursor.slice(cursor.varint(), end);
    if (key === null) throw new Error("holds a header without a key");
    headers.push({ key: key.toString("utf8"), value: cursor.slice(cursor.varint(), end) });
  }
  return headers;
}

/** Half of what a double holds exactly, so that adding a 49-bit delta stays exact. */
function isSmall(value: bigint): boolean {
  return value > -0x10_0000_0000_0000n && value < 0x10_0000_0000_0000n;
}

/** A place in bytes. Reading past the end of the memory throws; the record's own end is checked by its reader. */
class Cursor {
  at: number;
  /** The last `varlong`, when it does not fit a double exactly. */
  wide: bigint | undefined;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  /** Zigzag, up to 32 bits. */
  varint(): number {
    let byte = this.#byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let bits = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = this.#byte();
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
    }
    throw new Error("holds an integer of more than 32 bits");
  }

  /** Zigzag, up to 64 bits; beyond 49 bits the exact number is in `wide`. */
  varlong(): number {
    this.wide = undefined;
    let byte = this.#byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    const start = this.at - 1;
    let value = byte & 0x7f;
    let scale = 0x80;
    for (let count = 1; count < 7; count += 1) {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    this.at = start;
    this.wide = this.#wideVarlong();
    return Number(this.wide);
  }

  /** The next `length` bytes, null for a negative length. */
  slice(length: number, end: number): Buffer | null {
    if (length < 0) return null;
    if (this.at + length > end) throw new Error(`holds a field of ${length} bytes that passes its record's end`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #wideVarlong(): bigint {
    let bits = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
    }
    throw new Error("holds an integer of more than 64 bits");
  }

  #byte(): number {
    if (this.at >= this.#end) throw new Error("ends inside a record");
    const byte = this.#bytes[this.at] as number;
    this.at += 1;
    return byte;
  }
}
