/** Ten short runs; `npm run faults -- --runs 300` makes long ones for a night. A seed that failed goes into `kept`. */
import { deepEqual } from "node:assert/strict";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { ensurePython } from "../../scripts/components/python.js";
import { requireComponent } from "../support/require-component.js";
import { testSeed } from "../support/seeded-random.js";
import { type FaultRunResult, runFaults } from "./fault-run.js";

const runs = 10;
/** Most of a run is waiting: for a broker to come back, for a harmed line to end. Runs share the brokers and their faults. */
const sideBySide = 3;
/** Seeds that found something once. */
const kept: readonly number[] = [2_124_131_832];

describe("every acknowledged record is in the table exactly once, whatever fails", function () {
  this.timeout(300_000);
  let kafka: KafkaCluster;
  const results = new Map<number, Promise<FaultRunResult>>();

  const first = testSeed();
  // Each once: a seed names its topic.
  const seeds = [...new Set([...kept, ...Array.from({ length: runs }, (_, index) => first + index)])];

  before(async function () {
    const { python } = await requireComponent(this, ensurePython);
    kafka = await requireComponent(this, () => startKafka({ nodes: 3 }));
    const shape = { kafka, python, records: 5_000, ratePerSecond: 1_500, faultsMax: 3 };
    const lanes = Array.from({ length: sideBySide }, () => Promise.resolve<unknown>(undefined));
    seeds.forEach((seed, index) => {
      const lane = index % sideBySide;
      const result = (lanes[lane] as Promise<unknown>).then(() => runFaults({ ...shape, seed }));
      results.set(seed, result);
      lanes[lane] = result.catch(() => undefined);
    });
  });
  after(async () => {
    await Promise.allSettled(results.values());
    await kafka?.stop();
  });

  for (const seed of seeds) {
    it(`run with seed ${seed}`, async () => {
      const result = await results.get(seed);
      deepEqual(result?.differences, [], `after ${result?.struck.join(", ")}; again with TIDETABLE_SEED=${seed}`);
    });
  }
});
