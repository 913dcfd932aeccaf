/**
 * A result and its chart as a Vega-Lite v5 specification. Only what 5.6.1 (JupyterLab), 5.15.1 (Notebook 7) and 6.4
 * (VS Code) all know is used. The data is inline and named `live`; everything beside it depends on the columns and
 * the chart alone, so it is the same text at every update and a renderer may exchange the data only. Pure.
 */
import { type Column, cellValue, type QueryResult } from "../sql/schema.js";
import type { Chart } from "./chart.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

export interface VegaLiteSpec extends JsonObject {
  readonly $schema: string;
  readonly data: { readonly name: "live"; readonly values: readonly JsonObject[] };
}

export interface DrawnChart {
  readonly spec: VegaLiteSpec;
  /** What the chart leaves out, to be said beside it; absent when it shows every row. */
  readonly cut?: string;
}

/** Vega's own time labels, but with 24 hours, as in the table. */
const clockFormat = { hours: "%H:%M", minutes: "%H:%M" };

const pointsMax = 300;
const seriesMax = 8;
/** As many as there are colours; of more, the last slice is all the others together. */
const slicesMax = 8;
const widthPx = 560;

/** Okabe and Ito's colours, told apart with every kind of colour vision; the yellow, too pale on white, stands last. */
const palette = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442"];

export function drawChart(result: QueryResult, chart: Chart): DrawnChart {
  const x = fieldAt(result, chart.x, []);
  const y = fieldAt(result, chart.y, [x]);
  const color = chart.color === undefined ? undefined : fieldAt(result, chart.color, [x, y]);
  const fields = color === undefined ? [x, y] : [x, y, color];
  const { rows, others = [], cut } = chooseRows(result, chart);
  const values = rows.map((row) =>
    Object.fromEntries(fields.map(({ field, column }) => [field, chartValue(column, row)])),
  );
  if (others.length > 0)
    values.push({ [x.field]: `${number(others.length)} others`, [y.field]: sumOf(y.column, others) });
  const spec: VegaLiteSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    title: title(chart, x, y, color),
    background: "white",
    data: { name: "live", values },
    ...body(chart, x, y, color),
    config: {
      range: { category: palette },
      title: { anchor: "start", fontSize: 14, fontWeight: 600 },
      axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 320 },
      legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 240 },
      view: { stroke: null },
    },
  };
  return cut === undefined ? { spec } : { spec, cut };
}

/** A column as the specification names it. */
interface Field {
  readonly column: Column;
  /** In data and encodings: without the characters that Vega reads as paths and strings. */
  readonly field: string;
  /** On axes, legends and tooltips: the column's own name. */
  readonly title: string;
  readonly isTime: boolean;
  readonly isNumber: boolean;
}

