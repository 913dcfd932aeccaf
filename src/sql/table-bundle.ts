/** A result as the bundle that is shown: which twin each home reads, and what the footer says about rows left out. Pure. */
import type { MimeBundle } from "../cell-output.js";
import { resultJson, resultMime } from "./result-json.js";
import type { QueryPlan, QueryResult } from "./schema.js";
import { tableHtml } from "./table-html.js";
import { tableText, zeppelinTable } from "./table-text.js";

export interface TableOptions {
  /** Zeppelin builds its own table from plain text; an HTML twin would hide it. */
  readonly insideZeppelin: boolean;
  /** Rows shown at the most; default 100. */
  readonly shownRowsMax?: number;
  /** Time to say in place of the result's own, milliseconds. */
  readonly durationMs?: number;
  /** Said after the count of rows, for example how a live result is kept. */
  readonly remark?: string;
}

export const shownRowsDefault = 100;
/** The page draws charts from more rows than the table shows. */
const carriedRowsMin = 300;

export function tableBundle(result: QueryResult, options: TableOptions): MimeBundle {
  const shownRows = Math.min(result.rowCount, options.shownRowsMax ?? shownRowsDefault);
  if (result.columns.length === 0) return { "text/plain": `Done · ${durationText(result.elapsedMs)}` };
  if (options.insideZeppelin) return { "text/plain": zeppelinTable(result, shownRows) };
  const footer = tableFooter(result, shownRows, options);
  return {
    "text/html": tableHtml(result, shownRows, footer),
    "text/plain": tableText(result, shownRows, footer),
    [resultMime]: resultJson(result, remarksOf(result, options).join(" · "), {
      rows: Math.max(shownRows, carriedRowsMin),
    }),
  };
}

/** `20 of 1,204 rows · 12 ms`: a limit is never silent. */
export function tableFooter(result: QueryResult, shownRows: number, options: Remarks = {}): string {
  const total = result.totalRowCount;
  const rows =
    shownRows === total
      ? `${count(total)} ${total === 1 ? "row" : "rows"}`
      : `${count(shownRows)} of ${count(total)} rows`;
  return [rows, ...remarksOf(result, options)].join(" · ");
}

type Remarks = Pick<TableOptions, "durationMs" | "remark">;

function remarksOf(result: QueryResult, { durationMs = result.elapsedMs, remark }: Remarks): readonly string[] {
  // A program's own rows took no time in an engine.
  const duration = durationMs === 0 ? [] : [durationText(durationMs)];
  const plan = result.plan === undefined ? [] : [planText(result.plan)];
  return [...duration, ...plan, ...(remark === undefined ? [] : [remark])];
}

/** `incremental`, or `recomputed (its LIMIT is computed)`. */
export function planText({ mode, reason, kept }: QueryPlan): string {
  const more = reason ?? kept;
  return more === undefined ? mode : `${mode} (${more})`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function durationText(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
