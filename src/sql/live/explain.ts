/** `EXPLAIN LIVE <query>`: how a query would be kept up to date, or why it would not, as rows. Pure. */

import type { Column, OffsetPosition, QueryResult } from "../schema.js";
import type { LivePlanReport } from "./shared.js";

/** The query that is asked about; undefined for any other statement. */
export function explainedQuery(text: string): string | undefined {
  return /^\s*EXPLAIN\s+LIVE\s+([\s\S]*)$/i.exec(text)?.[1];
}

export function explainRows(
  report: LivePlanReport,
  offsets: readonly OffsetPosition[],
  elapsedMs: number,
): QueryResult {
  const rows: Array<readonly [string, string]> = [];
  if ("reason" in report) {
    rows.push(["mode", "recomputed"], ["because", report.reason]);
  } else {
    rows.push(["mode", "incremental"]);
    report.blocks.forEach(({ stream, delta, merges, paneMs, carries }, index) => {
      const number = report.blocks.length === 1 ? "" : ` ${index + 1}`;
      rows.push([`of new rows${number}`, `${stream}: ${delta}`]);
      if (paneMs !== undefined) rows.push([`window${number}`, `moves; kept in panes of ${inTime(paneMs)}`]);
      if (carries) rows.push([`carried on${number}`, "the newest moment of each partition"]);
      rows.push([`merged by${number}`, merges.length === 0 ? "distinct or first rows" : merges.join(", ")]);
    });
    rows.push(["kept in", report.kept], ["last step", report.final ?? "picks and orders what is kept"]);
    if (report.isMade) rows.push(["holds", `${report.size.toLocaleString("en-US")} rows`]);
    for (const { topic, partition, nextOffset } of offsets)
      rows.push([`${topic}[${partition}]`, `up to ${nextOffset}`]);
  }
  const columns = [
    textColumn(
      "live",
      rows.map(([what]) => what),
    ),
    textColumn(
      "plan",
      rows.map(([, how]) => how),
    ),
  ];
  return { columns, rowCount: rows.length, totalRowCount: rows.length, elapsedMs };
}

function inTime(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Number((ms / 1_000).toPrecision(3))} s`;
}

function textColumn(name: string, values: readonly string[]): Column {
  const codes = Uint32Array.from(values, (_, row) => row);
  return { name, type: "text", sqlType: "VARCHAR", data: { kind: "dictionary", codes, dictionary: values } };
}
