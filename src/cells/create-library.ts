/**
 * Makes the cell library of one session: each function works for the cell that runs when it is called. src/index.ts
 * exports the same names for programs.
 */
import { randomUUID } from "node:crypto";
import type { CellOutput, MimeBundle } from "../cell-output.js";
import { type ChartRequest, chooseChart, marks } from "../charts/chart.js";
import { chartBundle } from "../charts/mime-bundle.js";
import { drawChart } from "../charts/vega-lite.js";
import type { Config } from "../config.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { StreamOptions } from "../engine/protocol.js";
import { TidetableError } from "../errors.js";
import { displaySymbol, ResultRows } from "../sql/result-rows.js";
import type { QueryResult, SqlValue } from "../sql/schema.js";
import { BoundQuery, createSqlTag } from "../sql/sql-tag.js";
import { tableBundle } from "../sql/table-bundle.js";
import { resultFromRows } from "../sql/table-from-rows.js";
import { toBundle } from "./display.js";
import type { CellLibrary, ShowOptions, SqlQuery } from "./library.js";
import { liveVersions } from "./live-versions.js";
import { OpenCassandra, readCassandraOptions } from "./open-cassandra.js";
import { OpenStream } from "./open-stream.js";
import { readStreamOptions } from "./stream-options.js";

export interface LibraryContext {
  readonly config: Config;
  readonly engine: () => EngineClient;
  readonly currentCell: () => CellOutput;
  /** Called before a stream is opened: makes sure that what is to be read is there. */
  readonly prepareSource: (source: StreamOptions["source"]) => Promise<void>;
}

export function createCellLibrary({ config, engine, currentCell, prepareSource }: LibraryContext): CellLibrary {
  /** By engine: after close() the next engine knows none of the streams of the one before. */
  const handles = new WeakMap<EngineClient, Map<string, Promise<OpenStream>>>();

  const runQuery = async (text: string, parameters: readonly SqlValue[]): Promise<ResultRows> =>
    new ResultRows(await engine().query(text, { parameters, signal: currentCell().signal }));

  function show(rows: Iterable<object>, options?: ShowOptions): void;
  function show(query: SqlQuery<object>, options?: ShowOptions): Promise<void>;
  function show(rows: unknown, { limit }: ShowOptions = {}): void | Promise<void> {
    const cell = currentCell();
    return withResult(rows, "show", (result) =>
      cell.display(
        tableBundle(result, {
          insideZeppelin: config.insideZeppelin,
          ...(limit === undefined ? {} : { shownRowsMax: limit }),
        }),
      ),
    );
  }

  function chart(rows: Iterable<object>, options?: ChartRequest): void;
  function chart(query: SqlQuery<object>, options?: ChartRequest): Promise<void>;
  function chart(rows: unknown, options: ChartRequest = {}): void | Promise<void> {
    const cell = currentCell();
    checkMark(options.mark);
    return withResult(rows, "chart", (result) => cell.display(chartOf(result, options, config)));
  }

  return {
    async stream(name, options) {
      const cell = currentCell();
      const chosen = readStreamOptions(name, options, config);
      await prepareSource(chosen.source);
      const client = engine();
      const opened = handles.get(client) ?? new Map<string, Promise<OpenStream>>();
      handles.set(client, opened);
      const handle = await openOnce(opened, client, chosen, currentCell);
      if (!config.insideZeppelin) handle.showIn(cell);
      await handle.waitForRows(cell.signal);
      if (config.insideZeppelin) handle.showOnce(cell);
      return handle;
    },

    sql: createSqlTag(runQuery),

    live(query, options = {}) {
      if (!(query instanceof BoundQuery)) {
        throw new TidetableError("SQL_INVALID", "live takes a query: live(sql`SELECT …`), without await.");
      }
      return liveVersions(engine(), query, options, currentCell);
    },

    async cassandra(table, options = {}) {
      return await OpenCassandra.open(readCassandraOptions(table, options, config), engine, currentCell);
    },

    show,

    chart,

    display(value, options = {}) {
      const cell = currentCell();
      const id = options.id ?? randomUUID();
      cell.display(toBundle(value), { displayId: id });
      const handle = { id, update: (next: unknown) => cell.updateDisplay(id, toBundle(next)) };
      // As a cell's last value it shows nothing more: what it stands for is there already.
      return Object.defineProperty(handle, displaySymbol, { value: () => ({}) });
    },

    update: (id, value) => currentCell().updateDisplay(id, toBundle(value)),

    async prompt(question = "", options = {}) {
      const cell = currentCell();
      if (cell.readLine === undefined) {
        throw new TidetableError(
          "CONFIG_INVALID",
          "prompt asks below a cell of a notebook, and no cell is running. A program reads process.stdin.",
        );
      }
      return cell.readLine(question, options);
    },

    clearOutput: (options = {}) => currentCell().clearOutput(options.wait ?? false),

    openComm(target, { data = {}, buffers, metadata, ...handler } = {}) {
      const cell = currentCell();
      if (cell.openComm === undefined) throw withoutPage("openComm");
      return cell.openComm(target, data, handler, { ...(buffers && { buffers }), ...(metadata && { metadata }) });
    },

    acceptComms(target, accept) {
      const cell = currentCell();
      if (cell.acceptComms === undefined) throw withoutPage("acceptComms");
      cell.acceptComms(target, accept);
    },
  };
}

