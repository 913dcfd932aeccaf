/** How far DuckDB has come with the statement of a connection. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { ProgressListener } from "../query-progress.js";

/** Before a statement, on its connection: a locked configuration allows these as pragmas only. Nothing is printed. */
export const MEASURE_PROGRESS = "PRAGMA enable_progress_bar; PRAGMA disable_print_progress_bar; ";

const reportEveryMs = 250;

/** Reports until the returned function is called. */
export function reportProgress(connection: DuckDBConnection, listener: ProgressListener): () => void {
  const timer = setInterval(() => {
    const { percentage, rows_processed: done, total_rows_to_process: all } = connection.progress;
    // -1 where a plan cannot tell, 0 before it has begun to count.
    if (percentage <= 0) return listener({});
    const detail = `${done.toLocaleString("en-US")} of about ${all.toLocaleString("en-US")} rows`;
    listener({ share: percentage / 100, ...(all > 0n ? { detail } : {}) });
  }, reportEveryMs);
  return () => clearInterval(timer);
}
