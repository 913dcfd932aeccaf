/** A Jupyter notebook (nbformat 4) as far as the converter knows it, checked on reading. Pure. */
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject, kindOf, omit } from "./json.js";
import { NoteRefused } from "./model.js";
import { joined } from "./results.js";

export interface Notebook {
  readonly metadata: JsonObject;
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly cellType: "markdown" | "code" | "raw";
  /** Absent in notebooks before nbformat 4.5. */
  readonly id?: string;
  readonly metadata: JsonObject;
  readonly source: string;
  readonly outputs: readonly JsonObject[];
  readonly executionCount?: number;
  readonly attachments?: JsonObject;
}

/** @throws NoteRefused naming the cell */
export function readNotebook(file: JsonValue): Notebook {
  if (!isJsonObject(file)) throw new NoteRefused("notebook", `A notebook is an object; this file is ${kindOf(file)}.`);
  if (file.nbformat !== 4) {
    const version = JSON.stringify(file.nbformat ?? null);
    throw new NoteRefused("notebook", `nbformat is ${version}; it may be 4. JupyterLab saves older notebooks as 4.`);
  }
  if (!isJsonArray(file.cells)) throw new NoteRefused("notebook", `cells is ${kindOf(file.cells)}; it is a list.`);
  return { metadata: isJsonObject(file.metadata) ? file.metadata : {}, cells: file.cells.map(readCell) };
}

function readCell(value: JsonValue, index: number): Cell {
  const where = `cell ${index + 1}`;
  if (!isJsonObject(value)) throw new NoteRefused(where, `A cell is an object; this one is ${kindOf(value)}.`);
  const { cell_type: cellType } = value;
  if (cellType !== "markdown" && cellType !== "code" && cellType !== "raw") {
    const given = JSON.stringify(cellType ?? null);
    throw new NoteRefused(where, `cell_type is ${given}; it may be "markdown", "code" or "raw".`);
  }
  if (!isText(value.source)) {
    throw new NoteRefused(where, `source is ${kindOf(value.source)}; it is a text or a list of lines.`);
  }
  const outputs = value.outputs ?? [];
  if (!isJsonArray(outputs) || !outputs.every(isJsonObject)) {
    throw new NoteRefused(where, "outputs is not a list of objects.");
  }
  const { id, metadata, attachments, execution_count: count } = value;
  return {
    cellType,
    ...(typeof id === "string" ? { id } : {}),
    metadata: isJsonObject(metadata) ? metadata : {},
    source: joined(value.source),
    outputs: cellType === "code" ? outputs.map(normalOutput) : [],
    ...(typeof count === "number" ? { executionCount: count } : {}),
    ...(isJsonObject(attachments) ? { attachments } : {}),
  };
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === "string" || (isJsonArray(value) && value.every((line) => typeof line === "string"));
}

/** Texts as one string, so that two spellings of one output are equal. */
function normalOutput(output: JsonObject): JsonObject {
  if (output.output_type === "stream") return { ...output, text: joined(output.text) };
  if (!isJsonObject(output.data)) return output;
  const data = Object.entries(output.data).map(([mime, value]): [string, JsonValue] => [
    mime,
    isJsonArray(value) && value.every((line) => typeof line === "string") ? joined(value) : value,
  ]);
  return { ...omit(output, ["execution_count"]), data: Object.fromEntries(data) };
}

/** As Jupyter writes it: sources and texts are lists of lines. */
export function notebookJson({ metadata, cells }: Notebook): JsonObject {
  return {
    cells: cells.map((cell): JsonObject => {
      const common = {
        cell_type: cell.cellType,
        ...(cell.id === undefined ? {} : { id: cell.id }),
        metadata: cell.metadata,
        source: lines(cell.source),
        ...(cell.attachments === undefined ? {} : { attachments: cell.attachments }),
      };
      if (cell.cellType !== "code") return common;
      return { ...common, execution_count: cell.executionCount ?? null, outputs: cell.outputs.map(outputJson) };
    }),
    metadata,
    nbformat: 4,
    nbformat_minor: 5,
  };
}

function outputJson(output: JsonObject): JsonObject {
  if (output.output_type === "stream") return { ...output, text: lines(joined(output.text)) };
  if (!isJsonObject(output.data)) return output;
  const data = Object.entries(output.data).map(([mime, value]): [string, JsonValue] => [
    mime,
    typeof value === "string" && !/^image\/(png|jpeg)$/.test(mime) ? lines(value) : value,
  ]);
  const count: JsonObject = output.output_type === "execute_result" ? { execution_count: null } : {};
  return { ...output, ...count, data: Object.fromEntries(data) };
}

function lines(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
