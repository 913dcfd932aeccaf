/**
 * Fills in what DuckDB answers: `npx tsx test/sql/conformance/complete.mts FILE…`. For writing tests, not for repairing
 * them: read the difference before it is committed. Where AlaSQL refuses, `skipif alasql` is put before the record; where it
 * answers otherwise, that is printed and the exit code is 1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { errorMessage } from "../../../src/errors.js";
import { AlaSqlEngine } from "../../../src/sql/alasql/engine.js";
import { DuckDbEngine } from "../../../src/sql/duckdb/engine.js";
import { isRefusal, ScriptRun, shownResult } from "./run-script.js";
import { parseScript, printScript, type ScriptRecord, type SqlRecord } from "./script.js";

let differences = 0;
for (const file of process.argv.slice(2)) {
  const duckdb = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  const alasql = new AlaSqlEngine();
  const runs = { duckdb: new ScriptRun(duckdb, "duckdb"), alasql: new ScriptRun(alasql, "alasql") };
  const completed: ScriptRecord[] = [];
  for (const record of parseScript(readFileSync(file, "utf8"))) {
    completed.push(await complete(record, runs, file));
  }
  writeFileSync(file, printScript(completed));
  await duckdb.close();
  await alasql.close();
}
process.exitCode = differences === 0 ? 0 : 1;

async function complete(
  record: ScriptRecord,
  runs: { duckdb: ScriptRun; alasql: ScriptRun },
  file: string,
): Promise<ScriptRecord> {
  if (record.kind !== "statement" && record.kind !== "query") {
    await runs.duckdb.run(record);
    await runs.alasql.run(record);
    return record;
  }
  const wanted = await answer(runs.duckdb, record);
  if (record.onlyIf === "duckdb") return filled(record, wanted, undefined);
  const given = await answer(runs.alasql, record);
  if (given instanceof Error && isRefusal(given))
    return filled(record, wanted, wanted instanceof Error ? undefined : "alasql");
  if (wanted instanceof Error && given instanceof Error) return filled(record, wanted, undefined);
  if (!isDeepStrictEqual(wanted, given)) {
    differences += 1;
    console.log(`${file}:${record.line}: ${record.sql}\n  duckdb: ${shown(wanted)}\n  alasql: ${shown(given)}`);
  }
  return filled(record, wanted, undefined);
}

type Answer = ReturnType<typeof shownResult> | Error;

async function answer(run: ScriptRun, record: SqlRecord): Promise<Answer> {
  try {
    return shownResult(await run.query(record.sql), record.sort);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function filled(record: SqlRecord, wanted: Answer, skipIf: string | undefined): SqlRecord {
  if (wanted instanceof Error) {
    if (!record.expectsError) console.log(`${record.sql}\n  duckdb fails: ${wanted.message}`);
    return { ...record, kind: "statement", expectsError: true, skipIf: undefined };
  }
  if (record.expectsError) console.log(`${record.sql}\n  duckdb answers: ${shown(wanted)}`);
  if (record.kind === "statement") return { ...record, expectsError: false, skipIf };
  return { ...record, types: wanted.types, columns: wanted.columns, rows: wanted.rows, skipIf };
}

function shown(answer: Answer): string {
  return answer instanceof Error ? `error ${errorMessage(answer)}` : JSON.stringify(answer);
}
