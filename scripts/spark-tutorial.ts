/**
 * `npm run spark:tutorial [-- --records 1000000 --brokers 3 --memory 2g]`: the tutorial notebook, unchanged, on DuckDB and on
 * Spark over the same records; every SQL cell has to answer the same at the same offsets. The tests do it with fewer records.
 */
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../src/errors.js";
import { passesSparkTests } from "./components/spark-tests.js";

async function main(): Promise<number> {
  const option = { type: "string" } as const;
  const { values } = parseArgs({ options: { records: option, brokers: option, memory: option } });
  const isFine = await passesSparkTests(
    {
      TIDETABLE_SPARK_RECORDS: whole("--records", values.records ?? "1000000"),
      TIDETABLE_SPARK_BROKERS: brokersOf(values.brokers ?? "3"),
      TIDETABLE_SPARK_MEMORY: values.memory ?? "2g",
    },
    "the tutorial",
  );
  return isFine ? 0 : 1;
}

function brokersOf(text: string): string {
  if (text === "1" || text === "3") return text;
  throw new TidetableError("CONFIG_INVALID", `--brokers is ${text}; it may be 1 or 3.`);
}

function whole(name: string, text: string): string {
  if (/^[1-9]\d*$/.test(text)) return text;
  throw new TidetableError("CONFIG_INVALID", `${name} is ${text}; it may be a whole number of at least 1.`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exit(1);
  },
);
