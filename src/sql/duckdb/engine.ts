/**
 * The SQL engine on DuckDB: queries on connections of their own, stream tables, the catalog, named results. Only the
 * engine process makes one.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { errorMessage, TidetableError } from "../../errors.js";
import { quoteIdentifier } from "../identifiers.js";
import type { AnswerAtOffsets } from "../live/shared.js";
import type { LiveRequest } from "../live/view.js";
import type { LoadedTable, TablePage } from "../loaded-table.js";
import type { ProgressListener } from "../query-progress.js";
import type { OffsetPosition, QueryResult, SqlValue } from "../schema.js";
import type { QueryRequest, SqlEngine, StreamTableDefinition, TableInfo } from "../sql-engine.js";
import { type NamedTable, readCatalog, readTableNames } from "./catalog.js";
import { DuckDbDatabase } from "./database.js";
import { describeQueryError } from "./errors.js";
import { INTERNAL_SCHEMA } from "./generations.js";
import { interruptOnAbort } from "./interrupt.js";
import { DuckDbLiveQuery, type LiveQueryHost } from "./live-query.js";
import { loadedRows, loadPages } from "./loaded-table.js";
import { type PlainTables, type PlainView, readViewTexts } from "./plain-views.js";
import { MEASURE_PROGRESS, reportProgress } from "./progress.js";
import { readPureFunctions } from "./pure-functions.js";
import { readResult } from "./results.js";
import { interrupted, runStatements, throwIfAborted } from "./statements.js";
import { openStore, type StoreRequest } from "./store.js";
import { DuckDbStreamTable } from "./stream-table.js";
import { type QuerySyntax, readSyntax } from "./syntax.js";

const NAME_CHARACTERS_MAX = 200;
/** Parsing takes about a millisecond; a cell that is run again must not pay for it. */
const SYNTAX_REMEMBERED = 500;
const SYNTAX_CHARACTERS_MAX = 100_000;

export class DuckDbEngine implements SqlEngine {
  readonly name = "duckdb";
  readonly #database: DuckDbDatabase;
  readonly #streams = new Map<string, DuckDbStreamTable>();
  /** What the parser said, by text: it depends on nothing else. */
  readonly #syntax = new Map<string, QuerySyntax | undefined>();
  /** Counts statements that may have changed tables which no stream fills. */
  #userChanges = 0;

  /** Scalar functions whose result depends on their arguments alone; read when a live query is first planned. */
  #pureFunctions: ReadonlySet<string> | undefined;

  #macros: ReadonlySet<string> = new Set();
  /** What the catalog said of tables and macros, until a statement may have changed it: reading it takes 20 ms. */
  #known: { readonly changes: string; readonly tables: Promise<PlainTables> } | undefined;
  /** Counts statements that may have changed what a function's name means. */
  #macroChanges = 0;

  private constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  /** @param onDamage called when the store turns out to be damaged: another start replaces it */
  static async open(request: StoreRequest, onDamage: () => void = () => undefined): Promise<DuckDbEngine> {
    return new DuckDbEngine(await DuckDbDatabase.open(await openStore(request), onDamage));
  }

  /** The store's path, or `memory`. */
  get store(): string {
    return this.#database.description;
  }

  /** What the user should know about how the store was opened. */
  get notice(): string | undefined {
    return this.#database.notice;
  }

