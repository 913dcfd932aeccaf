/** Carries an aborted signal to a connection whose query runs. */
import type { DuckDBConnection } from "@duckdb/node-api";

/** An interrupt that falls between two steps of a query would be lost; it is repeated until the query gives way. */
const INTERRUPT_REPEAT_MS = 20;

/** Call the returned function when the query has ended. */
export function interruptOnAbort(connection: DuckDBConnection, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_REPEAT_MS);
  };
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  return () => {
    signal.removeEventListener("abort", interrupt);
    clearInterval(timer);
  };
}
