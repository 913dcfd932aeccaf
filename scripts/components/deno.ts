/**
 * Deno, whose Jupyter kernel is what ours is measured against.
 */
import { TidetableError } from "../../src/errors.js";
import type { Progress } from "./cache.js";
import { ensureNpmProgram } from "./npm-program.js";

const version = "2.9.6";
/** By `platform-arch` of Node: the package that holds the binary. */
const packages: Readonly<Record<string, string>> = {
  "linux-x64": "@deno/linux-x64-glibc",
  "linux-arm64": "@deno/linux-arm64-glibc",
  "darwin-x64": "@deno/darwin-x64",
  "darwin-arm64": "@deno/darwin-arm64",
  "win32-x64": "@deno/win32-x64",
};

/** Path of the program (about 100 MB, fetched on first use). @throws TidetableError COMPONENT_MISSING. */
export async function ensureDeno(progress?: Progress): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const packageName = packages[platform];
  if (packageName === undefined) {
    throw new TidetableError("COMPONENT_MISSING", `There is no Deno ${version} for ${platform}.`);
  }
  const file = process.platform === "win32" ? "deno.exe" : "deno";
  return ensureNpmProgram({ name: "deno", packageName, version, file }, progress);
}
