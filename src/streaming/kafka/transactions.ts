/**
 * Producing all or nothing, by one sender at a time: messages go in a transaction, and whoever opens a producer under the
 * same name shuts the one before out, even one that is frozen and wakes up later. After a failure it is not known what
 * became of the messages: close, open anew (which settles it), read what is in the topic, go on. Owns kafkajs's
 * transactions; choosing what to send again is the caller's.
 */
import type { Producer } from "kafkajs";
import { errorMessage, TidetableError } from "../../errors.js";
import { murmur2 } from "../murmur2.js";
import { brokerError, type KafkaConnection, kafkaAdmin, kafkajsTransactionalProducer } from "./client.js";
import { requireReachable } from "./cluster.js";
import type { ProduceMessage } from "./producer.js";

export interface TransactionalProducer {
  /**
   * Resolves when all messages are in the topic. Those of one key keep their order.
   * @throws TidetableError PRODUCE_FAILED: all are there or none; this producer is of no use any more.
   */
  send(messages: readonly (ProduceMessage & { readonly key: string })[]): Promise<void>;
  close(): Promise<void>;
}

const reachTimeoutMs = 5_000;

/**
 * Ends what another producer of this name had under way, and shuts it out.
 * @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, TOPIC_NOT_FOUND, PRODUCE_FAILED.
 */
export async function openTransactionalProducer(
  connection: KafkaConnection,
  topic: string,
  transactionalId: string,
): Promise<TransactionalProducer> {
  await requireReachable(connection, reachTimeoutMs);
  const partitions = await partitionCount(connection, topic);
  const producer = kafkajsTransactionalProducer(connection, transactionalId);
  try {
    // Asks the coordinator for a new epoch of the name: this is what shuts the one before out.
    await producer.connect();
  } catch (error) {
    await disconnect(producer);
    throw failed(topic, error);
  }
  return {
    async send(messages) {
      if (messages.length === 0) return;
      try {
        const transaction = await producer.transaction();
        try {
          // One partition a send: kafkajs leaves one out when its leader moves during a send that covers several.
          for (const [partition, part] of byPartition(messages, partitions)) {
            const answer = await transaction.send({
              topic,
              acks: -1,
              messages: part.map((message) => ({
                partition,
                key: message.key,
                value: message.value,
                ...(message.timestampMs === undefined ? {} : { timestamp: String(message.timestampMs) }),
              })),
            });
            if (!answer.some((entry) => entry.partition === partition && entry.errorCode === 0)) {
              throw new Error(`partition ${partition} is missing from the answer`);
            }
          }
        } catch (error) {
          // Where aborting fails too, the next one of this name does it, or the coordinator when the time is up.
          await transaction.abort().catch(() => undefined);
          throw error;
        }
        await transaction.commit();
      } catch (error) {
        throw failed(topic, error);
      }
    },
    close: () => disconnect(producer),
  };
}

async function partitionCount(connection: KafkaConnection, topic: string): Promise<number> {
  const admin = kafkaAdmin(connection);
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const count = topics[0]?.partitions.length ?? 0;
    if (count > 0) return count;
    throw new TidetableError("TOPIC_NOT_FOUND", `There is no topic "${topic}" to produce to.`, { retryable: true });
  } catch (error) {
    if (error instanceof TidetableError) throw error;
    throw brokerError(connection.brokers.join(", "), error);
  } finally {
    await admin.disconnect();
  }
}

async function disconnect(producer: Producer): Promise<void> {
  // A producer that is given up has nothing left to say.
  await producer.disconnect().catch(() => undefined);
}

/** As Kafka's own client: the key's hash decides. */
function byPartition<Message extends { readonly key: string }>(
  messages: readonly Message[],
  partitions: number,
): Map<number, Message[]> {
  const parts = new Map<number, Message[]>();
  for (const message of messages) {
    const partition = (murmur2(Buffer.from(message.key)) & 0x7fffffff) % partitions;
    const part = parts.get(partition);
    if (part === undefined) parts.set(partition, [message]);
    else part.push(message);
  }
  return parts;
}

function failed(topic: string, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  return new TidetableError("PRODUCE_FAILED", `Topic ${topic} did not take the messages: ${errorMessage(error)}`, {
    retryable: true,
    cause: error,
  });
}
