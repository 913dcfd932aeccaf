/**
 * Spark as PyPI carries it (programs and jars; none of its Python), and the four jars of the Kafka connector that it
 * lacks. Owns which versions, their checksums and how a Spark program is started; knows nothing of what it does.
 */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installOnce, type Progress } from "./cache.js";
import { runCommand } from "./command.js";
import { ensureJars, requireJava } from "./maven.js";

/**
 * Not the newest of each line: the connector has to be on Maven in the very same version, and of many it is not, or only
 * in part.
 */
const releases = {
  "3.5.7": {
    scala: "2.12",
    sha256: "80e36514e0c5c126d35a26adf4f405cd4a69de96a8ea8a3c1e9a65fce2fb4eaa",
    clients: ["org.apache.kafka:kafka-clients:3.4.1", "org.apache.commons:commons-pool2:2.11.1"],
  },
  "4.0.0": {
    scala: "2.13",
    sha256: "38db1b4f6095a080d7605e578d775528990e66dc326311d93e94a71cfc24e5a5",
    clients: ["org.apache.kafka:kafka-clients:3.9.0", "org.apache.commons:commons-pool2:2.12.0"],
  },
  "4.1.1": {
    scala: "2.13",
    sha256: "77f78984aa84fbe865c717dd37b49913b4e5c97d76ef6824f932f1aefa6621ec",
    clients: ["org.apache.kafka:kafka-clients:3.9.1", "org.apache.commons:commons-pool2:2.12.1"],
  },
  "4.2.0": {
    scala: "2.13",
    sha256: "5ad689d53570ee1674193fd4f9bda065f0db3be9363a27d2a3406cc457b70b61",
    clients: ["org.apache.kafka:kafka-clients:3.9.2", "org.apache.commons:commons-pool2:2.13.1"],
  },
} as const;

export type SparkVersion = keyof typeof releases;
export const sparkVersions = Object.keys(releases) as readonly SparkVersion[];

export interface SparkFiles {
  readonly version: SparkVersion;
  readonly scala: string;
  /** What `SPARK_HOME` has to be: `bin/`, `jars/`. The jar of the Connect server is among them from 4.0 on. */
  readonly home: string;
  /** `spark-sql-kafka-0-10` and what it needs beside Spark's own jars, for `--jars`. */
  readonly kafkaJars: readonly string[];
}

/** Spark and its Kafka connector, installed on first use (about 450 MB each). @throws TidetableError COMPONENT_MISSING */
export async function ensureSpark(version: SparkVersion, progress: Progress = () => {}): Promise<SparkFiles> {
  await requireJava();
  const { scala, sha256, clients } = releases[version];
  const directory = await installOnce(
    {
      name: `spark-${version}`,
      stamp: sha256,
      install: (into, tell) => unpackSpark(version, sha256, into, tell),
    },
    progress,
  );
  const connector = ["sql", "token-provider"].map(
    (part) => `org.apache.spark:spark-${part}-kafka-0-10_${scala}:${version}`,
  );
  const library = await ensureJars(
    { name: `spark-kafka-${version}`, artifacts: [...connector, ...clients], transitive: false },
    progress,
  );
  const jars = (await readdir(library)).filter((file) => file.endsWith(".jar")).sort();
  return { version, scala, home: join(directory, "spark"), kafkaJars: jars.map((jar) => join(library, jar)) };
}

/** PyPI's file is a source archive: pip fetches it (its mirrors and its checksum count), tar takes out what runs. */
async function unpackSpark(version: SparkVersion, sha256: string, directory: string, tell: Progress): Promise<void> {
  tell(`spark-${version}: fetching Spark from PyPI (${version.startsWith("3") ? 320 : 460} MB)`);
  const work = join(directory, "work");
  const command = { timeoutMs: 12 * 60_000, missing: "Install Python 3 with venv, and tar." };
  await runCommand("python3", ["-m", "venv", work], command);
  await writeFile(join(work, "spark.txt"), `pyspark==${version} --hash=sha256:${sha256}\n`);
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"];
  const source = ["--no-binary", "pyspark", "--require-hashes", "-r", join(work, "spark.txt"), "-d", work];
  await runCommand(join(work, "bin/python"), [...pip, ...source], command);
  const home = join(directory, "spark");
  await mkdir(home);
  const wanted = ["bin", "jars", "sbin"].map((folder) => `pyspark-${version}/deps/${folder}`);
  const archive = join(work, `pyspark-${version}.tar.gz`);
  await runCommand("tar", ["-xzf", archive, "-C", home, "--strip-components=2", ...wanted], command);
  await rm(work, { recursive: true, force: true });
}

export interface SparkProgram {
  readonly mainClass: string;
  /** Properties for `--conf`; they win over ours. */
  readonly conf?: Readonly<Record<string, string>>;
  /** Folder for what Spark writes: its warehouse, its temporary files. */
  readonly directory: string;
  /** Default `local[2]`: two threads of the driver itself. */
  readonly master?: string;
  readonly driverMemory?: string;
  readonly driverJavaOptions?: string;
  /** What follows the main class's own jar on the command line. */
  readonly parameters?: readonly string[];
}

/** A program to spawn. The script replaces itself by java, so the child's pid is Spark's own. */
export function sparkSubmit(
  spark: SparkFiles,
  program: SparkProgram,
): { readonly command: string; readonly parameters: readonly string[]; readonly environment: NodeJS.ProcessEnv } {
  const conf: Readonly<Record<string, string>> = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.warehouse.dir": join(program.directory, "warehouse"),
    // Its logs at INFO grow by megabytes a minute while a stream runs.
    "spark.log.level": "WARN",
    "spark.jars": spark.kafkaJars.join(","),
    ...program.conf,
  };
  const { SPARK_REMOTE: _, SPARK_CONF_DIR: __, ...inherited } = process.env;
  return {
    command: join(spark.home, "bin/spark-submit"),
    parameters: [
      ...["--class", program.mainClass],
      ...["--master", program.master ?? "local[2]"],
      ...["--driver-memory", program.driverMemory ?? "1g"],
      ...["--driver-java-options", ["-XX:+ExitOnOutOfMemoryError", program.driverJavaOptions ?? ""].join(" ").trim()],
      ...Object.entries(conf).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
      "spark-internal",
      ...(program.parameters ?? []),
    ],
    environment: {
      ...inherited,
      SPARK_HOME: spark.home,
      SPARK_LOCAL_IP: "127.0.0.1",
      SPARK_LOCAL_DIRS: program.directory,
    },
  };
}
