/** Every script of conformance/ against every engine of the port, and the stream tables behind them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../../src/errors.js";
import { AlaSqlEngine } from "../../src/sql/alasql/engine.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { SqlEngine } from "../../src/sql/sql-engine.js";
import { ScriptRun } from "./conformance/run-script.js";
import { parseScript, printScript } from "./conformance/script.js";
import { streamTableConformance } from "./conformance/stream-tables.js";

const folder = join(dirname(fileURLToPath(import.meta.url)), "conformance");
const files = readdirSync(folder).filter((file) => file.endsWith(".test"));

const engines: Readonly<Record<string, () => Promise<SqlEngine>>> = {
  duckdb: () => DuckDbEngine.open({ kind: "memory", dataDirectory: "" }),
  alasql: async () => new AlaSqlEngine(),
};

for (const [name, open] of Object.entries(engines)) {
  describe(`the engine port: ${name}`, function () {
    this.timeout(60_000);

    for (const file of files) {
      it(`conformance/${file}`, async () => {
        const engine = await open();
        const run = new ScriptRun(engine, name);
        const failures: string[] = [];
        try {
          for (const record of parseScript(readFileSync(join(folder, file), "utf8"))) {
            await run.run(record).catch((error: unknown) => {
              const sql = "sql" in record ? record.sql : "";
              failures.push(`${file}:${record.line}: ${sql}\n${errorMessage(error)}`);
            });
          }
        } finally {
          await engine.close();
        }
        equal(failures.length, 0, `\n${failures.slice(0, 5).join("\n\n")}`);
      });
    }

    streamTableConformance(open);
  });
}

describe("the scripts of the engine port", () => {
  it("are at least 600 statements", () => {
    const statements = files
      .flatMap((file) => parseScript(readFileSync(join(folder, file), "utf8")))
      .filter((record) => record.kind === "statement" || record.kind === "query");
    ok(statements.length >= 600, `${statements.length} statements`);
  });

  it("are written as they are printed", () => {
    for (const file of files) {
      const text = readFileSync(join(folder, file), "utf8");
      deepEqual(printScript(parseScript(text)), text, file);
    }
  });
});
