/** A part of the engine port's statements on Spark: each comes out as is written down. All of them: npm run spark:conformance. */
import { equal } from "node:assert/strict";
import { sparkVersionDefault } from "../../scripts/components/spark-connect.js";
import { parseSparkAddress } from "../../src/sql/spark-connect/address.js";
import { outcomeOf, readOutcomes, runConformance } from "./conformance.js";
import type { SparkFixture } from "./spark-fixture.js";

/** One statement in so many. */
const step = 8;

export function conformanceTests(at: SparkFixture): void {
  it("come out as docs/engines.md says", async function () {
    // Another version has more of DuckDB's words, or fewer; what is written down is this one's.
    if (at.spark.version !== sparkVersionDefault) return this.skip();
    this.timeout(600_000);
    const outcomes = readOutcomes();
    const surprises: string[] = [];
    let seen = 0;
    let compared = 0;
    for await (const result of runConformance(parseSparkAddress(at.spark.address), () => seen++ % step === 0)) {
      compared += 1;
      const wanted = outcomeOf(result, outcomes);
      if (result.outcome !== wanted)
        surprises.push(
          `${result.file}: ${result.sql}\n${result.outcome} (${result.detail}), ${wanted} is written down`,
        );
    }
    equal(surprises.length, 0, `\n${surprises.join("\n\n")}`);
    equal(compared, Math.ceil(seen / step));
  });
}
