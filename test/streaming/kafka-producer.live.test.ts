/** The gate of producing: three real brokers, a leader killed under load, and every acknowledged message is there. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import { murmur2 } from "../../src/streaming/murmur2.js";
import { postTweets } from "../../src/tweeter/post-tweets.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { collect } from "./record-source-conformance.js";

describe("producing to three real brokers", function () {
  this.timeout(240_000);
  let kafka: KafkaCluster;
  let producer: KafkaProducer;

  before(async function () {
    this.timeout(180_000);
    kafka = await requireComponent(this, () => startKafka({ nodes: 3 }));
    producer = await openKafkaProducer({ brokers: kafka.bootstrap });
  });
  after(async function () {
    this.timeout(60_000);
    await producer?.close();
    await kafka?.stop();
  });

  const openSource = (topic: string) =>
    new KafkaRecordSource({ brokers: kafka.bootstrap }).open(
      { topic, from: "earliest", storedOffsets: new Map() },
      { timeoutMs: 30_000, signal: new AbortController().signal },
    );

  it("a leader is killed at a third of the load: nothing acknowledged is lost, and a reader sees each record once", async () => {
    const topic = "failover";
    await producer.ensureTopic(topic, { partitions: 3 });
    const source = await openSource(topic);
    const reader = collect(source);
    const count = 30_000;
    const batchCount = 300;
    let next = 0;
    let killed: Promise<void> | undefined;
    const acknowledged = new Set<string>();
    const failed = new Set<string>();
    // Eight senders at once, each batch over all partitions.
    const sender = async () => {
      while (next < count) {
        const first = next;
        next += batchCount;
        if (first >= count / 3) killed ??= kafka.killNode(1);
        const batch = Array.from({ length: batchCount }, (_, n) => ({
          key: `key ${first + n}`,
          value: `${first + n}`,
        }));
        const outcome = await producer.produce(topic, batch);
        const lost = new Set<object>(outcome.failedMessages);
        for (const message of batch) (lost.has(message) ? failed : acknowledged).add(message.value);
      }
    };
    await Promise.all(Array.from({ length: 8 }, sender));
    await killed;
    await kafka.startNode(1);

    equal(acknowledged.size + failed.size, count);
    const missing = () => {
      const read = new Set(reader.records.map(({ value }) => value ?? ""));
      return [...acknowledged].filter((value) => !read.has(value));
    };
    await until("every acknowledged message is read", () => missing().length === 0, 90_000);
    await source.close();
    await reader.ended;
    equal(acknowledged.size, count, `${failed.size} failed`);

    // What is in the topic now is what was read: the reader lost and doubled nothing while its leader moved.
    const again = await openSource(topic);
    const fresh = collect(again);
    await fresh.until(reader.records.length, 60_000);
    await again.close();
    equal(fresh.records.length, reader.records.length);
  });

  it("posts tweets, counts them by speaker, and stops when told to", async () => {
    const outcome = await postTweets({
      brokers: kafka.bootstrap,
      topic: "tweets",
      count: 5_000,
      ratePerSecond: 100_000,
      seed: 3,
      signal: new AbortController().signal,
    });
    deepEqual([outcome.acknowledged, outcome.failed], [5_000, 0]);
    const source = await openSource("tweets");
    const reader = collect(source);
    await reader.until(5_000, 30_000);
    await source.close();
    const counted = new Map<string, number>();
    for (const { key, value } of reader.records) {
      const { handle } = JSON.parse(value ?? "") as { handle: string };
      equal(handle, key);
      counted.set(handle, (counted.get(handle) ?? 0) + 1);
    }
    deepEqual(new Map([...counted].sort()), new Map([...outcome.perHandle].sort()));

    const stop = new AbortController();
    const stopped = await postTweets({
      brokers: kafka.bootstrap,
      topic: "tweets",
      count: 1_000_000,
      ratePerSecond: 1_000,
      seed: 3,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    ok(stopped.acknowledged > 0 && stopped.acknowledged < 1_000_000);
  });

  it("a message that is too large fails alone; a topic that is not there is named", async () => {
    await producer.ensureTopic("large", { partitions: 1 });
    const large = { key: "k", value: "x".repeat(2_000_000) };
    const outcome = await producer.produce("large", [
      { key: "k", value: "before" },
      large,
      { key: "k", value: "after" },
    ]);
    deepEqual([outcome.acknowledged, outcome.failed, outcome.failedMessages[0] === large], [2, 1, true]);
    await rejects(producer.produceAll("large", [large]), (error: { code: string; message: string }) => {
      ok(error.code === "PRODUCE_FAILED" && /0 of 1 messages were acknowledged/.test(error.message), error.message);
      return true;
    });
    await rejects(producer.produceAll("nowhere", [{ key: null, value: "x" }]), { code: "TOPIC_NOT_FOUND" });
  });
});

describe("murmur2", () => {
  // What Kafka's own client answers for these keys.
  const vectors: ReadonlyArray<readonly [key: string, hash: number]> = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of vectors) it(key, () => equal(murmur2(Buffer.from(key)), hash));
});
