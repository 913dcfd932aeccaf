/**
 * The cell library as types: all that `import … from "tidetable"` gives, on one page. create-library.ts makes it, the
 * declarations that completion in a cell reads are made from this file. Owns no code.
 */
import type { CassandraValue } from "../cassandra/cassandra-table.js";
import type { Comm, CommData, CommExtra, CommHandler, CommTarget } from "../cell-output.js";
import type { ChartRequest } from "../charts/chart.js";
import type { RetryOutcome, StreamStatus } from "../engine/protocol.js";
import type { LogicalType, OffsetPosition, QueryPlan } from "../sql/schema.js";
import type { Retention } from "../sql/sql-engine.js";
import type { DeclaredSchema } from "../streaming/declared-schema.js";

export interface CellLibrary {
  /**
   * Opens a Kafka topic as a table of this name and shows its status. Resolves when there are rows to query, or at the
   * latest after some seconds; loading goes on behind it. Running it again joins the stream that is open.
   *
   * @example const tweets = await stream("tweets");
   * @throws TidetableError CONFIG_INVALID, BROKER_UNREACHABLE, TOPIC_NOT_FOUND, STREAM_EXISTS, STREAM_FAILED.
   */
  stream(name: string, options?: CellStreamOptions): Promise<StreamHandle>;

  /**
   * Runs SQL when awaited, its values bound and never pasted.
   *
   * @example const top = await sql`SELECT handle, count(*) AS count FROM tweets WHERE handle <> ${me} GROUP BY handle`;
   */
  readonly sql: SqlTag;

  /**
   * The versions of a query while its tables grow, the newest each time.
   *
   * @example for await (const rows of live(sql`SELECT count(*) AS count FROM tweets`)) console.log(rows.at(0)?.count);
   */
  live<Row extends object = LooseRow>(query: SqlQuery<Row>, options?: LiveOptions): AsyncIterable<LiveRows<Row>>;

  /**
   * Reads a table of Cassandra into a table here, to be joined with a stream: the first `limit` of its rows, as they are
   * now. Its name is `keyspace_table`, or the one that is given.
   *
   * @example const stored = await cassandra("tweeter.tweets_of_handle", { name: "stored" });
   * @throws TidetableError CONFIG_INVALID, STORE_UNAVAILABLE, SQL_INVALID for what Cassandra will not read.
   */
  cassandra(table: string, options?: CassandraOptions): Promise<CassandraTable>;

  /** Shows a result, or a program's own rows, as a table; `limit` rows at the most, default 100. */
  show(rows: Iterable<object>, options?: ShowOptions): void;
  /** Runs the query and shows its rows. */
  show(query: SqlQuery<object>, options?: ShowOptions): Promise<void>;

  /**
   * Shows rows as a chart. Without a mark the columns' types decide: category and number are bars, time and number a line.
   *
   * @example chart(top, { mark: "bar" });
   * @throws TidetableError CHART_INVALID
   */
  chart(rows: Iterable<object>, options?: ChartRequest): void;
  /** Runs the query and draws its rows. */
  chart(query: SqlQuery<object>, options?: ChartRequest): Promise<void>;

  /** Shows a mime bundle, or any value. */
  display(value: unknown, options?: { readonly id?: string }): DisplayHandle;

  /** Replaces what was displayed under this id, also in an earlier cell. */
  update(id: string, value: unknown): void;

  /**
   * Asks the user for a line, below the cell; `password` hides what is typed.
   *
   * @example const handle = await prompt("Whose tweets? ");
   */
  prompt(question?: string, options?: { readonly password?: boolean }): Promise<string>;

  /** Removes the cell's outputs; with `wait`, when the next one comes. */
  clearOutput(options?: { readonly wait?: boolean }): void;

  /**
   * Opens a comm, the two-way channel under Jupyter's widgets, on what answers for `target` in the page. What its
   * handlers print appears below the cell that opened it; running that cell again closes it.
   *
   * @example const comm = openComm("my.map", { data: { zoom: 3 }, message: (data) => console.log(data.clicked) });
   * @throws TidetableError CONFIG_INVALID outside of a notebook.
   */
  openComm(target: string, options?: CommOptions): Comm;

