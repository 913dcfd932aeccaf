/**
 * Opens the engine that was asked for. DuckDB is loaded here and not before, so that a machine without its binary still has
 * an engine: AlaSQL's, which says so in every status.
 */
import { errorMessage, TidetableError } from "../errors.js";
import type { ProgressListener } from "../sql/query-progress.js";
import type { QueryResult } from "../sql/schema.js";
import type { SparkAddress } from "../sql/spark-connect/address.js";
import type { QueryRequest } from "../sql/sql-engine.js";
import type { EngineName } from "./engine-names.js";
import type { EngineStart, HostedEngine } from "./hosted-engine.js";
import { createRecordSource, originOf } from "./record-sources.js";

/** Where `npm run spark` listens. */
const sparkRemoteDefault = "sc://127.0.0.1:15002";

/** `onDamage`: the store was found damaged by a query; this process has to make room for one with a new store. */
export async function openEngine(start: EngineStart, onDamage: () => void): Promise<HostedEngine> {
  if (start.engine === "alasql") return openAlaSql();
  if (start.engine === "spark") return openSpark(start);
  const loaded = await loadDuckDb();
  if ("missing" in loaded) return openAlaSql(`DuckDB cannot be loaded here (${loaded.missing})`);
  return loaded.duckdb.DuckDbEngine.open(start, onDamage);
}

/**
 * Runs a query on another engine than the notebook's, over the notebook's tables.
 * @throws TidetableError SQL_INVALID where there is no such engine beside this one.
 */
export async function queryBeside(
  engine: HostedEngine,
  wanted: { readonly name: EngineName; readonly sparkRemote: string | undefined },
  request: QueryRequest,
  signal: AbortSignal,
  onProgress?: ProgressListener,
): Promise<QueryResult> {
  switch (wanted.name) {
    case "alasql": {
      const { queryTablesOf } = await import("../sql/alasql/beside.js");
      return queryTablesOf(engine, request, signal);
    }
    case "spark": {
      const { queryTablesOnSpark } = await import("../sql/spark/beside.js");
      return queryTablesOnSpark(engine, await sparkAddressOf(wanted.sparkRemote), request, signal, onProgress);
    }
    default:
      throw new TidetableError(
        "SQL_INVALID",
        `--engine ${wanted.name}: this notebook runs on ${engine.name} (${engine.notice ?? "as asked"}), and ${wanted.name} reads no tables of it. Restart with TIDETABLE_ENGINE=${wanted.name}.`,
      );
  }
}

async function openAlaSql(reason?: string): Promise<HostedEngine> {
  const { AlaSqlEngine } = await import("../sql/alasql/engine.js");
  return new AlaSqlEngine(reason);
}

async function openSpark({ sparkRemote, dataDirectory }: EngineStart): Promise<HostedEngine> {
  const { SparkEngine } = await import("../sql/spark/engine.js");
  return new SparkEngine({
    address: await sparkAddressOf(sparkRemote),
    dataDirectory,
    source: (options) => createRecordSource(options.source),
    origin: originOf,
  });
}

async function sparkAddressOf(sparkRemote: string | undefined): Promise<SparkAddress> {
  const { parseSparkAddress } = await import("../sql/spark-connect/address.js");
  return parseSparkAddress(sparkRemote ?? sparkRemoteDefault, "SPARK_REMOTE");
}

type Loaded = { readonly duckdb: typeof import("../sql/duckdb/engine.js") } | { readonly missing: string };

async function loadDuckDb(): Promise<Loaded> {
  try {
    return { duckdb: await import("../sql/duckdb/engine.js") };
  } catch (error) {
    // Not there at all, or for another platform. A fault of ours in that file is one, too, and is named like these.
    return { missing: errorMessage(error).split("\n", 1)[0] ?? "" };
  }
}