  async version(): Promise<string> {
    return String((await this.#database.read("SELECT version()"))[0]?.[0]);
  }

  async query(request: QueryRequest, signal: AbortSignal, onProgress?: ProgressListener): Promise<QueryResult> {
    return (await this.#query(request, [], signal, onProgress)).result;
  }

  /** The answer, and the records it holds: those of the streams among `tables`; undefined: of every open stream. */
  queryWithOffsets(
    request: QueryRequest,
    tables: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<AnswerAtOffsets> {
    const streams = [...this.#streams.values()];
    const named = streams.filter((stream) => tables?.some((table) => reads(table, stream.name)));
    return this.#query(request, this.#readsStreamsOnly(tables) ? named : streams, signal);
  }

  async #query(
    request: QueryRequest,
    streams: readonly DuckDbStreamTable[],
    signal: AbortSignal,
    onProgress?: ProgressListener,
  ): Promise<AnswerAtOffsets> {
    try {
      return await this.#queryOnce(request, streams, signal, onProgress);
    } catch (error) {
      // A column that came with a record between planning and failing: the same query is right now.
      if (!(error instanceof TidetableError && error.code === "SQL_INVALID" && error.retryable)) throw error;
      return await this.#queryOnce(request, streams, signal, onProgress);
    }
  }

  async #queryOnce(
    request: QueryRequest,
    streams: readonly DuckDbStreamTable[],
    signal: AbortSignal,
    onProgress?: ProgressListener,
  ): Promise<AnswerAtOffsets> {
    const startedMs = performance.now();
    const connection = await this.#database.connect();
    const stopInterrupting = interruptOnAbort(connection, signal);
    const stopReporting = onProgress === undefined ? undefined : reportProgress(connection, onProgress);
    try {
      await connection.run(`${onProgress === undefined ? "" : MEASURE_PROGRESS}BEGIN TRANSACTION`);
      const offsets = await readOffsets(connection, streams);
      const { result, changes } = await runStatements(connection, request.text, request.parameters, signal);
      const rows = await readResult(result, request.rowLimit, () => throwIfAborted(signal));
      // Before and after: whoever reads in between, of the one state or the other, will look again.
      if (changes) this.#userChanges += 1;
      await connection.run("COMMIT");
      if (changes) this.#userChanges += 1;
      if (changes && /\b(?:macro|function|type)\b/i.test(request.text)) this.#macroChanges += 1;
      return { result: { ...rows, elapsedMs: performance.now() - startedMs }, offsets };
    } catch (error) {
      throw signal.aborted ? interrupted() : await this.#describe(error, request.text);
    } finally {
      stopInterrupting();
      stopReporting?.();
      // Closing rolls back what was not committed.
      connection.closeSync();
    }
  }

  async openStreamTable(definition: StreamTableDefinition): Promise<DuckDbStreamTable> {
    await this.#refuseTakenName(definition.name);
    if (this.#streams.has(definition.name)) {
      throw new TidetableError("STREAM_EXISTS", `stream ${definition.name} is open already`);
    }
    const table = await this.#openTable(definition);
    this.#streams.set(definition.name, table);
    return table;
  }

  /** A stream takes no name that means something else already; names that differ in case only are one name in SQL. */
  async #refuseTakenName(name: string): Promise<void> {
    if (name.length < 1 || name.length > NAME_CHARACTERS_MAX || hasControlCharacter(name)) {
      throw new TidetableError(
        "SQL_INVALID",
        `${JSON.stringify(name)} cannot be a table's name: 1 to ${NAME_CHARACTERS_MAX} characters, none of them a control character.`,
      );
    }
    const own = (info: NamedTable): boolean =>
      (info.kind === "stream" && info.name === name) || (info.kind === "errors" && info.name === `${name}_errors`);
    const taken = (await readTableNames(this.#database)).find(
      (info) => !own(info) && (sameName(info.name, name) || sameName(info.name, `${name}_errors`)),
    );
    if (taken === undefined) return;
    const drop =
      taken.kind === "table" || taken.kind === "view"
        ? `, or drop it: DROP ${taken.kind.toUpperCase()} ${quoteIdentifier(taken.name)}`
        : "";
    throw new TidetableError(
      "STREAM_EXISTS",
      `There is a ${taken.kind === "errors" ? "table" : taken.kind} ${taken.name} already. Give the stream another name${drop}.`,
    );
  }

  async #openTable(definition: StreamTableDefinition): Promise<DuckDbStreamTable> {
    try {
      return await DuckDbStreamTable.open(this.#database, definition);
    } catch (error) {
      if (error instanceof TidetableError) throw error;
      const cause = errorMessage(error).split("\n", 1)[0];
      throw new TidetableError(
        "STORE_UNAVAILABLE",
        `The table of stream ${definition.name} cannot be opened in ${this.store}: ${cause}. Make room on its disk, or set TIDETABLE_DATA to another folder.`,
        { cause: error, retryable: true },
      );
    }
  }

  async closeStreamTable(name: string): Promise<void> {
    const table = this.#streams.get(name);
    this.#streams.delete(name);
    await table?.close();
  }

  /** For a stream whose source could not be opened: a table that never held a record goes again. */
  async discardStreamTable(name: string): Promise<void> {
    const table = this.#streams.get(name);
    this.#streams.delete(name);
    await table?.discardIfUnused();
  }

  /** Leaves the answer of a query under a name: a view where it can be one, a table where values are bound into it. */
  async createResult(name: string, text: string, parameters: readonly SqlValue[]): Promise<void> {
    this.#refuseStreamName(name, "the result");
    const connection = await this.#database.connect();
    try {
      await connection.run("BEGIN TRANSACTION");
      await this.#dropEarlierResult(connection, name);
      const kind = parameters.length === 0 ? "VIEW" : "TABLE";
      const statement = `CREATE ${kind} main.${quoteIdentifier(name)} AS ${withoutTrailingSemicolon(text)}`;
      const created = await runStatements(connection, statement, parameters, new AbortController().signal);
      await created.result.fetchAllChunks();
      await connection.run(`INSERT INTO ${INTERNAL_SCHEMA}.results VALUES ($1, $2)`, [name.toLowerCase(), kind]);
      await connection.run("COMMIT");
      this.#userChanges += 1;
    } catch (error) {
      throw await this.#describe(error, text);
    } finally {
      connection.closeSync();
    }
  }

  /** A table of rows from elsewhere, in place of the one that was loaded under this name before. */
  async loadTable(name: string, pages: AsyncIterable<TablePage>): Promise<LoadedTable> {
    this.#refuseStreamName(name, "the table");
    const connection = await this.#database.connect();
    try {
      const loaded = await loadPages(connection, pages);
      await connection.run("BEGIN TRANSACTION");
      await this.#dropEarlierResult(connection, name);
      await connection.run(`CREATE TABLE main.${quoteIdentifier(name)} AS SELECT * FROM ${loadedRows}`);
      await connection.run(`INSERT INTO ${INTERNAL_SCHEMA}.results VALUES ($1, 'TABLE')`, [name.toLowerCase()]);
      // Before and after, as for a statement that changes tables.
      this.#userChanges += 1;
      await connection.run("COMMIT");
      this.#userChanges += 1;
      return loaded;
    } catch (error) {
      throw await this.#describe(error, name);
    } finally {
      connection.closeSync();
    }
  }

  #refuseStreamName(name: string, what: string): void {
    const stream = [...this.#streams.keys()].find(
      (known) => sameName(known, name) || sameName(`${known}_errors`, name),
    );
    if (stream === undefined) return;
    throw new TidetableError("SQL_INVALID", `${name} is the name of a stream's table; give ${what} another name.`);
  }

  catalog(): Promise<readonly TableInfo[]> {
    return readCatalog(this.#database);
  }

  /** What the parser says about a query; undefined for what is not one SELECT. */
  async syntax(text: string): Promise<QuerySyntax | undefined> {
    if (this.#syntax.has(text)) return this.#syntax.get(text);
    const connection = await this.#database.connect();
    try {
      const syntax = await readSyntax(connection, text);
      if (text.length <= SYNTAX_CHARACTERS_MAX) this.#syntax.set(text, syntax);
      const [oldest] = this.#syntax.keys();
      if (this.#syntax.size > SYNTAX_REMEMBERED && oldest !== undefined) this.#syntax.delete(oldest);
      return syntax;
    } finally {
      connection.closeSync();
    }
  }

  /** A query to be kept up to date; nothing of it runs before its first refresh. */
  openLiveQuery(request: LiveRequest): DuckDbLiveQuery {
    return new DuckDbLiveQuery(this.liveQueryHost(), request);
  }

  /** What live queries see of this engine. */
  liveQueryHost(): LiveQueryHost {
    return {
      connect: () => this.#database.connect(),
      // Of a table that shows the last row of each key, new rows alone do not tell the answer: it is run again.
      stream: (name) => [...this.#streams.values()].find((stream) => stream.appendOnly && sameName(stream.name, name)),
      isKeyed: (name) =>
        [...this.#streams.values()].some((stream) => !stream.appendOnly && sameName(stream.name, name)),
      isPureFunction: (name) => this.#pureFunctions?.has(name) === true && !this.#macros.has(name),
      tables: () => this.#plainTables(),
      userChanges: () => this.#userChanges,
      macroChanges: () => this.#macroChanges,
      nowMs: () => Date.now(),
    };
  }

  /** Which functions are pure is noted on the way. */
  #plainTables(): Promise<PlainTables> {
    const changes = `${this.#userChanges} ${this.#macroChanges}`;
    if (this.#known?.changes === changes) return this.#known.tables;
    const tables = this.#readPlainTables();
    const known = { changes, tables };
    this.#known = known;
    tables.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return tables;
  }

  async #readPlainTables(): Promise<PlainTables> {
    this.#pureFunctions ??= await readPureFunctions(this.#database);
    const macros = await this.#database.read(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal AND function_type = 'macro'",
    );
    this.#macros = new Set(macros.map(([name]) => String(name)));
    const texts = await readViewTexts(this.#database);
    const tables = new Map<string, readonly string[]>();
    const views = new Map<string, PlainView>();
    for (const { name, kind, columns } of await this.catalog()) {
      const [key, names] = [name.toLowerCase(), columns.map((column) => column.name)];
      const text = texts.get(key);
      if (kind === "table") tables.set(key, names);
      if (kind === "view" && text !== undefined) views.set(key, { name, columns: names, text });
    }
    return { tables, views };
  }

  /** A number that changes whenever the answer of a query over these tables may; undefined: over any table. */
  dataVersion(tables: readonly string[] | undefined): number {
    let version = this.#userChanges;
    const direct = this.#readsStreamsOnly(tables);
    for (const stream of this.#streams.values()) {
      if (!direct || tables?.some((table) => reads(table, stream.name))) version += stream.commits;
    }
    return version;
  }

  /** A name that is no stream may be a view over any of them. */
  #readsStreamsOnly(tables: readonly string[] | undefined): boolean {
    const streams = [...this.#streams.values()];
    return tables?.every((table) => streams.some((stream) => reads(table, stream.name))) ?? false;
  }

  /** Retention and checkpoints; called by a slow clock. */
  async maintain(nowMs: number): Promise<void> {
    for (const stream of this.#streams.values()) await stream.maintain(nowMs);
  }

  async close(): Promise<void> {
    for (const name of [...this.#streams.keys()]) await this.closeStreamTable(name);
    await this.#database.close();
  }

  async #dropEarlierResult(connection: DuckDBConnection, name: string): Promise<void> {
    const key = name.toLowerCase();
    const earlier = await connection.runAndReadAll(`SELECT kind FROM ${INTERNAL_SCHEMA}.results WHERE name = $1`, [
      key,
    ]);
    for (const [kind] of earlier.getRows()) {
      await connection.run(`DROP ${kind === "VIEW" ? "VIEW" : "TABLE"} IF EXISTS main.${quoteIdentifier(name)}`);
    }
    await connection.run(`DELETE FROM ${INTERNAL_SCHEMA}.results WHERE name = $1`, [key]);
  }

  async #describe(error: unknown, text: string): Promise<TidetableError> {
    if (error instanceof TidetableError) return error;
    this.#database.noteFailure(error);
    const catalog = await this.catalog();
    const tables = (await this.syntax(text))?.tables;
    const lower = text.toLowerCase();
    const mentioned = tables ?? catalog.map((info) => info.name).filter((name) => lower.includes(name.toLowerCase()));
    return describeQueryError(error, catalog, mentioned);
  }
}

/** Of the transaction's moment, which is that of the rows it reads too. */
async function readOffsets(
  connection: DuckDBConnection,
  streams: readonly DuckDbStreamTable[],
): Promise<readonly OffsetPosition[]> {
  if (streams.length === 0) return [];
  const text = streams.map((stream) => stream.offsetsQuery).join(" UNION ALL ");
  const reader = await connection.runAndReadAll(text);
  return reader.getRows().map(([topic, partition, nextOffset]) => ({
    topic: String(topic),
    partition: Number(partition),
    nextOffset: BigInt(String(nextOffset)),
  }));
}

function hasControlCharacter(text: string): boolean {
  return Array.from(text).some((character) => character < " " || character === "\u007f");
}

function reads(table: string, stream: string): boolean {
  return sameName(table, stream) || sameName(table, `${stream}_errors`);
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function withoutTrailingSemicolon(text: string): string {
  return text.trimEnd().replace(/;+$/, "");
}