  /** Answers for `target` from now on: `accept` is called with each comm that the page opens on it. */
  acceptComms(target: string, accept: CommTarget): void;
}

export interface CommOptions extends CommHandler, CommExtra {
  /** Goes along with the opening. */
  readonly data?: CommData;
}

export interface CellStreamOptions {
  /**
   * The Kafka topic, several of them, or a regular expression that whole names match, in one table; topics that are made
   * later are read too. Default: the stream's name.
   */
  readonly topic?: string | readonly string[] | RegExp;
  /** Default: the brokers of KAFKA_BROKERS, or the embedded log where there are none. `logs` is a folder of `<topic>.log`. */
  readonly source?:
    | { readonly brokers: string | readonly string[] }
    | { readonly log: string }
    | { readonly logs: string };
  /**
   * A consumer group to share the partitions with its other members, and to keep at the broker how far is stored. Default:
   * no group, every partition is read, and only the table knows the offsets.
   */
  readonly group?: string;
  /** Where to begin the first time; afterwards the stored offsets win. Default "earliest". */
  readonly from?: "earliest" | "latest" | PositionInTime | PositionByOffset;
  /**
   * Where to end: "latest" is what is there now, an instant or offsets are the first that is not read. The stream is then
   * `finished`. Default: it goes on.
   */
  readonly until?: "latest" | PositionInTime | PositionByOffset;
  /**
   * When Kafka has removed records before they were read: "stop" ends the stream and names them; "earliest" goes on with
   * what is left, "latest" with new records only, and both say what is missing. Default "stop".
   */
  readonly ifLost?: "stop" | "earliest" | "latest";
  /** What the table holds at the most; the oldest rows go first. Default 5,000,000 rows. */
  readonly keep?: Retention;
  /**
   * Default "json": one object a record. "csv": one line a record. "text" and "raw": the record's value in the column
   * `value`, as VARCHAR or BLOB.
   */
  readonly format?: "json" | "csv" | "text" | "raw" | { readonly csv: { readonly delimiter?: string } };
  /**
   * The columns, by the field's key; left out: inferred. A record that does not fit is rejected, other fields are not read.
   *
   * @example { id: "VARCHAR", likes: "BIGINT", at: "EPOCH_MS", user: { name: "VARCHAR" }, tags: ["VARCHAR"] }
   */
  readonly schema?: DeclaredSchema;
  /** "upsert": the table shows the last row of each key, and none for a key whose last record has no value. Default "append". */
  readonly mode?: "append" | "upsert";
  /** "memory": nothing of it is on the disk; it is read again after a restart. Default "file". */
  readonly store?: "file" | "memory";
}

interface PositionInTime {
  readonly timestampMs: number | Date;
}

/** By partition number. */
interface PositionByOffset {
  readonly offsets: Readonly<Record<number, number | bigint>>;
}

/** A topic that is a table. Iterating gives its rows from the oldest kept, then each new one as it comes. */
export interface StreamHandle extends AsyncIterable<LooseRow> {
  readonly name: string;
  readonly topic: string;
  status(): Promise<StreamStatus>;
  /** Stops reading; rows and offsets stay. */
  pause(): Promise<StreamStatus>;
  resume(): Promise<StreamStatus>;
  /** Ends reading; the table stays and can be queried. `stream(name)` takes it up again where it was. */
  stop(): Promise<StreamStatus>;
  /** Resolves once every record that was there when called is in the table. */
  caughtUp(): Promise<StreamStatus>;
  /** Decodes the records in `<name>_errors` once more, for example with a corrected schema: what is a row now leaves it. */
  retryErrors(): Promise<RetryOutcome>;
}

export interface CassandraOptions {
  /** What SQL calls it here. Default: `keyspace_table`. */
  readonly name?: string;
  /** Default: all columns. */
  readonly columns?: readonly string[];
  /** Only rows with these values in columns of the table's key; a list is any of them. */
  readonly where?: Readonly<Record<string, CassandraValue | readonly CassandraValue[]>>;
  /** Rows read at the most; default 1,000,000. That there were more is said. */
  readonly limit?: number;
  /** `host` or `host:port`. Default: CASSANDRA_CONTACT_POINTS; user and password always come from the environment. */
  readonly contactPoints?: string | readonly string[];
  /** Default: CASSANDRA_DATA_CENTER, or every data centre. */
  readonly dataCenter?: string;
}

