/** The status of a stream as one line that a person reads at a glance, in HTML and in plain text. Pure. */
import type { MimeBundle } from "../cell-output.js";
import type { StreamPhase, StreamStatus } from "../engine/protocol.js";
import type { Retention } from "../sql/sql-engine.js";
import { quoteWhereNeeded } from "../sql/sql-names.js";
import { escapeHtml } from "../sql/table-html.js";

/** @param note said once, for example that the topic is empty */
export function statusBundle(status: StreamStatus, note?: string): MimeBundle {
  return { "text/html": statusHtml(status, note), "text/plain": statusText(status, note) };
}

export function statusText(status: StreamStatus, note?: string): string {
  const lines = [
    `${quoteWhereNeeded(status.name)} · ${facts(status).join(" · ")}`,
    `${where(status)} · ${kept(status)}`,
    ...details(status, note),
  ];
  return lines.join("\n");
}

function statusHtml(status: StreamStatus, note?: string): string {
  const small = (text: string) => `<div style="opacity:.75;font-size:90%">${escapeHtml(text)}</div>`;
  const strong = details(status, note).map((text) => `<div>${escapeHtml(text)}</div>`);
  return [
    '<div class="tidetable-status">',
    `<div><span style="color:${phaseColors[status.phase]}">●</span> <b>${escapeHtml(quoteWhereNeeded(status.name))}</b> · ` +
      `${facts(status).map(escapeHtml).join(" · ")}</div>`,
    ...progressBar(status),
    ...strong,
    small(`${where(status)} · ${kept(status)}`),
    "</div>",
  ].join("\n");
}

/** Told apart by the word beside the dot as well, so that the colour carries nothing alone. */
const phaseColors: Readonly<Record<StreamPhase, string>> = {
  connecting: "#8a8a8a",
  loading: "#0072B2",
  live: "#009E73",
  paused: "#8a8a8a",
  reconnecting: "#E69F00",
  stopped: "#8a8a8a",
  finished: "#009E73",
  failed: "#D55E00",
};

function facts(status: StreamStatus): readonly string[] {
  const facts = [phaseText(status), `${count(status.rows)} rows`];
  if (status.phase === "loading" || status.phase === "live")
    facts.push(`${count(Math.round(status.rowsPerSecond))} rows/s`);
  facts.push(lag(status));
  if (status.rejected > 0)
    facts.push(`${count(status.rejected)} rejected (${quoteWhereNeeded(`${status.name}_errors`)})`);
  if (status.tombstones > 0) facts.push(`${count(status.tombstones)} tombstones`);
  return facts;
}

function phaseText(status: StreamStatus): string {
  if (status.phase === "loading") return loading(status);
  return status.phase === "finished" ? "finished: everything up to its end is here" : status.phase;
}

/** `loading 34 % of 100,000, 12 s left`. */
function loading({ backlog, rowsPerSecond }: StreamStatus): string {
  if (backlog === undefined || backlog.target === 0) return "loading";
  const percent = Math.floor((100 * backlog.loaded) / backlog.target);
  const left = backlog.target - backlog.loaded;
  const eta = rowsPerSecond > 0 ? `, ${timeLeft(left / rowsPerSecond)} left` : "";
  return `loading ${percent} % of ${count(backlog.target)}${eta}`;
}

function timeLeft(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const partitionsShownMax = 12;

/** One partition needs no list; many are named where they lag. */
function lag(status: StreamStatus): string {
  const total = `lag ${count(status.lag)}`;
  if (status.partitions.length < 2 || status.lag === 0) return total;
  const lagging = status.partitions.filter((partition) => partition.lag > 0);
  const shown = lagging
    .slice(0, partitionsShownMax)
    .map(({ topic, partition, lag }) => `${topic === undefined ? "" : `${topic} `}p${partition} ${count(lag)}`);
  const more = lagging.length > shown.length ? ` and ${lagging.length - shown.length} more` : "";
  return `${total} (${shown.join(", ")}${more})`;
}

function where(status: StreamStatus): string {
  const partitions = status.partitions.length > 1 ? `, ${status.partitions.length} partitions` : "";
  return `topic ${status.topic} of ${status.source}${partitions}`;
}

function kept(status: StreamStatus): string {
  const retired = status.retired > 0 ? `, ${count(status.retired)} older ones dropped` : "";
  return `keeps the newest ${retentionText(status.keep)}${retired}`;
}

export function retentionText(keep: Retention): string {
  if ("rows" in keep) return `${count(keep.rows)} rows`;
  if ("bytes" in keep) return bytesText(keep.bytes);
  return spanText(keep.ms);
}

function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${trim(bytes / 1e9)} GB`;
  return bytes >= 1e6 ? `${trim(bytes / 1e6)} MB` : `${count(bytes)} bytes`;
}

function spanText(ms: number): string {
  const units: ReadonlyArray<readonly [number, string]> = [
    [86_400_000, "days"],
    [3_600_000, "hours"],
    [60_000, "minutes"],
    [1000, "seconds"],
  ];
  const [unitMs, unit] = units.find(([unitMs]) => ms >= unitMs * 2 || (ms % unitMs === 0 && ms >= unitMs)) ?? [1, "ms"];
  const amount = ms / unitMs;
  return `${trim(amount)} ${amount === 1 ? unit.replace(/s$/, "") : unit}`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(1)));
}

function progressBar({ phase, backlog }: StreamStatus): readonly string[] {
  if (phase !== "loading" || backlog === undefined || backlog.target === 0) return [];
  const percent = Math.min(100, Math.round((100 * backlog.loaded) / backlog.target));
  return [
    `<div style="height:4px;max-width:320px;background:#d0d7de;margin:.25em 0"><div style="height:4px;width:${percent}%;background:#0072B2"></div></div>`,
  ];
}

function details(status: StreamStatus, note: string | undefined): readonly string[] {
  const texts: string[] = [];
  if (status.cause !== undefined && (status.phase === "reconnecting" || status.phase === "failed"))
    texts.push(status.cause);
  if (status.notice !== undefined) texts.push(status.notice);
  if (note !== undefined) texts.push(note);
  return texts;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
