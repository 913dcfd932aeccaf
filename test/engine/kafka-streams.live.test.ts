import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import type { StreamOptions } from "../../src/engine/protocol.js";
import { readDeclaredSchema } from "../../src/streaming/declared-schema.js";
import { kafkaAdmin } from "../../src/streaming/kafka/client.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, one } from "./engine-fixture.js";

describe("the engine process: streams of a real Kafka", function () {
  this.timeout(120_000);
  const at = new EngineFixture();
  let kafka: KafkaCluster;
  let producer: KafkaProducer;

  before(async function () {
    kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
    producer = await openKafkaProducer({ brokers: kafka.bootstrap });
  });
  after(async function () {
    this.timeout(60_000);
    await producer?.close();
    await kafka?.stop();
  });

  function options(changes: Partial<StreamOptions>): StreamOptions {
    return at.options({ source: { kind: "kafka", brokers: kafka.bootstrap }, ...changes });
  }

  async function produce(topic: string, ...ids: readonly number[]): Promise<void> {
    await producer.produceAll(
      topic,
      ids.map((id) => ({ key: `k${id}`, value: `{"id":${id}}` })),
    );
  }

  it("reads topics by pattern into one table, later ones and later partitions too", async () => {
    await producer.ensureTopic("orders-1", { partitions: 2 });
    await producer.ensureTopic("other", { partitions: 1 });
    await produce("orders-1", 1, 2, 3, 4);
    await produce("other", 100);
    const client = at.start();
    await fails(
      client.openStream(options({ topic: "/none.*/", topics: { pattern: "none.*" } })),
      "TOPIC_NOT_FOUND",
      /matches \/none\.\*\/ as a whole\. Topics: .*orders-1/,
    );
    await client.openStream(options({ topic: "/orders-.*/", topics: { pattern: "orders-.*" } }));
    await client.streamCaughtUp("tweets");
    equal(await one(client, "SELECT sum(id)::BIGINT FROM tweets"), 10n);
    await producer.ensureTopic("orders-2", { partitions: 1 });
    await produce("orders-2", 5);
    const admin = kafkaAdmin({ brokers: kafka.bootstrap });
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic: "orders-1", count: 3 }] });
    await admin.disconnect();
    // One that was opened before would keep to the partitions it knows.
    await producer.close();
    producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    let id = 6;
    await until(
      "rows of the new topic and the new partition",
      async () => {
        await produce("orders-1", id++);
        return (await one(client, "SELECT count(DISTINCT (_topic, _partition)) FROM tweets")) === 4n;
      },
      60_000,
    );
    await client.streamCaughtUp("tweets");
    const sum = (BigInt(id - 1) * BigInt(id)) / 2n;
    equal(await one(client, "SELECT sum(id)::BIGINT FROM tweets"), sum);
  });

  it("does not read on in a topic that was deleted and created again while the kernel was down", async () => {
    await producer.ensureTopic("reborn", { partitions: 1 });
    await produce("reborn", 1, 2, 3);
    const before = at.start();
    await before.openStream(options({ topic: "reborn" }));
    await before.streamCaughtUp("tweets");
    await before.close();
    const admin = kafkaAdmin({ brokers: kafka.bootstrap });
    await admin.connect();
    await admin.deleteTopics({ topics: ["reborn"] });
    await admin.disconnect();
    const fresh = await openKafkaProducer({ brokers: kafka.bootstrap });
    await until("the topic is created again", () => fresh.ensureTopic("reborn", { partitions: 1 }));
    // More than before, so that the stored offset exists in the new topic: only the topic's id tells.
    const values = [11, 12, 13, 14, 15].map((id) => ({ key: null, value: `{"id":${id}}` }));
    await fresh.produceAll("reborn", values);
    await fresh.close();
    const after = at.start();
    await fails(
      after.openStream(options({ topic: "reborn" })),
      "OFFSET_OUT_OF_RANGE",
      /reborn was deleted and created again\. .* under another name/,
    );
    // Nor a second time.
    await fails(after.openStream(options({ topic: "reborn" })), "OFFSET_OUT_OF_RANGE", /created again/);
    await after.openStream(options({ name: "second", topic: "reborn" }));
    await after.streamCaughtUp("second");
    equal(await one(after, "SELECT string_agg(id, ' ' ORDER BY id) FROM second"), "11 12 13 14 15");
    await after.close();
    // A kernel that reads the same topic once more goes on, as ever.
    const later = at.start();
    await produce("reborn", 16);
    await later.openStream(options({ name: "second", topic: "reborn" }));
    await later.streamCaughtUp("second");
    equal(await one(later, "SELECT count(*) FROM second"), 6n);
  });

  it("ends at what was there when asked, in every partition, under a declared schema", async () => {
    await producer.ensureTopic("bounded", { partitions: 3 });
    await produce("bounded", ...Array.from({ length: 300 }, (_, index) => index));
    const client = at.start();
    await client.openStream(
      options({ topic: "bounded", until: "latest", schema: readDeclaredSchema({ id: "BIGINT" }) }),
    );
    await until("the end", async () => (await client.streamStatus("tweets")).phase === "finished");
    await produce("bounded", 1_000);
    deepEqual(await one(client, "SELECT count(*) FROM tweets"), 300n);
  });

  it("shares a topic with the other members of a group, each record in one table", async () => {
    await producer.ensureTopic("shared", { partitions: 4 });
    await produce("shared", ...Array.from({ length: 200 }, (_, index) => index));
    const source = { kind: "kafka", brokers: kafka.bootstrap, group: "analytics" } as const;
    const client = at.start();
    for (const name of ["left", "right"]) await client.openStream(options({ name, topic: "shared", source }));
    const partitionsOf = async (name: string): Promise<number> => {
      const { partitions, lag } = await client.streamStatus(name);
      return lag === 0 ? partitions.length : 0;
    };
    await until("the second has its share", async () => (await partitionsOf("right")) > 0, 30_000);
    await produce("shared", ...Array.from({ length: 200 }, (_, index) => 200 + index));
    // By place and not by id: a member whose records are still to come has no column of theirs yet.
    const places = ["left", "right"].map((name) => `SELECT _partition, _offset FROM "${name}"`).join(" UNION ");
    const both = `SELECT count(*) FROM (${places})`;
    await until("every record is in one of the tables", async () => (await one(client, both)) === 400n, 30_000);
  });

  it("shows the last row of each key", async () => {
    await producer.ensureTopic("keyed", { partitions: 2 });
    for (const round of [1, 2, 3]) {
      await producer.produceAll(
        "keyed",
        ["a", "b", "c"].map((key) => ({ key, value: `{"round":${round}}` })),
      );
    }
    const client = at.start();
    await client.openStream(options({ topic: "keyed", mode: "upsert" }));
    await client.streamCaughtUp("tweets");
    equal(await one(client, "SELECT string_agg(_key || round, ' ' ORDER BY _key) FROM tweets"), "a3 b3 c3");
  });

  it("goes on when the same cluster is reached by another address, and begins anew on another cluster", async () => {
    await producer.ensureTopic("known", { partitions: 2 });
    await produce("known", 1, 2, 3);
    const first = at.start();
    await first.openStream(options({ topic: "known" }));
    await first.streamCaughtUp("tweets");
    await first.close();

    const brokers = kafka.bootstrap.map((address) => address.replace("127.0.0.1", "localhost"));
    const second = at.start();
    const again = await second.openStream(options({ topic: "known", source: { kind: "kafka", brokers } }));
    deepEqual([again.rows, again.notice], [3, undefined]);
    await second.close();

    await asFilledFromElsewhere();
    const third = at.start();
    const { notice } = await third.openStream(options({ topic: "known" }));
    match(notice ?? "", /earlier rows came from topic known of cluster elsewhere and were replaced/);
    await third.streamCaughtUp("tweets");
    equal(await one(third, "SELECT count(*) FROM tweets"), 3n);
  });

  /** The store as if its rows had come from a cluster of another id, which another one took the place of. */
  async function asFilledFromElsewhere(): Promise<void> {
    const instance = await DuckDBInstance.create(join(at.folder, "data", "tidetable.duckdb"));
    const connection = await instance.connect();
    await connection.run("UPDATE tidetable_internal.streams SET origin = 'topic known of cluster elsewhere'");
    connection.closeSync();
    instance.closeSync();
  }
});
