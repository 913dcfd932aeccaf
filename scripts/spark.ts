/**
 * `npm run spark [-- --port 15002 --dir D --version V --memory 1g --master local[2] --token T]`: a Spark Connect server
 * with the Kafka connector, in the foreground on loopback. Ctrl-C stops it.
 */
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../src/errors.js";
import { sparkVersions } from "./components/spark.js";
import { type SparkConnectOptions, startSparkConnect } from "./components/spark-connect.js";

const portDefault = 15_002;
const say = (line: string) => console.log(line);

async function main(): Promise<number> {
  const interrupted = new Promise<"interrupted">((resolve) => {
    process.once("SIGINT", () => resolve("interrupted"));
    process.once("SIGTERM", () => resolve("interrupted"));
  });
  const server = await startSparkConnect(readOptions(process.argv.slice(2)));
  try {
    say(`Spark ${server.version} answers at ${server.address}. It keeps its tables in ${server.directory}.`);
    say(`  Open the notebook on it: TIDETABLE_ENGINE=spark SPARK_REMOTE="${server.address}" KAFKA_BROKERS=… npm start`);
    say("Ctrl-C stops it.");
    const end = await Promise.race([interrupted, server.unexpectedEnd]);
    if (end === "interrupted") return 0;
    throw new TidetableError("COMPONENT_MISSING", `Spark ended by itself; its log is in ${server.directory}.`);
  } finally {
    say("Stopping Spark …");
    await server.stop();
    say("Stopped.");
  }
}

function readOptions(argumentList: readonly string[]): SparkConnectOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argumentList],
    options: { port: text, dir: text, version: text, memory: text, master: text, token: text },
  });
  const version = sparkVersions.find((known) => known === values.version && !known.startsWith("3"));
  if (values.version !== undefined && version === undefined) {
    const known = sparkVersions.filter((one) => !one.startsWith("3")).join(", ");
    throw new TidetableError("CONFIG_INVALID", `--version is ${values.version}; it may be ${known}.`);
  }
  const port = values.port === undefined ? portDefault : Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TidetableError("CONFIG_INVALID", `--port is ${values.port}; it may be 1 to 65535.`);
  }
  return {
    port,
    progress: say,
    ...(version === undefined ? {} : { version }),
    ...(values.dir === undefined ? {} : { directory: values.dir }),
    ...(values.memory === undefined ? {} : { driverMemory: values.memory }),
    ...(values.master === undefined ? {} : { master: values.master }),
    ...(values.token === undefined ? {} : { token: values.token }),
  };
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exit(1);
  },
);
