/** The command that starts this checkout's kernel for a test. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** The command that starts a kernel of this checkout; `--connection-file FILE` follows. */
export function kernelCommand(): string[] {
  const bundle = join(root, "dist/kernel.js");
  const flags = [process.execPath, "--no-force-async-hooks-checks"];
  const newestSourceMs = Math.max(newestMs(join(root, "kernel")), newestMs(join(root, "src")));
  if (existsSync(bundle) && statSync(bundle).mtimeMs >= newestSourceMs) return [...flags, bundle];
  // Not import.meta.resolve: the test runner requires its files, and then there is none.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [...flags, "--import", loader, join(root, "kernel/main.ts")];
}

function newestMs(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}
