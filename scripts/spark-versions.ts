/**
 * `npm run spark:versions [-- VERSION …]`: the live tests of Spark on each version of it that the project knows, one after
 * the other, and the proof that a real 3.5 is refused with the reason. About 450 MB and some minutes for each version.
 */
import { errorMessage, TidetableError } from "../src/errors.js";
import { type SparkVersion, sparkVersions } from "./components/spark.js";
import { startSparkConnect } from "./components/spark-connect.js";
import { passesSparkTests } from "./components/spark-tests.js";

const say = (line: string) => console.log(line);

async function main(): Promise<number> {
  const failed: string[] = [];
  for (const version of chosen(process.argv.slice(2))) {
    say(`\nSpark ${version}`);
    const isFine = version.startsWith("3")
      ? await isRefused(version)
      : await passesSparkTests({ TIDETABLE_SPARK_VERSION: version });
    if (!isFine) failed.push(version);
  }
  say(failed.length === 0 ? "\nAll as they should be." : `\nNot as they should be: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

function chosen(names: readonly string[]): readonly SparkVersion[] {
  if (names.length === 0) return sparkVersions;
  return names.map((name) => {
    const version = sparkVersions.find((known) => known === name);
    if (version !== undefined) return version;
    throw new TidetableError(
      "CONFIG_INVALID",
      `${name} is no version that is known; it may be ${sparkVersions.join(", ")}.`,
    );
  });
}

/** The client looks at a server's version before all else, so the server does not even become ready. */
async function isRefused(version: SparkVersion): Promise<boolean> {
  try {
    const server = await startSparkConnect({ version, progress: say });
    await server.stop();
    say("It was not refused.");
    return false;
  } catch (error) {
    say(errorMessage(error));
    return error instanceof TidetableError && error.code === "SPARK_REFUSED" && error.message.includes(version);
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exit(1);
  },
);
