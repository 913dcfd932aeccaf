/**
 * The one open database of an engine process, shared by its stream tables: connections, the write gate, the control
 * connection for schema changes, and checkpoints on our schedule. Knows the internal schema, not what streams do with it.
 */
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { errorMessage } from "../../errors.js";
import { quoteIdentifier } from "../identifiers.js";
import type { StreamTableDefinition } from "../sql-engine.js";
import { damaged, isDamage } from "./errors.js";
import { INTERNAL_SCHEMA, MEMORY_CATALOG, type StreamHome, streamHome, streamOfSequencedView } from "./generations.js";
import { markDamaged, type OpenStore } from "./store.js";
import { ThreadBudget } from "./thread-budget.js";
import { WriteGate } from "./write-gate.js";

/** Bytes of records between checkpoints of a file: its log stays short enough to be replayed in about a second. */
const CHECKPOINT_FILE_BYTES = 64 * 1024 * 1024;
/** In memory there is no log; a checkpoint packs the rows and frees those that are gone, which a backlog need not wait for. */
const CHECKPOINT_MEMORY_BYTES = 256 * 1024 * 1024;
/** What little was written is put in the file itself after this long. */
const CHECKPOINT_IDLE_MS = 60_000;
const CHECKPOINT_IDLE_BYTES = 1024 * 1024;

