/** Reads a topic into a table, each time it is asked to, and answers with records a second. Bundled and forked by ingest-process.ts. */
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import { Pipeline } from "../../src/streaming/pipeline.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";

export interface IngestRequest {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly store: "memory" | "file";
  readonly records: number;
}

process.on("message", (request: IngestRequest) => {
  ingestRate(request).then(
    (perSecond) => process.send?.({ perSecond }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});

/** From the opening of the source to the last commit. */
async function ingestRate({ brokers, topic, store, records }: IngestRequest): Promise<number> {
  const folder = temporaryFolder("bench");
  const engine = await DuckDbEngine.open({ kind: store, dataDirectory: folder.path });
  try {
    const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: 10 * records } });
    const source = new KafkaRecordSource({ brokers: [...brokers] });
    const pipeline = new Pipeline(source, table, { topic, from: "earliest" }, () => undefined);
    const startedMs = performance.now();
    await pipeline.start();
    await pipeline.caughtUp();
    const seconds = (performance.now() - startedMs) / 1000;
    await pipeline.stop();
    const { rows, rejected } = table.counts();
    if (rows + rejected !== records) throw new Error(`${rows} rows and ${rejected} rejected of ${records}`);
    return records / seconds;
  } finally {
    await engine.close();
    folder.remove();
  }
}
