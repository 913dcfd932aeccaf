/**
 * The SQL engine that is a Spark cluster: queries and streams run there, results come back as columns. Owns the session's
 * contents (views of results, streams) and makes them again when the server was started again; rows never live here.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { StreamOptions, StreamStatus } from "../../engine/protocol.js";
import { errorMessage, TidetableError } from "../../errors.js";
import type { RecordSource } from "../../streaming/record-source.js";
import type { LiveEngine, LiveSyntax } from "../live/shared.js";
import type { LiveRequest } from "../live/view.js";
import type { ProgressListener } from "../query-progress.js";
import type { QueryResult, SqlValue } from "../schema.js";
import { describeAddress, type SparkAddress } from "../spark-connect/address.js";
import { sqlRelation } from "../spark-connect/plans.js";
import type { SparkSession } from "../spark-connect/session.js";
import type { StreamEvent } from "../spark-connect/streaming-query.js";
import type { QueryRequest, SqlEngine, TableInfo } from "../sql-engine.js";
import { type BoundStatement, tokenizeSql } from "../sql-text.js";
import { backQuoted, toSparkSql } from "./dialect.js";
import { toNotebookError } from "./errors.js";
import { SparkLink } from "./link.js";
import { SparkLiveQuery } from "./live-query.js";
import { heard } from "./progress.js";
import { StoredSparkStreams } from "./stored-streams.js";
import { SparkStream, type SparkStreamHome } from "./stream.js";

export interface SparkEngineOptions {
  readonly address: SparkAddress;
  readonly dataDirectory: string;
  /** Brokers as this machine sees them, to look at a topic before Spark reads it. */
  readonly source: (options: StreamOptions) => RecordSource;
  readonly origin: (options: StreamOptions) => string;
  /** Live queries that take longer when they are read anew are kept by Spark, where it can. */
  readonly keepAboveMs?: number;
}

interface NamedResult {
  readonly text: string;
  readonly parameters: readonly SqlValue[];
}

/** What keeping a query costs at each batch, about (docs/decisions/0160). */
const KEEP_ABOVE_MS = 500;
/** A server that is gone is looked for this often while a stream waits for it. */
const LOOK_EVERY_MS = 500;
const VOLATILE = /^(now|current_timestamp|current_date|current_time|localtimestamp|rand|random|randn|uuid|shuffle)$/i;

export class SparkEngine implements SqlEngine, LiveEngine {
  readonly name = "spark";
  readonly store: string;
  readonly notice: string;
  readonly #options: SparkEngineOptions;
  readonly #link: SparkLink;
  readonly #streams = new Map<string, SparkStream>();
  readonly #results = new Map<string, NamedResult>();
  readonly #listeners = new Set<(event: StreamEvent) => void>();
  readonly #kept = new Set<object>();
  readonly #closing = new AbortController();
  #stored: Promise<StoredSparkStreams> | undefined;
  #pumping: Promise<void> = Promise.resolve();
  #changes = 0;

  constructor(options: SparkEngineOptions) {
    this.#options = options;
    this.store = describeAddress(options.address);
    this.notice = `on Spark at ${this.store}`;
    this.#link = new SparkLink(options.address);
    this.#link.onSession((session, isFirst) => this.#setUp(session, isFirst));
  }

