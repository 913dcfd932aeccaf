/**
 * What DuckDB's own parser says about a query: a form that equal queries share, the tables it reads, whether its answer
 * moves with the clock. Reads syntax trees; plans nothing.
 */
import type { DuckDBConnection } from "@duckdb/node-api";

export interface QuerySyntax {
  /** Equal for queries that differ only in spelling. */
  readonly key: string;
  /** Names of tables and views that it reads, without schema. */
  readonly tables: readonly string[];
  /** The answer may change although no table does: it asks for the time, or for chance. */
  readonly volatile: boolean;
}

const VOLATILE_NAMES = new Set([
  "now",
  "current_timestamp",
  "get_current_timestamp",
  "current_date",
  "today",
  "current_time",
  "get_current_time",
  "current_localtime",
  "current_localtimestamp",
  "localtime",
  "localtimestamp",
  "transaction_timestamp",
  "random",
  "uuid",
  "gen_random_uuid",
  "uuidv4",
  "uuidv7",
  "age",
]);

/** Undefined where the text is not one SELECT that parses. */
export async function readSyntax(connection: DuckDBConnection, text: string): Promise<QuerySyntax | undefined> {
  const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [text]);
  const tree: unknown = JSON.parse(String(reader.getRows()[0]?.[0]));
  if (!isNode(tree) || tree.error !== false) return undefined;
  const tables = new Set<string>();
  let volatile = false;
  const key = JSON.stringify(tree, (name, value: unknown) => {
    if (name === "query_location") return undefined;
    if (isNode(value)) {
      if (value.type === "BASE_TABLE" && typeof value.table_name === "string") tables.add(value.table_name);
      if (typeof value.function_name === "string" && VOLATILE_NAMES.has(value.function_name)) volatile = true;
      if (value.type === "COLUMN_REF" && namesClock(value.column_names)) volatile = true;
    }
    return value;
  });
  return { key, tables: [...tables], volatile };
}

/** `current_date` and the like are parsed as columns when written without parentheses. */
function namesClock(names: unknown): boolean {
  return Array.isArray(names) && names.length === 1 && VOLATILE_NAMES.has(String(names[0]).toLowerCase());
}

function isNode(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
