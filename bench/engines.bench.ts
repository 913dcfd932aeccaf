/**
 * The same records in both engines of a notebook: DuckDB in this machine's engine process against Spark in a local server
 * (`local[2]`, its own JVM). Load from Kafka, first run of Top Tweeters, a second run; and from a message that the broker has
 * acknowledged to new rows of a live query. TIDETABLE_BENCH_RECORDS=1000000,10000000 for more than one size.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startKafka } from "../scripts/components/kafka.js";
import { startSparkConnect } from "../scripts/components/spark-connect.js";
import { type EngineProcessClient, startEngineProcess } from "../src/engine/process-client.js";
import type { StreamOptions } from "../src/engine/protocol.js";
import { cellValue } from "../src/sql/schema.js";
import { openKafkaProducer } from "../src/streaming/kafka/producer.js";
import { encodeTweet } from "../src/tweeter/tweet.js";
import { generateTweet } from "../src/tweeter/tweet-generator.js";
import { alternate, type Measure, measure } from "./measure.js";

const sizes = (process.env.TIDETABLE_BENCH_RECORDS ?? "1000000").split(",").map(Number);
const sendCount = 4_000;
const rounds = 6;
/** A JVM needs some sixty until it has compiled what they take. */
const messagesBefore = 60;
const messages = 40;
/** So that no message waits for what the one before it made due. */
const betweenMessagesMs = 500;
const newsTimeoutMs = 60_000;
/** Median, from a message to new rows on Spark. */
const messageLimitMs = 300;
const text = "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC, handle LIMIT 20";
const peerName = "Spark, local[2]";

export async function measures(): Promise<Measure[]> {
  const kafka = await startKafka({ nodes: 1, progress: console.log });
  const spark = await startSparkConnect({
    driverMemory: process.env.TIDETABLE_BENCH_MEMORY ?? "4g",
    progress: console.log,
  });
  const folder = mkdtempSync(join(tmpdir(), "tidetable-engines-"));
  try {
    const ours = startEngineProcess({ dataDirectory: join(folder, "duckdb") });
    const peer = startEngineProcess({
      dataDirectory: join(folder, "spark"),
      engine: "spark",
      sparkRemote: spark.address,
    });
    try {
      const bySize: Measure[] = [];
      for (const records of sizes) bySize.push(...(await loadAndAsk(ours, peer, kafka.bootstrap, records)));
      const news = {
        ours: await newsTimes(ours, kafka.bootstrap, "news-duckdb", "memory"),
        peer: await newsTimes(peer, kafka.bootstrap, "news-spark", "memory"),
      };
      const inFiles = await newsTimes(peer, kafka.bootstrap, "news-files", undefined);
      return [
        ...bySize,
        measure({ name: "message to new rows of a live query", unit: "ms", ...news, peerName, goal: { atMost: 1 } }),
        measure({
          name: "the same on Spark",
          unit: "ms",
          ours: news.peer,
          peer: [messageLimitMs],
          peerName: "the limit",
          goal: { atMost: 1 },
        }),
        measure({
          name: "the same on Spark, rows in files",
          unit: "ms",
          ours: inFiles,
          peer: [messageLimitMs],
          peerName: "the limit",
          goal: { atMost: 1 },
        }),
      ];
    } finally {
      await Promise.all([ours.close(), peer.close()]);
    }
  } finally {
    await Promise.all([kafka.stop(), spark.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loadAndAsk(
  ours: EngineProcessClient,
  peer: EngineProcessClient,
  brokers: readonly string[],
  records: number,
): Promise<readonly Measure[]> {
  const topic = `tweets-${records}`;
  await fill(brokers, topic, records);
  const load = { ours: [await loadOnce(ours, brokers, topic)], peer: [await loadOnce(peer, brokers, topic)] };
  const first = { ours: [await queryOnce(ours)], peer: [await queryOnce(peer)] };
  const again = await alternate(
    rounds,
    () => queryOnce(ours),
    () => queryOnce(peer),
  );
  // Each stream asks Kafka all the time, on cores that the next one would wait for.
  await Promise.all([ours, peer].map((engine) => engine.stopStream("tweets")));
  const of = `of ${records.toLocaleString("en-US")} records`;
  return [
    measure({ name: `load ${of}`, unit: "s", ...load, peerName, goal: { atMost: 1 } }),
    measure({ name: `first run ${of}`, unit: "ms", ...first, peerName, goal: { atMost: 1 } }),
    measure({ name: `run again ${of}`, unit: "ms", ...again, peerName, goal: { atMost: 1 } }),
  ];
}

async function fill(brokers: readonly string[], topic: string, records: number): Promise<void> {
  const producer = await openKafkaProducer({ brokers });
  await producer.ensureTopic(topic, { partitions: 4 });
  for (let first = 0; first < records; first += sendCount) {
    const messages = Array.from({ length: Math.min(sendCount, records - first) }, (_, n) => {
      const tweet = generateTweet(1, first + n, 1_767_225_600_000 + first + n);
      // Ids spread evenly; handles would fill one partition with the loudest speaker.
      return { key: tweet.id, value: encodeTweet(tweet), timestampMs: tweet.createdAtMs };
    });
    await producer.produceAll(topic, messages);
  }
  await producer.close();
}

async function loadOnce(engine: EngineProcessClient, brokers: readonly string[], topic: string): Promise<number> {
  await engine.hello();
  const options: StreamOptions = {
    name: "tweets",
    topic,
    source: { kind: "kafka", brokers },
    from: "earliest",
    keep: { rows: 100_000_000 },
    format: "json",
  };
  const startedMs = performance.now();
  await engine.openStream(options);
  await engine.streamCaughtUp("tweets");
  return (performance.now() - startedMs) / 1000;
}

async function queryOnce(engine: EngineProcessClient): Promise<number> {
  const startedMs = performance.now();
  await engine.query(text);
  return performance.now() - startedMs;
}

/** Each from the broker's acknowledgement to the live query's rows that have the message; the first ones, which warm up, left out. */
async function newsTimes(
  engine: EngineProcessClient,
  brokers: readonly string[],
  name: string,
  store: "memory" | undefined,
): Promise<number[]> {
  const producer = await openKafkaProducer({ brokers });
  await producer.ensureTopic(name, { partitions: 4 });
  const post = (id: number) => producer.produceAll(name, [{ key: String(id), value: `{"id":${id}}` }]);
  await post(0);
  await engine.openStream({
    name: "news",
    topic: name,
    source: { kind: "kafka", brokers },
    from: "earliest",
    keep: { rows: 1_000_000 },
    format: "json",
    ...(store === undefined ? {} : { store }),
  });
  await engine.streamCaughtUp("news");
  let rows = 0;
  let wake = () => {};
  const stop = engine.live("SELECT count(*) AS rows FROM news", { everyMs: 50 }, ({ result }) => {
    const [column] = result?.columns ?? [];
    if (column !== undefined) rows = Number(cellValue(column, 0));
    wake();
  });
  const shown = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name}: ${rows} rows, not ${wanted}`)), newsTimeoutMs);
      wake = () => {
        if (rows < wanted) return;
        clearTimeout(timer);
        resolve();
      };
      wake();
    });
  const times: number[] = [];
  try {
    await shown(1);
    for (let id = 1; id <= messagesBefore + messages; id++) {
      await post(id);
      const acknowledgedMs = performance.now();
      await shown(id + 1);
      times.push(performance.now() - acknowledgedMs);
      await delay(betweenMessagesMs);
    }
  } finally {
    stop();
    await engine.stopStream("news");
    await producer.close();
  }
  return times.slice(messagesBefore);
}
