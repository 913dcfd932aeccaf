/**
 * The tutorial notebook in two kernels, one on DuckDB and one on Spark, over the same topic: every SQL cell answers the
 * same at the same offsets. With more records and brokers: npm run spark:tutorial.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { encodeTweet } from "../../src/tweeter/tweet.js";
import { generateBadValue, generateTweet, isBad } from "../../src/tweeter/tweet-generator.js";
import { type KernelClient, startKernel } from "../support/jupyter-client.js";
import { codeCellsOf, tutorialPath } from "../support/notebook.js";
import type { SparkFixture } from "./spark-fixture.js";

const records = Number(process.env.TIDETABLE_SPARK_RECORDS ?? 20_000);
const seed = 7;
const chunk = 20_000;
/** Of one cell. Spark on a machine that does much else takes its time. */
const deadlineMs = 240_000 + records / 5;

export function tutorialTests(at: SparkFixture): void {
  it("gives the same answers on DuckDB and on Spark", async function () {
    this.timeout(4 * deadlineMs);
    await at.producer.ensureTopic("tweets", { partitions: 3 });
    for (let from = 0; from < records; from += chunk) await post(at, from, Math.min(chunk, records - from));
    const cells = codeCellsOf(readFileSync(tutorialPath, "utf8")).map((cell) => cell.source);
    const duckdb = await run(at, cells, { TIDETABLE_ENGINE: "duckdb" });
    const spark = await run(at, cells, { TIDETABLE_ENGINE: "spark", SPARK_REMOTE: at.spark.address });
    let compared = 0;
    for (const [index, source] of cells.entries()) {
      // There is no Cassandra here, so that cell has nothing to compare.
      if (!/%%sql|sql`|found/.test(source) || source.includes("cassandra(")) continue;
      const [ours, theirs] = [duckdb[index] ?? [], spark[index] ?? []];
      ok(ours.length > 0, source);
      // Each engine has its own words for why a record is no row; which ones they are is the same.
      const shown = source.includes("reason")
        ? (lines: readonly string[]) => lines.map(withoutReason)
        : (lines: readonly string[]) => lines;
      deepEqual(shown(theirs), shown(ours), source);
      compared += 1;
    }
    equal(compared, 6);
  });
}

async function post(at: SparkFixture, from: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, offset) => {
    const index = from + offset;
    const tweet = generateTweet(seed, index, 1_767_000_000_000 + index * 1000);
    return isBad(seed, index, 200)
      ? { key: "bad", value: generateBadValue(seed, index) }
      : { key: tweet.handle, value: encodeTweet(tweet), timestampMs: tweet.createdAtMs };
  });
  await at.producer.produceAll("tweets", messages);
}

/** What each cell shows as text, stream status and times left out. */
async function run(
  at: SparkFixture,
  cells: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<readonly (readonly string[])[]> {
  const directory = at.dataDirectory();
  mkdirSync(directory, { recursive: true });
  const kernel = await startKernel({
    directory,
    environment: { TIDETABLE_DATA: directory, KAFKA_BROKERS: at.brokers.join(","), ...environment },
  });
  try {
    const shown: (readonly string[])[] = [];
    for (const source of cells) {
      shown.push(await textOf(kernel, source));
      if (source.includes("stream(")) await textOf(kernel, "await tweets.caughtUp()");
    }
    return shown;
  } finally {
    await kernel.shutdown();
  }
}

async function textOf(kernel: KernelClient, source: string): Promise<readonly string[]> {
  const { outputs } = await kernel.execute(source, { deadlineMs });
  const errors = outputs.filter((output) => output.type === "error").map((output) => output.evalue);
  deepEqual(errors, [], source);
  return outputs
    .flatMap((output) => String(output.text ?? output.data?.["text/plain"] ?? "").split("\n"))
    .filter((line) => line !== "" && !/\b(ms|s)( ·|$)|version/.test(line));
}

function withoutReason(line: string): string {
  const cells = line.split(/\s{2,}|\s*[│|]\s*/).filter((cell) => cell !== "");
  return cells.slice(1).join(" | ");
}
