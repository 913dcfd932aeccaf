/**
 * A Jupyter notebook as a note. Cells that the other direction made (titles, values of forms) go back to where they came
 * from; what Zeppelin has no place for is in `config.tidetable`, which its import keeps. Pure.
 */
import { cellSourceOf, chartConfigOf, textOf } from "./cell-source.js";
import { digest, UniqueIds } from "./digest.js";
import { kernelOf } from "./interpreters.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isEmptyObject, isJsonArray, isJsonObject, omit, sameJson } from "./json.js";
import type { Note, Paragraph, Remark, Results } from "./model.js";
import { resultTypes } from "./model.js";
import type { Cell, Notebook } from "./notebook.js";
import { outputKinds } from "./output-kinds.js";
import { splitParagraphText } from "./paragraph-text.js";
import type { ReadNote } from "./read-note.js";
import { outputsOf, resultsOf } from "./results.js";
import { kernelMetadata, titleOfHeading } from "./write-notebook.js";

/** @param fallbackName for a notebook that was no note before */
export function noteOfNotebook(notebook: Notebook, fallbackName: string): ReadNote {
  const remarks: Remark[] = [];
  const memo = asObject(notebook.metadata.zeppelin);
  const kernel = kernelName(notebook.metadata);
  const ids = new UniqueIds();
  const paragraphs: Paragraph[] = [];
  let heading: string | undefined;
  const values = new Map<string, { readonly form: string; readonly value: JsonValue }>();
  for (const [index, cell] of notebook.cells.entries()) {
    const made = asObject(cell.metadata.zeppelin).made;
    if (made === "title" && titleOfHeading(cell.source) !== undefined) heading = cell.source;
    else if (made === "values") rememberValues(cell, values, `cell ${index + 1}`, remarks);
    else {
      paragraphs.push(paragraphOf(cell, { where: `cell ${index + 1}`, index, heading, kernel, ids, values, remarks }));
      heading = undefined;
    }
  }
  const metadata = omit(notebook.metadata, ["zeppelin"]);
  // A notebook whose paragraphs name its kernel needs no note of it.
  const plain = paragraphs.some(({ text }) => kernelOf(splitParagraphText(text)) === kernel) || kernel === "tidetable";
  const carried: JsonObject = plain && sameJson(metadata, kernelMetadata(kernel)) ? {} : { tidetable: { metadata } };
  const note: Note = {
    name: typeof memo.name === "string" ? memo.name : fallbackName,
    ...(typeof memo.id === "string" ? { id: memo.id } : {}),
    config: { ...asObject(memo.config), ...carried },
    extras: asObject(memo.extras),
    paragraphs,
  };
  return { note, remarks };
}

interface Reading {
  readonly where: string;
  readonly index: number;
  /** Source of the heading cell above, where the other direction made one. */
  readonly heading: string | undefined;
  readonly kernel: string;
  readonly ids: UniqueIds;
  readonly values: ReadonlyMap<string, { readonly form: string; readonly value: JsonValue }>;
  readonly remarks: Remark[];
}

function paragraphOf(cell: Cell, reading: Reading): Paragraph {
  const { where, kernel, remarks } = reading;
  const memo = asObject(cell.metadata.zeppelin);
  const back = textOf(cell.cellType, cell.source, memo, asObject(memo.config), kernel);
  const charted = memo.sql === true || memo.chart === false ? back.config : chartConfigOf(cell.source, back.config);
  const shown =
    cell.cellType === "code"
      ? resultsOf(cell.outputs, typeof memo.code === "string" ? memo.code : undefined, charted, where)
      : { config: charted, remarks: [], ...markdownResults(memo) };
  remarks.push(...shown.remarks);
  if (cell.cellType === "raw") {
    remarks.push({ kind: "review", where, message: "Zeppelin has no raw cell; it is a %md paragraph." });
  }
  if (cell.attachments !== undefined) {
    remarks.push({ kind: "review", where, message: "Its attached pictures are kept but Zeppelin does not show them." });
  }
  const settings = asObject(memo.settings);
  const title = titleOf(memo, reading.heading);
  const id =
    typeof memo.id === "string" ? memo.id : (cell.id ?? `paragraph_${digest(`${reading.index}\n${cell.source}`)}`);
  const paragraph: Paragraph = {
    id: reading.ids.take(id),
    ...(title === undefined ? {} : { title }),
    text: back.text,
    config: shown.config,
    settings: {
      params: editedParams(asObject(settings.params), asObject(memo.pieces), reading.values),
      forms: asObject(settings.forms),
    },
    ...(shown.results === undefined ? {} : { results: shown.results }),
    extras: asObject(memo.extras),
  };
  const carried = carriedOf(cell, paragraph, kernel);
  return isEmptyObject(carried) ? paragraph : { ...paragraph, config: { ...paragraph.config, tidetable: carried } };
}

