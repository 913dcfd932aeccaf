/** kafkajs's own consumer in batches, doing nothing but counting. Its peers check every checksum; it checks none. */
import { Kafka, logLevel } from "kafkajs";

let groups = 0;

/** Reads a topic once from its beginning. Joining the group is not counted: the clock starts at the first batch. */
export async function countWithKafkajs(
  brokers: readonly string[],
  topic: string,
  records: number,
  partitions: number,
): Promise<{ readonly seconds: number; readonly perSecond: number }> {
  groups += 1;
  const consumer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).consumer({
    groupId: `count-${process.pid}-${groups}`,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxBytes: 64 * 1024 * 1024,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let count = 0;
  let startedMs: number | undefined;
  const seconds = await new Promise<number>((finish, fail) => {
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: partitions,
        eachBatchAutoResolve: true,
        eachBatch: async ({ batch }) => {
          startedMs ??= performance.now();
          count += batch.messages.length;
          if (count >= records) finish((performance.now() - startedMs) / 1000);
        },
      })
      .catch(fail);
  });
  await consumer.disconnect();
  return { seconds, perSecond: records / seconds };
}
