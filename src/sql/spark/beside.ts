/**
 * Spark over the tables of another engine: each table that a query names is read there as it is at that moment, and
 * travels to a session that lives as long as the query. For comparing two engines on one stream, and for what only
 * Spark's SQL has; no place for large tables, and that is said.
 */
import { TidetableError } from "../../errors.js";
import { quoteIdentifier } from "../identifiers.js";
import type { ProgressListener } from "../query-progress.js";
import type { QueryResult } from "../schema.js";
import { describeAddress, type SparkAddress } from "../spark-connect/address.js";
import type { SparkSession } from "../spark-connect/session.js";
import type { QueryRequest, SqlEngine } from "../sql-engine.js";
import { tokenizeSql } from "../sql-text.js";
import { carriedTable } from "./carry.js";
import { backQuoted, toSparkSql } from "./dialect.js";
import { toNotebookError } from "./errors.js";
import { openNotebookSession } from "./link.js";
import { heard } from "./progress.js";

/** Rows of one table that are carried over. */
const ROWS_CARRIED_MAX = 200_000;
/** A plan is one message; servers take 128 MB of it. */
const BYTES_CARRIED_MAX = 100 * 1024 * 1024;

/** @throws TidetableError SPARK_UNREACHABLE, SPARK_REFUSED, SQL_INVALID, SQL_FAILED, QUERY_INTERRUPTED. */
export async function queryTablesOnSpark(
  engine: Pick<SqlEngine, "query" | "catalog">,
  address: SparkAddress,
  request: QueryRequest,
  signal: AbortSignal,
  onProgress?: ProgressListener,
): Promise<QueryResult> {
  const names = (await engine.catalog()).map((table) => table.name);
  const { text, parameters } = toSparkSql(request.text, request.parameters);
  const session = await openNotebookSession(address);
  try {
    for (const name of namedIn(request.text, names)) await carry(engine, name, session, signal);
    return await session.sql(text, parameters, { signal, rowLimit: request.rowLimit, ...heard(onProgress) });
  } catch (error) {
    throw toNotebookError(error, describeAddress(address), names);
  } finally {
    await session.close();
  }
}

/** Makes `name` a table of the session, with the rows that it has in the other engine now. */
export async function carry(
  engine: Pick<SqlEngine, "query">,
  name: string,
  session: SparkSession,
  signal: AbortSignal,
): Promise<void> {
  const text = `SELECT * FROM ${quoteIdentifier(name)}`;
  const result = await engine.query({ text, parameters: [], rowLimit: ROWS_CARRIED_MAX }, signal);
  if (result.totalRowCount > result.rowCount) {
    const [rows, most] = [result.totalRowCount, ROWS_CARRIED_MAX].map((count) => count.toLocaleString("en-US"));
    throw tooLarge(name, `has ${rows} rows; beside another engine Spark is given tables of up to ${most}`);
  }
  const table = carriedTable(result);
  if (table.bytes > BYTES_CARRIED_MAX) throw tooLarge(name, "is more than 100 MB, which is what one plan may carry");
  const view = `tidetable_carried_${name.replace(/\W/g, "_")}`;
  await session.createView(view, table.rows);
  await session.prepare(`CREATE OR REPLACE TEMPORARY VIEW ${backQuoted(name)} AS ${table.selectFrom(view)}`);
}

/** Tables whose name stands somewhere in the text. One that is only an alias there is carried for nothing, and no more. */
function namedIn(text: string, names: readonly string[]): readonly string[] {
  const words = new Set(
    tokenizeSql(text).flatMap(({ kind, text: word }) => {
      if (kind === "word") return [word.toLowerCase()];
      return kind === "quoted" ? [word.slice(1, -1).replaceAll('""', '"').toLowerCase()] : [];
    }),
  );
  return names.filter((name) => words.has(name.toLowerCase()));
}

function tooLarge(name: string, what: string): TidetableError {
  return new TidetableError(
    "SQL_INVALID",
    `${name} ${what}. Leave a part of it under a name first: %%sql part, then SELECT … FROM ${name} WHERE …; or run the whole notebook there: TIDETABLE_ENGINE=spark.`,
  );
}