/** What the cell has and a paragraph has not. */
function carriedOf(cell: Cell, paragraph: Paragraph, kernel: string): JsonObject {
  const metadata = omit(cell.metadata, ["zeppelin"]);
  const again = cellSourceOf(paragraph, kernel);
  const kinds = outputKinds(cell.outputs, outputsOf(cell.cellType === "code" ? paragraph.results : undefined));
  return {
    ...(cell.cellType === "raw" ? { cellType: "raw" } : {}),
    ...(isEmptyObject(metadata) ? {} : { metadata }),
    ...(cell.attachments === undefined ? {} : { attachments: cell.attachments }),
    ...(cell.executionCount === undefined ? {} : { executionCount: cell.executionCount }),
    ...(again.source === cell.source ? {} : { source: cell.source, text: digest(paragraph.text) }),
    ...(kinds === undefined ? {} : { outputs: kinds }),
  };
}

function titleOf(memo: JsonObject, heading: string | undefined): string | undefined {
  const exact = typeof memo.title === "string" ? memo.title : undefined;
  if (heading === undefined) return exact !== undefined && exact.trim() === "" ? exact : undefined;
  return exact !== undefined && memo.heading === digest(heading) ? exact : titleOfHeading(heading);
}

function markdownResults(memo: JsonObject): { readonly results?: Results } {
  if (!isJsonArray(memo.messages)) return {};
  const messages = memo.messages.filter(isJsonObject).map(({ type, data }) => ({
    type: resultTypes.find((known) => known === type) ?? "TEXT",
    data: typeof data === "string" ? data : "",
  }));
  return { results: { code: typeof memo.code === "string" ? memo.code : "SUCCESS", messages } };
}

/** Values that a person changed in the notebook become the forms' values. */
function rememberValues(
  cell: Cell,
  values: Map<string, { form: string; value: JsonValue }>,
  where: string,
  remarks: Remark[],
): void {
  const memo = asObject(cell.metadata.zeppelin);
  if (memo.source === digest(cell.source)) return;
  for (const [variable, form] of Object.entries(asObject(memo.forms))) {
    const literal = new RegExp(`^const ${variable.replaceAll("$", "\\$")} = (.*?);?$`, "m").exec(cell.source)?.[1];
    const value = literal === undefined ? undefined : parseLiteral(literal);
    if (typeof form === "string" && value !== undefined) values.set(variable, { form, value });
    else
      remarks.push({ kind: "lost", where, message: `${variable} is no plain value, so its form keeps the old one.` });
  }
}

function parseLiteral(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function editedParams(params: JsonObject, pieces: JsonObject, values: Reading["values"]): JsonObject {
  const edited = Object.keys(pieces).flatMap((variable): [string, JsonValue][] => {
    const found = values.get(variable);
    if (found === undefined) return [];
    return [[found.form, typeof found.value === "number" ? String(found.value) : found.value]];
  });
  return edited.length === 0 ? params : { ...params, ...Object.fromEntries(edited) };
}

function kernelName(metadata: JsonObject): string {
  const name = asObject(metadata.kernelspec).name;
  return typeof name === "string" && /^[\w.-]+$/.test(name) ? name : "tidetable";
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
