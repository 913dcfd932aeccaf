/**
 * A notebook as text: the same bytes that Jupyter writes (indent 1, sorted keys, one line per list item), so that a
 * file saved here and there differs only where it was changed. Pure.
 */

/** The parts of nbformat 4 that are looked at; everything else passes through. */
export interface NotebookContent {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

/** Why `value` is not a notebook of format 4; undefined when it is one. */
export function notebookProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return "it is not a JSON object";
  if (value.nbformat !== 4) return `its nbformat is ${JSON.stringify(value.nbformat)}; only 4 is supported`;
  if (!isRecord(value.metadata)) return "it has no metadata object";
  if (!Array.isArray(value.cells)) return "it has no list of cells";
  const bad = value.cells.findIndex((cell) => !isRecord(cell) || typeof cell.cell_type !== "string");
  return bad === -1 ? undefined : `its cell ${bad + 1} has no cell_type`;
}

export function notebookText(content: NotebookContent): string {
  const file = { ...content, cells: content.cells.map(cellForFile) };
  return `${JSON.stringify(sorted(file), null, 1)}\n`;
}

/**
 * A notebook as it may be shown. Trust is earned by running a cell here, never by a claim in the file.
 */
export function withoutTrust(content: NotebookContent): NotebookContent {
  return { ...content, cells: content.cells.map(cellWithoutTrust) };
}

function cellWithoutTrust(cell: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (!isRecord(cell.metadata) || !("trusted" in cell.metadata)) return { ...cell };
  const { trusted: _, ...metadata } = cell.metadata;
  return { ...cell, metadata };
}

function cellForFile(cell: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = cellWithoutTrust(cell);
  if (typeof kept.source === "string") kept.source = lines(kept.source);
  if (Array.isArray(kept.outputs)) kept.outputs = kept.outputs.map(outputForFile);
  return kept;
}

function outputForFile(output: unknown): unknown {
  if (!isRecord(output)) return output;
  const { transient: _, ...kept } = output;
  if (typeof kept.text === "string") return { ...kept, text: lines(kept.text) };
  if (!isRecord(kept.data)) return kept;
  const data = Object.entries(kept.data).map(([mime, value]) => [mime, isText(mime, value) ? lines(value) : value]);
  return { ...kept, data: Object.fromEntries(data) };
}

function isText(mime: string, value: unknown): value is string {
  return typeof value === "string" && (mime.startsWith("text/") || mime === "image/svg+xml");
}

/** Every line with its line end, as nbformat keeps them. */
function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