/** What is kept of streams, in the store and, for those in memory, beside it. */
function internalTables(schema: string): string[] {
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.streams (name VARCHAR, format VARCHAR, origin VARCHAR, retired BIGINT)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.generations (stream VARCHAR, id INTEGER, fields VARCHAR, created_ms BIGINT, row_bytes DOUBLE)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.offsets (stream VARCHAR, topic VARCHAR, partition INTEGER, next_offset BIGINT, rows BIGINT, rejected BIGINT, tombstones BIGINT)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.topic_ids (stream VARCHAR, topic VARCHAR, id VARCHAR)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.results (name VARCHAR, kind VARCHAR)`,
  ];
}

/** A change of a stream: its new tables, then the views, then the tables that no view names any more. */
export interface StreamChange {
  readonly before?: readonly string[];
  readonly views: readonly string[];
  readonly after?: readonly string[];
}

export class DuckDbDatabase {
  readonly gate = new WriteGate();
  readonly threads: ThreadBudget;
  readonly description: string;
  readonly notice: string | undefined;
  readonly #instance: DuckDBInstance;
  readonly #control: DuckDBConnection;
  #chains = 0;
  /** Bytes of records since the last checkpoint. */
  #written = { file: 0, memory: 0 };
  #checkpointedAtMs = Date.now();
  #closed = false;

  readonly #onDamage: () => void;

  private constructor(store: OpenStore, control: DuckDBConnection, onDamage: () => void) {
    this.#onDamage = onDamage;
    this.#instance = store.instance;
    this.#control = control;
    this.threads = new ThreadBudget((threads) => this.#setThreads(threads));
    this.description = store.description;
    this.notice = store.notice;
  }

  /** @param onDamage called once the store is known to be damaged, and marked to be replaced at the next start */
  static async open(store: OpenStore, onDamage: () => void = () => undefined): Promise<DuckDbDatabase> {
    const control = await store.instance.connect();
    const database = new DuckDbDatabase(store, control, onDamage);
    await database.changeTables(internalTables(INTERNAL_SCHEMA));
    await database.changeTables(internalTables(`${MEMORY_CATALOG}.${INTERNAL_SCHEMA}`));
    await database.#dropViewsIntoMemory();
    return database;
  }

  /** Streams in memory lie beside the store, unless that is in memory itself. */
  homeOf({ name, mode, store }: Pick<StreamTableDefinition, "name" | "mode" | "store">): StreamHome {
    return streamHome(name, {
      inMemory: store === "memory" && this.description !== "memory",
      keyed: mode === "upsert",
    });
  }

  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /** Part of the name of a table function; those are visible on every connection. */
  nextChainName(): string {
    this.#chains += 1;
    return `tidetable_chain_${this.#chains}`;
  }

  /**
   * Changes a stream in one transaction; where its tables are in another database than its views, in one for each step,
   * between which queries find either the old or the new.
   */
  async change(home: StreamHome, { before = [], views, after = [] }: StreamChange): Promise<void> {
    if (home.schema === INTERNAL_SCHEMA) {
      await this.changeTables([...before, ...views, ...after]);
      return;
    }
    for (const step of [before, views, after]) if (step.length > 0) await this.changeTables(step);
  }

  /**
   * Runs statements in one transaction on the control connection. Callers hold the gate exclusively, except at start.
   * Only what replays safely belongs here: tables and views are created and dropped, never altered (an ALTER that
   * computes values can leave a log that does not replay after a kill).
   */
  async changeTables(statements: readonly string[]): Promise<void> {
    await this.#control.run("BEGIN TRANSACTION");
    try {
      for (const statement of statements) await this.#control.run(statement);
      await this.#control.run("COMMIT");
    } catch (error) {
      await this.#control.run("ROLLBACK").catch((rollback: unknown) => {
        if (!/no transaction is active/i.test(errorMessage(rollback))) throw rollback;
      });
      throw this.#noted(error);
    }
  }

  /** Rows of a small internal query. Values are bound in order. */
  async read(sql: string, values: ReadonlyArray<string | number | bigint> = []): Promise<readonly unknown[][]> {
    const reader = await this.#noting(this.#control.runAndReadAll(sql, [...values]));
    return reader.getRows();
  }

  async execute(sql: string, values: ReadonlyArray<string | number | bigint> = []): Promise<void> {
    await this.#noting(this.#control.run(sql, [...values]));
  }

  /** Looks whether an error means that the store is damaged, and if so sees to it that the next start replaces it. */
  noteFailure(error: unknown): void {
    const text = errorMessage(error);
    if (this.description === "memory" || !isDamage(text)) return;
    markDamaged(this.description, text);
    this.#onDamage();
  }

  #noted(error: unknown): unknown {
    this.noteFailure(error);
    return isDamage(errorMessage(error)) ? damaged(error) : error;
  }

  async #noting<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#noted(error);
    }
  }

  noteWritten({ schema }: StreamHome, bytes: number): void {
    const inMemory = this.description === "memory" || schema.startsWith(MEMORY_CATALOG);
    this.#written[inMemory ? "memory" : "file"] += bytes;
  }

  /** Checkpoints when enough was written, or a little long ago. Called after writes and by a slow clock. */
  async checkpointIfDue(nowMs: number): Promise<void> {
    const { file, memory } = this.#written;
    const isMuch = file >= CHECKPOINT_FILE_BYTES || memory >= CHECKPOINT_MEMORY_BYTES;
    const isOld = nowMs - this.#checkpointedAtMs > CHECKPOINT_IDLE_MS && file + memory > CHECKPOINT_IDLE_BYTES;
    if (!isMuch && !isOld) return;
    await this.gate.exclusive(async () => {
      if (!this.#closed) await this.#checkpoint();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.threads.close();
    this.#control.closeSync();
    this.#instance.closeSync();
  }

  /** On a connection of its own: it may wait for a task. A database that fails here fails its writers too, and they tell. */
  async #setThreads(threads: number): Promise<void> {
    const connection = await this.#instance.connect();
    try {
      await connection.run(`SET GLOBAL threads = ${threads}`);
    } catch (error) {
      this.noteFailure(error);
    } finally {
      connection.closeSync();
    }
  }

  /** An earlier kernel's streams in memory are gone; their views name nothing. */
  async #dropViewsIntoMemory(): Promise<void> {
    const views = await this.read(
      "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND contains(sql, $1)",
      [`${MEMORY_CATALOG}.`],
    );
    const drops = views.flatMap(([schema, view]) => {
      // Of a keyed stream, the view that users see names only the sequenced one.
      const stream = schema === INTERNAL_SCHEMA ? streamOfSequencedView(String(view)) : undefined;
      const names = [[schema, view], ...(stream === undefined ? [] : [["main", stream]])];
      return names.map((name) => `DROP VIEW IF EXISTS ${name.map((part) => quoteIdentifier(String(part))).join(".")}`);
    });
    if (drops.length > 0) await this.changeTables(drops);
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointedAtMs = Date.now();
    try {
      await this.#control.run("CHECKPOINT");
      await this.#control.run(`CHECKPOINT ${MEMORY_CATALOG}`);
      this.#written = { file: 0, memory: 0 };
    } catch (error) {
      // A user's own transaction may be writing; the next turn tries again.
      if (!/other write transactions|cannot checkpoint/i.test(errorMessage(error))) throw error;
    }
  }
}
