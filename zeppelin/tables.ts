/** Tables between the forms they come in: Zeppelin's tab-separated text, HTML, and the rows of a Vega-Lite chart. Pure. */
import { chartSetting, modeOf } from "./charts.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject } from "./json.js";

/** `handle\tcount\n…` as an HTML table, for front-ends that know no tab-separated type. */
export function tableHtml(tabSeparated: string): string {
  const [header = "", ...rows] = tabSeparated.replace(/\r?\n$/, "").split(/\r?\n/);
  const cells = (line: string, tag: "th" | "td") =>
    line
      .split("\t")
      .map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`)
      .join("");
  const body = rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n");
  return `<table><thead><tr>${cells(header, "th")}</tr></thead>\n<tbody>${body}</tbody></table>`;
}

/** The rows of HTML that holds one plain table and at most a line of text; undefined where a picture would be lost. */
export function tableFromHtml(html: string): string | undefined {
  if (html.length > 5_000_000 || /<(img|svg|script|a|input|canvas|iframe)[\s>]/i.test(html)) return undefined;
  // Broken HTML is no table of ours, and would cost a search to the end of the text per row.
  if (countOf(html, /<tr[\s>]/gi) !== countOf(html, /<\/tr>/gi)) return undefined;
  if (countOf(html, /<t[hd][\s>]/gi) !== countOf(html, /<\/t[hd]>/gi)) return undefined;
  if (countOf(html, /<table[\s>]/gi) !== 1) return undefined;
  const rows = (html.match(/<tr[\s>][\s\S]*?<\/tr>/gi) ?? []).map((row) =>
    (row.match(/<t[hd][\s>][\s\S]*?<\/t[hd]>/gi) ?? []).map(cellText),
  );
  const width = rows[0]?.length ?? 0;
  // A span, or a header of several rows, has no tab-separated form.
  if (width === 0 || rows.some((row) => row.length !== width) || /\b(col|row)span=/i.test(html)) return undefined;
  return `${rows.map((row) => row.join("\t")).join("\n")}\n`;
}

function countOf(text: string, pattern: RegExp): number {
  return (text.match(pattern) ?? []).length;
}

function cellText(cell: string): string {
  const text = cell.replace(/<[^>]*>/g, "").replace(/[\t\r\n]+/g, " ");
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name] ?? "").trim();
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export interface ChartTable {
  readonly table: string;
  readonly graph: JsonObject;
}

const marks: Readonly<Record<string, string>> = {
  bar: "bar",
  line: "line",
  area: "area",
  arc: "pie",
  point: "scatter",
  circle: "scatter",
};

/** Zeppelin shows no Vega-Lite; a chart with its rows inline becomes a table and a chart setting. */
export function tableFromVegaLite(spec: JsonValue): ChartTable | undefined {
  if (!isJsonObject(spec) || !isJsonObject(spec.data) || !isJsonObject(spec.encoding)) return undefined;
  // Words on bars are a second layer over them.
  const [layer] = isJsonArray(spec.layer) ? spec.layer : [];
  const drawn = spec.mark ?? (isJsonObject(layer) ? layer.mark : undefined);
  const rows = spec.data.values;
  if (!isJsonArray(rows) || !rows.every(isJsonObject) || rows.length === 0) return undefined;
  const type = isJsonObject(drawn) ? drawn.type : drawn;
  const mark = typeof type === "string" ? marks[type] : undefined;
  const mode = mark === undefined ? undefined : modeOf(mark);
  const sides =
    mark === "pie"
      ? [field(spec.encoding.color), field(spec.encoding.theta)]
      : [field(spec.encoding.x), field(spec.encoding.y)];
  // Lying bars have their category on the y axis; Zeppelin's key is the category.
  const numbers = sides.map((side) => side !== undefined && rows.every((row) => typeof row[side] === "number"));
  const [key, value] = numbers[0] && !numbers[1] ? [sides[1], sides[0]] : sides;
  if (mode === undefined || key === undefined || value === undefined) return undefined;
  const lines = rows.map((row) => `${plain(row[key])}\t${plain(row[value])}`);
  return { table: `${plain(key)}\t${plain(value)}\n${lines.join("\n")}\n`, graph: chartSetting(mode, key, value) };
}

function field(channel: JsonValue | undefined): string | undefined {
  return isJsonObject(channel) && typeof channel.field === "string" ? channel.field : undefined;
}

function plain(value: JsonValue | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
  return text.replace(/[\t\r\n]+/g, " ");
}
