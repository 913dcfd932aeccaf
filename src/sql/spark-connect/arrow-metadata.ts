/**
 * Whether the counts in an Arrow stream's metadata can be true: Arrow's reader makes as many fields, nodes and buffers as
 * it is told of, and a damaged count would have it fill the memory with them. Looks at counts only; the rest is the
 * reader's. Pure.
 */
import type { Field } from "apache-arrow/fb/field";
import { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import { ByteBuffer } from "flatbuffers";

const CONTINUATION = -1;
/** Bytes that one of them takes in the metadata at the least: an offset to it, or the struct itself. */
const OFFSET_BYTES = 4;
const COUNT_BYTES = 8;
const STRUCT_BYTES = 16;
/** Deeper than Spark nests its types. */
const DEPTH_MAX = 64;

/** @throws Error for counts of which the metadata cannot hold as many. */
export function checkMetadata(stream: Uint8Array): void {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  let at = 0;
  const nextInt = (): number => {
    if (at + 4 > stream.byteLength) return 0;
    at += 4;
    return view.getInt32(at - 4, true);
  };
  for (;;) {
    const first = nextInt();
    const length = first === CONTINUATION ? nextInt() : first;
    if (length === 0) return;
    if (length < 0 || at + length > stream.byteLength) throw new Error("its metadata is cut");
    const message = Message.getRootAsMessage(new ByteBuffer(stream.subarray(at, at + length)));
    checkMessage(message, length);
    const bodyLength = message.bodyLength();
    if (bodyLength < 0n || bodyLength > stream.byteLength) throw new Error("its values are cut");
    at += length + Number(bodyLength);
  }
}

function checkMessage(message: Message, length: number): void {
  check(message.customMetadataLength(), OFFSET_BYTES, length);
  const type = message.headerType();
  if (type === MessageHeader.Schema) {
    const schema: Schema | null = message.header(new Schema());
    if (schema !== null) checkSchema(schema, length);
  } else if (type === MessageHeader.RecordBatch) {
    const batch: RecordBatch | null = message.header(new RecordBatch());
    if (batch === null) return;
    check(batch.nodesLength(), STRUCT_BYTES, length);
    check(batch.buffersLength(), STRUCT_BYTES, length);
    check(batch.variadicBufferCountsLength(), COUNT_BYTES, length);
  } else if (type === MessageHeader.DictionaryBatch) {
    // Spark sends none, and has no reason to.
    throw new Error("it has a dictionary");
  }
}

function checkSchema(schema: Schema, length: number): void {
  check(schema.customMetadataLength(), OFFSET_BYTES, length);
  // Two damaged offsets may lead to the same fields, over and over.
  let fieldsLeft = Math.floor(length / OFFSET_BYTES);
  const checkField = (field: Field | null, depth: number): void => {
    if (field === null) return;
    fieldsLeft -= 1;
    if (fieldsLeft < 0 || depth > DEPTH_MAX) throw new Error("its columns do not end");
    check(field.customMetadataLength(), OFFSET_BYTES, length);
    const children = check(field.childrenLength(), OFFSET_BYTES, length);
    for (let index = 0; index < children; index++) checkField(field.children(index), depth + 1);
  };
  const fields = check(schema.fieldsLength(), OFFSET_BYTES, length);
  for (let index = 0; index < fields; index++) checkField(schema.fields(index), 1);
}

function check(count: number, bytesOfOne: number, length: number): number {
  if (count >= 0 && count * bytesOfOne <= length) return count;
  throw new Error("its metadata counts more than it holds");
}
