/**
 * Record formats v0 and v1, from before Kafka 0.11. No broker of today writes them, but one that has been upgraded still
 * serves the old part of its log as it is. Pure. Throws plain errors whose text completes "the batch at offset N …".
 */
import { crc32 } from "node:zlib";
import type { RecordColumns } from "./record-columns.js";

/** One entry of a message set: a message, or a compressed wrapper around several. Byte positions. */
const field = { offset: 0, size: 8, crc: 12, magic: 16, attributes: 17, timestamp: 18 } as const;

interface Message {
  readonly offset: bigint;
  readonly timestampMs: bigint;
  readonly keyStart: number;
  readonly keyLength: number;
  readonly valueStart: number;
  readonly valueLength: number;
  readonly attributes: number;
}

/**
 * Appends the messages of one entry that are at or after `fromOffset`; returns the bytes that their starts, less
 * `shift`, point into.
 */
export function appendMessageSet(
  entry: Buffer,
  columns: RecordColumns,
  options: {
    readonly fromOffset: bigint;
    readonly shift: number;
    readonly unpack: (codec: number, packed: Buffer) => Buffer;
  },
): Buffer {
  const outer = readMessage(entry, 0, entry.length);
  const codec = outer.attributes & 0x07;
  if (codec === 0) {
    append([outer], columns, options);
    return entry;
  }
  if (outer.valueLength < 0) throw new Error("is compressed and has no value");
  const packed = entry.subarray(outer.valueStart, outer.valueStart + outer.valueLength);
  const bytes = options.unpack(codec, packed);
  const inner = readMessages(bytes);
  const last = inner.at(-1);
  // v1 counts inside the wrapper from 0 and gives the wrapper the last offset; v0 keeps whole offsets.
  const isRelative = entry.readInt8(field.magic) === 1;
  const base = isRelative && last !== undefined ? outer.offset - last.offset : 0n;
  const logAppendTime = (outer.attributes & 0x08) !== 0;
  append(
    inner.map((message) => ({
      ...message,
      offset: base + message.offset,
      timestampMs: logAppendTime ? outer.timestampMs : message.timestampMs,
    })),
    columns,
    options,
  );
  return bytes;
}

function append(
  messages: readonly Message[],
  columns: RecordColumns,
  options: { readonly fromOffset: bigint; readonly shift: number },
): void {
  columns.reserve(messages.length);
  for (const message of messages) {
    if (message.offset < options.fromOffset) continue;
    const index = columns.count;
    columns.offsets[index] = message.offset;
    columns.timestampsMs[index] = message.timestampMs;
    columns.keyStarts[index] = message.keyStart + options.shift;
    columns.keyLengths[index] = message.keyLength;
    columns.valueStarts[index] = message.valueStart + options.shift;
    columns.valueLengths[index] = message.valueLength;
    columns.count += 1;
  }
}

function readMessages(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + field.magic >= bytes.length) throw new Error("ends inside a message");
    const end = at + field.crc + bytes.readInt32BE(at + field.size);
    if (end <= at + field.magic || end > bytes.length) throw new Error("holds a message that passes its end");
    messages.push(readMessage(bytes, at, end));
    at = end;
  }
  return messages;
}

function readMessage(bytes: Buffer, start: number, end: number): Message {
  const magic = bytes.readInt8(start + field.magic);
  const headEnd = start + (magic === 0 ? field.timestamp : field.timestamp + 8);
  if (headEnd + 8 > end) throw new Error("is shorter than its header");
  if (crc32(bytes.subarray(start + field.magic, end)) !== bytes.readUInt32BE(start + field.crc)) {
    throw new Error("does not match its checksum (CRC-32)");
  }
  const keyLength = bytes.readInt32BE(headEnd);
  const keyStart = headEnd + 4;
  const valueAt = keyStart + Math.max(0, keyLength);
  if (keyLength < -1 || valueAt + 4 > end) throw new Error(`holds a key of ${keyLength} bytes`);
  const valueLength = bytes.readInt32BE(valueAt);
  const valueStart = valueAt + 4;
  if (valueLength < -1 || valueStart + Math.max(0, valueLength) !== end) {
    throw new Error(`holds a value of ${valueLength} bytes`);
  }
  return {
    offset: bytes.readBigInt64BE(start + field.offset),
    timestampMs: magic === 0 ? -1n : bytes.readBigInt64BE(start + field.timestamp),
    keyStart,
    keyLength,
    valueStart,
    valueLength,
    attributes: bytes.readInt8(start + field.attributes),
  };
}
