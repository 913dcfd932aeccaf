/** Tweets into a topic of Kafka, made if it is not there. Producing itself is streaming/kafka/producer.ts's. */
import type { KafkaConnection } from "../streaming/kafka/client.js";
import { type KafkaProducer, openKafkaProducer, type ProduceOutcome } from "../streaming/kafka/producer.js";
import type { TweetLog, TweetRecord } from "./tweet-log.js";

/** Of a topic that is made here. */
const partitions = 3;

export class KafkaTweetLog implements TweetLog {
  readonly #producer: KafkaProducer;
  readonly #topic: string;

  private constructor(producer: KafkaProducer, topic: string) {
    this.#producer = producer;
    this.#topic = topic;
  }

  /** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, PRODUCE_FAILED when the topic cannot be made. */
  static async open(connection: KafkaConnection, topic: string): Promise<KafkaTweetLog> {
    const producer = await openKafkaProducer(connection);
    try {
      await producer.ensureTopic(topic, { partitions });
      return new KafkaTweetLog(producer, topic);
    } catch (error) {
      await producer.close();
      throw error;
    }
  }

  async append(records: readonly TweetRecord[]): Promise<void> {
    await this.#producer.produceAll(this.#topic, records);
  }

  /** As `append`, and says of each record what became of it instead of throwing. */
  async offer(records: readonly TweetRecord[]): Promise<ProduceOutcome> {
    return await this.#producer.produce(this.#topic, records);
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}
