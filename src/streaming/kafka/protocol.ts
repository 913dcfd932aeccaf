/**
 * The three requests that reading needs, as bytes: Metadata, ListOffsets, Fetch. Pure: bodies out, answers in. Framing,
 * correlation and authentication are the connection's (kafka/client.ts).
 */

import type { AbortedTransaction } from "../record-batch.js";
import { Reader, Writer } from "./bytes.js";

/** A request as a connection sends it. */
export interface KafkaRequest<Answer> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly body: Buffer;
  /** Where in the answer the broker says how long to leave it alone (milliseconds, 32 bits). */
  readonly throttleTimeAt: number;
  /** The bytes after the correlation id. Throws when they are not such an answer. */
  decode(payload: Buffer): Answer;
}

/** Error codes of answers that reading acts on. */
export const errorCode = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  invalidTopic: 17,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const;

// ---- Metadata ----

export interface KafkaMetadata {
  /** Empty where the brokers name none. */
  readonly clusterId: string;
  readonly brokers: readonly KafkaBroker[];
  readonly topics: readonly KafkaTopic[];
}

export interface KafkaBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface KafkaTopic {
  readonly errorCode: number;
  readonly name: string;
  /** Of this very topic: one that is deleted and created again has another. Empty from brokers before 3.1. */
  readonly id: string;
  readonly isInternal: boolean;
  readonly partitions: ReadonlyArray<{ readonly partition: number; readonly leader: number }>;
}

const metadataKey = 3;
/** The first version with topic ids in a form that can be asked by name. */
const metadataVersionWithIds = 12;

/** `topics` null asks for all. */
export function metadataRequest(topics: readonly string[] | null, versionMax: number): KafkaRequest<KafkaMetadata> {
  const request = { apiKey: metadataKey, apiName: "Metadata" };
  if (versionMax < metadataVersionWithIds) {
    const body = new Writer();
    body.int32(topics === null ? -1 : topics.length);
    for (const topic of topics ?? []) body.string(topic);
    body.int8(0); // do not create the topic
    return { ...request, apiVersion: 5, throttleTimeAt: 0, body: body.bytes(), decode: decodeMetadata5 };
  }
  const body = new Writer();
  body.uvarint(0); // no tagged fields in the request's header
  body.uvarint(topics === null ? 0 : topics.length + 1);
  for (const topic of topics ?? []) {
    body.raw(Buffer.alloc(16)); // by name, not by id
    body.compactString(topic);
    body.uvarint(0);
  }
  body.int8(0); // do not create the topic
  body.int8(0); // no authorized operations
  body.uvarint(0);
  return {
    ...request,
    apiVersion: metadataVersionWithIds,
    throttleTimeAt: 1,
    body: body.bytes(),
    decode: decodeMetadata12,
  };
}

function decodeMetadata5(payload: Buffer): KafkaMetadata {
  const reader = new Reader(payload);
  reader.int32(); // throttle time
  const brokers = reader.array(() => {
    const broker = { nodeId: reader.int32(), host: reader.string() ?? "", port: reader.int32() };
    reader.string(); // rack
    return broker;
  });
  const clusterId = reader.string() ?? "";
  reader.int32(); // controller
  const topics = reader.array(() => {
    const topic = { errorCode: reader.int16(), name: reader.string() ?? "", id: "", isInternal: reader.int8() !== 0 };
    const partitions = reader.array(() => {
      reader.int16(); // error; the leader is -1 then
      const partition = { partition: reader.int32(), leader: reader.int32() };
      for (let list = 0; list < 3; list += 1) reader.array(() => reader.int32()); // replicas, in sync, offline
      return partition;
    });
    return { ...topic, partitions };
  });
  return { clusterId, brokers, topics };
}

function decodeMetadata12(payload: Buffer): KafkaMetadata {
  const reader = new Reader(payload);
  reader.tags(); // of the response's header
  reader.int32(); // throttle time
  const brokers = reader.compactArray(() => {
    const broker = { nodeId: reader.int32(), host: reader.compactString() ?? "", port: reader.int32() };
    reader.compactString(); // rack
    reader.tags();
    return broker;
  });
  const clusterId = reader.compactString() ?? "";
  reader.int32(); // controller
  const topics = reader.compactArray(() => {
    const code = reader.int16();
    const name = reader.compactString() ?? "";
    const id = reader.slice(16).toString("hex");
    const isInternal = reader.int8() !== 0;
    const partitions = reader.compactArray(() => {
      reader.int16(); // error; the leader is -1 then
      const partition = { partition: reader.int32(), leader: reader.int32() };
      reader.int32(); // leader epoch
      for (let list = 0; list < 3; list += 1) reader.compactArray(() => reader.int32()); // replicas, in sync, offline
      reader.tags();
      return partition;
    });
    reader.int32(); // authorized operations
    reader.tags();
    return { errorCode: code, name, id, isInternal, partitions };
  });
  return { clusterId, brokers, topics };
}

// ---- ListOffsets ----

/** What to ask for instead of a timestamp. */
export const latestOffset = -1n;
export const earliestOffset = -2n;

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  /** -1 when no record has the timestamp or a later one. */
  readonly offset: bigint;
}

