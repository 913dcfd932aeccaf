/** Where the TypeScript compiler lies: the build puts what cells need of it beside the kernel, from source it is npm's. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { TypeScript } from "./cell-source.js";

const require = createRequire(import.meta.url);
const place = process.env.TIDETABLE_BUNDLED === "1" ? "./typescript" : "typescript";

/** Takes a second. */
export function loadCompiler(): TypeScript {
  return require(place) as TypeScript;
}

/** Without loading it. */
export function compilerVersion(): string {
  const { version } = JSON.parse(readFileSync(require.resolve(`${place}/package.json`), "utf8")) as {
    version?: unknown;
  };
  return String(version);
}
