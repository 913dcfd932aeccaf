/**
 * Fills a table of DuckDB from pages: into a temporary one while they come, which queries do not see, then in one step under
 * its name. A reading that fails leaves what was there.
 */
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
} from "@duckdb/node-api";
import { quoteIdentifier } from "../identifiers.js";
import type { LoadedTable, TablePage } from "../loaded-table.js";
import { type Column, cellValue } from "../schema.js";

const loading = "loading";
const dayMs = 86_400_000;

/** The temporary table is the connection's own: whoever closes that drops it. */
export const loadedRows = `temp.main.${quoteIdentifier(loading)}`;

/** @throws what the pages throw, and DuckDB's own errors. */
export async function loadPages(connection: DuckDBConnection, pages: AsyncIterable<TablePage>): Promise<LoadedTable> {
  let columns: readonly Column[] | undefined;
  let appender: DuckDBAppender | undefined;
  let rows = 0;
  try {
    for await (const page of pages) {
      if (columns === undefined) {
        columns = page.columns;
        const definitions = columns.map(({ name, sqlType }) => `${quoteIdentifier(name)} ${sqlType}`);
        await connection.run(`CREATE TEMP TABLE ${quoteIdentifier(loading)} (${definitions.join(", ")})`);
        appender = await connection.createAppender(loading, "main", "temp");
      }
      for (let row = 0; row < page.rowCount; row++) {
        for (const column of page.columns) appendCell(appender as DuckDBAppender, column, cellValue(column, row));
        appender?.endRow();
      }
      appender?.flushSync();
      rows += page.rowCount;
    }
  } finally {
    appender?.closeSync();
  }
  return { rows, columns: (columns ?? []).map(({ name, sqlType }) => ({ name, sqlType })) };
}

function appendCell(appender: DuckDBAppender, column: Column, value: unknown): void {
  if (value === null) {
    appender.appendNull();
    return;
  }
  switch (column.type) {
    case "boolean":
      appender.appendBoolean(value === true);
      break;
    case "integer":
      appender.appendInteger(value as number);
      break;
    case "bigint":
      appender.appendBigInt(value as bigint);
      break;
    case "double":
      appender.appendDouble(value as number);
      break;
    case "date":
      appender.appendDate(new DuckDBDateValue(Math.round((value as number) / dayMs)));
      break;
    case "timestamp":
      appender.appendTimestamp(new DuckDBTimestampValue(BigInt(Math.round((value as number) * 1000))));
      break;
    case "time":
      appender.appendTime(new DuckDBTimeValue(BigInt(Math.round(value as number))));
      break;
    case "blob":
      appender.appendBlob(value as Uint8Array);
      break;
    default:
      appender.appendVarchar(String(value));
  }
}