function withoutPage(name: string): TidetableError {
  return new TidetableError(
    "CONFIG_INVALID",
    `${name} speaks with the page of a notebook, and no cell is running. Call it in a cell.`,
  );
}

/** Running the cell again, or a second cell at once, joins the stream that is open. */
async function openOnce(
  handles: Map<string, Promise<OpenStream>>,
  engine: EngineClient,
  options: ReturnType<typeof readStreamOptions>,
  currentCell: () => CellOutput,
): Promise<OpenStream> {
  const known = await handles.get(options.name)?.catch(() => undefined);
  if (known !== undefined) {
    await known.reopen(options);
    return known;
  }
  const opening = OpenStream.open(engine, options, currentCell);
  handles.set(options.name, opening);
  try {
    return await opening;
  } catch (error) {
    handles.delete(options.name);
    throw error;
  }
}

/** At once for rows that are there, so that a cell needs no await to show them; after running for a query. */
function withResult(rows: unknown, caller: string, showResult: (result: QueryResult) => void): void | Promise<void> {
  if (rows instanceof BoundQuery) return rows.then((ran) => showResult(resultOf(ran, caller)));
  return showResult(resultOf(rows, caller));
}

function resultOf(rows: unknown, caller: string): QueryResult {
  if (rows instanceof ResultRows) return rows.result;
  const isIterable = typeof rows === "object" && rows !== null && Symbol.iterator in rows;
  const list = isIterable ? [...(rows as Iterable<unknown>)] : undefined;
  if (list?.every((row): row is object => typeof row === "object" && row !== null)) return resultFromRows(list);
  const promise = typeof (rows as { readonly then?: unknown } | null)?.then === "function";
  throw new TidetableError(
    "SQL_INVALID",
    promise
      ? `${caller} got a promise; write await before it.`
      : `${caller} takes a result of sql\`…\` or rows as objects, for example ${caller}(await sql\`SELECT …\`).`,
  );
}

/** Zeppelin renders no Vega; its own table has the chart switch. */
function chartOf(result: QueryResult, options: ChartRequest, config: Config): MimeBundle {
  const choice = chooseChart(result, options);
  if ("reason" in choice) {
    throw new TidetableError(
      "CHART_INVALID",
      `chart: ${choice.reason}. Name a mark and its columns, as { mark: "bar", x: "…", y: "…" }.`,
    );
  }
  return config.insideZeppelin
    ? tableBundle(result, { insideZeppelin: true })
    : chartBundle(drawChart(result, choice.chart));
}

function checkMark(mark: ChartRequest["mark"]): void {
  if (mark !== undefined && !marks.includes(mark)) {
    throw new TidetableError("CHART_INVALID", `mark is ${JSON.stringify(mark)}; it may be ${marks.join(", ")}.`);
  }
}
