/**
 * How long a record takes from the producer's call to a query that finds it, at 1,000 records a second, through the engine
 * process as a kernel uses it; and what the engine costs while nothing comes. Absolute figures: the peer is the goal.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { startEngineProcess } from "../../src/engine/process-client.js";
import { type Column, cellValue, type QueryResult } from "../../src/sql/schema.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { type Measure, measure, percentile } from "../measure.js";
import { type KafkaBench, runPython } from "../support/python.js";

const TOPIC = "paced";
const RATE = 1_000;
const RECORDS = 30_000;
const IDLE_MS = 10_000;
/** So long broker and engine compile; on two cores, the broker's compiler alone has one of them for 15 seconds. */
const WARM_UP_RECORDS = 20_000;
const POLL_MS = 2;

export async function measureLatency(bench: KafkaBench): Promise<Measure[]> {
  const producer = await openKafkaProducer({ brokers: bench.brokers });
  await producer.ensureTopic(TOPIC, { partitions: 4 });
  await producer.close();
  const folder = temporaryFolder("bench");
  const engine = startEngineProcess({ dataDirectory: folder.path, store: "memory" });
  try {
    await engine.openStream({
      name: TOPIC,
      topic: TOPIC,
      source: { kind: "kafka", brokers: bench.brokers },
      from: "earliest",
      keep: { rows: 1_000_000 },
      format: "json",
    });
    // Columns come with the first records.
    await runPython(bench, "produce_paced.py", [TOPIC, 100, RATE]);
    await engine.streamCaughtUp(TOPIC);
    const idlePercent = await processorPercent(engine.pid ?? 0, IDLE_MS);
    const latenciesMs = await followLatencies(bench, engine);
    const against = (name: string, unit: string, ours: number, goal: number) =>
      measure({ name, unit, ours: [ours], peer: [goal], peerName: "the goal", goal: { atMost: 1 } });
    return [
      against("produced to queryable at 1,000/s, median", "ms", percentile(latenciesMs, 0.5), 10),
      against("produced to queryable at 1,000/s, 95 of 100", "ms", percentile(latenciesMs, 0.95), 50),
      against("processor at rest, connected", "% of a core", idlePercent, 1),
    ];
  } finally {
    await engine.close();
    folder.remove();
  }
}

/** Asks for new rows without a break: what a query finds is counted from when its answer is here. */
async function followLatencies(bench: KafkaBench, engine: ReturnType<typeof startEngineProcess>): Promise<number[]> {
  const latenciesMs: number[] = [];
  const producing = runPython(bench, "produce_paced.py", [TOPIC, RECORDS, RATE]);
  let produced = false;
  const done = producing.then(() => {
    produced = true;
  });
  // By partition, because records of two partitions may come in another order than they were sent in.
  const seen = new Map<number, bigint>();
  const first = await engine.query(`SELECT _partition, max(_offset) FROM ${TOPIC} GROUP BY ALL`);
  note(first, seen);
  const partitions = [...seen.keys()];
  const isNew = partitions.map((partition, index) => `(_partition = ${partition} AND _offset > $${index + 1})`);
  const text = `SELECT _partition, _offset, "sentUs" FROM ${TOPIC} WHERE ${isNew.join(" OR ")}`;
  let lastNewsMs = performance.now();
  while (!produced || (latenciesMs.length < RECORDS && performance.now() - lastNewsMs < 5_000)) {
    const result = await engine.query(text, { parameters: partitions.map((partition) => seen.get(partition) ?? -1n) });
    const nowUs = (performance.timeOrigin + performance.now()) * 1000;
    note(result, seen);
    const sent = result.columns[2] as Column;
    for (let row = 0; row < result.rowCount; row += 1) latenciesMs.push((nowUs - Number(cellValue(sent, row))) / 1000);
    if (result.rowCount > 0) lastNewsMs = performance.now();
    await delay(POLL_MS);
  }
  await done;
  return latenciesMs.slice(WARM_UP_RECORDS);
}

/** Keeps the highest offset of each partition in an answer of partitions and offsets. */
function note(result: QueryResult, seen: Map<number, bigint>): void {
  const [partitions, offsets] = result.columns as readonly [Column, Column];
  for (let row = 0; row < result.rowCount; row += 1) {
    const partition = Number(cellValue(partitions, row));
    const offset = cellValue(offsets, row) as bigint;
    if (offset > (seen.get(partition) ?? -1n)) seen.set(partition, offset);
  }
}

/** Of one core, over a while. Linux only: elsewhere NaN. */
async function processorPercent(pid: number, overMs: number): Promise<number> {
  const before = await processorTicks(pid);
  await delay(overMs);
  // A tick is 10 ms.
  return (((await processorTicks(pid)) - before) * 10 * 100) / overMs;
}

async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
