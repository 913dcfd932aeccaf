/**
 * The SQL engine without native code: AlaSQL's parser, an allow-list, and an evaluator of our own that answers what DuckDB
 * answers or refuses. For machines where DuckDB's binary is missing. Tables live in memory and end with the process.
 */
import { TidetableError } from "../../errors.js";
import type { LiveEngine, LiveSyntax, Refreshable } from "../live/shared.js";
import type { LiveRequest } from "../live/view.js";
import type { LoadedTable, TablePage } from "../loaded-table.js";
import type { QueryResult, SqlValue } from "../schema.js";
import type { QueryRequest, SqlEngine, StreamTableDefinition, TableInfo } from "../sql-engine.js";
import { parseQuery, parserVersion } from "./parser.js";
import type { TableSnapshot } from "./plan.js";
import { toRows } from "./results.js";
import { planText, runQuery, type TableProvider, tablesOf } from "./run.js";
import { sameName } from "./scope.js";
import { AlaSqlStreamTable } from "./stream-table.js";
import { NULL, type Row, type SqlType, typeName } from "./types.js";
import { Work } from "./work.js";

/** What a query left under a name: its text, read anew each time, or the rows of one with values bound into it. */
type NamedResult =
  | { readonly kind: "view"; readonly name: string; readonly text: string }
  | { readonly kind: "table"; readonly name: string; readonly snapshot: TableSnapshot };

/** A view that reads a view that reads itself would never end. */
const VIEW_DEPTH_MAX = 16;

export class AlaSqlEngine implements SqlEngine, LiveEngine {
  readonly name = "alasql";
  readonly store = "memory";
  /** What the user should know about this engine. */
  readonly notice: string;
  readonly #streams = new Map<string, AlaSqlStreamTable>();
  readonly #results = new Map<string, NamedResult>();
  #resultChanges = 0;

  constructor(reason?: string) {
    const limits = "the AlaSQL engine: rows in memory, a part of DuckDB's SQL";
    this.notice = reason === undefined ? limits : `${limits}, because ${reason}`;
  }

  async version(): Promise<string> {
    return parserVersion();
  }

