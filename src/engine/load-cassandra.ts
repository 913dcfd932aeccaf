/** Brings a table of Cassandra into the engine. The driver is loaded when the first table is asked for, not before. */
import type { CassandraTableRequest } from "../cassandra/cassandra-table.js";
import { TidetableError } from "../errors.js";
import type { HostedEngine } from "./hosted-engine.js";
import type { CassandraLoaded } from "./protocol.js";

export async function loadCassandraTable(
  engine: HostedEngine,
  name: string,
  request: CassandraTableRequest,
  signal: AbortSignal,
): Promise<CassandraLoaded> {
  if (engine.loadTable === undefined) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `The engine ${engine.name} takes no rows from here, so cassandra() cannot fill a table of it; duckdb and alasql do.`,
    );
  }
  const { readCassandraTable } = await import("../cassandra/cassandra-table.js");
  const startedMs = performance.now();
  let cut = false;
  async function* pages() {
    for await (const page of readCassandraTable(request, signal)) {
      cut ||= page.cut;
      yield page;
    }
  }
  const loaded = await engine.loadTable(name, pages());
  return { ...loaded, cut, elapsedMs: performance.now() - startedMs };
}
