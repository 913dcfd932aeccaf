/** What tables there are, as DuckDB's own catalog and the list of stream tables tell. */

import type { TableInfo } from "../sql-engine.js";
import type { DuckDbDatabase } from "./database.js";
import { INTERNAL_SCHEMA, MEMORY_CATALOG } from "./generations.js";

export async function readCatalog(database: DuckDbDatabase): Promise<readonly TableInfo[]> {
  const rows = await database.read(
    "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal ORDER BY table_name, column_index",
  );
  const columns = new Map<string, TableInfo["columns"][number][]>();
  for (const [table, column, type] of rows) {
    const name = String(table);
    const known = columns.get(name) ?? [];
    known.push({ name: String(column), sqlType: String(type) });
    columns.set(name, known);
  }
  const named = await readTableNames(database);
  const tables = named.flatMap(({ name, kind }): TableInfo[] => {
    const known = columns.get(name);
    // One that came between the two reads will be there the next time.
    return known === undefined ? [] : [{ name, kind, columns: known }];
  });
  const order = ["stream", "errors", "view", "table"];
  return tables.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

export type NamedTable = Pick<TableInfo, "name" | "kind">;

/** Their names alone: columns take ten times as long to list. */
export async function readTableNames(database: DuckDbDatabase): Promise<readonly NamedTable[]> {
  const rows = await database.read(
    "SELECT view_name, true FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal UNION SELECT table_name, false FROM duckdb_tables() WHERE schema_name = 'main' AND NOT internal ORDER BY 1",
  );
  // Also those that an earlier kernel has left and that are not open now.
  const streams = await database.read(
    `SELECT name FROM ${INTERNAL_SCHEMA}.streams UNION SELECT name FROM ${MEMORY_CATALOG}.${INTERNAL_SCHEMA}.streams`,
  );
  const kinds = new Map<string, TableInfo["kind"]>();
  for (const [name] of streams) kinds.set(String(name), "stream").set(`${String(name)}_errors`, "errors");
  return rows.map(([table, isView]) => {
    const name = String(table);
    return { name, kind: kinds.get(name) ?? (isView === true ? "view" : "table") };
  });
}
