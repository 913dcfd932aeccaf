/**
 * `npm run bench -- NAME [--json FILE]`: runs one bench, prints its ratios, keeps the result in bench/results/ and, of some,
 * a picture in docs/images/. With `--draw` only the picture, from the last result.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { BenchResult, Measure } from "./measure.js";
import { describeMachine, toTable, writeResult } from "./measure.js";
import { plotOf } from "./plot.js";

/** Benches whose picture the documents show. */
const DRAWN = ["rerun", "live", "engines"];

const folder = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.replace(".bench.ts", ""));

const { values, positionals } = parseArgs({
  options: { json: { type: "string" }, draw: { type: "boolean" } },
  allowPositionals: true,
});
const name = positionals[0] ?? "";
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [--json FILE] [--draw]; NAME is one of: ${names.join(", ")}`);
  process.exit(2);
}

const kept = join(folder, "results", `${name}.json`);
if (values.draw === true) {
  await draw(JSON.parse(readFileSync(kept, "utf8")) as BenchResult);
  process.exit(0);
}

const { measures, isWhole = true } = (await import(join(folder, `${name}.bench.ts`))) as {
  measures: () => Promise<readonly Measure[]>;
  /** Whether the run leaves nothing out; only then its result is kept. */
  isWhole?: boolean;
};
const machine = describeMachine();
const result = { name, date: new Date().toISOString(), machine, measures: await measures() };
console.log(
  `\n${name} on ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, load ${machine.load}\n`,
);
console.log(toTable(result.measures));
for (const file of [...(isWhole ? [kept] : []), ...(values.json === undefined ? [] : [values.json])]) {
  writeResult(file, result);
}
if (DRAWN.includes(name)) await draw(result);
process.exit(0);

async function draw(drawn: BenchResult): Promise<void> {
  const file = join(folder, "../docs/images", `bench-${drawn.name}.svg`);
  writeFileSync(file, `${await plotOf(drawn)}\n`);
  console.log(`drawn: ${file}`);
}
