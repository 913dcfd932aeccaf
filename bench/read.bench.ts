/**
 * Reading a topic and only counting: our reader (every checksum checked) against kafkajs's consumer in batches, in turn, in
 * one process, and against librdkafka under Python, in one of its own (neither checks any), on the same real broker.
 */
import { startKafka } from "../scripts/components/kafka.js";
import { ensurePython } from "../scripts/components/python.js";
import { openKafkaProducer } from "../src/streaming/kafka/producer.js";
import { KafkaRecordSource } from "../src/streaming/kafka/record-source.js";
import { encodeTweet } from "../src/tweeter/tweet.js";
import { generateTweet } from "../src/tweeter/tweet-generator.js";
import { alternate, type Measure, measure } from "./measure.js";
import { countWithKafkajs } from "./support/count-with-kafkajs.js";
import { type KafkaBench, runPython } from "./support/python.js";

const topic = "read";
const partitions = 4;
const recordCount = 600_000;
const sendCount = 4_000;
const rounds = 4;

export async function measures(): Promise<Measure[]> {
  return await measureRead();
}

export async function measureRead(): Promise<Measure[]> {
  const { python } = await ensurePython(console.log);
  const kafka = await startKafka({ nodes: 1, progress: console.log });
  try {
    await fill(kafka.bootstrap);
    const kafkajsOnce = async () => (await countWithKafkajs(kafka.bootstrap, topic, recordCount, partitions)).seconds;
    await oursOnce(kafka.bootstrap);
    await kafkajsOnce();
    const cpu = { ours: [] as number[], peer: [] as number[] };
    const rates = await alternate(
      rounds,
      () => timed(() => oursOnce(kafka.bootstrap), cpu.ours),
      () => timed(kafkajsOnce, cpu.peer),
    );
    const bench = { brokers: kafka.bootstrap, python };
    await librdkafkaOnce(bench);
    const native = await alternate(
      rounds,
      () => timed(() => oursOnce(kafka.bootstrap), []),
      () => librdkafkaOnce(bench),
    );
    const peerName = "kafkajs eachBatch, checksums not checked";
    const nativeName = "librdkafka under Python, checksums not checked";
    return [
      measure({ name: "reading, count only", unit: "records/s", ...rates, peerName, goal: { atLeast: 1.8 } }),
      measure({ name: "processor time of reading", unit: "s per million", ...cpu, peerName, goal: { atMost: 0.5 } }),
      measure({
        name: "reading, count only",
        unit: "records/s",
        ...native,
        peerName: nativeName,
        goal: { atLeast: 0.9 },
      }),
    ];
  } finally {
    await kafka.stop();
  }
}

async function fill(brokers: readonly string[]): Promise<void> {
  const producer = await openKafkaProducer({ brokers });
  await producer.ensureTopic(topic, { partitions });
  for (let first = 0; first < recordCount; first += sendCount) {
    const messages = Array.from({ length: sendCount }, (_, n) => {
      const tweet = generateTweet(1, first + n, 1_767_225_600_000 + first + n);
      // Ids spread evenly; handles would fill one partition with the loudest speaker.
      return { key: tweet.id, value: encodeTweet(tweet), timestampMs: tweet.createdAtMs };
    });
    await producer.produceAll(topic, messages);
  }
  await producer.close();
}

/** Records a second of one run; its processor time is kept beside. */
async function timed(run: () => Promise<number>, cpuSeconds: number[]): Promise<number> {
  const cpuBefore = process.cpuUsage();
  const seconds = await run();
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuSeconds.push((user + system) / 1e6 / (recordCount / 1e6));
  return recordCount / seconds;
}

/** Records a second. */
async function librdkafkaOnce(bench: KafkaBench): Promise<number> {
  const printed = await runPython(bench, "count_with_librdkafka.py", [topic, recordCount, partitions]);
  const { seconds } = JSON.parse(printed) as { seconds: number };
  return recordCount / seconds;
}

/** Seconds from the first batch asked for to the last record. */
async function oursOnce(brokers: readonly string[]): Promise<number> {
  const source = await new KafkaRecordSource({ brokers }).open(
    { topic, from: "earliest", storedOffsets: new Map() },
    { timeoutMs: 30_000, signal: new AbortController().signal },
  );
  const startedMs = performance.now();
  let count = 0;
  for await (const batch of source.batches()) {
    count += batch.count;
    if (count >= recordCount) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await source.close();
  return seconds;
}