  async version(): Promise<string> {
    return (await this.#link.session()).version;
  }

  async query(request: QueryRequest, signal: AbortSignal, onProgress?: ProgressListener): Promise<QueryResult> {
    const { text, parameters } = toSparkSql(request.text, request.parameters);
    try {
      return await this.#link.run((session) =>
        session.sql(text, parameters, { signal, rowLimit: request.rowLimit, ...heard(onProgress) }),
      );
    } catch (error) {
      throw toNotebookError(error, this.store, this.#names());
    }
  }

  /** Records reach Spark through its own reader: see `openStream`. */
  openStreamTable(): Promise<never> {
    return Promise.reject(new TidetableError("SQL_INVALID", "On Spark a table is filled by Spark itself, from Kafka."));
  }

  closeStreamTable(): Promise<never> {
    return this.openStreamTable();
  }

  discardStreamTable(): Promise<never> {
    return this.openStreamTable();
  }

  loadTable(name: string): Promise<never> {
    return Promise.reject(
      new TidetableError(
        "SQL_INVALID",
        `${name}: rows are not carried through this notebook to a cluster. Spark reads Cassandra by itself, with its own connector.`,
      ),
    );
  }

  /** A stream that Spark reads; its rows are views of this session. */
  async openStream(options: StreamOptions, push: (status: StreamStatus) => void): Promise<SparkStream> {
    this.#streams.delete(options.name);
    const { source, origin, dataDirectory } = this.#options;
    this.#stored ??= StoredSparkStreams.open(dataDirectory);
    const stored = await this.#stored;
    const home: SparkStreamHome = {
      session: () => this.#link.session(),
      stored,
      root: (session) => rootFolder(session, stored.storeId),
      source,
      origin,
      changed: () => {
        this.#changes += 1;
      },
    };
    const stream = await SparkStream.open(options, home, push);
    this.#streams.set(options.name, stream);
    this.#changes += 1;
    return stream;
  }

  stream(name: string): SparkStream | undefined {
    return this.#streams.get(name);
  }

  async createResult(name: string, text: string, parameters: readonly SqlValue[]): Promise<void> {
    if (this.#tableNames().includes(name.toLowerCase())) {
      throw new TidetableError("SQL_INVALID", `${name} is the name of a stream's table; give the result another name.`);
    }
    const bound = toSparkSql(text, parameters);
    try {
      await this.#link.run((session) => createView(session, name, bound));
    } catch (error) {
      throw toNotebookError(error, this.store, this.#names());
    }
    this.#results.set(name, bound);
    this.#changes += 1;
  }

  async catalog(): Promise<readonly TableInfo[]> {
    const tables = [...this.#streams.values()].flatMap(({ tableNames: [rows = "", errors = ""] }) => [
      { name: rows, kind: "stream" as const },
      { name: errors, kind: "errors" as const },
    ]);
    const views = [...this.#results.keys()].map((name) => ({ name, kind: "view" as const }));
    const session = await this.#link.session();
    return Promise.all(
      [...tables, ...views].map(async (table) => ({ ...table, columns: await columnsOf(session, table.name) })),
    );
  }

  openLiveQuery(request: LiveRequest): SparkLiveQuery {
    return new SparkLiveQuery(
      {
        session: () => this.#link.session(),
        query: (rowLimit, signal) => this.query({ ...request, rowLimit }, signal),
        stream: (table) =>
          [...this.#streams.values()].find(({ tableNames }) => tableNames.some((name) => name.toLowerCase() === table)),
        listen: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
        kept: this.#kept,
        changed: () => {
          this.#changes += 1;
        },
        keepAboveMs: this.#options.keepAboveMs ?? KEEP_ABOVE_MS,
      },
      statementOf(request),
    );
  }

  /** Which tables a text reads is not looked into: any stream's new rows make it run again. */
  async syntax(text: string): Promise<LiveSyntax> {
    const volatile = tokenizeSql(text).some((token) => token.kind === "word" && VOLATILE.test(token.text));
    return { key: text.trim(), tables: [], volatile };
  }

  dataVersion(): number {
    return this.#changes;
  }

  /** Spark looks after its own files. */
  async maintain(): Promise<void> {}

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#streams.values()].map((stream) => stream.close()));
    await this.#pumping;
    await this.#link.close();
  }

  /** What a session has of ours: events are heard before anything is started, so that none is missed. */
  async #setUp(session: SparkSession, isFirst: boolean): Promise<void> {
    await new Promise<void>((ready, failed) => {
      this.#pumping = this.#pump(session, ready).catch(failed);
    });
    if (isFirst) return;
    for (const stream of this.#streams.values()) await stream.restore(session);
    for (const [name, bound] of this.#results) {
      // A result over a table that is gone stays away; a query that names it says so.
      await createView(session, name, bound).catch(() => undefined);
    }
    this.#changes += 1;
  }

  async #pump(session: SparkSession, ready: () => void): Promise<void> {
    const { signal } = this.#closing;
    let isReady = false;
    const onReady = () => {
      isReady = true;
      ready();
    };
    try {
      for await (const event of session.events({ signal }, onReady)) {
        for (const stream of this.#streams.values()) stream.onEvent(event);
        for (const listener of this.#listeners) listener(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isReady) throw error;
      for (const stream of this.#streams.values()) stream.disconnected(errorMessage(error));
      void this.#lookForServer();
    }
  }

  /** Until the server is there again; a new session brings the streams back by itself. */
  async #lookForServer(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#link.renew();
        return;
      } catch {
        // Said already, in the status of every stream.
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #tableNames(): readonly string[] {
    return [...this.#streams.values()].flatMap((stream) => stream.tableNames.map((name) => name.toLowerCase()));
  }

  #names(): readonly string[] {
    return [...[...this.#streams.values()].flatMap((stream) => stream.tableNames), ...this.#results.keys()];
  }
}

/** Undefined where a value is missing, which running it says. */
function statementOf({ text, parameters }: LiveRequest): BoundStatement | undefined {
  try {
    return toSparkSql(text, parameters);
  } catch (error) {
    if (error instanceof TidetableError) return undefined;
    throw error;
  }
}

/** With values bound into it a view's text cannot be read anew: then it is the plan that gets the name. */
async function createView(session: SparkSession, name: string, { text, parameters }: NamedResult): Promise<void> {
  if (parameters.length > 0) return session.createView(name, sqlRelation(text, parameters));
  await session.prepare(`CREATE OR REPLACE TEMPORARY VIEW ${backQuoted(name)} AS ${text}`);
}

async function columnsOf(session: SparkSession, name: string): Promise<TableInfo["columns"]> {
  try {
    const { columns } = await session.sql(`SELECT * FROM ${backQuoted(name)} LIMIT 0`);
    return columns.map((column) => ({ name: column.name, sqlType: column.sqlType }));
  } catch (error) {
    // A view whose table has gone has no columns either.
    if (error instanceof TidetableError && !error.retryable) return [];
    throw error;
  }
}

/** Where the server keeps tables is where every executor of it can read and write. */
async function rootFolder(session: SparkSession, storeId: string): Promise<string> {
  const warehouse = (await session.config("spark.sql.warehouse.dir")) ?? "spark-warehouse";
  return `${warehouse.replace(/\/$/, "")}/tidetable/${storeId}`;
}
