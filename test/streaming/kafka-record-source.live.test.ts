/** Reading from a real Kafka, alone and in groups. Long because one broker, which takes seconds to start, serves it all. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createServer } from "node:net";
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { kafkaAdmin } from "../../src/streaming/kafka/client.js";
import { KafkaGroupSource } from "../../src/streaming/kafka/group.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import type { KafkaReaderOptions } from "../../src/streaming/kafka/reader.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import type { RecordBatch } from "../../src/streaming/record.js";
import type { OpenedSource, RecordSource, SourceRequest, SourceState } from "../../src/streaming/record-source.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { portOf, startHangingUpProxy, startHarmfulProxy } from "./harmful-proxy.js";
import { collect, describeRecordSource, recordsOf } from "./record-source-conformance.js";

describe("a real Kafka", function () {
  this.timeout(120_000);
  let kafka: KafkaCluster;
  let producer: KafkaProducer;
  let topics = 0;
  const opened: OpenedSource[] = [];

  before(async function () {
    kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
    producer = await openKafkaProducer({ brokers: kafka.bootstrap });
  });
  after(async function () {
    this.timeout(60_000);
    await producer?.close();
    await kafka?.stop();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.close()));
  });

  const newTopic = async (partitions = 1): Promise<string> => {
    topics += 1;
    const topic = `topic${topics}`;
    await producer.ensureTopic(topic, { partitions });
    return topic;
  };
  const withAdmin = async (work: (admin: ReturnType<typeof kafkaAdmin>) => Promise<unknown>): Promise<void> => {
    const admin = kafkaAdmin({ brokers: kafka.bootstrap });
    await admin.connect();
    await work(admin);
    await admin.disconnect();
  };
  const deleteRecordsBefore = (topic: string, offset: string): Promise<void> =>
    withAdmin(async (admin) => {
      // kafkajs deletes only of topics that it has heard of.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
    });
  const open = async (
    topic: string,
    request: Partial<SourceRequest> = {},
    options: KafkaReaderOptions = {},
    brokers = kafka.bootstrap,
  ): Promise<OpenedSource> => {
    const source = await new KafkaRecordSource({ brokers }, options).open(
      { topic, from: "earliest", storedOffsets: new Map(), ...request },
      { timeoutMs: 30_000, signal: new AbortController().signal },
    );
    opened.push(source);
    return source;
  };
  const numbered = (first: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ key: `key ${first + n}`, value: `value ${first + n}` }));

  describeRecordSource("KafkaRecordSource", async () => {
    const topic = await newTopic();
    return {
      source: new KafkaRecordSource({ brokers: kafka.bootstrap }),
      topic,
      append: (records) =>
        producer.produceAll(
          topic,
          records.map((record) => ({ key: null, ...record })),
        ),
    };
  });

  let groups = 0;
  describeRecordSource("KafkaGroupSource", async () => {
    const topic = await newTopic();
    const connection = { brokers: kafka.bootstrap };
    // Several readers of one group would share the topic's one partition.
    const inGroupsOfTheirOwn: RecordSource = {
      description: "groups",
      open: (request, options) => {
        groups += 1;
        return new KafkaGroupSource(connection, `group${groups}`).open(request, options);
      },
    };
    return {
      source: inGroupsOfTheirOwn,
      topic,
      append: (records) =>
        producer.produceAll(
          topic,
          records.map((record) => ({ key: null, ...record })),
        ),
    };
  });

  describe("a group", () => {
    const committed = async (group: string, topic: string): Promise<bigint> => {
      let sum = 0n;
      await withAdmin(async (admin) => {
        const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        for (const { offset } of offsets?.partitions ?? []) sum += BigInt(offset) < 0n ? 0n : BigInt(offset);
      });
      return sum;
    };
    const join = async (group: string, topic: string): Promise<OpenedSource> => {
      const source = await new KafkaGroupSource({ brokers: kafka.bootstrap }, group).open(
        { topic, from: "earliest", storedOffsets: new Map() },
        { timeoutMs: 30_000, signal: new AbortController().signal },
      );
      opened.push(source);
      return source;
    };
    /** Stores what it reads, as a table would. */
    const storing = (source: OpenedSource, seen: string[]): Promise<void> =>
      (async () => {
        for await (const batch of source.batches()) {
          for (const { value } of recordsOf(batch)) seen.push(value ?? "");
          source.stored?.(batch);
        }
      })();

    it("shares the partitions, and goes on where what another member stored ends", async () => {
      const topic = await newTopic(4);
      const seen: string[] = [];
      const everyOnce = (count: number) => (): boolean => {
        ok(new Set(seen).size === seen.length, "a record came twice");
        return seen.length === count;
      };
      await producer.produceAll(topic, numbered(0, 400));
      const first = await join("shared", topic);
      const reading = [storing(first, seen)];
      await until("the first member reads all", everyOnce(400));
      await until("all of it is committed", async () => (await committed("shared", topic)) === 400n);

      const second = await join("shared", topic);
      reading.push(storing(second, seen));
      await until("two partitions each", () => first.watermarks().length === 2 && second.watermarks().length === 2);
      await producer.produceAll(topic, numbered(400, 400));
      await until("both read all", everyOnce(800));
      await until("that is committed too", async () => (await committed("shared", topic)) === 800n);

      await first.close();
      await until("the other has all partitions", () => second.watermarks().length === 4);
      await producer.produceAll(topic, numbered(800, 400));
      await until("the one who stays reads all", everyOnce(1_200));
      await second.close();
      await Promise.all(reading);
      equal(await committed("shared", topic), 1_200n);
    });

    it("has members without a partition, who wait for one", async () => {
      const topic = await newTopic(1);
      const members = [await join("crowded", topic), await join("crowded", topic)];
      await until(
        "one of them has it",
        () => members.filter((source) => source.watermarks().length === 1).length === 1,
      );
      const [idle, reader] = [...members].sort((a, b) => a.watermarks().length - b.watermarks().length);
      equal(idle?.state().kind, "reading");
      const seen: string[] = [];
      const reading = storing(idle as OpenedSource, seen);
      await reader?.close();
      await producer.produceAll(topic, numbered(0, 10));
      await until("it has the partition now", () => seen.length === 10);
      await idle?.close();
      await reading;
    });

    it("of a topic that is not there says so", async () => {
      await rejects(join("lost", "not-there"), { code: "TOPIC_NOT_FOUND" });
    });
  });

  describe("reading", () => {
    it("every partition, each record once; headers; packed by a client that is not ours", async () => {
      const topic = await newTopic(4);
      await producer.produceAll(topic, numbered(0, 2_000));
      const other = new Kafka({ brokers: [...kafka.bootstrap], logLevel: logLevel.NOTHING }).producer();
      await other.connect();
      const headers = { source: "web", constructor: "c" };
      await other.send({
        topic,
        compression: CompressionTypes.GZIP,
        messages: numbered(2_000, 1_000).map((message) => ({ ...message, headers })),
      });
      await other.disconnect();

      const source = await open(topic);
      const seen = new Map<string, number>();
      const next = [0n, 0n, 0n, 0n];
      let withHeaders = 0;
      for await (const batch of source.batches()) {
        for (const { offset, value } of recordsOf(batch)) {
          equal(offset, next[batch.partition]);
          next[batch.partition] = offset + 1n;
          seen.set(value ?? "", (seen.get(value ?? "") ?? 0) + 1);
        }
        for (const list of batch.headers?.values() ?? []) {
          deepEqual(
            list.map(({ key, value }) => [key, value?.toString()]),
            Object.entries(headers),
          );
          withHeaders += 1;
        }
        if (seen.size === 3_000) break;
      }
      deepEqual([seen.size, withHeaders], [3_000, 1_000]);
      ok([...seen.values()].every((count) => count === 1));
    });

    it("hides aborted transactions, and reaches the end past their control records", async () => {
      const topic = await newTopic();
      const transactional = new Kafka({ brokers: [...kafka.bootstrap], logLevel: logLevel.NOTHING }).producer({
        transactionalId: topic,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await transactional.connect();
      for (const [value, commit] of [
        ["kept 1", true],
        ["dropped", false],
        ["kept 2", true],
        ["dropped too", false],
      ] as const) {
        const transaction = await transactional.transaction();
        await transaction.send({ topic, messages: [{ value }] });
        await (commit ? transaction.commit() : transaction.abort());
      }
      const source = await open(topic);
      const reader = collect(source);
      await until("the end", () => reader.nextOffset() === 8n);
      deepEqual(
        reader.records.map(({ value }) => value),
        ["kept 1", "kept 2"],
      );

      // While a transaction is open, what follows it is not readable, and the end that is told is the readable one.
      const left = await transactional.transaction();
      await left.send({ topic, messages: [{ value: "open" }] });
      await producer.produceAll(topic, [{ key: null, value: "behind it" }]);
      equal((await source.refreshWatermarks?.())?.[0]?.high, 8n);
      await left.commit();
      await reader.until(4);
      deepEqual(
        reader.records.slice(2).map(({ value }) => value),
        ["open", "behind it"],
      );
      await transactional.disconnect();
    });

    it("takes in partitions that are added, from their first record", async () => {
      const topic = await newTopic(1);
      const reader = collect(await open(topic, { from: "latest" }, { metadataIntervalMs: 200 }));
      await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
      const fresh = await openKafkaProducer({ brokers: kafka.bootstrap });
      await until("three partitions", async () => (await fresh.partitionCount(topic)) === 3 || undefined);
      await fresh.produceAll(topic, numbered(0, 300));
      await fresh.close();
      await reader.until(300);
      equal(new Set(reader.records.map(({ value }) => value)).size, 300);
    });

    it("a record larger than what is asked for at once", async () => {
      const topic = await newTopic(1);
      await producer.produceAll(topic, [
        { key: null, value: "x".repeat(900_000) },
        { key: null, value: "small" },
      ]);
      const reader = collect(await open(topic, {}, { partitionBytesMax: 1_000 }));
      await reader.until(2);
      deepEqual(
        reader.records.map(({ value }) => value?.length),
        [900_000, 5],
      );
    });
  });

  describe("what is not there", () => {
    it("no broker: answered at once, with what to do", async () => {
      const port = await unusedPort();
      await rejects(open("tweets", {}, {}, [`127.0.0.1:${port}`]), (error: { code: string; message: string }) => {
        equal(error.code, "BROKER_UNREACHABLE");
        for (const part of [`127.0.0.1:${port}`, "npm run kafka", "KAFKA_BROKERS"])
          ok(error.message.includes(part), error.message);
        return true;
      });
    });

    it("a server that accepts and says nothing: answered within the time allowed", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await until("the server listens", () => silent.listening);
      const brokers = [`127.0.0.1:${portOf(silent)}`];
      const startedMs = performance.now();
      const opening = new KafkaRecordSource({ brokers }).open(
        { topic: "tweets", from: "earliest", storedOffsets: new Map() },
        { timeoutMs: 2_000, signal: new AbortController().signal },
      );
      await rejects(opening, { code: "BROKER_UNREACHABLE" });
      ok(performance.now() - startedMs < 10_000);
      silent.close();
    });

    it("a topic misspelt: near names, and how to make it", async () => {
      await newTopic();
      await rejects(open("topci1"), (error: { code: string; message: string }) => {
        equal(error.code, "TOPIC_NOT_FOUND");
        for (const part of ['"topci1"', "nearest first: topic1", "npm run tweets"])
          ok(error.message.includes(part), error.message);
        return true;
      });
    });

    it("a stored offset that retention has removed: the lost range and the choices", async () => {
      const topic = await newTopic();
      await producer.produceAll(topic, numbered(0, 100));
      await deleteRecordsBefore(topic, "40");
      await rejects(open(topic, { storedOffsets: new Map([[0, 10n]]) }), (error: { code: string; message: string }) => {
        equal(error.code, "OFFSET_OUT_OF_RANGE");
        for (const part of ["offsets 10 to 39", "earliest", "latest"]) ok(error.message.includes(part), error.message);
        return true;
      });
      const reader = collect(await open(topic));
      await reader.until(60);
      equal(reader.records[0]?.offset, 40n);
    });

    it("offsets removed from under a slow reader stop it; nothing is skipped in silence", async () => {
      const topic = await newTopic();
      const value = "x".repeat(200_000);
      for (let part = 0; part < 10; part += 1)
        await producer.produceAll(
          topic,
          Array.from({ length: 5 }, () => ({ key: null, value })),
        );
      const source = await open(topic, {}, { partitionBytesMax: 1_000_000 });
      const iterator = source.batches()[Symbol.asyncIterator]();
      await iterator.next();
      await deleteRecordsBefore(topic, "50");
      let last = -1n;
      const readOn = async () => {
        for (;;) {
          const { value: batch, done } = await iterator.next();
          if (done) return;
          last = batch.nextOffset;
        }
      };
      await rejects(readOn(), (error: { code: string; message: string }) => {
        deepEqual(
          [error.code, error.message.includes(`offsets ${last} to 49`)],
          ["OFFSET_OUT_OF_RANGE", true],
          error.message,
        );
        return true;
      });
    });

    it("offsets removed from under a slow reader are passed over and told, where that was asked for", async () => {
      const topic = await newTopic();
      const value = "x".repeat(200_000);
      const five = Array.from({ length: 5 }, () => ({ key: null, value }));
      for (let part = 0; part < 10; part += 1) await producer.produceAll(topic, five);
      for (const ifLost of ["earliest", "latest"] as const) {
        const source = await open(topic, { ifLost }, { partitionBytesMax: 1_000_000 });
        const iterator = source.batches()[Symbol.asyncIterator]();
        const first = await iterator.next();
        const { high } = source.watermarks()[0] as { high: bigint };
        const left = high - 5n;
        await deleteRecordsBefore(topic, String(left));
        let next = (first.value as RecordBatch).nextOffset;
        const offsets: bigint[] = [];
        while (next < high) {
          const batch = (await iterator.next()).value as RecordBatch;
          next = batch.nextOffset;
          offsets.push(...batch.offsets);
        }
        const [lost] = source.losses?.() ?? [];
        match(
          lost ?? "",
          new RegExp(`has removed offsets \\d+ to ${left - 1n}.*read on at ${ifLost === "latest" ? high : left}`),
        );
        ok(
          offsets.every((offset) => (ifLost === "earliest" ? true : offset < left)),
          offsets.join(),
        );
        await source.close();
        for (let part = 0; part < 9; part += 1) await producer.produceAll(topic, five);
      }
      const stored = await open(topic, { storedOffsets: new Map([[0, 1n]]), ifLost: "earliest" });
      match(stored.losses?.()[0] ?? "", /has removed offsets 1 to \d+; read on at/);
      await stored.close();
    });

    it("a topic that was deleted and created again stops the reader", async () => {
      const topic = await newTopic();
      await producer.produceAll(topic, numbered(0, 10));
      const reader = collect(await open(topic, {}, { metadataIntervalMs: 200 }));
      await reader.until(10);
      await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
      // More than before, so that the old position exists in the new topic: only the topic's id tells.
      const fresh = await openKafkaProducer({ brokers: kafka.bootstrap });
      await until("the topic is created again", () => fresh.ensureTopic(topic, { partitions: 1 }));
      await fresh.produceAll(topic, numbered(0, 20));
      await fresh.close();
      await rejects(reader.ended, (error: { code: string; message: string }) => {
        deepEqual(
          [error.code, /deleted and created again/.test(error.message)],
          ["OFFSET_OUT_OF_RANGE", true],
          error.message,
        );
        return true;
      });
      equal(reader.records.length, 10);
    });
  });

  describe("faults", () => {
    it("broker SIGKILL and restart while reading: told, nothing lost, nothing doubled", async () => {
      const topic = await newTopic(3);
      await producer.produceAll(topic, numbered(0, 3_000));
      const source = await open(topic);
      const states: SourceState[] = [];
      source.onState((state) => states.push(state));
      const reader = collect(source);
      await reader.until(3_000);

      await kafka.killNode(1);
      const killedMs = performance.now();
      await until("told", () => source.state().kind === "reconnecting", 30_000);
      ok(performance.now() - killedMs < 5_000, "told within 5 s");
      const told = source.state();
      ok(told.kind === "reconnecting" && told.cause.includes(kafka.bootstrap[0] ?? "?"), JSON.stringify(told));
      await kafka.startNode(1);

      await producer.produceAll(topic, numbered(3_000, 3_000));
      await reader.until(6_000, 60_000);
      await until("told that it reads again", () => source.state().kind === "reading", 30_000);
      equal(new Set(reader.records.map(({ value }) => value)).size, 6_000);
      equal(reader.records.length, 6_000);
    });

    it("a broker that hangs is told within 5 s, and reading goes on when it wakes", async () => {
      const topic = await newTopic();
      await producer.produceAll(topic, numbered(0, 10));
      const source = await open(topic);
      const reader = collect(source);
      await reader.until(10);
      await kafka.freezeNode(1);
      await until("told", () => source.state().kind === "reconnecting", 30_000);
      kafka.thawNode(1);
      await producer.produceAll(topic, numbered(10, 10));
      await reader.until(20, 60_000);
      await until("told that it reads again", () => source.state().kind === "reading", 30_000);
    });

    it("connections reset, answers cut in the middle, bytes flipped on the way: the records are the ones produced", async () => {
      const topic = await newTopic();
      for (let part = 0; part < 200; part += 1) await producer.produceAll(topic, numbered(part * 100, 100));
      const proxy = await startHarmfulProxy(kafka.bootstrap[0] ?? "");
      // The broker announces its own address; the proxy takes the place of it in every Metadata answer.
      const source = await open(topic, {}, { partitionBytesMax: 8_000 }, [proxy.address]);
      const reader = collect(source);
      await reader.until(20_000, 90_000);
      deepEqual(
        reader.records.map(({ value }) => value),
        numbered(0, 20_000).map(({ value }) => value),
      );
      ok(proxy.faults() >= 20, `${proxy.faults()} faults`);
      await source.close();
      proxy.close();
    });

    it("a broker that hangs up on whoever asks for a topic is asked again, and the topic is there once", async () => {
      const proxy = await startHangingUpProxy(kafka.bootstrap[0] ?? "", 4);
      try {
        const asking = await openKafkaProducer({ brokers: [proxy.address] });
        equal(await asking.ensureTopic("hung-up-on", { partitions: 3 }), true);
        equal(await asking.ensureTopic("hung-up-on", { partitions: 3 }), false);
        equal(await producer.partitionCount("hung-up-on"), 3);
        await asking.close();
      } finally {
        proxy.close();
      }
    });

    it("leaves nothing open behind itself", async () => {
      const topic = await newTopic();
      const source = await open(topic);
      collect(source).ended.catch(() => undefined);
      const before = sockets();
      ok(before > 0);
      await source.close();
      await until("its sockets are gone", () => sockets() < before);
    });
  });

  function sockets(): number {
    const handles = process.getActiveResourcesInfo();
    return handles.filter((handle) => handle === "TCPSocketWrap").length;
  }
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await until("a port", () => server.listening);
  const port = portOf(server);
  await new Promise((closed) => server.close(closed));
  return port;
}
