/**
 * The append-only log's lines: what a writer writes and how a reader makes records of them. Owns the format; does no IO
 * and reads no clock.
 *
 * A log is a text file, one record a line. A record's offset is its line's index plus the first offset that the header
 * names, so a capped log can be cut at the front and keep its offsets. Three kinds of line:
 *
 *   header (first line, optional)  {"log":"tidetable/1","id":"b6…","firstOffset":"0"}
 *   envelope                       {"timestampMs":1700000000000,"key":"hamlet","value":"{\"content\":…}"}
 *   anything else                  a record whose value is the line itself: any text file can be tailed, and a damaged
 *                                  line ends among the rejected records instead of vanishing
 */
import { isUtf8 } from "node:buffer";
import type { RecordBatch } from "../record.js";

export interface LogHeader {
  /** Stays the same when the log is cut at the front; another id is another log. */
  readonly id: string;
  /** Offset of the line after the header. */
  readonly firstOffset: bigint;
}

export interface LogRecord {
  /** Epoch milliseconds. */
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** The line with its end. */
export function encodeLogHeader(header: LogHeader): string {
  return `${JSON.stringify({ log: "tidetable/1", id: header.id, firstOffset: String(header.firstOffset) })}\n`;
}

/** The line with its end. */
export function encodeLogRecord(record: LogRecord): string {
  return `${JSON.stringify({ timestampMs: record.timestampMs, key: record.key, value: record.value })}\n`;
}

/** The header, or undefined when the line is a record. */
export function parseLogHeader(line: string): LogHeader | undefined {
  if (!line.startsWith('{"log":"tidetable/1"')) return undefined;
  const fields = parseObject(line);
  if (typeof fields?.id !== "string" || !/^\d{1,18}$/.test(String(fields.firstOffset))) return undefined;
  return { id: fields.id, firstOffset: BigInt(String(fields.firstOffset)) };
}

/** The timestamp of a line, -1 where it has none. */
export function logLineTimestampMs(line: string): number {
  return parseEnvelope(line)?.timestampMs ?? -1;
}

export interface LogLines {
  readonly topic: string;
  /** Whole lines: the last byte is a line end. */
  readonly bytes: Buffer;
  readonly firstOffset: bigint;
  readonly highWatermark: bigint;
}

/** The records of whole lines, one a line. */
export function decodeLogLines(lines: LogLines): RecordBatch {
  const { bytes } = lines;
  const count = countLineEnds(bytes);
  const columns = {
    offsets: new BigInt64Array(count),
    timestampsMs: new BigInt64Array(count),
    valueStarts: new Int32Array(count),
    valueLengths: new Int32Array(count),
    keyStarts: new Int32Array(count),
    keyLengths: new Int32Array(count),
  };
  // A value is never longer than the line that holds it: unescaping shrinks.
  const target = Buffer.allocUnsafe(bytes.length);
  let used = 0;
  const put = (field: string | Buffer | null, starts: Int32Array, lengths: Int32Array, index: number) => {
    starts[index] = used;
    if (field === null) {
      lengths[index] = -1;
      return;
    }
    const length = typeof field === "string" ? target.write(field, used) : field.copy(target, used);
    lengths[index] = length;
    used += length;
  };
  // Decoding bytes that are no UTF-8 would replace them, and grow: such a line stays as it is.
  const allUtf8 = isUtf8(bytes);
  let start = 0;
  for (let index = 0; index < count; index += 1) {
    const end = bytes.indexOf(lineEnd, start);
    const line = bytes.subarray(start, end);
    const envelope = allUtf8 || isUtf8(line) ? parseEnvelope(line.toString("utf8")) : undefined;
    columns.offsets[index] = lines.firstOffset + BigInt(index);
    columns.timestampsMs[index] = BigInt(envelope?.timestampMs ?? -1);
    put(envelope?.key ?? null, columns.keyStarts, columns.keyLengths, index);
    put(envelope === undefined ? line : envelope.value, columns.valueStarts, columns.valueLengths, index);
    start = end + 1;
  }
  return {
    topic: lines.topic,
    partition: 0,
    count,
    ...columns,
    bytes: target.subarray(0, used),
    nextOffset: lines.firstOffset + BigInt(count),
    highWatermark: lines.highWatermark,
  };
}

const lineEnd = 0x0a;

export function countLineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) count += 1;
  return count;
}

/** An envelope has a value, at most a key and a timestamp, and nothing else: other JSON is somebody's record. */
function parseEnvelope(line: string): LogRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  const fields = parseObject(line);
  if (fields === undefined || !isTextOrNull(fields.value)) return undefined;
  for (const name of Object.keys(fields)) {
    if (name !== "value" && name !== "key" && name !== "timestampMs") return undefined;
  }
  const { timestampMs = -1, key = null } = fields;
  if (!Number.isSafeInteger(timestampMs) || !isTextOrNull(key)) return undefined;
  return { timestampMs: Number(timestampMs), key, value: fields.value };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // Not JSON: the line is a record of its own.
    return undefined;
  }
}
