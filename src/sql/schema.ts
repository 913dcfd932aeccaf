/**
 * Columns and results: the one shape in which query results travel from the engine to a cell, a chart or a program.
 * Columns, not rows: 100,000 rows cross a process boundary five times faster as typed arrays. Pure.
 */

/** What a column means, independent of the engine that made it. `sqlType` on the column keeps the engine's own name. */
export type LogicalType =
  | "boolean"
  /** Fits a JS number exactly (up to 32 bits). */
  | "integer"
  /** 64-bit and wider integers, as bigint. */
  | "bigint"
  | "double"
  /** Fixed point; values are decimal strings, exact. */
  | "decimal"
  | "text"
  | "blob"
  /** Epoch milliseconds at midnight UTC. */
  | "date"
  /** Epoch milliseconds (UTC), fractions keep microseconds. */
  | "timestamp"
  /** Microseconds since midnight. */
  | "time"
  /** Text such as `1 day 02:00:00`. */
  | "interval"
  /** LIST, STRUCT, MAP, UNION: plain arrays and objects (null prototype). */
  | "nested";

/** Values of one column; exactly one representation. Null is marked in `nulls`, whatever the slot holds. */
export type ColumnValues =
  | { readonly kind: "numbers"; readonly values: Float64Array | Int32Array }
  | { readonly kind: "bigints"; readonly values: BigInt64Array }
  /** Strings by dictionary: `codes[row]` indexes `dictionary`. */
  | { readonly kind: "dictionary"; readonly codes: Uint32Array; readonly dictionary: readonly string[] }
  /** Everything else, one JS value a row: boolean, string, bigint beyond 64 bits, Uint8Array, array, object. */
  | { readonly kind: "values"; readonly values: readonly unknown[] };

export interface Column {
  readonly name: string;
  readonly type: LogicalType;
  /** The engine's own type name, for example `DECIMAL(18,3)` or `STRUCT(a INTEGER)`. */
  readonly sqlType: string;
  readonly data: ColumnValues;
  /** One byte a row, 1 where the value is null; absent when the column has no null. */
  readonly nulls?: Uint8Array;
}

export interface QueryResult {
  readonly columns: readonly Column[];
  /** Rows carried here. */
  readonly rowCount: number;
  /** Rows the query produced: more than `rowCount` when a limit cut the rest. */
  readonly totalRowCount: number;
  /** Time in the engine, milliseconds. */
  readonly elapsedMs: number;
  /** How it was made, where the query has run before or is live; absent for a query that ran for the first time. */
  readonly plan?: QueryPlan;
}

/** How an answer came about: from the rows that are new since the last one, or from all of them. */
export interface QueryPlan {
  readonly mode: "incremental" | "recomputed";
  /** Why it cannot be incremental. */
  readonly reason?: string;
  /** Who keeps it, where that is not this process. */
  readonly kept?: string;
  /** Exactly the records before these are in the answer. */
  readonly offsets?: readonly OffsetPosition[];
}

export interface OffsetPosition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
}

/** A value bound into SQL text in place of `?`. Never pasted. */
export type SqlValue = null | boolean | number | bigint | string | Date | Uint8Array | readonly SqlValue[];

/** The value of one cell of a result; `undefined` never, null for SQL NULL. Timestamps and dates come as epoch milliseconds. */
export function cellValue(column: Column, row: number): unknown {
  if (column.nulls?.[row]) return null;
  const data = column.data;
  switch (data.kind) {
    case "numbers":
    case "bigints":
    case "values":
      return data.values[row] ?? null;
    case "dictionary": {
      const code = data.codes[row];
      return code === undefined ? null : (data.dictionary[code] ?? null);
    }
  }
}