/** Only committed records count: `latestOffset` is the last stable offset. */
export function listOffsetsRequest(
  topic: string,
  partitions: readonly number[],
  timestampMs: bigint,
): KafkaRequest<readonly ListedOffset[]> {
  const body = new Writer();
  body.int32(-1); // no replica
  body.int8(readCommitted);
  body.int32(1);
  body.string(topic);
  body.int32(partitions.length);
  for (const partition of partitions) {
    body.int32(partition);
    body.int64(timestampMs);
  }
  return {
    apiKey: 2,
    apiName: "ListOffsets",
    apiVersion: 3,
    throttleTimeAt: 0,
    body: body.bytes(),
    decode: decodeListOffsets,
  };
}

function decodeListOffsets(payload: Buffer): readonly ListedOffset[] {
  const reader = new Reader(payload);
  reader.int32(); // throttle time
  return reader
    .array(() => {
      reader.string(); // topic
      return reader.array(() => {
        const partition = reader.int32();
        const code = reader.int16();
        reader.int64(); // timestamp
        return { partition, errorCode: code, offset: reader.int64() };
      });
    })
    .flat();
}

// ---- Fetch ----

export interface FetchOptions {
  readonly topic: string;
  /** As Metadata gives it; empty where it does not. */
  readonly topicId: string;
  readonly partitions: ReadonlyArray<{
    readonly partition: number;
    readonly fetchOffset: bigint;
    readonly bytesMax: number;
  }>;
  /** The broker answers when there is a record, or after this time. */
  readonly waitMs: number;
  readonly bytesMax: number;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** End of what may be read: the last stable offset, where the broker names one. */
  readonly highWatermark: bigint;
  readonly logStartOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Record batches, the last perhaps cut off. Points into the answer. */
  readonly records: Buffer;
}

const readCommitted = 1;
export const fetchKey = 1;
/** The last version without tagged fields; Kafka 2.3 and later speak it. */
export const fetchVersionMin = 11;
/** Asks by the topic's id (Kafka 3.1 and later), so that a topic that was made anew is never taken for the old one. */
const fetchVersionWithIds = 13;

export function fetchRequest(options: FetchOptions, versionMax: number): KafkaRequest<FetchAnswer> {
  const request = { apiKey: fetchKey, apiName: "Fetch" };
  const byId = versionMax >= fetchVersionWithIds && options.topicId !== "";
  const body = new Writer();
  if (byId) body.uvarint(0); // no tagged fields in the request's header
  body.int32(-1); // no replica
  body.int32(options.waitMs);
  body.int32(1); // one byte is enough to answer
  body.int32(options.bytesMax);
  body.int8(readCommitted);
  body.int32(0); // no fetch session
  body.int32(-1);
  if (byId) {
    body.uvarint(2); // one topic
    body.raw(Buffer.from(options.topicId, "hex"));
    body.uvarint(options.partitions.length + 1);
  } else {
    body.int32(1);
    body.string(options.topic);
    body.int32(options.partitions.length);
  }
  for (const { partition, fetchOffset, bytesMax } of options.partitions) {
    body.int32(partition);
    body.int32(-1); // leader epoch, unknown
    body.int64(fetchOffset);
    if (byId) body.int32(-1); // last fetched epoch, for replicas
    body.int64(-1n); // log start, for replicas
    body.int32(bytesMax);
    if (byId) body.uvarint(0);
  }
  if (byId) {
    body.uvarint(0); // of the topic
    body.uvarint(1); // nothing to forget
    body.uvarint(1); // rack ""
    body.uvarint(0);
    return {
      ...request,
      apiVersion: fetchVersionWithIds,
      throttleTimeAt: 1,
      body: body.bytes(),
      decode: decodeFetch13,
    };
  }
  body.int32(0); // nothing to forget
  body.string(""); // rack
  return { ...request, apiVersion: fetchVersionMin, throttleTimeAt: 0, body: body.bytes(), decode: decodeFetch11 };
}

function decodeFetch11(payload: Buffer): FetchAnswer {
  const reader = new Reader(payload);
  reader.int32(); // throttle time
  const code = reader.int16();
  reader.int32(); // session
  const partitions = reader
    .array(() => {
      reader.string(); // topic
      return reader.array(() => {
        const head = decodePartitionHead(reader);
        const abortedTransactions = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
        reader.int32(); // preferred replica
        return { ...head, abortedTransactions, records: reader.slice(Math.max(0, reader.int32())) };
      });
    })
    .flat();
  return { errorCode: code, partitions };
}

function decodeFetch13(payload: Buffer): FetchAnswer {
  const reader = new Reader(payload);
  reader.tags(); // of the response's header
  reader.int32(); // throttle time
  const code = reader.int16();
  reader.int32(); // session
  const partitions = reader
    .compactArray(() => {
      reader.slice(16); // topic id
      const answered = reader.compactArray(() => {
        const head = decodePartitionHead(reader);
        const abortedTransactions = reader.compactArray(() => {
          const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
          reader.tags();
          return transaction;
        });
        reader.int32(); // preferred replica
        const records = reader.slice(Math.max(0, reader.uvarint() - 1));
        reader.tags();
        return { ...head, abortedTransactions, records };
      });
      reader.tags();
      return answered;
    })
    .flat();
  return { errorCode: code, partitions };
}

function decodePartitionHead(reader: Reader) {
  const partition = reader.int32();
  const code = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  return {
    partition,
    errorCode: code,
    highWatermark: lastStableOffset < 0n ? highWatermark : lastStableOffset,
    logStartOffset,
  };
}
