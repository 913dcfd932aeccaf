/**
 * What the kernel side sees of an engine, whatever stands behind it: a DuckDB child process today, Spark Connect later.
 * `process-client.ts` is the adapter that forks and supervises the child.
 */
import type { CassandraTableRequest } from "../cassandra/cassandra-table.js";
import type { ProgressListener } from "../sql/query-progress.js";
import type { QueryResult, SqlValue } from "../sql/schema.js";
import type { TableInfo } from "../sql/sql-engine.js";
import type { EngineName } from "./engine-names.js";
import type { CassandraLoaded, LiveUpdate, RetryOutcome, StreamOptions, StreamStatus } from "./protocol.js";

export interface EngineClient {
  /** Opens a stream; opening the same name with the same options again answers with the running one. */
  openStream(options: StreamOptions): Promise<StreamStatus>;
  streamStatus(name: string): Promise<StreamStatus>;
  pauseStream(name: string): Promise<StreamStatus>;
  resumeStream(name: string): Promise<StreamStatus>;
  stopStream(name: string): Promise<StreamStatus>;
  streamCaughtUp(name: string): Promise<StreamStatus>;
  retryStreamErrors(name: string): Promise<RetryOutcome>;
  onStreamStatus(name: string, listener: (status: StreamStatus) => void): () => void;

  /** An aborted signal cancels the query in the engine; the promise then rejects with QUERY_INTERRUPTED. */
  query(text: string, options?: QueryOptions): Promise<QueryResult>;
  /** Publishes versions until the returned function is called. A slow listener only ever gets the newest. */
  live(text: string, options: QueryOptions & { everyMs: number }, listener: (update: LiveUpdate) => void): () => void;
  createView(name: string, text: string, parameters: readonly SqlValue[]): Promise<void>;
  /** Reads a table of Cassandra into the table `name`. @throws TidetableError CONFIG_INVALID where the engine cannot. */
  loadCassandra(name: string, request: CassandraTableRequest, signal: AbortSignal): Promise<CassandraLoaded>;
  catalog(): Promise<readonly TableInfo[]>;

  /** The engine died and was started again (streams are re-opened at their stored offsets); `message` is for the user. */
  onRestart(listener: (message: string) => void): () => void;
  close(): Promise<void>;
}

export interface QueryOptions {
  readonly parameters?: readonly SqlValue[];
  /** Default 10,000. */
  readonly rowLimit?: number;
  readonly signal?: AbortSignal;
  /** Hears how far a long query has come, a few times a second, where the engine can tell. */
  readonly onProgress?: ProgressListener;
  /** Default: the notebook's own. */
  readonly engine?: EngineName;
}