  query(request: QueryRequest, signal: AbortSignal): Promise<QueryResult> {
    return runQuery(request, this.#provider(0), signal);
  }

  async openStreamTable(definition: StreamTableDefinition): Promise<AlaSqlStreamTable> {
    const { name } = definition;
    if (this.#streams.has(name)) throw new TidetableError("STREAM_EXISTS", `stream ${name} is open already`);
    const table = new AlaSqlStreamTable(definition);
    this.#streams.set(name, table);
    return table;
  }

  async closeStreamTable(name: string): Promise<void> {
    const table = this.#streams.get(name);
    this.#streams.delete(name);
    await table?.close();
  }

  discardStreamTable(name: string): Promise<void> {
    return this.closeStreamTable(name);
  }

  /** Leaves the answer of a query under a name. */
  async createResult(name: string, text: string, parameters: readonly SqlValue[]): Promise<void> {
    const stream = this.#streamOf(name);
    if (stream !== undefined) {
      throw new TidetableError("SQL_INVALID", `${name} is the name of a stream's table; give the result another name.`);
    }
    const work = new Work(new AbortController().signal);
    const plan = await planText(text, parameters, this.#provider(0), work);
    const key = name.toLowerCase();
    if (parameters.length === 0) {
      this.#results.set(key, { kind: "view", name, text });
    } else {
      const columns = plan.columns.map((column) => ({ name: column.name ?? "", type: column.type }));
      this.#results.set(key, { kind: "table", name, snapshot: { name, columns, parts: [await plan.run(work)] } });
    }
    this.#resultChanges += 1;
  }

  /** A table of rows from elsewhere, in place of the one that was loaded under this name before. */
  async loadTable(name: string, pages: AsyncIterable<TablePage>): Promise<LoadedTable> {
    if (this.#streamOf(name) !== undefined) {
      throw new TidetableError("SQL_INVALID", `${name} is the name of a stream's table; give the table another name.`);
    }
    const parts: Array<readonly Row[]> = [];
    let columns: ReadonlyArray<{ name: string; type: SqlType; sqlType: string }> = [];
    for await (const page of pages) {
      const { types, rows } = toRows({ ...page, totalRowCount: page.rowCount, elapsedMs: 0 });
      columns = page.columns.map((column, index) => ({
        name: column.name,
        type: types[index] ?? NULL,
        sqlType: column.sqlType,
      }));
      parts.push(rows);
    }
    this.#results.set(name.toLowerCase(), { kind: "table", name, snapshot: { name, columns, parts } });
    this.#resultChanges += 1;
    return { rows: parts.reduce((sum, part) => sum + part.length, 0), columns };
  }

  async catalog(): Promise<readonly TableInfo[]> {
    const streams = [...this.#streams.values()].map((table) => tableInfo(table.snapshot(), "stream"));
    const errors = [...this.#streams.values()].map((table) => tableInfo(table.errorsSnapshot(), "errors"));
    const results: TableInfo[] = [];
    for (const result of this.#results.values()) {
      if (result.kind === "table") results.push(tableInfo(result.snapshot, "table"));
      else results.push({ name: result.name, kind: "view", columns: await this.#viewColumns(result.text) });
    }
    return [...streams, ...errors, ...results];
  }

  openLiveQuery(_: LiveRequest): Refreshable {
    const reason = "the AlaSQL engine computes each version anew";
    return {
      refreshIncrementally: async () => undefined,
      reason,
      report: async () => ({ reason }),
      close: () => undefined,
    };
  }

  async syntax(text: string): Promise<LiveSyntax | undefined> {
    try {
      return { key: text.trim(), tables: tablesOf(parseQuery(text).query), volatile: false };
    } catch (error) {
      // What cannot be read fails when it is run, with its own words.
      if (error instanceof TidetableError) return undefined;
      throw error;
    }
  }

  dataVersion(): number {
    return [...this.#streams.values()].reduce((sum, stream) => sum + stream.commits, this.#resultChanges);
  }

  async maintain(nowMs: number): Promise<void> {
    for (const stream of this.#streams.values()) stream.maintain(nowMs);
  }

  async close(): Promise<void> {
    for (const name of [...this.#streams.keys()]) await this.closeStreamTable(name);
  }

  #provider(depth: number): TableProvider {
    return {
      snapshot: (name, work) => this.#snapshot(name, work, depth),
      names: async () => [...this.#streams.keys(), ...[...this.#results.values()].map((result) => result.name)],
    };
  }

  async #snapshot(name: string, work: Work, depth: number): Promise<TableSnapshot | undefined> {
    const stream = this.#streamOf(name);
    if (stream !== undefined) return sameName(stream.name, name) ? stream.snapshot() : stream.errorsSnapshot();
    const result = this.#results.get(name.toLowerCase());
    if (result === undefined || result.kind === "table") return result?.snapshot;
    if (depth > VIEW_DEPTH_MAX) throw new TidetableError("SQL_INVALID", `The view ${name} reads itself.`);
    const plan = await planText(result.text, [], this.#provider(depth + 1), work);
    const columns = plan.columns.map((column) => ({ name: column.name ?? "", type: column.type }));
    return { name: result.name, columns, parts: [await plan.run(work)] };
  }

  #streamOf(name: string): AlaSqlStreamTable | undefined {
    return [...this.#streams.values()].find(
      (table) => sameName(table.name, name) || sameName(`${table.name}_errors`, name),
    );
  }

  async #viewColumns(text: string): Promise<TableInfo["columns"]> {
    try {
      const plan = await planText(text, [], this.#provider(1), new Work(new AbortController().signal));
      return plan.columns.map((column) => ({ name: column.name ?? "", sqlType: typeName(column.type) }));
    } catch (error) {
      // A view whose table has gone has no columns either.
      if (error instanceof TidetableError) return [];
      throw error;
    }
  }
}

function tableInfo(snapshot: TableSnapshot, kind: TableInfo["kind"]): TableInfo {
  return {
    name: snapshot.name,
    kind,
    columns: snapshot.columns.map(({ name, type }) => ({ name, sqlType: typeName(type) })),
  };
}
