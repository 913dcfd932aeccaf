/** The page about engines lists exactly what AlaSQL's engine has. */
import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { aggregateFunctions } from "../../src/sql/alasql/aggregates.js";
import { scalarFunctions } from "../../src/sql/alasql/functions.js";
import { windowFunctionNames } from "../../src/sql/alasql/windows.js";

const page = readFileSync(resolve(dirname(fileURLToPath(import.meta.url)), "../../docs/engines.md"), "utf8");

describe("docs/engines.md", () => {
  const lists: ReadonlyArray<readonly [string, Iterable<string>]> = [
    ["Functions", scalarFunctions.keys()],
    ["Aggregates", aggregateFunctions.keys()],
    ["Window functions", windowFunctionNames],
  ];
  for (const [title, names] of lists) {
    it(`lists the engine's ${title.toLowerCase()}`, () => {
      const paragraph = new RegExp(`^${title}[^\\n]*:\\n((?:.+\\n)+)`, "m").exec(page)?.[1] ?? "";
      deepEqual(
        [...paragraph.matchAll(/`(\w+)`/g)].map((match) => match[1]),
        [...names].sort(),
      );
    });
  }
});
