/** Zeppelin's results to a cell's outputs and back. Each message's own type stays in the output's metadata. Pure. */
import { withGraph } from "./charts.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject, sameJson } from "./json.js";
import type { Remark, ResultMessage, Results, ResultType } from "./model.js";
import { resultTypes } from "./model.js";
import { tableFromHtml, tableFromVegaLite, tableHtml } from "./tables.js";

export function outputsOf(results: Results | undefined): readonly JsonObject[] {
  if (results === undefined) return [];
  const failed = results.code === "ERROR" ? results.messages.map((message) => message.type).lastIndexOf("TEXT") : -1;
  return results.messages.map((message, index) => (index === failed ? errorOutput(message.data) : outputOf(message)));
}

function outputOf({ type, data }: ResultMessage): JsonObject {
  const shown = (bundle: JsonObject): JsonObject => ({
    output_type: "display_data",
    data: bundle,
    metadata: { zeppelin: { type } },
  });
  switch (type) {
    case "TEXT":
      return { output_type: "stream", name: "stdout", text: data };
    case "TABLE":
      return shown({ "text/html": tableHtml(data), "text/plain": data });
    case "HTML":
    case "ANGULAR":
      return shown({ "text/html": data });
    case "IMG":
      return shown({ [data.startsWith("/9j/") ? "image/jpeg" : "image/png"]: data });
    case "SVG":
      return shown({ "image/svg+xml": data });
    default:
      return shown({ "text/plain": data });
  }
}

function errorOutput(text: string): JsonObject {
  const traceback = text.split("\n");
  return {
    output_type: "error",
    ename: "Error",
    evalue: traceback.find((line) => line.trim() !== "") ?? "",
    traceback,
  };
}

export interface CarriedOutputs {
  readonly results?: Results;
  /** The chart that an output drew, as a setting. */
  readonly config: JsonObject;
  readonly remarks: readonly Remark[];
}

/** @param code the result's code where the outputs do not say it */
export function resultsOf(
  outputs: readonly JsonObject[],
  code: string | undefined,
  config: JsonObject,
  where: string,
): CarriedOutputs {
  if (outputs.length === 0 && code === undefined) return { config, remarks: [] };
  const remarks: Remark[] = [];
  const messages: ResultMessage[] = [];
  let carriedConfig = config;
  for (const [index, output] of outputs.entries()) {
    const carried = messageOf(output);
    const place = `${where}, output ${index + 1}`;
    if (carried.message !== undefined) messages.push(carried.message);
    if (carried.graph !== undefined && messages.length === 1) carriedConfig = withGraph(carriedConfig, carried.graph);
    for (const mime of carried.left) remarks.push({ kind: "lost", where: place, message: `${mime} is left out.` });
    if (carried.remark !== undefined) remarks.push({ kind: "translated", where: place, message: carried.remark });
  }
  const failed = outputs.some((output) => output.output_type === "error");
  return {
    results: { code: code ?? (failed ? "ERROR" : "SUCCESS"), messages },
    config: carriedConfig,
    remarks,
  };
}

interface CarriedMessage {
  readonly message?: ResultMessage;
  readonly graph?: JsonObject;
  readonly left: readonly string[];
  readonly remark?: string;
}

function messageOf(output: JsonObject): CarriedMessage {
  if (output.output_type === "stream") {
    const message: ResultMessage = { type: "TEXT", data: joined(output.text) };
    return output.name === "stderr"
      ? { message, left: [], remark: "stderr is plain text in Zeppelin." }
      : { message, left: [] };
  }
  if (output.output_type === "error") {
    const traceback = isJsonArray(output.traceback) ? output.traceback.map(String) : [];
    const text = traceback.length > 0 ? traceback.join("\n") : `${joined(output.ename)}: ${joined(output.evalue)}`;
    return { message: { type: "TEXT", data: text }, left: [] };
  }
  const bundle = isJsonObject(output.data) ? output.data : {};
  const type = typeOf(output.metadata);
  const mimes = Object.keys(bundle);
  const leaves = (used: string) => mimes.filter((mime) => mime !== used && mime !== "text/plain");
  if (type !== undefined) {
    const used = type === "TABLE" ? "text/plain" : (mimes.find((mime) => mime !== "text/plain") ?? "text/plain");
    const left = type === "TABLE" ? leaves(used).filter((mime) => mime !== "text/html") : leaves(used);
    return { message: { type, data: joined(bundle[used]) }, left };
  }
  return { ...plainBundle(bundle, leaves) };
}

/** The same rows beside a table: a picture of its chart, its HTML, the form that our own page draws. */
const showsTheSame = /^(image\/png|image\/svg\+xml|text\/html|application\/vnd\.tidetable\..*)$/;

/** An output that never was in Zeppelin, in the form that Zeppelin shows best. */
function plainBundle(bundle: JsonObject, leaves: (used: string) => string[]): CarriedMessage {
  const text = joined(bundle["text/plain"]);
  if (text.startsWith("%table "))
    return { message: { type: "TABLE", data: text.slice(7) }, left: leaves("text/plain") };
  const vega = Object.keys(bundle).find((mime) => mime.startsWith("application/vnd.vegalite."));
  const chart = vega === undefined ? undefined : tableFromVegaLite(bundle[vega] ?? null);
  if (vega !== undefined && chart !== undefined) {
    const remark = "The Vega-Lite chart is a table with Zeppelin's own chart.";
    const left = leaves(vega).filter((mime) => !showsTheSame.test(mime));
    return { message: { type: "TABLE", data: chart.table }, graph: chart.graph, left, remark };
  }
  const html = bundle["text/html"];
  if (html !== undefined) {
    const table = tableFromHtml(joined(html));
    if (table === undefined) return { message: { type: "HTML", data: joined(html) }, left: leaves("text/html") };
    return {
      message: { type: "TABLE", data: table },
      left: leaves("text/html").filter((mime) => !showsTheSame.test(mime)),
      remark: "The HTML table is a Zeppelin table.",
    };
  }
  for (const [mime, type] of mimeTypes) {
    if (bundle[mime] !== undefined) return { message: { type, data: joined(bundle[mime]) }, left: leaves(mime) };
  }
  if (bundle["text/plain"] !== undefined) return { message: { type: "TEXT", data: text }, left: leaves("text/plain") };
  return { left: leaves("") };
}

const mimeTypes: ReadonlyArray<readonly [string, ResultType]> = [
  ["image/png", "IMG"],
  ["image/jpeg", "IMG"],
  ["image/svg+xml", "SVG"],
  ["text/markdown", "TEXT"],
  ["text/latex", "TEXT"],
  ["application/json", "TEXT"],
];

function typeOf(metadata: JsonValue | undefined): ResultType | undefined {
  const zeppelin = isJsonObject(metadata) ? metadata.zeppelin : undefined;
  const type = isJsonObject(zeppelin) ? zeppelin.type : undefined;
  return resultTypes.find((known) => known === type);
}

/** Jupyter keeps a text as one string or as its lines. */
export function joined(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  if (isJsonArray(value) && value.every((line) => typeof line === "string")) return value.join("");
  return value === undefined || value === null ? "" : JSON.stringify(value, null, 2);
}

/** Whether the outputs themselves say this code. */
export function codeIsPlain(results: Results): boolean {
  const again = resultsOf(outputsOf(results), undefined, {}, "").results;
  return again !== undefined && sameJson(again.code, results.code);
}
