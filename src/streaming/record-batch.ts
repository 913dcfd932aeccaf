/**
 * The record data of a Fetch answer → records. Pure: no IO, no clock.
 *
 * Reads record format v2 (Kafka 0.11 and later), checks every batch's CRC-32C, passes over control batches and the
 * records of aborted transactions, skips what lies before the asked offset and ignores a batch that was cut off at the
 * end of the answer. Values are not copied where a batch is not compressed. Older formats go to message-set.ts.
 */
import { errorMessage, TidetableError } from "../errors.js";
import { type CompressionCodec, codecNames, UnpackError, unpack } from "./compression.js";
import { crc32c } from "./crc32c.js";
import { appendMessageSet } from "./message-set.js";
import type { RecordBatch } from "./record.js";
import { RecordColumns } from "./record-columns.js";
import { readControlType, readRecords } from "./record-fields.js";

/** What a broker answered for one partition. */
export interface FetchedRecords {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  /** Records before it are not wanted; a broker answers with whole batches. */
  readonly fetchOffset: bigint;
  /** End of what may be read. */
  readonly highWatermark: bigint;
  /** Transactions that were aborted. Empty unless only committed records are read. */
  readonly abortedTransactions: readonly AbortedTransaction[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Of its first record. */
  readonly firstOffset: bigint;
}

export interface DecodeLimits {
  /** One batch may unpack to so much. Default 64 MiB. */
  readonly unpackedBytesMax?: number;
  /** Unpacked batches are gathered to about this size before they are handed out. Default 4 MiB. */
  readonly gatheredBytes?: number;
}

/**
 * The records of an answer, decoded as they are asked for. A batch may be empty: then control records, or records of
 * aborted transactions, moved the offset on.
 * @throws TidetableError RECORD_CORRUPT, CODEC_UNSUPPORTED, naming topic, partition and offset, after what stood before
 *   the damaged batch has been handed out.
 */
export function* decodeRecords(fetched: FetchedRecords, limits: DecodeLimits = {}): Generator<RecordBatch, void, void> {
  const decoding = new Decoding(fetched, limits);
  let failure: TidetableError | undefined;
  while (failure === undefined) {
    const header = decoding.nextHeader();
    if (header === undefined) break;
    if (decoding.isFullFor(header)) yield decoding.handOut();
    try {
      decoding.take(header);
    } catch (error) {
      failure = damaged(fetched, header.baseOffset, error);
    }
  }
  if (decoding.hasProgress()) yield decoding.handOut();
  if (failure !== undefined) throw failure;
}

/** Where reading goes on after the whole batches of an answer, from their headers alone; undefined when there is none. */
export function offsetAfter(bytes: Buffer): bigint | undefined {
  let next: bigint | undefined;
  for (let at = 0; ; ) {
    const header = readHeader(bytes, at);
    if (header === undefined) return next;
    next = header.lastOffset + 1n;
    at = header.end;
  }
}

/** Bytes that the first batch announces to have; undefined when even that is cut off. */
export function announcedBytes(bytes: Buffer): number | undefined {
  return bytes.length < field.batchStart ? undefined : field.batchStart + bytes.readInt32BE(field.batchLength);
}

/** Byte positions in a batch of format v2. `magic` has the same place in all formats. */
const field = {
  baseOffset: 0,
  batchLength: 8,
  batchStart: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  recordCount: 57,
  records: 61,
} as const;

export interface BatchHeader {
  readonly start: number;
  readonly end: number;
  readonly magic: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
}

/** Undefined for a batch that is not whole. */
function readHeader(bytes: Buffer, start: number): BatchHeader | undefined {
  if (start + field.magic >= bytes.length) return undefined;
  const length = bytes.readInt32BE(start + field.batchLength);
  const end = start + field.batchStart + length;
  if (end > bytes.length) return undefined;
  const baseOffset = bytes.readBigInt64BE(start + field.baseOffset);
  const magic = bytes.readInt8(start + field.magic);
  const hasLastOffset = magic >= 2 && end - start >= field.records;
  const lastOffset = hasLastOffset ? baseOffset + BigInt(bytes.readInt32BE(start + field.lastOffsetDelta)) : baseOffset;
  // A length that leads nowhere must not keep the walk in place.
  return { start, end: Math.max(end, start + field.batchStart), magic, baseOffset, lastOffset };
}

class Decoding {
  readonly #fetched: FetchedRecords;
  readonly #unpackedBytesMax: number;
  readonly #gatheredBytes: number;
  readonly #aborted: AbortedProducers;
  #at = 0;
  #nextOffset: bigint;
  #handedOutOffset: bigint;
  #columns = new RecordColumns();
  /** Unpacked batches that the columns point into, in order; empty while they point into the answer itself. */
  #unpacked: Buffer[] = [];
  #unpackedLength = 0;

