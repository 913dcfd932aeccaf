/**
 * The port of a SQL engine: tables that streams fill, and queries over them. Adapters: duckdb/engine.ts (default).
 * One conformance suite (test/sql/) runs against each adapter.
 */
import type { Field } from "../streaming/json/fields.js";
import type { RecordBatch } from "../streaming/record.js";
import type { RecordFormat } from "../streaming/record-format.js";
import type { ProgressListener } from "./query-progress.js";
import type { QueryResult, SqlValue } from "./schema.js";

export interface QueryRequest {
  readonly text: string;
  /** Bound in order to `?` / `$1` placeholders. */
  readonly parameters: readonly SqlValue[];
  /** Rows to carry back at the most; the rest is counted in `totalRowCount`. */
  readonly rowLimit: number;
}

export interface SqlEngine {
  /**
   * Runs one statement. An aborted signal reaches the engine in under 300 ms. `onProgress` hears, a few times a second,
   * how far a long one has come, from an engine that can tell.
   * @throws TidetableError SQL_INVALID (with the near names for a misspelt table or column), SQL_FAILED, QUERY_INTERRUPTED.
   */
  query(request: QueryRequest, signal: AbortSignal, onProgress?: ProgressListener): Promise<QueryResult>;

  /** Makes or re-opens the table of a stream, its `<name>_errors` table, and the offsets stored with them. */
  openStreamTable(definition: StreamTableDefinition): Promise<StreamTable>;

  /** Tables and columns, for completion and for error texts. */
  catalog(): Promise<readonly TableInfo[]>;

  close(): Promise<void>;
}

export interface StreamTableDefinition {
  readonly name: string;
  readonly format: RecordFormat;
  /** Declared columns; left out: inferred from the records. */
  readonly schema?: readonly Field[];
  /** Default "append". */
  readonly mode?: TableMode;
  /** Default "file". */
  readonly store?: "file" | "memory";
  /** Always some bound. */
  readonly keep: Retention;
  /**
   * Which log or cluster and topic the offsets belong to. A stored table of another origin begins anew, because its
   * offsets mean nothing here; that is said.
   */
  readonly origin?: string;
}

/** What a table shows: every record a row, or the last row of each key. */
export type TableMode = "append" | "upsert";

export type Retention = { readonly rows: number } | { readonly bytes: number } | { readonly ms: number };

export interface StreamTable {
  /** Next offset by topic and partition, stored in the same transactions as the rows. */
  storedOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>;

  /**
   * Whether the stored offsets of a topic belong to the one with this id; true where none are stored, and the id is kept
   * then. Absent where nothing outlives the process.
   */
  isSameTopic?(topic: string, id: string): Promise<boolean>;

  /**
   * Rows, rejected records and the next offset of the batch in one transaction; on any failure nothing of it is stored. A
   * batch of records with very many fields may be several, one after the other, each with the offset up to which it goes.
   * Calls for different partitions may overlap; calls for one partition must not.
   */
  write(batch: RecordBatch): Promise<WriteOutcome>;

  /** The same for one batch each of several partitions of a topic, all together. */
  writeTogether(batches: readonly RecordBatch[]): Promise<WriteOutcome>;

  counts(): StreamTableCounts;
  close(): Promise<void>;
}

export interface WriteOutcome {
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
}

export interface StreamTableCounts {
  readonly rows: number;
  readonly rejected: number;
  readonly tombstones: number;
  /** Rows dropped by retention so far. */
  readonly retired: number;
}

export interface TableInfo {
  readonly name: string;
  readonly kind: "stream" | "errors" | "table" | "view";
  readonly columns: ReadonlyArray<{ readonly name: string; readonly sqlType: string }>;
}
