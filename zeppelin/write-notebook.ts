/**
 * A note as a Jupyter notebook. Titles are headings, forms of SQL are a cell of values; everything that Jupyter has no
 * place for is in `metadata.zeppelin`. Pure.
 */
import { cellSourceOf, chartConfigOf } from "./cell-source.js";
import { digest, UniqueIds } from "./digest.js";
import type { BoundForm } from "./forms.js";
import { notebookKernel } from "./interpreters.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isEmptyObject, isJsonObject, omit, sameJson } from "./json.js";
import type { Note, Paragraph, Remark } from "./model.js";
import { paragraphName } from "./model.js";
import type { Cell, Notebook } from "./notebook.js";
import { applyOutputKinds } from "./output-kinds.js";
import { codeIsPlain, outputsOf } from "./results.js";

export interface WrittenNotebook {
  readonly notebook: Notebook;
  readonly remarks: readonly Remark[];
}

export function writeNotebook(note: Note): WrittenNotebook {
  const remarks: Remark[] = [];
  const kernel = notebookKernel(note.paragraphs.map((paragraph) => paragraph.text));
  const ids = new UniqueIds();
  const declared = new Set<string>();
  const cells = note.paragraphs.flatMap((paragraph, index) =>
    cellsOf(paragraph, paragraphName(index, paragraph.title), { kernel, ids, declared, remarks }),
  );
  return { notebook: { metadata: notebookMetadata(note, kernel), cells }, remarks };
}

interface Writing {
  readonly kernel: string;
  readonly ids: UniqueIds;
  /** Variables that an earlier cell of values declares. */
  readonly declared: Set<string>;
  readonly remarks: Remark[];
}

function cellsOf(paragraph: Paragraph, where: string, writing: Writing): readonly Cell[] {
  const source = cellSourceOf(paragraph, writing.kernel);
  for (const message of source.remarks) writing.remarks.push({ kind: "review", where, message });
  const carried = carriedCell(paragraph.config);
  const cellType = carried.cellType === "raw" ? "raw" : source.cellType;
  const id = writing.ids.take(cellId(paragraph.id));
  const { results } = paragraph;
  const codeSays =
    results === undefined || (cellType === "code" && codeIsPlain(results) && results.messages.length > 0);
  const zeppelin = withoutEmpty({
    ...source.memo,
    ...(id === paragraph.id ? {} : { id: paragraph.id }),
    ...titleMemo(paragraph.title),
    ...(chartConfigOf(source.source, paragraph.config) === paragraph.config ? {} : { chart: false }),
    config: omit(paragraph.config, ["tidetable"]),
    settings: withoutEmpty({ params: paragraph.settings.params, forms: paragraph.settings.forms }),
    extras: paragraph.extras,
    ...(results === undefined || codeSays ? {} : { code: results.code }),
    ...(results === undefined || cellType === "code"
      ? {}
      : { messages: results.messages.map(({ type, data }) => ({ type, data })) }),
  });
  const cell: Cell = {
    cellType,
    id,
    metadata: { ...asObject(carried.metadata), ...wrap("zeppelin", zeppelin) },
    source:
      typeof carried.source === "string" && carried.text === digest(paragraph.text) ? carried.source : source.source,
    outputs: cellType === "code" ? applyOutputKinds(outputsOf(results), carried.outputs) : [],
    ...(typeof carried.executionCount === "number" ? { executionCount: carried.executionCount } : {}),
    ...(isJsonObject(carried.attachments) ? { attachments: carried.attachments } : {}),
  };
  return [...headingCell(paragraph.title, id, writing.ids), ...valuesCell(source.values, id, writing), cell];
}

/** What a notebook gave to the paragraph, on an earlier conversion, for its cell. */
function carriedCell(config: JsonObject): JsonObject {
  return asObject(config.tidetable);
}

/** A title that its heading cannot hold exactly stands here as well. */
function titleMemo(title: string | undefined): JsonObject {
  if (title === undefined || titleOfHeading(headingOf(title)) === title) return {};
  return { title, heading: digest(headingOf(title)) };
}

export function headingOf(title: string): string {
  return `## ${title.replace(/\s+/g, " ").trim()}`;
}

/** Undefined where the cell is more than one heading. */
export function titleOfHeading(source: string): string | undefined {
  return /^#{1,6}[ \t]+([^\n]+?)[ \t]*$/.exec(source)?.[1];
}

function headingCell(title: string | undefined, id: string, ids: UniqueIds): readonly Cell[] {
  if (title === undefined || title.trim() === "") return [];
  return [
    {
      cellType: "markdown",
      id: ids.take(`${id.slice(0, 52)}-title`),
      metadata: { zeppelin: { made: "title" } },
      source: headingOf(title),
      outputs: [],
    },
  ];
}

function valuesCell(values: readonly BoundForm[], id: string, writing: Writing): readonly Cell[] {
  const fresh = values.filter(({ variable }) => !writing.declared.has(variable));
  if (fresh.length === 0) return [];
  for (const { variable } of fresh) writing.declared.add(variable);
  const source = fresh.map(({ variable, value }) => `const ${variable} = ${JSON.stringify(value)}`).join("\n");
  return [
    {
      cellType: "code",
      id: writing.ids.take(`${id.slice(0, 52)}-values`),
      metadata: {
        zeppelin: {
          made: "values",
          forms: Object.fromEntries(fresh.map(({ variable, form }) => [variable, form])),
          source: digest(source),
        },
      },
      source,
      outputs: [],
    },
  ];
}

function notebookMetadata(note: Note, kernel: string): JsonObject {
  const carried = asObject(asObject(note.config.tidetable).metadata);
  const zeppelin = withoutEmpty({
    name: note.name,
    ...(note.id === undefined ? {} : { id: note.id }),
    config: omit(note.config, ["tidetable"]),
    extras: note.extras,
  });
  const own = kernelMetadata(kernel);
  const named = isJsonObject(carried.kernelspec) && carried.kernelspec.name === kernel;
  return { ...(named ? {} : own), ...(named ? carried : omit(carried, Object.keys(own))), zeppelin };
}

export function kernelMetadata(kernel: string): JsonObject {
  const [displayName, language] = kernels[kernel] ?? [kernel, undefined];
  return {
    kernelspec: { display_name: displayName, ...(language === undefined ? {} : { language }), name: kernel },
    ...(language === undefined ? {} : { language_info: { name: language } }),
  };
}

const kernels: Readonly<Record<string, readonly [string, string]>> = {
  tidetable: ["Tidetable (TypeScript)", "typescript"],
  python3: ["Python 3", "python"],
  ir: ["R", "R"],
};

/** Ids of cells are at most 64 letters, digits, `-` and `_`. */
function cellId(paragraphId: string): string {
  return /^[\w-]{1,60}$/.test(paragraphId) ? paragraphId : `cell-${digest(paragraphId)}`;
}

function wrap(key: string, value: JsonObject): JsonObject {
  return isEmptyObject(value) ? {} : { [key]: value };
}

function withoutEmpty(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !sameJson(value, {})));
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
