/**
 * `npm run faults -- --runs 300 --seed N [--records 500000] [--rate 20000] [--faults 5]`: the faults suite for a night, on a
 * real Kafka of three nodes. One line a run; a seed that failed is named at the end, and the exit code is 1.
 */
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../src/errors.js";
import { runFaults } from "../test/faults/fault-run.js";
import { startKafka } from "./components/kafka.js";
import { ensurePython } from "./components/python.js";

const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    options: { runs: option, seed: option, records: option, rate: option, faults: option },
  });
  const runs = positive("--runs", values.runs, 10);
  const seed = positive("--seed", values.seed, Math.floor(Math.random() * 2 ** 30) + 1);
  const shape = {
    records: positive("--records", values.records, 500_000),
    ratePerSecond: positive("--rate", values.rate, 20_000),
    faultsMax: positive("--faults", values.faults, 5),
  };
  let stopping = false;
  process.on("SIGINT", () => {
    stopping = true;
    say("Ends after this run.");
  });
  const { python } = await ensurePython(say);
  const kafka = await startKafka({ nodes: 3, progress: say });
  const failed: number[] = [];
  try {
    for (let run = 0; run < runs && !stopping; run += 1) {
      const result = await runFaults({ kafka, python, seed: seed + run, ...shape });
      const outcome = result.differences.length === 0 ? "exact" : `WRONG: ${result.differences.join("; ")}`;
      say(
        `${run + 1}/${runs}  seed ${result.seed}  ${result.seconds.toFixed(1)} s  ${result.struck.join(" ")}  ${outcome}`,
      );
      if (result.differences.length > 0) failed.push(result.seed);
    }
  } finally {
    await kafka.stop();
  }
  if (failed.length === 0) {
    say("Every run was exact.");
    return 0;
  }
  say(`Wrong with the seeds ${failed.join(", ")}. One again: npm run faults -- --runs 1 --seed ${failed[0]}`);
  return 1;
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TidetableError("CONFIG_INVALID", `${name} is ${text}; it is a whole number above 0.`);
}
