/**
 * A `%%sql --live` statement: one table and one chart that are updated in place at each version, for as long as the cell
 * is not run again. The engine makes the versions; this file shows them.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { MagicCell } from "../cell-output.js";
import { CoalescedDisplay } from "../cells/coalesced-display.js";
import type { Chart } from "../charts/chart.js";
import { chartBundle } from "../charts/mime-bundle.js";
import { type DrawnChart, drawChart } from "../charts/vega-lite.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { LiveUpdate } from "../engine/protocol.js";
import { deserializeError, type SerializedError, serializeError, TidetableError } from "../errors.js";
import type { QueryResult } from "./schema.js";
import { cellChart } from "./sql-cell-chart.js";
import { everyMsMin, type SqlCellOptions } from "./sql-cell-options.js";
import type { BoundStatement } from "./sql-text.js";
import { durationText, planText, tableBundle } from "./table-bundle.js";

export interface LiveStatement {
  readonly engine: EngineClient;
  readonly insideZeppelin: boolean;
  readonly options: SqlCellOptions;
  readonly bound: BoundStatement;
  readonly rowLimit: number;
  readonly cell: MagicCell;
}

/** A first version that takes longer is a query that cannot be live. */
const firstVersionTimeoutMs = 120_000;
/** Zeppelin drops what comes after a cell's end, so there a live cell runs for a while and then lets the others go on. */
const zeppelinLiveMs = 60_000;

/**
 * Resolves with the first version, once it is shown; the cell may end then and the display goes on.
 * @param onResult called with each version's rows, the first one included
 * @throws the first version's error, for a query that cannot run at all; QUERY_INTERRUPTED when the cell is interrupted before.
 */
export async function runLiveStatement(
  statement: LiveStatement,
  onResult: (result: QueryResult) => void,
): Promise<QueryResult> {
  const { engine, options, bound, rowLimit, cell } = statement;
  const view = statement.insideZeppelin ? zeppelinView(statement) : inPlaceView(statement);
  let stop = () => {};
  const first = new Promise<QueryResult>((resolve, reject) => {
    let begun = false;
    const { everyMs = Math.max(everyMsMin, cell.updateIntervalMs(0)), engine: wanted } = options;
    const request = {
      parameters: bound.parameters,
      rowLimit,
      everyMs,
      ...(wanted === undefined ? {} : { engine: wanted }),
    };
    stop = engine.live(bound.text, request, (update) => {
      const failure = showVersion(view, update);
      if (update.result !== undefined && failure === undefined) {
        begun = true;
        onResult(update.result);
        resolve(update.result);
      } else if (failure !== undefined) {
        if (begun) view.show({ ...withoutResult(update), error: failure });
        else reject(deserializeError(failure));
      }
    });
  });
  const end = () => {
    stop();
    view.dispose();
  };
  cell.onDispose(end);
  try {
    const result = await withinTime(first, cell.signal);
    if (statement.insideZeppelin) await staysOpen(cell.signal).finally(end);
    return result;
  } catch (error) {
    end();
    throw error;
  }
}

/** What is wrong with a version: its own error, or that it cannot be shown as it was asked for. */
function showVersion(view: LiveView, update: LiveUpdate): SerializedError | undefined {
  if (update.error !== undefined) return update.error;
  try {
    view.show(update);
    return undefined;
  } catch (error) {
    return serializeError(error, "CHART_INVALID");
  }
}

function withoutResult({ result: _, ...update }: LiveUpdate): LiveUpdate {
  return update;
}

interface LiveView {
  show(update: LiveUpdate): void;
  dispose(): void;
}

/** Table and chart each have one output; a version that fails leaves the last good rows standing and says so below them. */
function inPlaceView({ options, cell }: LiveStatement): LiveView {
  const id = randomUUID();
  const table = new CoalescedDisplay(cell, `${id}-table`);
  const charts = new CoalescedDisplay(cell, `${id}-chart`);
  let good: { readonly result: QueryResult; readonly version: number; readonly drawn?: DrawnChart } | undefined;
  let chart: { readonly columns: string; readonly choice: Chart | undefined } | undefined;

  const choose = (result: QueryResult): Chart | undefined => {
    const columns = result.columns.map((column) => `${column.name} ${column.type}`).join("\n");
    // None yet is decided anew at each version: the first ones may hold a single row.
    if (chart?.columns !== columns || chart.choice === undefined)
      chart = { columns, choice: cellChart(result, options) };
    return chart.choice;
  };

  return {
    show(update) {
      if (update.result !== undefined) {
        const choice = choose(update.result);
        const drawn = choice === undefined ? undefined : drawChart(update.result, choice);
        good = { result: update.result, version: update.version, ...(drawn === undefined ? {} : { drawn }) };
      }
      if (good === undefined) return;
      if (good.drawn !== undefined) charts.show(chartBundle(good.drawn));
      const shownRowsMax = options.limit;
      table.show(
        tableBundle(good.result, {
          insideZeppelin: false,
          durationMs: update.refreshMs,
          remark: liveRemark(update, good.version, good.drawn?.cut),
          ...(shownRowsMax === undefined ? {} : { shownRowsMax }),
        }),
        { urgent: update.error !== undefined },
      );
    },
    dispose() {
      table.dispose();
      charts.dispose();
    },
  };
}

/** Zeppelin ignores updates by display id: the whole output is replaced, while the cell runs. */
function zeppelinView({ options, cell }: LiveStatement): LiveView {
  let shownAtMs: number | undefined;
  let ended = false;
  return {
    show({ result }) {
      const nowMs = performance.now();
      if (result === undefined || ended) return;
      if (shownAtMs !== undefined && nowMs - shownAtMs < cell.updateIntervalMs(nowMs)) return;
      if (shownAtMs !== undefined) cell.clearOutput(false);
      shownAtMs = nowMs;
      const shownRowsMax = options.limit;
      cell.display(
        tableBundle(result, { insideZeppelin: true, ...(shownRowsMax === undefined ? {} : { shownRowsMax }) }),
      );
    },
    dispose() {
      ended = true;
    },
  };
}

/** `live, incremental · version 17`, or why each version is computed anew, or what is wrong now. */
export function liveRemark(update: LiveUpdate, shownVersion: number, cut?: string): string {
  const how = `live, ${planText(update.plan)}`;
  const parts =
    update.error === undefined
      ? [how, `version ${shownVersion.toLocaleString("en-US")}`]
      : [`version ${shownVersion.toLocaleString("en-US")}; since then: ${update.error.message}`];
  return [...parts, ...(cut === undefined ? [] : [cut])].join(" · ");
}

async function withinTime(first: Promise<QueryResult>, signal: AbortSignal): Promise<QueryResult> {
  const ended = new AbortController();
  const interrupted = delay(firstVersionTimeoutMs, undefined, {
    signal: AbortSignal.any([signal, ended.signal]),
  }).then(
    () => {
      throw new TidetableError(
        "QUERY_INTERRUPTED",
        `no first version within ${durationText(firstVersionTimeoutMs)}. Narrow the query, or run it without --live.`,
      );
    },
    () => {
      throw new TidetableError("QUERY_INTERRUPTED", "interrupted before the first version came.");
    },
  );
  try {
    return await Promise.race([first, interrupted]);
  } finally {
    ended.abort();
    interrupted.catch(() => {
      // The race is over; that its loser was aborted says nothing.
    });
  }
}

async function staysOpen(signal: AbortSignal): Promise<void> {
  try {
    await delay(zeppelinLiveMs, undefined, { signal });
  } catch {
    // Interrupting a live cell is how it is ended, not an error.
  }
}
