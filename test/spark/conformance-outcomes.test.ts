/** What docs/engines.md says of the statements on Spark is what was seen. */
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { outcomeTable, readOutcomes } from "./conformance.js";

describe("the table of statements in docs/engines.md", () => {
  it("is the one that npm run spark:conformance wrote down", () => {
    const page = join(dirname(fileURLToPath(import.meta.url)), "../../docs/engines.md");
    const table = outcomeTable(readOutcomes());
    ok(readFileSync(page, "utf8").includes(table), table);
  });
});
