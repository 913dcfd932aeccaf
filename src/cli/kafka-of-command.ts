/** Which Kafka a command means: `--brokers`, what the environment configures, or the one that `npm run kafka` starts. */
import { readConfig } from "../config.js";
import type { KafkaConnection } from "../streaming/kafka/client.js";
import { kafkaConnection } from "../streaming/kafka/connection.js";
import type { CommandContext } from "./command.js";

/** What `npm run kafka` listens on. */
const localBroker = "127.0.0.1:19092";

/** @throws TidetableError CONFIG_INVALID of a value in the environment. */
export function kafkaOfCommand(context: CommandContext, brokers: string | undefined): KafkaConnection {
  const environment = { ...context.environment, ...(brokers === undefined ? {} : { KAFKA_BROKERS: brokers }) };
  const config = readConfig(environment, context.workingDirectory);
  return kafkaConnection(config.brokers.length > 0 ? config.brokers : [localBroker], config.kafkaSecurity);
}
