/**
 * A program that comes as a package of the npm registry, which checks its integrity. It is put into the component cache and
 * not among the dependencies; no script of the package is run.
 */
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { installOnce, type Progress } from "./cache.js";
import { runCommand } from "./command.js";

export interface NpmProgram {
  /** As it is spoken of, and the first half of its folder's name: `deno`. */
  readonly name: string;
  readonly packageName: string;
  readonly version: string;
  /** The executable, relative to the package's folder. */
  readonly file: string;
}

/** The program's path, fetched on first use. @throws TidetableError COMPONENT_MISSING. */
export async function ensureNpmProgram(program: NpmProgram, progress?: Progress): Promise<string> {
  const { name, packageName, version, file } = program;
  const executableIn = (directory: string): string => join(directory, "node_modules", packageName, file);
  const directory = await installOnce(
    {
      name: `${name}-${version}`,
      stamp: `${packageName}@${version}`,
      async install(into, tell) {
        tell(`${name}: fetching ${packageName} ${version}`);
        await runCommand(
          process.platform === "win32" ? "npm.cmd" : "npm",
          [
            "install",
            "--prefix",
            into,
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-save",
            `${packageName}@${version}`,
          ],
          { timeoutMs: 5 * 60_000, missing: "npm comes with Node: reinstall Node." },
        );
        await chmod(executableIn(into), 0o755);
      },
    },
    progress,
  );
  return executableIn(directory);
}
