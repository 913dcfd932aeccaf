/**
 * From records to rows: the whole path from a real Kafka against kafkajs that only counts and a careful Python program, how
 * long one record takes, how long a start takes, the engine alone against the client library of DuckDB and beside long queries.
 */
import { startKafka } from "../scripts/components/kafka.js";
import { ensurePython } from "../scripts/components/python.js";
import { measureBesideQueries } from "./ingest/beside-queries.js";
import { measureKafkaPath } from "./ingest/kafka-path.js";
import { measureLatency } from "./ingest/latency.js";
import { measureStart } from "./ingest/start.js";
import { measureTable } from "./ingest/table.js";
import type { Measure } from "./measure.js";

export async function measures(): Promise<Measure[]> {
  const { python } = await ensurePython(console.log);
  const kafka = await startKafka({ nodes: 1, progress: console.log });
  try {
    const bench = { brokers: kafka.bootstrap, python };
    const latency = await measureLatency(bench);
    const path = await measureKafkaPath(bench);
    return [
      ...path,
      ...latency,
      ...(await measureStart()),
      ...(await measureTable()),
      ...(await measureBesideQueries()),
    ];
  } finally {
    await kafka.stop();
  }
}
