/** Runs a text of SQL on a connection: its statements one by one, values bound, the last one's result the answer. */
import {
  type DuckDBConnection,
  type DuckDBExtractedStatements,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  StatementType,
} from "@duckdb/node-api";
import { errorMessage, TidetableError } from "../../errors.js";
import type { SqlValue } from "../schema.js";
import { NO_SETTINGS } from "./errors.js";
import { toBoundValue } from "./value-converters.js";

/** Statements after which tables may hold something else. */
const READ_ONLY_STATEMENTS = new Set([
  StatementType.SELECT,
  StatementType.EXPLAIN,
  StatementType.PRAGMA,
  StatementType.LOGICAL_PLAN,
]);

/**
 * Runs every statement of the text; the last one's result is the answer. The caller has begun a transaction: DuckDB
 * plans with the statistics of the moment (a filter that every row passes is dropped), so a plan is only right for the
 * rows it was made for, and planning and running must see the same ones.
 */
export async function runStatements(
  connection: DuckDBConnection,
  text: string,
  parameters: readonly SqlValue[],
  signal: AbortSignal,
): Promise<{ readonly result: DuckDBResult; readonly changes: boolean }> {
  const statements = await extractStatements(connection, text);
  const { count } = statements;
  if (count > 1 && parameters.length > 0) {
    throw new TidetableError(
      "SQL_INVALID",
      "A cell with bound values holds one statement; put the others in cells of their own.",
    );
  }
  let changes = false;
  for (let index = 0; index < count; index++) {
    throwIfAborted(signal);
    const statement = await statements.prepare(index);
    refuseThreads(statement, text);
    changes ||= !READ_ONLY_STATEMENTS.has(statement.statementType);
    const result = await start(statement, parameters);
    if (index === count - 1) return { result, changes };
    await result.fetchAllChunks();
  }
  throw new RangeError("a text with statements has a last one");
}

/** The one setting that is not locked (thread-budget.ts); all others DuckDB refuses by itself. */
function refuseThreads(statement: DuckDBPreparedStatement, text: string): void {
  if (statement.statementType !== StatementType.SET || !/threads/i.test(text)) return;
  throw new TidetableError("SQL_INVALID", `${NO_SETTINGS} The number of threads is the engine's own.`);
}

async function extractStatements(connection: DuckDBConnection, text: string): Promise<DuckDBExtractedStatements> {
  try {
    return await connection.extractStatements(text);
  } catch (error) {
    // All that the binding says about a text without a statement.
    if (errorMessage(error) !== "Error in native callback") throw error;
    throw new TidetableError("SQL_INVALID", "There is no SQL statement here.");
  }
}

function start(statement: DuckDBPreparedStatement, parameters: readonly SqlValue[]): Promise<DuckDBResult> {
  if (statement.statementType === StatementType.TRANSACTION) {
    throw new TidetableError(
      "SQL_INVALID",
      "Each cell is a transaction of its own; leave BEGIN, COMMIT and ROLLBACK out.",
    );
  }
  if (statement.parameterCount !== parameters.length) {
    const given = parameters.length === 1 ? "1 value is" : `${parameters.length} values are`;
    throw new TidetableError(
      "SQL_INVALID",
      `The query has ${statement.parameterCount} placeholders, but ${given} given.`,
    );
  }
  parameters.forEach((parameter, index) => {
    const bound = toBoundValue(parameter, index + 1);
    statement.bindValue(index + 1, bound.value, bound.type);
  });
  return statement.stream();
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

export function interrupted(): TidetableError {
  return new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
}
