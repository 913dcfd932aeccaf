/**
 * A million records from a real Kafka into rows, metadata columns and stored offsets included. The clock runs from the
 * opening of the source to the last commit, in a process with the engine's bundle; for kafkajs, which only counts, from its first batch.
 */
import { join } from "node:path";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { alternate, type Measure, measure } from "../measure.js";
import { countWithKafkajs } from "../support/count-with-kafkajs.js";
import { IngestProcess } from "../support/ingest-process.js";
import { type KafkaBench, runPython } from "../support/python.js";

const RECORDS = 1_000_000;
const ROUNDS = 3;
const topics = { four: "four", one: "one", bad: "bad" } as const;

export async function measureKafkaPath(bench: KafkaBench): Promise<Measure[]> {
  await fill(bench, topics.four, 4, 0);
  await fill(bench, topics.one, 1, 0);
  await fill(bench, topics.bad, 4, 100);
  const measured = await IngestProcess.start();
  const ours = (topic: string, store: "memory" | "file") => () =>
    measured.rate({ brokers: bench.brokers, topic, store, records: RECORDS });
  const python = (store: "memory" | "file") => () => pythonRate(bench, topics.four, 4, store);
  const kafkajs = async () => (await countWithKafkajs(bench.brokers, topics.four, RECORDS, 4)).perSecond;
  // Both sides once without counting: compilation, memory, the broker's page cache.
  await ours(topics.four, "memory")();
  await kafkajs();
  const pairs = [
    {
      name: "Kafka to rows, four partitions, memory",
      peerName: "Python: librdkafka, Arrow, DuckDB",
      goal: { atLeast: 1 },
      ...(await alternate(ROUNDS, ours(topics.four, "memory"), python("memory"))),
    },
    {
      name: "Kafka to rows, four partitions, file",
      peerName: "Python: the same into a file",
      goal: { atLeast: 0.8 },
      ...(await alternate(ROUNDS, ours(topics.four, "file"), python("file"))),
    },
    {
      name: "Kafka to rows, four partitions, memory",
      peerName: "kafkajs eachBatch that only counts",
      goal: { atLeast: 1 },
      ...(await alternate(ROUNDS, ours(topics.four, "memory"), kafkajs)),
    },
    {
      name: "Kafka to rows, one partition",
      peerName: "four partitions",
      goal: { atLeast: 0.6 },
      ...(await alternate(ROUNDS, ours(topics.one, "memory"), ours(topics.four, "memory"))),
    },
    {
      name: "Kafka to rows, 1 % bad records",
      peerName: "clean records",
      goal: { atLeast: 0.6 },
      ...(await alternate(ROUNDS, ours(topics.bad, "memory"), ours(topics.four, "memory"))),
    },
  ];
  measured.close();
  return pairs.map((pair) => measure({ unit: "records/s", ...pair }));
}

async function fill(bench: KafkaBench, topic: string, partitions: number, badEvery: number): Promise<void> {
  await runPython(bench, "fill_topic.py", [topic, partitions, RECORDS, badEvery]);
}

async function pythonRate(
  bench: KafkaBench,
  topic: string,
  partitions: number,
  store: "memory" | "file",
): Promise<number> {
  const folder = temporaryFolder("bench");
  try {
    const path = store === "memory" ? "memory" : join(folder.path, "tweets.duckdb");
    const output = await runPython(bench, "ingest_with_python.py", [topic, partitions, RECORDS, path]);
    const { seconds, rows } = JSON.parse(output) as { seconds: number; rows: number };
    if (rows !== RECORDS) throw new Error(`Python stored ${rows} of ${RECORDS}`);
    return RECORDS / seconds;
  } finally {
    folder.remove();
  }
}
