/**
 * The statements of the engine port's suite (test/sql/conformance/) on Spark: the records go into DuckDB, its tables are
 * carried to a session, and each statement's answer is compared with the one that the script holds. Owns the three words
 * for what comes of a statement; which of them was expected is conformance-outcomes.json's.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { TidetableError } from "../../src/errors.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { carry } from "../../src/sql/spark/beside.js";
import { toSparkSql } from "../../src/sql/spark/dialect.js";
import { openNotebookSession } from "../../src/sql/spark/link.js";
import type { SparkAddress } from "../../src/sql/spark-connect/address.js";
import type { SparkSession } from "../../src/sql/spark-connect/session.js";
import { ScriptRun, shownResult } from "../sql/conformance/run-script.js";
import { parseScript, type SqlRecord } from "../sql/conformance/script.js";

/** The same rows; an error where DuckDB answers, or the other way round; other rows. */
export type Outcome = "same" | "refused" | "other";

export interface ConformanceCase {
  /** `numbers.test`, and the statement in it. */
  readonly file: string;
  readonly sql: string;
}

export interface ConformanceResult extends ConformanceCase {
  readonly outcome: Outcome;
  /** Both answers, or the error, where they are not the same. */
  readonly detail: string;
}

/** What came of each statement of a script; those that are not here answered the same. */
export type Outcomes = Readonly<
  Record<
    string,
    { readonly statements: number; readonly refused: readonly string[]; readonly other: readonly string[] }
  >
>;

const outcomesPath = join(dirname(fileURLToPath(import.meta.url)), "conformance-outcomes.json");
const folder = join(dirname(fileURLToPath(import.meta.url)), "../sql/conformance");
const ROW_LIMIT = 10_000;

/** Every statement, or those that are wanted, file by file. */
export async function* runConformance(
  address: SparkAddress,
  isWanted: (one: ConformanceCase) => boolean = () => true,
): AsyncGenerator<ConformanceResult, void, void> {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".test"))) {
    const records = parseScript(readFileSync(join(folder, file), "utf8"));
    const wanted = records.filter((record) => "sql" in record && isWanted({ file, sql: record.sql }));
    if (wanted.length === 0) continue;
    const duckdb = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    const session = await openNotebookSession(address);
    try {
      const run = new ScriptRun(duckdb, "duckdb");
      let carried = false;
      for (const record of records) {
        if (!("sql" in record)) {
          await run.run(record);
          carried = false;
          continue;
        }
        // Statements that make something are DuckDB's own; later ones may read it.
        if (record.kind === "statement" && !record.expectsError) {
          await run.run(record);
          carried = false;
        }
        if (!wanted.includes(record)) continue;
        if (!carried) await carryAll(duckdb, session);
        carried = true;
        yield { file, sql: record.sql, ...(await compare(session, record)) };
      }
    } finally {
      await session.close();
      await duckdb.close();
    }
  }
}

async function carryAll(duckdb: DuckDbEngine, session: SparkSession): Promise<void> {
  for (const { name } of await duckdb.catalog()) await carry(duckdb, name, session, new AbortController().signal);
}

async function compare(
  session: SparkSession,
  record: SqlRecord,
): Promise<Pick<ConformanceResult, "outcome" | "detail">> {
  const { text, parameters } = toSparkSql(record.sql, []);
  try {
    const result = await session.sql(text, parameters, { rowLimit: ROW_LIMIT });
    if (record.expectsError) return { outcome: "refused", detail: "DuckDB refuses it" };
    if (record.kind === "statement") return { outcome: "same", detail: "" };
    const { rows } = shownResult(result, record.sort);
    if (isDeepStrictEqual(rows, record.rows)) return { outcome: "same", detail: "" };
    return { outcome: "other", detail: `${rows.join(" / ")} instead of ${record.rows.join(" / ")}` };
  } catch (error) {
    if (!(error instanceof TidetableError)) throw error;
    if (record.expectsError) return { outcome: "same", detail: "" };
    return { outcome: "refused", detail: error.message.split("\n", 1)[0] ?? "" };
  }
}

export function readOutcomes(): Outcomes {
  return JSON.parse(readFileSync(outcomesPath, "utf8")) as Outcomes;
}

export function writeOutcomes(results: readonly ConformanceResult[]): Outcomes {
  const outcomes = Object.fromEntries(
    [...new Set(results.map((result) => result.file))].map((file) => {
      const ofFile = results.filter((result) => result.file === file);
      const texts = (outcome: Outcome) => ofFile.filter((one) => one.outcome === outcome).map((one) => one.sql);
      return [file, { statements: ofFile.length, refused: texts("refused"), other: texts("other") }];
    }),
  );
  writeFileSync(outcomesPath, `${JSON.stringify(outcomes, null, 2)}\n`);
  return outcomes;
}

export function outcomeOf({ file, sql }: ConformanceCase, outcomes: Outcomes): Outcome {
  if (outcomes[file]?.refused.includes(sql)) return "refused";
  return outcomes[file]?.other.includes(sql) ? "other" : "same";
}

/** For docs/engines.md. */
export function outcomeTable(outcomes: Outcomes): string {
  const rows = Object.entries(outcomes).map(([file, { statements, refused, other }]) => ({
    name: file.replace(".test", ""),
    counts: [statements, statements - refused.length - other.length, refused.length, other.length],
  }));
  const sums = [0, 1, 2, 3].map((column) => rows.reduce((sum, { counts }) => sum + (counts[column] ?? 0), 0));
  return [
    "| script | statements | same rows | refused | other rows |",
    "|---|---|---|---|---|",
    ...rows.map(({ name, counts }) => `| ${[name, ...counts].join(" | ")} |`),
    `| all | ${sums.join(" | ")} |`,
  ].join("\n");
}
