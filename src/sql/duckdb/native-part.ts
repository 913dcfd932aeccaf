/** Whether DuckDB can be loaded here, for who only wants to know. */

/** Rejects where its native part cannot be loaded. */
export async function loadDuckDb(): Promise<unknown> {
  return import("@duckdb/node-api");
}
