/**
 * The typed messages between a kernel and its engine process (fork, `serialization: "advanced"`): requests with an
 * answer each, and pushes. Owns shapes only. Typed arrays cross as they are; rows never do.
 */
import type { CassandraTableRequest } from "../cassandra/cassandra-table.js";
import type { SerializedError } from "../errors.js";
import type { LoadedTable } from "../sql/loaded-table.js";
import type { QueryProgress } from "../sql/query-progress.js";
import type { QueryPlan, QueryResult, SqlValue } from "../sql/schema.js";
import type { Retention, TableInfo, TableMode } from "../sql/sql-engine.js";
import type { Field } from "../streaming/json/fields.js";
import type { KafkaSecurity } from "../streaming/kafka/security.js";
import type { RecordFormat } from "../streaming/record-format.js";
import type { EndPosition, LossPolicy, StartPosition, TopicChoice } from "../streaming/record-source.js";
import type { EngineName } from "./engine-names.js";

export interface StreamOptions {
  /** Table name: what SQL calls it. */
  readonly name: string;
  /** Defaults to `name`; of several topics, what to call them. */
  readonly topic: string;
  /** Several topics, or a pattern, in one table. */
  readonly topics?: TopicChoice;
  /** Where records come from. */
  readonly source:
    | {
        readonly kind: "kafka";
        readonly brokers: readonly string[];
        readonly security?: KafkaSecurity;
        /** Consumer group that shares the partitions and keeps offsets at the broker. */
        readonly group?: string;
      }
    | { readonly kind: "log"; readonly path: string }
    /** `<path>/<topic>.log` for each topic. */
    | { readonly kind: "logFolder"; readonly path: string };
  readonly from: StartPosition;
  /** Left out: goes on for ever. */
  readonly until?: EndPosition;
  /** Default "stop". */
  readonly ifLost?: LossPolicy;
  readonly keep: Retention;
  readonly format: RecordFormat;
  /** Declared columns; left out: inferred. */
  readonly schema?: readonly Field[];
  /** Default "append". */
  readonly mode?: TableMode;
  /** Default "file", which is memory too where the engine has no file. */
  readonly store?: "file" | "memory";
}

export type StreamPhase =
  | "connecting"
  | "loading"
  | "live"
  | "paused"
  | "reconnecting"
  | "stopped"
  | "finished"
  | "failed";

/** The state of one stream, pushed at each change and at most four times a second while it reads. */
export interface StreamStatus {
  readonly name: string;
  readonly topic: string;
  /** Where from, without secrets: `127.0.0.1:19092` or a path. */
  readonly source: string;
  readonly phase: StreamPhase;
  /** Why, when the phase is `reconnecting` or `failed`; ends with what the user can do. */
  readonly cause?: string;
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
  readonly retired: number;
  /** Over the last seconds. */
  readonly rowsPerSecond: number;
  /** Records between the stored offsets and the high watermarks, all partitions. */
  readonly lag: number;
  readonly partitions: ReadonlyArray<{
    /** Present where the stream reads several topics. */
    readonly topic?: string;
    readonly partition: number;
    readonly nextOffset: bigint;
    readonly highWatermark: bigint;
    readonly lag: number;
  }>;
  /** Loading: records loaded of those that were there when the stream began; absent once caught up. */
  readonly backlog?: { readonly loaded: number; readonly target: number };
  readonly keep: Retention;
  /** Where the rows live: a store's path, or `memory`. */
  readonly store: string;
  /** What the user should know though nothing is wrong: a new column, a store that another kernel owns. */
  readonly notice?: string;
}

export interface RetryOutcome {
  /** Rejected records that were looked at. */
  readonly tried: number;
  /** Of these, now rows. */
  readonly rows: number;
  /** Still rejected, with the reason of now. */
  readonly rejected: number;
}

/** What came of reading a table of Cassandra. */
export interface CassandraLoaded extends LoadedTable {
  /** The table there has more rows than were asked for. */
  readonly cut: boolean;
  readonly elapsedMs: number;
}

/** One published version of a live query. */
export interface LiveUpdate {
  readonly viewId: string;
  /** Counts up from 1; a reader may miss versions and never sees them go back. */
  readonly version: number;
  readonly result?: QueryResult;
  /** The query failed at this version; the view goes on trying while the cause may pass. */
  readonly error?: SerializedError;
  /** How it was made, for the cell's footer. */
  readonly plan: QueryPlan;
  /** Cost of this refresh, milliseconds. */
  readonly refreshMs: number;
}

/** Requests by name: what goes in, what comes back. A new capability is a new row here and in process.ts. */
export interface EngineRequests {
  hello: {
    request: Record<string, never>;
    answer: { engine: string; version: string; store: string; notice?: string };
  };
  "stream.open": { request: StreamOptions; answer: StreamStatus };
  "stream.status": { request: { name: string }; answer: StreamStatus };
  "stream.pause": { request: { name: string }; answer: StreamStatus };
  "stream.resume": { request: { name: string }; answer: StreamStatus };
  "stream.stop": { request: { name: string }; answer: StreamStatus };
  /** Answers once every record that was there when asked is in the table. */
  "stream.caughtUp": { request: { name: string }; answer: StreamStatus };
  /** Decodes the rejected records that are kept once more, with the stream's schema of now. */
  "stream.retryErrors": { request: { name: string }; answer: RetryOutcome };
  query: {
    request: {
      queryId: string;
      text: string;
      parameters: readonly SqlValue[];
      rowLimit: number;
      /** Left out: the notebook's own. */
      engine?: EngineName;
      /** Whether `queryProgress` is to be pushed meanwhile. */
      progress?: boolean;
    };
    answer: QueryResult;
  };
  "query.cancel": { request: { queryId: string }; answer: Record<string, never> };
  "live.start": {
    request: {
      viewId: string;
      text: string;
      parameters: readonly SqlValue[];
      rowLimit: number;
      everyMs: number;
      /** Only the notebook's own keeps queries live. */
      engine?: EngineName;
    };
    answer: Record<string, never>;
  };
  "live.stop": { request: { viewId: string }; answer: Record<string, never> };
  /** Leaves a result as a view under this name, so that later queries can read it. */
  "view.create": {
    request: { name: string; text: string; parameters: readonly SqlValue[] };
    answer: Record<string, never>;
  };
  /** Reads a table of Cassandra into one of ours; stopped by `query.cancel` as a query is. */
  "cassandra.load": {
    request: CassandraTableRequest & { readonly queryId: string; readonly name: string };
    answer: CassandraLoaded;
  };
  catalog: { request: Record<string, never>; answer: readonly TableInfo[] };
  close: { request: Record<string, never>; answer: Record<string, never> };
}

export type RequestName = keyof EngineRequests;

export type ToEngine = {
  [Name in RequestName]: {
    readonly id: number;
    readonly name: Name;
    readonly request: EngineRequests[Name]["request"];
  };
}[RequestName];

export type FromEngine =
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly error: SerializedError }
  | { readonly kind: "streamStatus"; readonly status: StreamStatus }
  | { readonly kind: "queryProgress"; readonly queryId: string; readonly progress: QueryProgress }
  | { readonly kind: "liveUpdate"; readonly update: LiveUpdate };

/** What an engine says unasked. */
export type EnginePush = Exclude<FromEngine, { kind: "answer" | "failure" }>;