/** A table of Cassandra as it was when it was read. */
export interface CassandraTable {
  readonly name: string;
  readonly rows: number;
  /** False: `limit` cut the rest. */
  readonly complete: boolean;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly sqlType: string }>;
  /** Reads it again; queries see the old rows until all of the new ones are there. */
  refresh(): Promise<CassandraTable>;
}

export interface SqlTag {
  /** Name the row's type where it is known: `await sql<{ handle: string; count: bigint }>` and the query. */
  <Row extends object = LooseRow>(parts: TemplateStringsArray, ...values: readonly unknown[]): SqlQuery<Row>;
  /** A table or column name that is only known at run time: `FROM ${sql.identifier(table)}`. */
  identifier(name: string): SqlQuery;
}

/** A query that runs when it is awaited; inside another `sql` it becomes part of its text. */
export interface SqlQuery<Row extends object = LooseRow> extends PromiseLike<QueryRows<Row>> {
  /** The statement, with `?` for each value. */
  readonly text: string;
}

/**
 * Rows with exact values: BIGINT as bigint, DECIMAL as a decimal string, DATE and TIMESTAMP as Date (milliseconds; the
 * microseconds are in `column(name)`), BLOB as Uint8Array, LIST and STRUCT as arrays and objects, NULL as null.
 */
export interface QueryRows<Row extends object = LooseRow> extends Iterable<Row> {
  readonly columns: readonly ResultColumn[];
  /** Rows held here. */
  readonly length: number;
  /** Rows the query produced; more than `length` where a limit cut the rest. */
  readonly totalRowCount: number;
  /** Time in the engine, milliseconds. */
  readonly elapsedMs: number;
  /** How it was made, and of which records; absent where the query ran for the first time. */
  readonly plan?: QueryPlan | undefined;
  /** Counts from the end for a negative index, as arrays do. */
  at(index: number): Row | undefined;
  toArray(): Row[];
  map<Value>(toValue: (row: Row, index: number) => Value): Value[];
  /** The values of one column; dates and timestamps as epoch milliseconds with their fraction. */
  column(name: string): unknown[];
}

export interface ResultColumn {
  readonly name: string;
  readonly type: LogicalType;
  /** The engine's own type name, for example `DECIMAL(18,3)`. */
  readonly sqlType: string;
}

/** One version of a live query: all of its rows, and what leads there from the version that this reader had before. */
export interface LiveRows<Row extends object = LooseRow> extends QueryRows<Row> {
  /**
   * "snapshot": begin from these rows, as at first and when the columns have changed. "diff": add `changes` to the rows of
   * before. "progress": the rows are those of before, and hold for more records now.
   */
  readonly kind: "snapshot" | "diff" | "progress";
  /** Rows that came and rows that went. Of a snapshot, all of its rows. */
  readonly changes: ReadonlyArray<LiveRowChange<Row>>;
  /** Exactly the records before these are in this version. */
  readonly offsets: readonly OffsetPosition[];
  /** Counts up from 1; a slow reader misses some and never sees it go back. */
  readonly version: number;
  /** Whether the version came from new rows alone or from the whole table, and why. */
  readonly plan: QueryPlan;
}

export interface LiveRowChange<Row extends object = LooseRow> {
  readonly row: Row;
  /** How many more such rows there are: 1 for one that came, -1 for one that went. Never 0. */
  readonly diff: number;
}

export interface LiveOptions {
  /** Shortest time between two versions, milliseconds; default 1000. */
  readonly everyMs?: number;
  /** Rows to carry at the most; default 10,000. */
  readonly limit?: number;
}

export interface ShowOptions {
  /** Rows shown at the most; default 100. */
  readonly limit?: number;
}

export interface DisplayHandle {
  readonly id: string;
  /** Replaces what is shown, also after the cell has ended. */
  update(value: unknown): void;
}

/** Columns are known only when a query has run; a cell that adds up `row.count` must not need a cast. */
// biome-ignore lint/suspicious/noExplicitAny: the one deliberately loose type, for rows in a notebook
export type LooseRow = Record<string, any>;
