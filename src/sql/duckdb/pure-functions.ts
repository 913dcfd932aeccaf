/** Which of DuckDB's functions give the same answer for the same arguments, as its own catalog says. */
import type { DuckDbDatabase } from "./database.js";

/** Table functions too, and pure where they stand in an expression: there they make a list of their arguments. */
const LIST_MAKERS = ["range", "generate_series"];

/** A name that also is a macro, or an aggregate, or has one overload that is not pure, is not among them. */
export async function readPureFunctions(database: DuckDbDatabase): Promise<ReadonlySet<string>> {
  const functions = await database.read(
    "SELECT function_name FROM duckdb_functions() WHERE internal GROUP BY 1 HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')",
  );
  return new Set([...LIST_MAKERS, ...functions.map(([name]) => String(name))]);
}
