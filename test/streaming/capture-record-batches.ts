/**
 * Makes the golden files of record-batch.test.ts anew, from a real Kafka: what it answers to a Fetch, byte for byte, and
 * what was produced. Run by hand when a new kind of frame is wanted:
 *   node --import tsx test/streaming/capture-record-batches.ts
 */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CompressionTypes, type IHeaders, Kafka, logLevel } from "kafkajs";
import { type KafkaCluster as LocalKafka, startKafka } from "../../scripts/components/kafka.js";
import { KafkaCluster } from "../../src/streaming/kafka/cluster.js";
import { fetchKey, fetchRequest } from "../../src/streaming/kafka/protocol.js";
import { offsetAfter } from "../../src/streaming/record-batch.js";
import { until } from "../support/until.js";
import type { GoldenFrame, GoldenRecord } from "./golden-frame.js";

/** Packages without types. */
const requirePlain: (name: string) => unknown = createRequire(import.meta.url);

const directory = join(fileURLToPath(new URL(".", import.meta.url)), "../golden/record-batches");
/** All timestamps are given, so that a capture differs from the one before in as little as can be. */
const timestampMs = 1_767_225_600_000;

const server = await startKafka({
  nodes: 1,
  progress: console.log,
  extraProperties: { "log.cleaner.backoff.ms": "200" },
});
try {
  await mkdir(directory, { recursive: true });
  await capture(server);
} finally {
  await server.stop();
}

async function capture({ bootstrap }: LocalKafka): Promise<void> {
  const kafka = new Kafka({ brokers: [...bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const createTopic = (topic: string, config: Record<string, string> = {}) =>
    admin.createTopics({
      topics: [
        { topic, numPartitions: 1, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) },
      ],
    });
  const producer = kafka.producer({ createPartitioner: () => () => 0 });
  await producer.connect();

  for (const codec of ["uncompressed", "gzip", "snappy", "lz4", "zstd"]) {
    // The broker packs anew with Kafka's own codecs, whatever the producer can write.
    await createTopic(codec, { "compression.type": codec });
    for (let batch = 0; batch < 2; batch += 1) await producer.send({ topic: codec, messages: tweets(batch * 40, 40) });
    await save(bootstrap, codec, `two batches of 40 records, ${codec}, packed by the broker`);
  }

  await createTopic("fields");
  await producer.send({ topic: "fields", messages: oddFields() });
  await save(bootstrap, "fields", "null, empty and binary keys and values; headers of every kind; times far apart");

  await createTopic("append-time", { "message.timestamp.type": "LogAppendTime" });
  await producer.send({ topic: "append-time", messages: tweets(0, 3) });
  await save(bootstrap, "append-time", "the broker's time stands for the producer's");

  await createTopic("gzip-by-client");
  await producer.send({ topic: "gzip-by-client", compression: CompressionTypes.GZIP, messages: tweets(0, 10) });
  await producer.send({ topic: "gzip-by-client", messages: tweets(10, 5) });
  await save(bootstrap, "gzip-by-client", "a batch packed by the client, then one that is not packed");

  await captureTransactions(kafka, bootstrap, createTopic);
  await captureCompaction(producer, bootstrap, createTopic);
  await producer.disconnect();
  await admin.disconnect();
}

async function captureTransactions(
  kafka: Kafka,
  bootstrap: readonly string[],
  createTopic: (topic: string) => Promise<boolean>,
) {
  await createTopic("transactions");
  const plain = kafka.producer({ createPartitioner: () => () => 0 });
  const first = kafka.producer({
    transactionalId: "first",
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: () => () => 0,
  });
  const second = kafka.producer({
    transactionalId: "second",
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: () => () => 0,
  });
  await Promise.all([plain.connect(), first.connect(), second.connect()]);
  // Without given times: a control record has today's, and a leap in time starts a new file, which ends an answer.
  const send = (value: string) => ({ topic: "transactions", messages: [{ value }] });
  // Two open at once, one aborted and one committed, interleaved with a plain producer.
  const aborted = await first.transaction();
  const committed = await second.transaction();
  await aborted.send(send("aborted 1"));
  await committed.send(send("committed 1"));
  await plain.send(send("plain 1"));
  await aborted.send(send("aborted 2"));
  await committed.commit();
  await plain.send(send("plain 2"));
  await aborted.abort();
  const again = await first.transaction();
  await again.send(send("committed 2"));
  await again.commit();
  const gone = await second.transaction();
  await gone.send(send("aborted 3"));
  await gone.abort();
  await Promise.all([plain.disconnect(), first.disconnect(), second.disconnect()]);
  await save(
    bootstrap,
    "transactions",
    "aborted and committed transactions, interleaved; the log ends in a control record",
  );
}

async function captureCompaction(
  producer: {
    send(record: { topic: string; messages: Array<{ key: string; value: string }> }): Promise<unknown>;
  },
  bootstrap: readonly string[],
  createTopic: (topic: string, config: Record<string, string>) => Promise<boolean>,
) {
  const topic = "compacted";
  await createTopic(topic, {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "600000",
  });
  const send = (names: readonly string[]) =>
    producer.send({
      topic,
      messages: names.map((name, index) => ({ key: name, value: `${name} ${index}` })),
    });
  await send(["a", "b", "a", "c", "b", "d"]);
  await send(["e", "f", "e", "e", "g", "a"]);
  await until(
    "the log cleaner has left gaps",
    async () => {
      // Every message rolls a segment; the one that is written to is never cleaned.
      await send(["z"]);
      // Of the twelve records, a b c d e f g are left, a and f among others that went.
      return (await consumed(bootstrap, topic, 8n)).filter(({ offset }) => Number(offset) < 12).length <= 7;
    },
    90_000,
  );
  await save(bootstrap, topic, "gaps that compaction left, inside a batch and between batches");
}

function tweets(first: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const n = first + index;
    const value = JSON.stringify({
      id: n,
      handle: `speaker${n % 7}`,
      content: `Thus spoke number ${n}, at some length, in verse`,
    });
    return { key: `speaker${n % 7}`, value, timestamp: String(timestampMs + n * 1000) };
  });
}

