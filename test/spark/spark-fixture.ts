/** One Spark Connect server and one broker for all of this folder's live tests, and an engine process on them for each. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { type SparkVersion, sparkVersions } from "../../scripts/components/spark.js";
import {
  type SparkConnectServer,
  sparkVersionDefault,
  startSparkConnect,
} from "../../scripts/components/spark-connect.js";
import type { EngineName } from "../../src/engine/engine-names.js";
import { type EngineProcessClient, startEngineProcess } from "../../src/engine/process-client.js";
import type { StreamOptions } from "../../src/engine/protocol.js";
import { cellValue, type QueryResult } from "../../src/sql/schema.js";
import { connect, type SparkSession } from "../../src/sql/spark-connect/session.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

export const token = "a token of the tests";
/** `npm run spark:tutorial` has more of both. */
const brokerCount = process.env.TIDETABLE_SPARK_BROKERS === "3" ? 3 : 1;
const driverMemory = process.env.TIDETABLE_SPARK_MEMORY ?? "1g";

export class SparkFixture {
  #spark: SparkConnectServer | undefined;
  #kafka: KafkaCluster | undefined;
  #producer: KafkaProducer | undefined;
  #folder: TemporaryFolder | undefined;
  #clients: EngineProcessClient[] = [];
  #sessions: SparkSession[] = [];

  /** Registers the hooks of the describe block that it is made in. */
  constructor() {
    const fixture = this;
    before(async function () {
      await requireComponent(this, async () => {
        // Each is kept as soon as it runs, so that it is stopped when the other one does not start.
        const spark = startSparkConnect({ token, driverMemory, version: sparkVersion(), ...sparkMaster() }).then(
          (server) => {
            fixture.#spark = server;
          },
        );
        const kafka = startKafka({ nodes: brokerCount }).then((cluster) => {
          fixture.#kafka = cluster;
        });
        const failed = (await Promise.allSettled([spark, kafka])).find((started) => started.status === "rejected");
        if (failed !== undefined) throw failed.reason;
      });
      fixture.#producer = await openKafkaProducer({ brokers: fixture.brokers });
      fixture.#folder = temporaryFolder("spark");
    });
    afterEach(async () => {
      await Promise.all(fixture.#clients.splice(0).map((client) => client.close()));
      await Promise.all(fixture.#sessions.splice(0).map((session) => session.close()));
    });
    after(async () => {
      await fixture.#producer?.close();
      await Promise.all([fixture.#spark?.stop(), fixture.#kafka?.stop()]);
      fixture.#folder?.remove();
    });
  }

  get spark(): SparkConnectServer {
    return this.#spark ?? missing();
  }

  get kafka(): KafkaCluster {
    return this.#kafka ?? missing();
  }

  get brokers(): readonly string[] {
    return this.kafka.bootstrap;
  }

  get producer(): KafkaProducer {
    return this.#producer ?? missing();
  }

  /** A folder of its own for each notebook. */
  dataDirectory(): string {
    return join(this.#folder?.path ?? missing(), randomUUID());
  }

  async connect(): Promise<SparkSession> {
    const session = await connect(this.spark.address, { config: { "spark.sql.session.timeZone": "UTC" } });
    this.#sessions.push(session);
    return session;
  }

  start(dataDirectory: string = this.dataDirectory(), engine: EngineName = "spark"): EngineProcessClient {
    const client = startEngineProcess({ dataDirectory, engine, sparkRemote: this.spark.address });
    this.#clients.push(client);
    return client;
  }

  /** A topic of its own, with these records: text as it is, null as a tombstone, objects as JSON. */
  async topic(values: readonly unknown[] = []): Promise<string> {
    const topic = `tweets-${randomUUID()}`;
    await this.producer.ensureTopic(topic, { partitions: 3 });
    await this.post(topic, values);
    return topic;
  }

  async post(topic: string, values: readonly unknown[]): Promise<void> {
    const messages = values.map((value, index) => ({
      key: `key ${index % 5}`,
      value: value === null || typeof value === "string" ? value : JSON.stringify(value),
    }));
    if (messages.length > 0) await this.producer.produceAll(topic, messages);
  }

  options(topic: string, changes: Partial<StreamOptions> = {}): StreamOptions {
    return {
      name: "tweets",
      topic,
      source: { kind: "kafka", brokers: this.brokers },
      from: "earliest",
      keep: { rows: 5_000_000 },
      format: "json",
      ...changes,
    };
  }
}

/** Of `npm run spark:versions`; else the one that the project starts. */
function sparkVersion(): SparkVersion {
  const wanted = process.env.TIDETABLE_SPARK_VERSION ?? sparkVersionDefault;
  const version = sparkVersions.find((known) => known === wanted);
  if (version === undefined) throw new Error(`TIDETABLE_SPARK_VERSION is ${wanted}: ${sparkVersions.join(", ")}`);
  return version;
}

/** `local-cluster[2,1,1024]`: executors in processes of their own. Left out: what the project starts. */
function sparkMaster(): { readonly master?: string } {
  const master = process.env.TIDETABLE_SPARK_MASTER;
  return master === undefined ? {} : { master };
}

export function tweets(count: number, from = 0): readonly object[] {
  return Array.from({ length: count }, (_, index) => {
    const id = from + index;
    return { id, handle: `user${id % 7}`, content: `tweet number ${id}`, created_at: "2026-01-31T09:30:00.125Z" };
  });
}

export function rowsOf(result: QueryResult): readonly (readonly unknown[])[] {
  return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
}

function missing(): never {
  throw new Error("the servers are not there");
}
