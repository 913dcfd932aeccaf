/**
 * One run: an outside producer posts, faults strike in a seeded order, and in the end the table must be what the producer's
 * ledger says: complete, nothing twice, every value exact, offsets beside the rows.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { KafkaCluster } from "../../scripts/components/kafka.js";
import { type EngineProcessClient, startEngineProcess } from "../../src/engine/process-client.js";
import type { StreamOptions } from "../../src/engine/protocol.js";
import { cellValue } from "../../src/sql/schema.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { root } from "../support/notebook.js";
import { seededRandom } from "../support/seeded-random.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { startFaultLines } from "./fault-line.js";
import { type Fault, faults } from "./faults.js";

export interface FaultRunOptions {
  readonly kafka: KafkaCluster;
  /** With confluent-kafka. */
  readonly python: string;
  readonly seed: number;
  readonly records: number;
  readonly ratePerSecond: number;
  readonly faultsMax: number;
}

export interface FaultRunResult {
  readonly seed: number;
  /** In the order in which they struck. */
  readonly struck: readonly string[];
  readonly seconds: number;
  /** What the ledger says and the table does not; empty: all is well. */
  readonly differences: readonly string[];
}

interface Ledger {
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
  /** Deliveries that were not acknowledged: nobody knows whether they are in the topic. Must be 0. */
  readonly failed: number;
  readonly numberSum: string;
  readonly digestSum: string;
}

const STREAM = "ledger";
const RECOVERY_MS = 60_000;

/** Never rejects for what is wrong with the table: that is in the result. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const { kafka, python, seed, records, ratePerSecond } = options;
  const startedMs = performance.now();
  const random = seededRandom(seed);
  const topic = `faults-${seed}`;
  const folder = temporaryFolder("faults");
  const lines = await startFaultLines(kafka.bootstrap, random);
  const struck: string[] = [];
  const open: StreamOptions = {
    name: STREAM,
    topic,
    source: { kind: "kafka", brokers: lines.addresses },
    from: "earliest",
    keep: { rows: 10_000_000 },
    format: "json",
  };
  let engine = startEngineProcess({ dataDirectory: folder.path });
  try {
    await alone(kafka, async () => {
      await makeTopic(kafka, topic, 3);
      await engine.openStream(open);
    });
    const script = join(root, "test/support/python/produce_ledger.py");
    const producing = promisify(execFile)(
      python,
      [script, kafka.bootstrap.join(","), topic, String(records), String(seed), String(ratePerSecond)],
      { timeout: Math.ceil(records / ratePerSecond) * 1_000 + 240_000 },
    );
    producing.catch(() => undefined); // Awaited below; a fault that fails first must not leave it unheard.
    const scene = {
      kafka,
      lines,
      topic,
      stream: STREAM,
      random,
      engine: () => engine,
      restartEngine: async () => {
        await engine.close();
        engine = startEngineProcess({ dataDirectory: folder.path });
        await engine.openStream(open);
      },
    };
    const chosen = Array.from({ length: 1 + random.below(options.faultsMax) }, () => random.pick(faults));
    for (const fault of chosen) {
      await delay(random.below((records / ratePerSecond / chosen.length) * 1_000));
      struck.push(fault.id);
      await inflict(fault, scene);
    }
    const ledger = JSON.parse((await producing).stdout) as Ledger;
    const differences = await compare(engine, ledger);
    return { seed, struck, seconds: (performance.now() - startedMs) / 1000, differences };
  } finally {
    await engine.close();
    lines.close();
    folder.remove();
  }
}

async function inflict(fault: Fault, scene: Parameters<Fault["inflict"]>[0]): Promise<void> {
  try {
    if (fault.needsBrokers === true) await alone(scene.kafka, () => fault.inflict(scene));
    else await fault.inflict(scene);
  } catch (error) {
    throw new Error(`${fault.id} (${fault.name}) could not be inflicted or taken back`, { cause: error });
  }
}

const wholeBrokers = new WeakMap<KafkaCluster, Promise<void>>();

/** While no other run has taken a broker away. */
function alone(kafka: KafkaCluster, inflict: () => Promise<void>): Promise<void> {
  const before = wholeBrokers.get(kafka) ?? Promise.resolve();
  const now = before.catch(() => undefined).then(inflict);
  wholeBrokers.set(kafka, now);
  return now;
}

async function makeTopic(kafka: KafkaCluster, topic: string, partitions: number): Promise<void> {
  const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
  await producer.ensureTopic(topic, { partitions });
  await producer.close();
}

const totals = `SELECT
  (SELECT count(*) FROM ${STREAM}) AS "rows",
  (SELECT count(DISTINCT (_topic, _partition, _offset)) FROM ${STREAM}) AS places,
  (SELECT count(*) FROM ${STREAM}_errors) AS rejected,
  (SELECT count(*) FROM ${STREAM} WHERE sha256(content) <> digest) AS damaged,
  (SELECT sum(number::HUGEINT)::VARCHAR FROM ${STREAM}) AS numbers,
  (SELECT sum(('0x' || left(sha256(number || ':' || content), 15))::BIGINT::HUGEINT)::VARCHAR FROM ${STREAM}) AS digests`;

async function compare(engine: EngineProcessClient, ledger: Ledger): Promise<string[]> {
  const expected = [ledger.rows, ledger.rows, ledger.rejected, 0, ledger.numberSum, ledger.digestSum].map(String);
  const names = ["rows", "distinct places", "rejected", "rows with another text", "sum of numbers", "sum of digests"];
  let found: string[] = [];
  let tombstones = 0;
  let refused: unknown;
  const differ = () => {
    const differences = names.flatMap((name, index) =>
      found[index] === expected[index] ? [] : [`${name}: ${found[index]}, not ${expected[index]}`],
    );
    if (tombstones !== ledger.tombstones) differences.push(`tombstones: ${tombstones}, not ${ledger.tombstones}`);
    if (ledger.failed !== 0) differences.push(`${ledger.failed} deliveries that nobody knows about`);
    return differences;
  };
  try {
    await until(
      "the table is what the ledger says, and the stream is live",
      async () => {
        const status = await engine.streamStatus(STREAM);
        // A table that holds no record yet has none of these columns: an answer like any other that is not yet right.
        const result = await engine.query(totals).catch((error: unknown) => {
          refused = error;
        });
        if (result === undefined) return false;
        refused = undefined;
        found = result.columns.map((column) => String(cellValue(column, 0)));
        tombstones = status.tombstones;
        return status.phase === "live" && differ().length === 0;
      },
      RECOVERY_MS,
    );
  } catch (error) {
    const { phase, cause } = await engine.streamStatus(STREAM);
    return [`${phase}${cause === undefined ? "" : `: ${cause}`}`, ...differ(), String(refused ?? error)];
  }
  return [];
}
