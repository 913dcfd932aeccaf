/**
 * Python environments of the tests: JupyterLab, nbclient and an outside Kafka client, or what another component names,
 * exact versions with checksums. Knows how to find a Python, not what runs in it.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TidetableError } from "../../src/errors.js";
import { installOnce, type Progress } from "./cache.js";
import { runCommand } from "./command.js";

export interface PythonEnvironment {
  readonly directory: string;
  readonly python: string;
  /** Path of a program of the environment: `jupyter`. */
  program(name: string): string;
}

const componentsDirectory = dirname(fileURLToPath(import.meta.url));
const missing =
  "Install Python 3.11 or later with venv: `apt-get install python3 python3-venv`, or `brew install python`.";

/** The environment of the Jupyter tests, installed on first use (about 350 MB). @throws TidetableError COMPONENT_MISSING. */
export async function ensurePython(progress?: Progress): Promise<PythonEnvironment> {
  return await ensurePythonPackages(
    {
      name: "python",
      requirementsFile: join(componentsDirectory, "python-requirements.txt"),
      what: "JupyterLab, nbclient and a Kafka client",
    },
    progress,
  );
}

export interface PythonPackages {
  /** Begins the folder's name below the cache; Python's version follows. */
  readonly name: string;
  /** Exact versions with checksums. */
  readonly requirementsFile: string;
  /** In words, for the person who waits. */
  readonly what: string;
}

/** An environment of its own with these packages. @throws TidetableError COMPONENT_MISSING. */
export async function ensurePythonPackages(packages: PythonPackages, progress?: Progress): Promise<PythonEnvironment> {
  const base = await findPython();
  const requirements = await readFile(packages.requirementsFile, "utf8");
  const directory = await installOnce(
    {
      name: `${packages.name}-${base.version}`,
      stamp: requirements,
      inPlace: true,
      async install(into, tell) {
        tell(`${packages.name}: installing ${packages.what} into an environment of their own`);
        const options = { timeoutMs: 12 * 60_000, missing };
        await runCommand(base.path, ["-m", "venv", "--clear", into], options);
        await runCommand(
          programIn(into, "python"),
          [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            packages.requirementsFile,
          ],
          options,
        );
      },
    },
    progress,
  );
  return { directory, python: programIn(directory, "python"), program: (name) => programIn(directory, name) };
}

async function findPython(): Promise<{ path: string; version: string }> {
  const tried: string[] = [];
  for (const path of ["python3", "python3.12", "python3.11", "python"]) {
    const version = await runCommand(
      path,
      ["-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"],
      { timeoutMs: 30_000, missing },
    ).then(
      (text) => text.trim(),
      () => undefined,
    );
    if (version === undefined) continue;
    tried.push(`${path} is ${version}`);
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === 3 && minor >= 11) return { path, version };
  }
  const seen = tried.length === 0 ? "no Python with venv was found" : tried.join(", ");
  throw new TidetableError("COMPONENT_MISSING", `${seen}. ${missing}`);
}

function programIn(directory: string, name: string): string {
  return process.platform === "win32" ? join(directory, "Scripts", `${name}.exe`) : join(directory, "bin", name);
}
