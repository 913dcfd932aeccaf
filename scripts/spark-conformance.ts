/**
 * `npm run spark:conformance`: every statement of test/sql/conformance/ on Spark. Writes down which answer as DuckDB does,
 * which are refused and which answer otherwise, prints the answers that differ, and puts the table into docs/engines.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../src/errors.js";
import { parseSparkAddress } from "../src/sql/spark-connect/address.js";
import { type ConformanceResult, outcomeTable, runConformance, writeOutcomes } from "../test/spark/conformance.js";
import { startSparkConnect } from "./components/spark-connect.js";

const say = (line: string) => console.log(line);

async function main(): Promise<number> {
  const spark = await startSparkConnect({ progress: say });
  try {
    const results: ConformanceResult[] = [];
    for await (const result of runConformance(parseSparkAddress(spark.address))) {
      results.push(result);
      if (result.outcome !== "same") say(`\n${result.file} ${result.outcome}\n${result.sql}\n  ${result.detail}`);
    }
    const table = outcomeTable(writeOutcomes(results));
    say(`\n${table}`);
    putIntoPage(table);
    return 0;
  } finally {
    await spark.stop();
  }
}

/** In place of the table that is there: the lines from its head to the next blank one. */
function putIntoPage(table: string): void {
  const page = join(dirname(fileURLToPath(import.meta.url)), "../docs/engines.md");
  const text = readFileSync(page, "utf8");
  const [head = ""] = table.split("\n", 1);
  const start = text.indexOf(head);
  const end = text.indexOf("\n\n", start);
  if (start < 0 || end < 0) throw new Error(`docs/engines.md has no table that begins with ${head}`);
  writeFileSync(page, `${text.slice(0, start)}${table}${text.slice(end)}`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exit(1);
  },
);
