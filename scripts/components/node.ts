/**
 * The other supported line of Node, for running the tests on both: Node 24 when this is 20 or 22, else Node 20.
 */
import type { Progress } from "./cache.js";
import { ensureNpmProgram } from "./npm-program.js";

const versions = { older: "20.19.5", newer: "24.21.0" };

/** @throws TidetableError COMPONENT_MISSING. */
export async function ensureOtherNode(progress?: Progress): Promise<{ path: string; version: string }> {
  const version = Number(process.versions.node.split(".")[0]) >= 24 ? versions.older : versions.newer;
  const packageName = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  return {
    path: await ensureNpmProgram({ name: "node", packageName, version, file }, progress),
    version: `v${version}`,
  };
}