/** @param others fields that stand in the same rows and must not share the name */
function fieldAt(result: QueryResult, index: number, others: readonly Field[]): Field {
  const column = columnAt(result, index);
  const plain = column.name.replace(/[\\.[\]'"\p{Cc}]/gu, "_").replace(/^__proto__$/, "proto");
  const taken = others.some(({ field }) => field === plain);
  return {
    column,
    field: taken ? `${plain}_${others.length}` : plain,
    title: titleText(column.name),
    isTime: isTime(column),
    isNumber: isNumber(column),
  };
}

/**
 * Vega-Lite pastes titles into expressions (tooltips, descriptions) and its versions escape quotes differently, 5.6 not at
 * all; a column is named by whoever wrote the record, so what could end a string is exchanged for a look-alike.
 */
function titleText(name: string): string {
  return name
    .replaceAll('"', "\u201d")
    .replaceAll("\\", "\u2216")
    .replace(/\p{Cc}+/gu, " ");
}

function body(chart: Chart, x: Field, y: Field, color: Field | undefined): JsonObject {
  switch (chart.mark) {
    case "bar":
      return bars(x, y, color);
    case "line":
    case "area":
      return lines(chart.mark, x, y, color);
    case "pie":
      return pie(x, y);
    case "scatter":
      return scatter(x, y, color);
  }
}

/** Vega measures a chart when it is first drawn; the number at a bar that grows has room beyond it, instead of being cut off. */
const numberPadding = { left: 5, top: 5, right: 48, bottom: 5 };

/** Horizontal, one band a row in the order of the SQL, so that long names stay readable; the number stands at its bar. */
function bars(x: Field, y: Field, color: Field | undefined): JsonObject {
  const category = { field: x.field, type: "nominal", sort: null, axis: { title: x.title, ...bandLabels(x) } };
  const length = { field: y.field, type: "quantitative", axis: { title: y.title, grid: true, tickCount: 6 } };
  const tooltip = tooltips(x, y, color);
  if (color !== undefined) {
    return {
      width: widthPx,
      height: { step: 22 },
      mark: { type: "bar", height: { band: 0.8 } },
      encoding: { y: category, x: { ...length, stack: "zero" }, color: colorOf(color), tooltip },
    };
  }
  return {
    width: widthPx,
    height: { step: 22 },
    padding: numberPadding,
    encoding: { y: category, x: length, tooltip },
    layer: [
      { mark: { type: "bar", height: { band: 0.8 }, color: palette[0] ?? "#0072B2" } },
      {
        mark: { type: "text", align: "left", baseline: "middle", dx: 4, fontSize: 12 },
        encoding: { text: { field: y.field, type: "quantitative", format: "," } },
      },
    ],
  };
}

function lines(mark: "line" | "area", x: Field, y: Field, color: Field | undefined): JsonObject {
  const shape: JsonObject =
    mark === "line"
      ? { type: "line", strokeWidth: 2, point: { size: 24 } }
      : { type: "area", line: true, fillOpacity: color === undefined ? 0.4 : 0.8 };
  return {
    width: widthPx,
    height: 260,
    mark: color === undefined ? { ...shape, color: palette[0] ?? "#0072B2" } : shape,
    encoding: {
      x: horizontal(x),
      y: { ...vertical(y), ...(mark === "area" ? { stack: "zero" } : {}) },
      ...(color === undefined ? {} : { color: colorOf(color) }),
      tooltip: tooltips(x, y, color),
    },
  };
}

function pie(x: Field, y: Field): JsonObject {
  return {
    width: 260,
    height: 260,
    mark: { type: "arc", stroke: "white", strokeWidth: 1 },
    encoding: {
      theta: { field: y.field, type: "quantitative", stack: true },
      color: colorOf(x),
      order: { field: y.field, type: "quantitative", sort: "descending" },
      tooltip: tooltips(x, y, undefined),
    },
  };
}

function scatter(x: Field, y: Field, color: Field | undefined): JsonObject {
  return {
    width: widthPx,
    height: 320,
    mark: { type: "point", filled: true, size: 48, opacity: 0.7, color: palette[0] ?? "#0072B2" },
    encoding: {
      x: horizontal(x),
      // A point stands for its place and not for a length from zero: a map of a city would be a line.
      y: { ...vertical(y), scale: { zero: false } },
      ...(color === undefined ? {} : { color: colorOf(color) }),
      tooltip: tooltips(x, y, color),
    },
  };
}

function horizontal(column: Field): JsonObject {
  const { field } = column;
  if (column.isTime) {
    return {
      field,
      type: "temporal",
      scale: { type: "utc" },
      axis: { title: `${column.title} (UTC)`, format: clockFormat },
    };
  }
  if (column.isNumber) return { field, type: "quantitative", scale: { zero: false }, axis: { title: column.title } };
  return { field, type: "nominal", sort: null, axis: { title: column.title, labelAngle: -40 } };
}

function vertical(column: Field): JsonObject {
  return { field: column.field, type: "quantitative", axis: { title: column.title } };
}

function colorOf(column: Field): JsonObject {
  return { field: column.field, type: "nominal", sort: null, legend: { title: column.title } };
}

function tooltips(x: Field, y: Field, color: Field | undefined): readonly Json[] {
  return [x, ...(color === undefined ? [] : [color]), y].map((column) => {
    const base = { field: column.field, title: column.title };
    if (column.isTime) return { ...base, type: "temporal", timeUnit: "utcyearmonthdatehoursminutesseconds" };
    return column.isNumber ? { ...base, type: "quantitative", format: "," } : { ...base, type: "nominal" };
  });
}

/** A band of times is labelled with the instant, not with its number of milliseconds. */
function bandLabels(column: Field): JsonObject {
  return column.isTime ? { labelExpr: "utcFormat(datum.value, '%Y-%m-%d %H:%M')" } : {};
}

function title(chart: Chart, x: Field, y: Field, color: Field | undefined): string {
  const subject = chart.mark === "scatter" ? `${y.title} against ${x.title}` : `${y.title} by ${x.title}`;
  return color === undefined ? subject : `${subject} and ${color.title}`;
}

function isTime(column: Column): boolean {
  return column.type === "timestamp" || column.type === "date";
}

function isNumber(column: Column): boolean {
  return ["integer", "bigint", "double", "decimal"].includes(column.type);
}

function chartValue(column: Column, row: number): Json {
  const value = cellValue(column, row);
  if (value === null || value === undefined) return null;
  if (isTime(column)) return Math.round(Number(value));
  if (!isNumber(column)) return typeof value === "boolean" ? value : String(value);
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

interface ChosenRows {
  readonly rows: readonly number[];
  /** Rows that one slice stands for. */
  readonly others?: readonly number[];
  readonly cut?: string;
}

/**
 * Bars: the first rows, in the order of the SQL. Slices: the largest, and one for all the others. Along a time axis: the
 * newest points of each series, so that a line that grows keeps its moving end.
 */
function chooseRows(result: QueryResult, chart: Chart): ChosenRows {
  const all = Array.from({ length: result.rowCount }, (_, row) => row);
  if (chart.mark === "pie") return chooseSlices(result, chart, all);
  const kept = chart.color === undefined ? all : largestSeries(result, chart, all);
  const x = columnAt(result, chart.x);
  const rows = isTime(x) && chart.mark !== "bar" ? newest(x, kept) : kept.slice(0, pointsMax);
  if (rows.length === result.totalRowCount) return { rows };
  const series = kept.length < all.length ? `, the ${seriesMax} largest series` : "";
  const which = isTime(x) && chart.mark !== "bar" ? "the newest " : "the first ";
  return {
    rows,
    cut: `the chart shows ${which}${number(rows.length)} of ${number(result.totalRowCount)} rows${series}`,
  };
}

function chooseSlices(result: QueryResult, chart: Chart, all: readonly number[]): ChosenRows {
  const among = `${number(all.length)} of ${number(result.totalRowCount)} rows`;
  const isWhole = all.length === result.totalRowCount;
  if (all.length <= slicesMax)
    return isWhole ? { rows: all } : { rows: all, cut: `the chart shows the first ${among}` };
  const y = columnAt(result, chart.y);
  const bySize = [...all].sort((a, b) => sumOf(y, [b]) - sumOf(y, [a]));
  const largest = new Set(bySize.slice(0, slicesMax - 1));
  const others = all.filter((row) => !largest.has(row));
  const cut = `the chart shows the ${largest.size} largest slices and one for ${number(others.length)} other rows`;
  return {
    rows: all.filter((row) => largest.has(row)),
    others,
    cut: isWhole ? cut : `${cut}, of the first ${among}`,
  };
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}

function sumOf(column: Column, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + Number(chartValue(column, row) ?? 0), 0);
}

function largestSeries(result: QueryResult, chart: Chart, rows: readonly number[]): readonly number[] {
  const color = columnAt(result, chart.color ?? chart.x);
  const y = columnAt(result, chart.y);
  const totals = new Map<unknown, number>();
  for (const row of rows) {
    const series = cellValue(color, row);
    totals.set(series, (totals.get(series) ?? 0) + Math.abs(Number(cellValue(y, row) ?? 0)));
  }
  if (totals.size <= seriesMax) return rows;
  const largest = [...totals].sort((a, b) => b[1] - a[1]).slice(0, seriesMax);
  const kept = new Set(largest.map(([series]) => series));
  return rows.filter((row) => kept.has(cellValue(color, row)));
}

/** Keeps the SQL order of the rows it keeps; with coloured lines each series may have its share of points. */
function newest(time: Column, rows: readonly number[]): readonly number[] {
  if (rows.length <= pointsMax) return rows;
  const byTime = [...rows].sort((a, b) => Number(cellValue(time, b) ?? 0) - Number(cellValue(time, a) ?? 0));
  const kept = new Set(byTime.slice(0, pointsMax));
  return rows.filter((row) => kept.has(row));
}

function columnAt(result: QueryResult, index: number): Column {
  const column = result.columns[index];
  if (column === undefined)
    throw new RangeError(`the chart names column ${index}; the result has ${result.columns.length}`);
  return column;
}
