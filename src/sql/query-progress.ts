/** How far a query has come: the shape that every engine reports, and the output that a cell shows of it. Pure. */
import type { MimeBundle } from "../cell-output.js";
import { durationText } from "./table-bundle.js";
import { escapeHtml } from "./table-html.js";

export interface QueryProgress {
  /** Between 0 and 1; left out while the engine does not know how much there is to do. */
  readonly share?: number;
  /** What has been done, in the engine's own units: `3 of 200 tasks in 2 stages`. */
  readonly detail?: string;
}

export type ProgressListener = (progress: QueryProgress) => void;

export type QueryEnd = "running" | "stopped";

/** `Running · 43 % · 12 s · 86 of 200 tasks in 3 stages · interrupt the kernel to stop it`. */
export function progressText({ share, detail }: QueryProgress, elapsedMs: number, end: QueryEnd): string {
  return [
    end === "running" ? "Running" : "Stopped",
    ...(share === undefined ? [] : [`${percent(share)} %`]),
    durationText(elapsedMs),
    ...(detail === undefined ? [] : [detail]),
    ...(end === "running" ? ["interrupt the kernel to stop it"] : []),
  ].join(" · ");
}

export function progressBundle(progress: QueryProgress, elapsedMs: number, end: QueryEnd): MimeBundle {
  const text = progressText(progress, elapsedMs, end);
  const bar = progress.share === undefined ? "" : barHtml(percent(progress.share));
  return {
    "text/html": `<div class="tidetable-progress"><div style="opacity:.75;font-size:90%">${escapeHtml(text)}</div>${bar}</div>`,
    "text/plain": text,
  };
}

function barHtml(width: number): string {
  const track = "height:4px;max-width:320px;background:#d0d7de;margin:.25em 0";
  return `<div role="progressbar" aria-label="query" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${width}" style="${track}"><div style="height:4px;width:${width}%;background:#0072B2"></div></div>`;
}

/** A query is not done before its answer is here. */
function percent(share: number): number {
  return Math.max(0, Math.min(99, Math.floor(100 * share)));
}