function oddFields() {
  const at = (offsetMs: number) => String(timestampMs + offsetMs);
  const headers = (entries: Record<string, string | Buffer>): { headers: IHeaders } => ({ headers: entries });
  return [
    { key: null, value: "no key", timestamp: at(0) },
    { key: "tombstone", value: null, timestamp: at(1) },
    { key: "", value: "", timestamp: at(-5) },
    { key: Buffer.from([0, 255, 10]), value: Buffer.from([0xc3, 0x28, 0]), timestamp: at(9_000_000_000) },
    { key: "h", value: "one header", timestamp: at(2), ...headers({ source: "web" }) },
    {
      key: "h",
      value: "names that objects have",
      timestamp: at(3),
      ...headers({ constructor: "c", __proto__x: "p", toString: "t" }),
    },
    { key: "h", value: "empty header", timestamp: at(4), ...headers({ nothing: Buffer.alloc(0), "": "empty name" }) },
    { key: "Zoë", value: "Ümlaut, 日本語, 🎭", timestamp: at(5), ...headers({ größe: "groß" }) },
    { key: "long", value: "x".repeat(300), timestamp: at(6) },
  ];
}

async function fetchFrame(bootstrap: readonly string[], topic: string) {
  const cluster = new KafkaCluster({ brokers: bootstrap });
  try {
    const metadata = await cluster.topic(topic);
    const connection = await cluster.leader(metadata.partitions[0]?.leader ?? -1);
    const partitions = [{ partition: 0, fetchOffset: 0n, bytesMax: 1024 * 1024 }];
    const request = { topic, topicId: metadata.id, partitions, waitMs: 500, bytesMax: 1024 * 1024 };
    const answer = await connection.send(fetchRequest(request, connection.versionMax(fetchKey)));
    const [partition] = answer.partitions;
    if (partition === undefined) throw new Error(`${topic}: no answer`);
    return partition;
  } finally {
    cluster.close();
  }
}

/** What is expected is what kafkajs's own consumer reads: another decoder than ours. */
async function save(bootstrap: readonly string[], topic: string, what: string): Promise<void> {
  // The cleaner leaves several files, and an answer ends with its file.
  const whole = topic !== "compacted";
  const frame = await until(`${topic}: all of it in one answer`, async () => {
    const fetched = await fetchFrame(bootstrap, topic);
    return (!whole || offsetAfter(fetched.records) === fetched.highWatermark) && fetched;
  });
  const golden: GoldenFrame = {
    what,
    highWatermark: String(frame.highWatermark),
    abortedTransactions: frame.abortedTransactions.map(({ producerId, firstOffset }) => ({
      producerId: String(producerId),
      firstOffset: String(firstOffset),
    })),
    bytes: frame.records.toString("base64").match(/.{1,100}/g) ?? [],
    records: (await consumed(bootstrap, topic, frame.highWatermark)).filter(
      ({ offset }) => BigInt(offset) < (offsetAfter(frame.records) ?? 0n),
    ),
  };
  await writeFile(join(directory, `${topic}.json`), `${JSON.stringify(golden, undefined, 1)}\n`);
  console.log(`${topic}: ${frame.records.length} bytes, ${golden.records.length} records`);
}

async function consumed(bootstrap: readonly string[], topic: string, end: bigint): Promise<GoldenRecord[]> {
  const { CompressionCodecs } = (await import("kafkajs")).default;
  const snappy = requirePlain("kafkajs-snappy") as () => never;
  const { decompress: unlz4 } = requirePlain("lz4js") as { decompress(bytes: Buffer): Uint8Array };
  const { decompress: unzstd } = await import("fzstd");
  CompressionCodecs[CompressionTypes.Snappy] = snappy;
  const readOnly = (unpack: (bytes: Buffer) => Uint8Array) => () => ({
    compress: () => Promise.reject(new Error("reads only")),
    decompress: async (bytes: Buffer) => Buffer.from(unpack(bytes)),
  });
  CompressionCodecs[CompressionTypes.LZ4] = readOnly(unlz4);
  CompressionCodecs[CompressionTypes.ZSTD] = readOnly(unzstd);
  const consumer = new Kafka({ brokers: [...bootstrap], logLevel: logLevel.NOTHING }).consumer({
    groupId: `capture-${topic}-${performance.now()}`,
    maxWaitTimeInMs: 200,
  });
  const records: GoldenRecord[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let position = 0n;
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { offset, timestamp, key, value, headers } of batch.messages) {
        records.push({
          offset,
          timestampMs: timestamp,
          key: key?.toString("base64") ?? null,
          value: value?.toString("base64") ?? null,
          headers: headerList(headers),
        });
      }
      position = BigInt(batch.lastOffset()) + 1n;
    },
  });
  const settled = () => position >= end || (topic === "transactions" && position >= end - 3n);
  await until(`${topic} read by kafkajs`, settled, 30_000);
  await consumer.disconnect();
  return records;
}

function headerList(headers: IHeaders | undefined): Array<[string, string]> {
  // Of a name that every object has, kafkajs makes a list that begins with the object's own.
  const sent = (value: IHeaders[string]) => (Array.isArray(value) ? value.at(-1) : value) ?? "";
  return Object.entries(headers ?? {}).map(([name, value]) => [name, Buffer.from(sent(value)).toString("base64")]);
}
