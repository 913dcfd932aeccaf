/**
 * Java programs from Maven artifacts: a folder of jars, resolved once by the machine's own Maven (its settings and
 * mirrors count) and checked against the digests that Maven keeps beside them. Knows no particular server.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { errorMessage, TidetableError } from "../../src/errors.js";
import { installOnce, type Progress } from "./cache.js";
import { runCommand } from "./command.js";

export interface MavenProgram {
  /** Folder name below the cache: `kafka-4.4.0`. */
  readonly name: string;
  /** `group:artifact:version`, each with its runtime dependencies. */
  readonly artifacts: readonly string[];
  /** False: the named artifacts alone, because the program that loads them brings the rest. */
  readonly transitive?: boolean;
}

const javaMissing =
  "Install a JDK 17 or newer and Maven: `apt-get install openjdk-17-jdk-headless maven`, or `brew install openjdk maven`.";

/** The folder of a program's jars; `java -cp "<folder>/*"` runs it. @throws TidetableError COMPONENT_MISSING. */
export async function ensureJars(program: MavenProgram, progress?: Progress): Promise<string> {
  await requireJava();
  const directory = await installOnce(
    {
      name: program.name,
      stamp: program.artifacts.join("\n"),
      install: (into, tell) => resolveJars(program, into, tell),
    },
    progress,
  );
  return join(directory, "lib");
}

/** @throws TidetableError COMPONENT_MISSING, when there is no Java on this machine. */
export async function requireJava(): Promise<void> {
  await runCommand("java", ["-version"], { timeoutMs: 30_000, missing: javaMissing });
}

async function resolveJars(program: MavenProgram, directory: string, progress: Progress): Promise<void> {
  progress(`${program.name}: fetching jars with Maven (up to 70 MB the first time)`);
  await writeFile(join(directory, "pom.xml"), pom(program));
  const command = { cwd: directory, timeoutMs: 10 * 60_000, missing: javaMissing };
  await runCommand(
    "mvn",
    [
      "-q",
      "-B",
      "-Dstyle.color=never",
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      "-DoutputDirectory=lib",
      "-Dmdep.useRepositoryLayout=false",
    ],
    command,
  );
  const repository = await runCommand(
    "mvn",
    ["-q", "-B", "-Dstyle.color=never", "help:evaluate", "-Dexpression=settings.localRepository", "-DforceStdout"],
    command,
  ).catch((error: unknown) => {
    progress(`${program.name}: jars not checked, Maven did not name its repository: ${errorMessage(error)}`);
    return "";
  });
  await checkDigests(join(directory, "lib"), withoutColours(repository), program, progress);
}

/** Maven ends its output with a terminal's reset sequence, asked for colours or not. */
function withoutColours(text: string): string {
  return stripVTControlCharacters(text).trim();
}

/** Compares each copied jar with the SHA-1 that Maven fetched beside the original. */
async function checkDigests(
  libraryDirectory: string,
  repositoryDirectory: string,
  program: MavenProgram,
  progress: Progress,
): Promise<void> {
  const jars = (await readdir(libraryDirectory)).filter((file) => file.endsWith(".jar"));
  if (jars.length === 0) throw new TidetableError("COMPONENT_MISSING", `Maven resolved no jar for ${program.name}.`);
  const digests = await storedDigests(repositoryDirectory, new Set(jars));
  let checked = 0;
  for (const jar of jars) {
    const expected = digests.get(jar);
    if (expected === undefined) continue;
    const actual = createHash("sha1")
      .update(await readFile(join(libraryDirectory, jar)))
      .digest("hex");
    if (actual !== expected) {
      throw new TidetableError(
        "COMPONENT_MISSING",
        `${jar} of ${program.name} has SHA-1 ${actual}, its repository says ${expected}. Remove it from ${repositoryDirectory} and try again.`,
      );
    }
    checked += 1;
  }
  progress(`${program.name}: ${jars.length} jars, ${checked} checked against their repository's SHA-1`);
}

async function storedDigests(repositoryDirectory: string, jars: ReadonlySet<string>): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  if (repositoryDirectory === "") return digests;
  for (const entry of await readdir(repositoryDirectory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".jar.sha1")) continue;
    const jar = entry.name.slice(0, -".sha1".length);
    if (!jars.has(jar)) continue;
    // Some repositories write "digest  file name" instead of the digest alone.
    const digest = /^[0-9a-f]{40}/i.exec(await readFile(join(entry.parentPath, entry.name), "utf8"))?.[0];
    if (digest !== undefined) digests.set(jar, digest.toLowerCase());
  }
  return digests;
}

function pom(program: MavenProgram): string {
  const exclusions =
    program.transitive === false
      ? "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
      : "";
  const dependencies = program.artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(":");
    return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>${exclusions}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidetable</groupId><artifactId>${program.name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${dependencies.join("\n")}
  </dependencies>
</project>
`;
}
