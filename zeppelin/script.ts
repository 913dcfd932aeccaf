/**
 * A notebook as one `.ts` file and back, in the percent format that editors know: a cell begins at a line `// %%`. Cells
 * that are no TypeScript (Markdown, `%%sql`) are comments. Outputs are not in it. Pure.
 */
import { isEmptyObject, isJsonObject, type JsonObject, type JsonValue } from "./json.js";
import { NoteRefused, type Remark } from "./model.js";
import type { Cell, Notebook } from "./notebook.js";

const marker = /^\/\/ %%(?: \[(\w+)\])?(?: (\{.*\}))?[ \t]*$/;
const firstLine = "// Tidetable notebook";

export function isScript(text: string): boolean {
  return text.startsWith(firstLine) || /^\/\/ %%/m.test(text);
}

export function writeScript(notebook: Notebook): { readonly text: string; readonly remarks: readonly Remark[] } {
  const remarks = notebook.cells.flatMap((cell, index): Remark[] =>
    cell.outputs.length === 0
      ? []
      : [{ kind: "lost", where: `cell ${index + 1}`, message: "A .ts file has no outputs; run the cell again." }],
  );
  const head = isEmptyObject(notebook.metadata) ? firstLine : `${firstLine} ${oneLine(notebook.metadata)}`;
  return { text: `${[head, ...notebook.cells.map(cellText)].join("\n\n")}\n`, remarks };
}

function cellText(cell: Cell): string {
  const kind = kindOf(cell);
  const data: JsonObject = {
    ...(cell.id === undefined ? {} : { id: cell.id }),
    ...(isEmptyObject(cell.metadata) ? {} : { metadata: cell.metadata }),
    ...(cell.attachments === undefined ? {} : { attachments: cell.attachments }),
    ...(kind === "json" ? { cellType: cell.cellType } : {}),
  };
  const line = ["// %%", ...(kind === "code" ? [] : [`[${kind}]`]), ...(isEmptyObject(data) ? [] : [oneLine(data)])];
  const body =
    kind === "code" ? cell.source : kind === "json" ? commented(oneLine(cell.source)) : commented(cell.source);
  return `${line.join(" ")}\n${body}`;
}

/** `magic` is a code cell in a comment; `json` holds what lines cannot, a lone carriage return for one. */
function kindOf(cell: Cell): "code" | "markdown" | "raw" | "magic" | "json" {
  if (/[\r\u2028\u2029]/.test(cell.source)) return "json";
  if (cell.cellType !== "code") return cell.cellType;
  return /^\s*%/.test(cell.source) || /^\/\/ %%/m.test(cell.source) ? "magic" : "code";
}

/** JSON in which nothing ends a line for JavaScript. */
function oneLine(value: JsonValue): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029"));
}

function commented(source: string): string {
  return source
    .split("\n")
    .map((line) => (line === "" ? "//" : `// ${line}`))
    .join("\n");
}

/** @throws NoteRefused naming the line */
export function readScript(text: string): Notebook {
  const lines = text.replace(/\r\n/g, "\n").replace(/\n$/, "").split("\n");
  const head = lines[0]?.startsWith(firstLine) === true ? lines[0].slice(firstLine.length).trim() : "";
  const starts = lines.flatMap((line, index) => (marker.test(line) ? [index] : []));
  if (starts.length === 0 && lines[0]?.startsWith(firstLine) !== true) {
    throw new NoteRefused("line 1", 'No line begins a cell; a notebook as .ts has lines "// %%" for that.');
  }
  const cells = starts.map((start, index) => {
    const end = starts[index + 1] ?? lines.length;
    const body = lines.slice(start + 1, end);
    // One empty line stands between two cells for the eye.
    if (index + 1 < starts.length && body.at(-1) === "") body.pop();
    return readCell(marker.exec(lines[start] ?? "") ?? [], body, start + 1);
  });
  return { metadata: head === "" ? {} : parseObject(head, 1), cells };
}

function readCell(match: readonly string[], body: readonly string[], line: number): Cell {
  const [, kind = "code", json] = match;
  const data = json === undefined ? {} : parseObject(json, line);
  const source = kind === "code" ? body.join("\n") : uncommented(body).join("\n");
  const types: Readonly<Record<string, Cell["cellType"]>> = {
    code: "code",
    magic: "code",
    markdown: "markdown",
    raw: "raw",
    md: "markdown",
    json: jsonCellType(data.cellType),
  };
  const cellType = Object.hasOwn(types, kind) ? types[kind] : undefined;
  if (cellType === undefined) {
    throw new NoteRefused(`line ${line}`, `[${kind}] is no kind of cell; it may be markdown, magic, raw or left out.`);
  }
  return {
    cellType,
    ...(typeof data.id === "string" ? { id: data.id } : {}),
    metadata: isJsonObject(data.metadata) ? data.metadata : {},
    source: kind === "json" ? parseText(source, line) : source,
    outputs: [],
    ...(isJsonObject(data.attachments) ? { attachments: data.attachments } : {}),
  };
}

function jsonCellType(value: JsonValue | undefined): Cell["cellType"] {
  return value === "markdown" || value === "raw" ? value : "code";
}

function uncommented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/^\/\/ ?/, ""));
}

function parseObject(json: string, line: number): JsonObject {
  const value = parse(json, line);
  if (isJsonObject(value)) return value;
  throw new NoteRefused(`line ${line}`, "What stands in braces here is no JSON object.");
}

function parseText(json: string, line: number): string {
  const value = parse(json, line);
  if (typeof value === "string") return value;
  throw new NoteRefused(`line ${line}`, "A [json] cell holds its source as one JSON text.");
}

function parse(json: string, line: number): JsonValue {
  try {
    return JSON.parse(json) as JsonValue;
  } catch (error) {
    throw new NoteRefused(`line ${line}`, `Not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
