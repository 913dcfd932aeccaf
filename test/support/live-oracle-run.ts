/** Many random cases of the live queries' oracle, one after the other; the first that fails is made as small as it gets. */
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { randomCase } from "./live-cases.js";
import { runOracleCase, shrinkOracleCase } from "./live-oracle.js";
import { seededRandom } from "./seeded-random.js";

/** Tables stay in an engine, so a new one is opened every so many cases. */
const CASES_PER_ENGINE = 50;

export interface OracleSummary {
  readonly cases: number;
  readonly refreshes: number;
  readonly incremental: number;
  /** Why queries were run as a whole, with how many cases. */
  readonly reasons: ReadonlyMap<string, number>;
  /** The smallest failing case, as text to be written down. */
  readonly failure: string | undefined;
}

export async function runOracle(options: {
  readonly cases: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}): Promise<OracleSummary> {
  const random = seededRandom(options.seed);
  const reasons = new Map<string, number>();
  const summary = { cases: 0, refreshes: 0, incremental: 0, reasons, failure: undefined as string | undefined };
  while (summary.cases < options.cases && summary.failure === undefined) {
    const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    try {
      for (let index = 0; index < CASES_PER_ENGINE && summary.cases < options.cases; index++) {
        const oracleCase = randomCase(random);
        const outcome = await runOracleCase(engine, oracleCase);
        summary.cases += 1;
        summary.refreshes += outcome.refreshes;
        summary.incremental += outcome.incremental;
        if (outcome.reason !== undefined) reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1);
        if (outcome.difference === undefined) continue;
        const smallest = await shrinkOracleCase(
          oracleCase,
          async (smaller) => (await runOracleCase(engine, smaller)).difference !== undefined,
        );
        const { difference } = await runOracleCase(engine, smallest);
        const written = JSON.stringify(smallest, (_, value) => (typeof value === "bigint" ? `${value}n` : value), 2);
        summary.failure = `case ${summary.cases}, seed ${options.seed}: ${difference ?? outcome.difference}\n${written}`;
        break;
      }
    } finally {
      await engine.close();
    }
    options.onProgress?.(summary.cases);
  }
  return summary;
}
