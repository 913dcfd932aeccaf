/** What the engine process needs of the engine that it holds, beyond the port that every adapter has. Shapes only. */
import type { StoreRequest } from "../sql/duckdb/store.js";
import type { LiveEngine } from "../sql/live/shared.js";
import type { LoadedTable, TablePage } from "../sql/loaded-table.js";
import type { SqlValue } from "../sql/schema.js";
import type { SqlEngine, StreamTable, StreamTableDefinition } from "../sql/sql-engine.js";
import type { EngineName } from "./engine-names.js";
import type { RetryOutcome, StreamOptions, StreamStatus } from "./protocol.js";

/** How an engine process is started. */
export interface EngineStart extends StoreRequest {
  /** Default `duckdb`; where that cannot be loaded, `alasql`, and it is said. */
  readonly engine?: EngineName;
  /** Where Spark is: `sc://host:15002`, with its token. Never on a command line: it travels in the environment. */
  readonly sparkRemote?: string;
}

export type HostedEngine = Omit<SqlEngine, "openStreamTable"> &
  LiveEngine & {
    readonly name: EngineName;
    /** A store's path, or `memory`. */
    readonly store: string;
    /** What the user should know about how it was opened. */
    readonly notice: string | undefined;
    version(): Promise<string>;
    openStreamTable(definition: StreamTableDefinition): Promise<HostedStreamTable>;
    /** Present where the engine reads topics by itself; then no records come through this process. */
    openStream?(options: StreamOptions, push: (status: StreamStatus) => void): Promise<HostedStream>;
    closeStreamTable(name: string): Promise<void>;
    /** For a stream whose source could not be opened: a table that never held a record goes again. */
    discardStreamTable(name: string): Promise<void>;
    /** Leaves the answer of a query under a name. */
    createResult(name: string, text: string, parameters: readonly SqlValue[]): Promise<void>;
    /**
     * A table of rows from elsewhere, in place of the one that was loaded under this name before. Queries see it once all
     * of its pages are there. Absent where an engine has no room for rows from this process.
     */
    loadTable?(name: string, pages: AsyncIterable<TablePage>): Promise<LoadedTable>;
    /** Retention and the like; called by a slow clock. */
    maintain(nowMs: number): Promise<void>;
  };

/** A stream as the requests of a kernel see it. */
export interface HostedStream {
  readonly options: StreamOptions;
  status(): StreamStatus;
  pause(): void | Promise<void>;
  resume(): Promise<void>;
  caughtUp(): Promise<void>;
  retryErrors(): Promise<RetryOutcome>;
  /** Stops reading; the table and what is in it stay. */
  close(): Promise<void>;
  /** Called by a slow clock. */
  tick(): Promise<void>;
}

export interface HostedStreamTable extends StreamTable {
  /** Said aloud in the stream's status, newest last. */
  readonly notices: readonly string[];
  /** Where its rows live, if not where the engine's do. */
  readonly store?: string | undefined;
  /** Decodes the rejected records that are kept once more. */
  retryErrors(): Promise<RetryOutcome>;
}