  constructor(fetched: FetchedRecords, limits: DecodeLimits) {
    this.#fetched = fetched;
    this.#unpackedBytesMax = limits.unpackedBytesMax ?? 64 * 1024 * 1024;
    this.#gatheredBytes = limits.gatheredBytes ?? 4 * 1024 * 1024;
    this.#aborted = new AbortedProducers(fetched.abortedTransactions);
    this.#nextOffset = fetched.fetchOffset;
    this.#handedOutOffset = fetched.fetchOffset;
  }

  nextHeader(): BatchHeader | undefined {
    return readHeader(this.#fetched.bytes, this.#at);
  }

  /** True when what is gathered has to go first: it is large enough, or points into other memory than this batch will. */
  isFullFor(header: BatchHeader): boolean {
    if (this.#columns.count === 0) return false;
    if (this.#unpackedLength >= this.#gatheredBytes) return true;
    return this.#unpackedLength > 0 !== isCopied(this.#fetched.bytes, header);
  }

  hasProgress(): boolean {
    return this.#nextOffset > this.#handedOutOffset;
  }

  handOut(): RecordBatch {
    const bytes =
      this.#unpackedLength === 0
        ? this.#fetched.bytes
        : this.#unpacked.length === 1
          ? (this.#unpacked[0] as Buffer)
          : Buffer.concat(this.#unpacked, this.#unpackedLength);
    const { topic, partition, highWatermark } = this.#fetched;
    const batch = this.#columns.cut({ topic, partition, bytes, nextOffset: this.#nextOffset, highWatermark });
    this.#handedOutOffset = this.#nextOffset;
    this.#columns = new RecordColumns();
    this.#unpacked = [];
    this.#unpackedLength = 0;
    return batch;
  }

  /** Reads one batch. On a throw the columns hold what stood before it. */
  take(header: BatchHeader): void {
    const countBefore = this.#columns.count;
    try {
      checkPlace(header, this.#fetched);
      if (header.magic === 2) this.#takeBatch(header);
      else if (header.lastOffset >= this.#nextOffset) this.#takeMessageSet(header);
    } catch (error) {
      this.#columns.truncate(countBefore);
      throw error;
    }
    if (header.lastOffset >= this.#nextOffset) this.#nextOffset = header.lastOffset + 1n;
    this.#at = header.end;
  }

  #takeBatch(header: BatchHeader): void {
    const { bytes } = this.#fetched;
    const { start, end } = header;
    if (end - start < field.records) throw new Error("is shorter than its header");
    const crc = bytes.readUInt32BE(start + field.crc);
    if (crc32c(bytes, start + field.attributes, end) !== crc) throw new Error("does not match its checksum (CRC-32C)");

    const attributes = bytes.readInt16BE(start + field.attributes);
    const isControl = (attributes & 0x20) !== 0;
    const producerId = bytes.readBigInt64BE(start + field.producerId);
    this.#aborted.advanceTo(header.lastOffset);
    if (isControl) {
      // Control batches are never compressed.
      if (readControlType(bytes, start + field.records, end) === "abort") this.#aborted.end(producerId);
      return;
    }
    const isTransactional = (attributes & 0x10) !== 0;
    if (isTransactional && this.#aborted.includes(producerId)) return;
    if (header.lastOffset < this.#nextOffset) return;

    const codec = attributes & 0x07;
    const packed = bytes.subarray(start + field.records, end);
    const records = codec === 0 ? { bytes, start: start + field.records, end } : this.#unpack(codec, packed);
    const logAppendTime = (attributes & 0x08) !== 0;
    readRecords(records, this.#columns, {
      baseOffset: header.baseOffset,
      lastOffsetDelta: Number(header.lastOffset - header.baseOffset),
      count: bytes.readInt32BE(start + field.recordCount),
      baseTimestampMs: bytes.readBigInt64BE(start + field.baseTimestamp),
      fixedTimestampMs: logAppendTime ? bytes.readBigInt64BE(start + field.maxTimestamp) : undefined,
      fromOffset: this.#nextOffset,
      shift: codec === 0 ? 0 : this.#unpackedLength,
    });
    if (codec !== 0) this.#keep(records.bytes);
  }

  #takeMessageSet(header: BatchHeader): void {
    const bytes = this.#fetched.bytes.subarray(header.start, header.end);
    const unpacked = appendMessageSet(bytes, this.#columns, {
      fromOffset: this.#nextOffset,
      shift: this.#unpackedLength,
      unpack: (codec, packed) => this.#unpack(codec, packed).bytes,
    });
    this.#keep(unpacked);
  }

  #unpack(codec: number, packed: Buffer): { bytes: Buffer; start: number; end: number } {
    if (codec > 4) {
      throw new TidetableError(
        "CODEC_UNSUPPORTED",
        `Topic ${this.#fetched.topic}, partition ${this.#fetched.partition}, has records with compression codec ${codec}, which is none of ${Object.values(codecNames).join(", ")}.`,
      );
    }
    const bytes = unpack(codec as CompressionCodec, packed, this.#unpackedBytesMax);
    return { bytes, start: 0, end: bytes.length };
  }

  #keep(unpacked: Buffer): void {
    this.#unpacked.push(unpacked);
    this.#unpackedLength += unpacked.length;
  }
}

/** Whether the columns of this batch will point into a copy instead of the answer. */
function isCopied(bytes: Buffer, header: BatchHeader): boolean {
  if (header.magic < 2) return true;
  // Too short to say; reading it will.
  if (header.end - header.start < field.records) return false;
  return (bytes.readInt16BE(header.start + field.attributes) & 0x07) !== 0;
}

/** Offset, length and format are outside the checksum; these are the checks that are left. */
function checkPlace(header: BatchHeader, fetched: FetchedRecords): void {
  if (header.magic < 0 || header.magic > 2)
    throw new Error(`has record format ${header.magic}, which is none of 0, 1, 2`);
  if (header.lastOffset < header.baseOffset) throw new Error(`ends at offset ${header.lastOffset}, before it begins`);
  if (header.lastOffset >= fetched.highWatermark) {
    throw new Error(`ends at offset ${header.lastOffset}, past the partition's end ${fetched.highWatermark}`);
  }
}

/** Producers whose current transaction was aborted, as reading passes through the offsets. */
class AbortedProducers {
  /** By first offset, ascending. */
  readonly #upcoming: AbortedTransaction[];
  readonly #current = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#upcoming = [...transactions].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  advanceTo(offset: bigint): void {
    for (let next = this.#upcoming[0]; next !== undefined && next.firstOffset <= offset; next = this.#upcoming[0]) {
      this.#current.add(next.producerId);
      this.#upcoming.shift();
    }
  }

  includes(producerId: bigint): boolean {
    return this.#current.has(producerId);
  }

  end(producerId: bigint): void {
    this.#current.delete(producerId);
  }
}

function damaged(fetched: FetchedRecords, offset: bigint, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  const where = `Topic ${fetched.topic}, partition ${fetched.partition}: the batch at offset ${offset}`;
  const what = error instanceof UnpackError ? `holds records that ${error.message}` : errorMessage(error);
  return new TidetableError(
    "RECORD_CORRUPT",
    `${where} ${what}. It is not used. Reading the rest: from {offsets: {${fetched.partition}: N}} with N the first offset after it.`,
    { cause: error },
  );
}
