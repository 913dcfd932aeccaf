/** Each request in each version that is spoken, against a real broker; and answers that are none. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { BrokerConnection } from "../../src/streaming/kafka/client.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import {
  earliestOffset,
  errorCode,
  fetchRequest,
  latestOffset,
  listOffsetsRequest,
  metadataRequest,
} from "../../src/streaming/kafka/protocol.js";
import { offsetAfter } from "../../src/streaming/record-batch.js";
import { requireComponent } from "../support/require-component.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";

describe("requests to a real Kafka", function () {
  this.timeout(60_000);
  let kafka: KafkaCluster;
  let connection: BrokerConnection;
  const partitionCount = 40;

  before(async function () {
    kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
    const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    await producer.ensureTopic("wide", { partitions: partitionCount });
    await producer.produceAll(
      "wide",
      Array.from({ length: 400 }, (_, n) => ({ key: `${n}`, value: `value ${n}` })),
    );
    await producer.close();
    connection = await BrokerConnection.open(kafka.bootstrap[0] ?? "", { brokers: kafka.bootstrap }, 10_000);
  });
  after(async () => {
    connection?.close();
    await kafka?.stop();
  });

  for (const versionMax of [5, 12]) {
    it(`Metadata version ${versionMax}`, async () => {
      const asked = await connection.send(metadataRequest(["wide", "nowhere"], versionMax));
      deepEqual(
        asked.brokers.map(({ host, port }) => `${host}:${port}`),
        kafka.bootstrap,
      );
      const wide = asked.topics.find(({ name }) => name === "wide");
      const nowhere = asked.topics.find(({ name }) => name === "nowhere");
      equal(wide?.partitions.length, partitionCount);
      ok(wide?.partitions.every(({ leader }) => leader === 1));
      equal(wide?.id.length, versionMax === 12 ? 32 : 0);
      equal(nowhere?.errorCode, errorCode.unknownTopicOrPartition);
      const all = await connection.send(metadataRequest(null, versionMax));
      deepEqual(
        all.topics.map(({ name, isInternal }) => [name, isInternal]),
        [["wide", false]],
      );
    });
  }

  it("ListOffsets", async () => {
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
    const lows = await connection.send(listOffsetsRequest("wide", partitions, earliestOffset));
    const highs = await connection.send(listOffsetsRequest("wide", partitions, latestOffset));
    const future = await connection.send(listOffsetsRequest("wide", partitions, BigInt(Date.now() + 3_600_000)));
    ok(lows.every(({ offset, errorCode: code }) => offset === 0n && code === 0));
    equal(
      highs.reduce((sum, { offset }) => sum + offset, 0n),
      400n,
    );
    ok(future.every(({ offset }) => offset === -1n));
  });

  for (const versionMax of [11, 13]) {
    it(`Fetch version ${versionMax}, a request of many partitions`, async () => {
      const { topics } = await connection.send(metadataRequest(["wide"], 12));
      const request = {
        topic: "wide",
        topicId: topics[0]?.id ?? "",
        partitions: Array.from({ length: partitionCount }, (_, partition) => ({
          partition,
          fetchOffset: 0n,
          bytesMax: 100_000,
        })),
        waitMs: 100,
        bytesMax: 10_000_000,
      };
      const answer = await connection.send(fetchRequest(request, versionMax));
      equal(answer.partitions.length, partitionCount);
      const read = answer.partitions.reduce((sum, { records }) => sum + (offsetAfter(records) ?? 0n), 0n);
      equal(read, 400n);
      ok(answer.partitions.every(({ errorCode: code, logStartOffset }) => code === 0 && logStartOffset === 0n));

      const [beyond] = (
        await connection.send(
          fetchRequest({ ...request, partitions: [{ partition: 0, fetchOffset: 1_000n, bytesMax: 100 }] }, versionMax),
        )
      ).partitions;
      equal(beyond?.errorCode, errorCode.offsetOutOfRange);
    });
  }

  it("a fetch by the id of another topic is refused", async () => {
    const partitions = [{ partition: 0, fetchOffset: 0n, bytesMax: 100 }];
    const request = { topic: "wide", topicId: "ab".repeat(16), partitions, waitMs: 100, bytesMax: 100 };
    const answer = await connection.send(fetchRequest(request, 13));
    equal(answer.partitions[0]?.errorCode, errorCode.unknownTopicId);
  });
});

describe("answers that are none", () => {
  const seed = testSeed();
  it(`random bytes throw or give an answer, soon and small (TIDETABLE_SEED=${seed})`, () => {
    const random = seededRandom(seed);
    const request = { topic: "t", topicId: "ab".repeat(16), partitions: [], waitMs: 1, bytesMax: 1 };
    const decoders = [
      metadataRequest([], 5).decode,
      metadataRequest([], 12).decode,
      listOffsetsRequest("t", [], 0n).decode,
      fetchRequest(request, 11).decode,
      fetchRequest(request, 13).decode,
    ];
    for (let round = 0; round < 2_000; round += 1) {
      const bytes = Buffer.from(
        Array.from({ length: random.below(120) }, () => (random.chance(0.6) ? 0 : random.below(256))),
      );
      try {
        random.pick<(payload: Buffer) => unknown>(decoders)(bytes);
      } catch (error) {
        ok(error instanceof RangeError, `${error} from ${bytes.toString("hex")}`);
      }
    }
    throws(() => metadataRequest([], 5).decode(Buffer.alloc(2)), RangeError);
  });
});
