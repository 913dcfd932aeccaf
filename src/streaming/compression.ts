/**
 * Unpacks the compressed part of a record batch: gzip, snappy, lz4, zstd, each with a bound on what comes out, because a
 * few hundred kilobytes can announce gigabytes. Pure: bytes in, bytes out.
 *
 * Snappy and lz4 are decoded here: their formats are small, and the decoders on npm either trust the announced length or
 * grow without a bound. Node has gzip; it has zstd from 22.15 on, before that fzstd decodes it.
 */
import * as zlib from "node:zlib";
import { Decompress } from "fzstd";

/** As the attributes of a record batch number them. */
export type CompressionCodec = 1 | 2 | 3 | 4;

export const codecNames: Readonly<Record<CompressionCodec, string>> = { 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd" };

/** Why bytes were not unpacked. `message` completes "the records …". */
export class UnpackError extends Error {
  override readonly name = "UnpackError";
}

/** @throws UnpackError when the bytes are damaged or more than `bytesMax` come out. Nothing larger is ever allocated. */
export function unpack(codec: CompressionCodec, bytes: Buffer, bytesMax: number): Buffer {
  try {
    return unpackers[codec](bytes, bytesMax);
  } catch (error) {
    if (error instanceof UnpackError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(bytesMax);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnpackError(`are damaged (${codecNames[codec]}: ${reason})`, { cause: error });
  }
}

const unpackers: Readonly<Record<CompressionCodec, (bytes: Buffer, bytesMax: number) => Buffer>> = {
  1: (bytes, bytesMax) => zlib.gunzipSync(bytes, { maxOutputLength: bytesMax }),
  2: unpackSnappy,
  3: unpackLz4,
  4: unpackZstd,
};

// ---- snappy ----

/** Java's framing: a magic of 8 bytes, two versions, then length-prefixed blocks. Other clients write one bare block. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

function unpackSnappy(bytes: Buffer, bytesMax: number): Buffer {
  const output = new Output(bytesMax);
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    unpackSnappyBlock(bytes, output);
    return output.bytes();
  }
  for (let at = xerialHeaderBytes; at < bytes.length; ) {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0 || length > bytes.length - at) throw new UnpackError("are damaged (snappy: a block passes the end)");
    unpackSnappyBlock(bytes.subarray(at, at + length), output);
    at += length;
  }
  return output.bytes();
}

function unpackSnappyBlock(block: Buffer, output: Output): void {
  const { length, start } = snappyLength(block);
  // Three bytes make at most 64: a larger announcement is not worth the memory.
  if (length > block.length * 22) throw new UnpackError("are damaged (snappy: announces more than it can hold)");
  const end = output.length + length;
  output.reserve(length);
  const blockStart = output.length;
  let at = start;
  while (at < block.length) {
    const tag = block.readUInt8(at);
    at += 1;
    const kind = tag & 3;
    if (kind === 0) {
      let literalLength = (tag >>> 2) + 1;
      if (literalLength > 60) {
        const lengthBytes = literalLength - 60;
        literalLength = block.readUIntLE(at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (output.length + literalLength > end) throw new UnpackError("are damaged (snappy: more than announced)");
      output.copyFrom(block, at, literalLength);
      at += literalLength;
      continue;
    }
    let copyLength: number;
    let distance: number;
    if (kind === 1) {
      copyLength = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | block.readUInt8(at);
      at += 1;
    } else if (kind === 2) {
      copyLength = (tag >>> 2) + 1;
      distance = block.readUInt16LE(at);
      at += 2;
    } else {
      copyLength = (tag >>> 2) + 1;
      distance = block.readUInt32LE(at);
      at += 4;
    }
    if (output.length + copyLength > end) throw new UnpackError("are damaged (snappy: more than announced)");
    output.repeat(distance, copyLength, blockStart);
  }
  if (output.length !== end) throw new UnpackError("are damaged (snappy: less than announced)");
}

function snappyLength(block: Buffer): { readonly length: number; readonly start: number } {
  let length = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block.readUInt8(index);
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { length, start: index + 1 };
  }
  throw new UnpackError("are damaged (snappy: no length)");
}

// ---- lz4 ----

const lz4Magic = 0x184d2204;
/** The lower four bits are free: frames for readers to pass over. */
const skippableMagic = 0x184d2a50;

function unpackLz4(bytes: Buffer, bytesMax: number): Buffer {
  const output = new Output(bytesMax);
  let at = 0;
  while (at < bytes.length) {
    const magic = bytes.readUInt32LE(at);
    at += 4;
    if (magic >>> 4 === skippableMagic >>> 4) {
      at += 4 + bytes.readUInt32LE(at);
    } else if (magic === lz4Magic) {
      at = unpackLz4Frame(bytes, at, output);
    } else {
      throw new UnpackError("are damaged (lz4: no frame)");
    }
  }
  return output.bytes();
}

/** Checksums inside the frame are passed over: the batch's own covers them. Returns where the frame ends. */
function unpackLz4Frame(bytes: Buffer, start: number, output: Output): number {
  const flags = bytes.readUInt8(start);
  const blockSizeCode = (bytes.readUInt8(start + 1) >>> 4) & 7;
  if (flags >>> 6 !== 1 || blockSizeCode < 4) throw new UnpackError("are damaged (lz4: frame header)");
  const blockBytesMax = 2 ** (8 + 2 * blockSizeCode);
  const independentBlocks = (flags & 0x20) !== 0;
  const blockChecksumBytes = flags & 0x10 ? 4 : 0;
  const contentSizeBytes = flags & 0x08 ? 8 : 0;
  const contentChecksumBytes = flags & 0x04 ? 4 : 0;
  const dictionaryBytes = flags & 0x01 ? 4 : 0;
  let at = start + 2 + contentSizeBytes + dictionaryBytes + 1;
  const frameStart = output.length;
  for (;;) {
    const word = bytes.readUInt32LE(at);
    at += 4;
    if (word === 0) return at + contentChecksumBytes;
    const length = word & 0x7fffffff;
    if (length > blockBytesMax || length > bytes.length - at) throw new UnpackError("are damaged (lz4: block length)");
    if (word >>> 31) {
      output.reserve(length);
      output.copyFrom(bytes, at, length);
    } else {
      unpackLz4Block(
        bytes.subarray(at, at + length),
        blockBytesMax,
        independentBlocks ? output.length : frameStart,
        output,
      );
    }
    at += length + blockChecksumBytes;
  }
}

function unpackLz4Block(block: Buffer, blockBytesMax: number, matchesFrom: number, output: Output): void {
  const end = output.length + blockBytesMax;
  let at = 0;
  const longLength = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (;;) {
      const byte = block.readUInt8(at);
      at += 1;
      length += byte;
      if (byte !== 255) return length;
    }
  };
  while (at < block.length) {
    const token = block.readUInt8(at);
    at += 1;
    const literalLength = longLength(token >>> 4);
    if (output.length + literalLength > end) throw new UnpackError("are damaged (lz4: block too long)");
    output.reserve(literalLength);
    output.copyFrom(block, at, literalLength);
    at += literalLength;
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    const matchLength = longLength(token & 15) + 4;
    if (output.length + matchLength > end) throw new UnpackError("are damaged (lz4: block too long)");
    output.reserve(matchLength);
    output.repeat(distance, matchLength, matchesFrom);
  }
}

// ---- zstd ----

type ZstdDecompressSync = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

/** Node 22.15 and later. */
const zstdDecompressSync = (zlib as { readonly zstdDecompressSync?: ZstdDecompressSync }).zstdDecompressSync;

function unpackZstd(bytes: Buffer, bytesMax: number): Buffer {
  return zstdDecompressSync === undefined
    ? unpackZstdWithoutNode(bytes, bytesMax)
    : zstdDecompressSync(bytes, { maxOutputLength: bytesMax });
}

/** For Node before 22.15, and for the test that compares the two. */
export function unpackZstdWithoutNode(bytes: Buffer, bytesMax: number): Buffer {
  checkZstdWindows(bytes, bytesMax);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const stream = new Decompress((piece) => {
    length += piece.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    // The decoder reuses its memory.
    pieces.push(piece.slice());
  });
  stream.push(bytes, true);
  return Buffer.concat(pieces, length);
}

/** fzstd allocates the window that a frame announces before it reads on, so every frame's is looked at first. */
function checkZstdWindows(bytes: Buffer, bytesMax: number): void {
  let at = 0;
  while (at < bytes.length) {
    const magic = bytes.readUInt32LE(at);
    if (magic >>> 4 === skippableMagic >>> 4) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== 0xfd2fb528) throw new UnpackError("are damaged (zstd: no frame)");
    const descriptor = bytes.readUInt8(at + 4);
    const singleSegment = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
    at += 5;
    if (!singleSegment) {
      const window = bytes.readUInt8(at);
      const base = 2 ** (10 + (window >>> 3));
      // The window of level 22 is 128 MiB; Kafka's default level asks for 2 MiB.
      if (base + (base / 8) * (window & 7) > Math.max(bytesMax, 8 * 1024 * 1024)) throw tooLarge(bytesMax);
      at += 1;
    }
    at += dictionaryBytes;
    if (singleSegment && zstdContentSize(bytes, at, contentSizeBytes) > bytesMax) throw tooLarge(bytesMax);
    at += contentSizeBytes;
    for (let last = false; !last; ) {
      const block = bytes.readUIntLE(at, 3);
      last = (block & 1) === 1;
      // A run of one repeated byte (type 1) stores that byte alone.
      at += 3 + (((block >>> 1) & 3) === 1 ? 1 : block >>> 3);
    }
    if (descriptor & 4) at += 4;
  }
}

