/**
 * Record batches as bytes, for tests: written by kafkajs's encoders, which are not ours. Codecs that kafkajs has not are
 * packed by the caller.
 */
import { createRequire } from "node:module";
import { crc32c } from "../../src/streaming/crc32c.js";

interface Encoder {
  readonly buffer: Buffer;
}

const requireInside = createRequire(import.meta.url);
const { RecordBatch } = requireInside("kafkajs/src/protocol/recordBatch/v0/index.js") as {
  RecordBatch(options: object): Promise<Encoder>;
};
const Record = requireInside("kafkajs/src/protocol/recordBatch/record/v0/index.js") as (options: object) => Encoder;
const Message = requireInside("kafkajs/src/protocol/message/index.js") as (
  options: object,
) => (message: object) => Encoder;

export interface EncodeOptions {
  readonly baseOffset?: bigint;
  readonly baseTimestampMs?: number;
  readonly transactional?: boolean;
  readonly producerId?: number;
}

export interface EncodeRecord {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key?: string | null;
  readonly value: string | Buffer | null;
  readonly headers?: object;
}

/** One batch of format v2. */
export async function encodeBatch(records: readonly EncodeRecord[], options: EncodeOptions = {}): Promise<Buffer> {
  const lastOffsetDelta = records.reduce((last, record, index) => Math.max(last, record.offsetDelta ?? index), 0);
  const encoder = await RecordBatch({
    firstOffset: String(options.baseOffset ?? 0n),
    firstTimestamp: options.baseTimestampMs ?? 1_000,
    maxTimestamp: options.baseTimestampMs ?? 1_000,
    lastOffsetDelta,
    transactional: options.transactional ?? false,
    producerId: options.producerId ?? -1,
    records: records.map((record, index) =>
      Record({
        offsetDelta: record.offsetDelta ?? index,
        timestampDelta: record.timestampDelta ?? index,
        key: record.key ?? null,
        value: record.value,
        headers: record.headers ?? {},
      }),
    ),
  });
  return Buffer.from(encoder.buffer);
}

/** The same batch with its records packed by `pack`. */
export function packBatch(batch: Buffer, codec: number, pack: (records: Buffer) => Uint8Array): Buffer {
  const packed = Buffer.concat([batch.subarray(0, 61), pack(batch.subarray(61))]);
  packed.writeInt32BE(packed.length - 12, 8);
  packed.writeInt16BE(packed.readInt16BE(21) | codec, 21);
  return sealed(packed);
}

/** Writes the checksum that belongs to the bytes, after a test has changed some. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** One message of format v0 or v1; with `codec`, its value is packed messages. */
export function encodeMessage(
  version: 0 | 1,
  offset: bigint,
  message: {
    readonly key?: string | null;
    readonly value: string | Buffer | null;
    readonly timestampMs?: number;
    readonly codec?: number;
  },
): Buffer {
  const { key = null, value, timestampMs = 0, codec = 0 } = message;
  const body = Message({ version })({ compression: codec, timestamp: timestampMs, key, value }).buffer;
  const head = Buffer.alloc(12);
  head.writeBigInt64BE(offset, 0);
  head.writeInt32BE(body.length, 8);
  return Buffer.concat([head, body]);
}
