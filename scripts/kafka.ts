/** `npm run kafka [-- --nodes 3 --port 19092 --dir DIRECTORY]`: a real Kafka in the foreground, until Ctrl-C. */
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../src/errors.js";
import { makeTopic } from "../src/streaming/kafka/producer.js";
import { type KafkaOptions, kafkaVersion, startKafka } from "./components/kafka.js";

const topic = "tweets";
const partitions = 3;

const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 1;
}

async function main(argumentList: readonly string[]): Promise<number> {
  const options = readOptions(argumentList);
  const interrupted = new Promise<"interrupted">((interrupt) => {
    // For good: npm and the terminal may both pass on one Ctrl-C, and the second must not cut the stopping short.
    process.on("SIGINT", () => interrupt("interrupted"));
    process.on("SIGTERM", () => interrupt("interrupted"));
  });
  const cluster = await startKafka({ ...options, progress: say });
  try {
    await makeTopic({ brokers: cluster.bootstrap }, topic, { partitions });
    const brokers = cluster.bootstrap.join(",");
    say(
      `\nKafka ${kafkaVersion} is ready at ${brokers}, topic ${topic} (${partitions} partitions). Data: ${cluster.directory}`,
    );
    say(`  Post tweets to it:       KAFKA_BROKERS=${brokers} npm run tweets`);
    say(`  Open the notebook on it: KAFKA_BROKERS=${brokers} npm start`);
    say("Ctrl-C stops it.");
    const end = await Promise.race([interrupted, cluster.unexpectedEnd]);
    if (end === "interrupted") return 0;
    throw new TidetableError(
      "COMPONENT_MISSING",
      `Kafka node ${end} ended by itself; its log is in ${cluster.directory}.`,
    );
  } finally {
    say("Stopping Kafka …");
    await cluster.stop();
    say("Stopped.");
  }
}

function readOptions(argumentList: readonly string[]): KafkaOptions {
  const { values } = parseArgs({
    args: [...argumentList],
    options: { nodes: { type: "string" }, port: { type: "string" }, dir: { type: "string" } },
  });
  const nodes = values.nodes === undefined ? 1 : Number(values.nodes);
  if (nodes !== 1 && nodes !== 3)
    throw new TidetableError("CONFIG_INVALID", `--nodes is ${values.nodes}; it may be 1 or 3.`);
  const port = values.port === undefined ? 19_092 : Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_000) {
    throw new TidetableError("CONFIG_INVALID", `--port is ${values.port}; it may be 1 to 65000.`);
  }
  return { nodes, port, ...(values.dir === undefined ? {} : { directory: values.dir }) };
}