function zstdContentSize(bytes: Buffer, at: number, length: number): number {
  if (length === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}

// ---- output ----

function tooLarge(bytesMax: number): UnpackError {
  return new UnpackError(`unpack to more than ${bytesMax} bytes, the limit for one batch`);
}

/** Unpacked bytes, growing up to a bound. */
class Output {
  length = 0;
  readonly #bytesMax: number;
  #buffer = Buffer.allocUnsafe(0);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Makes room for `count` more bytes. @throws UnpackError above the bound. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.#bytesMax) throw tooLarge(this.#bytesMax);
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.#bytesMax, Math.max(needed, this.#buffer.length * 2, 16 * 1024)));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }

  copyFrom(source: Buffer, start: number, count: number): void {
    if (start + count > source.length) throw new UnpackError("are damaged (a literal passes the end)");
    source.copy(this.#buffer, this.length, start, start + count);
    this.length += count;
  }

  /** Appends what stands `distance` bytes back; with a distance below `count` it repeats itself. */
  repeat(distance: number, count: number, notBefore: number): void {
    const from = this.length - distance;
    if (distance === 0 || from < notBefore) throw new UnpackError("are damaged (a copy from before the beginning)");
    if (distance >= count) {
      this.#buffer.copyWithin(this.length, from, from + count);
    } else {
      for (let index = 0; index < count; index += 1) {
        this.#buffer[this.length + index] = this.#buffer[from + index] as number;
      }
    }
    this.length += count;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }
}
