/**
 * The environment, read once into one frozen object. Entry files call `readConfig`; nothing else reads `process.env`.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type CassandraAccess, readCassandraSettings } from "./cassandra-settings.js";
import type { EngineName } from "./engine/engine-names.js";
import { TidetableError } from "./errors.js";
import { readKafkaSettings } from "./kafka-settings.js";
import type { KafkaSecurity } from "./streaming/kafka/security.js";
import type { CassandraConnection } from "./tweeter/cassandra-client.js";

export interface Config {
  /** `host:port` of brokers; empty: the embedded log is read instead. From `KAFKA_BROKERS`, comma separated. */
  readonly brokers: readonly string[];
  /** TLS and SASL, from `KAFKA_PROPERTIES` and the variables beside it (docs/kafka.md). Holds secrets: never printed. */
  readonly kafkaSecurity?: KafkaSecurity;
  /** From `CASSANDRA_CONTACT_POINTS` and the variables beside it. Holds secrets: never printed. */
  readonly cassandra?: CassandraConnection;
  /** The same without the contact points, for a cluster that a cell names itself. Holds secrets: never printed. */
  readonly cassandraAccess?: CassandraAccess;
  /** From `TIDETABLE_ENGINE`; default `duckdb`. */
  readonly engine: EngineName;
  /** From `SPARK_REMOTE`: `sc://host:15002` of the engine `spark`. May hold a token: never printed. */
  readonly sparkRemote?: string;
  /** Where stores and the embedded log live. From `TIDETABLE_DATA`; default `.tidetable` in the working folder. */
  readonly dataDirectory: string;
  /** Where downloads for tests and servers live. From `TIDETABLE_CACHE`; default `tidetable` in the user's cache folder. */
  readonly cacheDirectory: string;
  /** True inside Zeppelin (`ZEPPELIN_HOME` is set), which renders `%table` text instead of HTML. */
  readonly insideZeppelin: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws TidetableError CONFIG_INVALID naming the variable, its value and what it may be. */
export function readConfig(environment: Environment, workingDirectory: string): Config {
  const kafka = readKafkaSettings(environment, workingDirectory);
  const cassandra = readCassandraSettings(environment, workingDirectory);
  return Object.freeze({
    brokers: parseBrokers(environment.KAFKA_BROKERS || kafka.brokers),
    ...(kafka.security === undefined ? {} : { kafkaSecurity: kafka.security }),
    ...(cassandra.connection === undefined ? {} : { cassandra: cassandra.connection }),
    ...(Object.keys(cassandra.access).length === 0 ? {} : { cassandraAccess: cassandra.access }),
    engine: parseEngine(environment.TIDETABLE_ENGINE),
    ...(environment.SPARK_REMOTE ? { sparkRemote: environment.SPARK_REMOTE } : {}),
    dataDirectory: resolve(workingDirectory, environment.TIDETABLE_DATA || ".tidetable"),
    cacheDirectory: resolve(workingDirectory, environment.TIDETABLE_CACHE || defaultCacheDirectory(environment)),
    insideZeppelin: Boolean(environment.ZEPPELIN_HOME),
  });
}

function parseBrokers(text: string | undefined): readonly string[] {
  const brokers = (text ?? "").split(",").map((broker) => broker.trim());
  const present = brokers.filter((broker) => broker !== "");
  for (const broker of present) {
    const port = Number(/^(?:[^\s:/]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(broker)?.[1] ?? Number.NaN);
    if (!(port >= 1 && port <= 65535)) {
      throw new TidetableError(
        "CONFIG_INVALID",
        `KAFKA_BROKERS holds "${broker}", which is not host:port. Write for example KAFKA_BROKERS=127.0.0.1:19092, several separated by commas.`,
      );
    }
  }
  return present;
}

function parseEngine(text: string | undefined): Config["engine"] {
  if (text === undefined || text === "" || text === "duckdb") return "duckdb";
  if (text === "alasql" || text === "spark") return text;
  throw new TidetableError(
    "CONFIG_INVALID",
    `TIDETABLE_ENGINE is "${text}"; it may be duckdb (the default), alasql (no native code, in memory) or spark (a cluster, at SPARK_REMOTE).`,
  );
}

function defaultCacheDirectory(environment: Environment): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "tidetable");
}
