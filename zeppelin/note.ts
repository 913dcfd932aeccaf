/**
 * Zeppelin notes, Jupyter notebooks and `.ts` files, each to each other: texts in, text out. Does no IO and reads no
 * clock: the same file always gives the same bytes.
 */
import { isJsonObject, type JsonValue, jsonText } from "./json.js";
import { NoteRefused, type Remark } from "./model.js";
import { type Notebook, notebookJson, readNotebook } from "./notebook.js";
import { readNote } from "./read-note.js";
import { noteOfNotebook } from "./read-notebook.js";
import { isScript, readScript, writeScript } from "./script.js";
import { writeNote, writeNote2016 } from "./write-note.js";
import { writeNotebook } from "./write-notebook.js";

export type { Remark } from "./model.js";

/** `zeppelin` is 0.9 and later (`.zpln`, `.json`), `zeppelin-2016` the form before. */
export const noteFormats = ["zeppelin", "zeppelin-2016", "jupyter", "script"] as const;
export type NoteFormat = (typeof noteFormats)[number];

export type Conversion =
  | { readonly text: string; readonly from: NoteFormat; readonly remarks: readonly Remark[] }
  | { readonly refused: { readonly where: string; readonly message: string } };

export interface ConvertOptions {
  readonly to: NoteFormat;
  /** Name of the note where the file holds none: the file's own, without its ending. */
  readonly name: string;
}

/** Bad input is an answer, `refused`, and never an exception. */
export function convertNote(text: string, { to, name }: ConvertOptions): Conversion {
  try {
    return convert(text, to, name);
  } catch (error) {
    if (error instanceof NoteRefused) return { refused: { where: error.where, message: error.message } };
    throw error;
  }
}

function convert(text: string, to: NoteFormat, name: string): Conversion {
  const source = readAny(text);
  if ("notebook" in source) {
    if (to === "jupyter") return { text: jsonText(notebookJson(source.notebook), 1), from: source.from, remarks: [] };
    if (to === "script") return { ...writeScript(source.notebook), from: source.from };
    const { note, remarks } = noteOfNotebook(source.notebook, name);
    if (to === "zeppelin") return { text: jsonText(writeNote(note)), from: source.from, remarks };
    const old = writeNote2016(note);
    return { text: jsonText(old.file), from: source.from, remarks: [...remarks, ...old.remarks] };
  }
  const { note, remarks } = readNote(source.file, name);
  if (to === "zeppelin") return { text: jsonText(writeNote(note)), from: source.from, remarks };
  if (to === "zeppelin-2016") {
    const old = writeNote2016(note);
    return { text: jsonText(old.file), from: source.from, remarks: [...remarks, ...old.remarks] };
  }
  const written = writeNotebook(note);
  const so = [...remarks, ...written.remarks];
  if (to === "jupyter") return { text: jsonText(notebookJson(written.notebook), 1), from: source.from, remarks: so };
  const script = writeScript(written.notebook);
  return { text: script.text, from: source.from, remarks: [...so, ...script.remarks] };
}

type Source =
  | { readonly from: "zeppelin" | "zeppelin-2016"; readonly file: JsonValue }
  | { readonly from: "jupyter" | "script"; readonly notebook: Notebook };

/** By content, not by the file's ending: notes of all kinds are called `.json`. */
function readAny(text: string): Source {
  if (isScript(text)) return { from: "script", notebook: readScript(text) };
  const file = parseNoteText(text);
  if (
    isJsonObject(file) &&
    file.paragraphs === undefined &&
    (file.cells !== undefined || file.nbformat !== undefined)
  ) {
    return { from: "jupyter", notebook: readNotebook(file) };
  }
  const old =
    isJsonObject(file) &&
    Array.isArray(file.paragraphs) &&
    file.paragraphs.some((item: JsonValue) => isJsonObject(item) && Object.hasOwn(item, "result"));
  return { from: old ? "zeppelin-2016" : "zeppelin", file };
}

/** Deeper than any note; beyond it, walking the data could exhaust the stack. */
const depthMax = 200;

/** @throws NoteRefused with the place in the text */
export function parseNoteText(text: string): JsonValue {
  if (depthOf(text) > depthMax) {
    throw new NoteRefused("file", `The file is nested deeper than ${depthMax} levels.`);
  }
  try {
    // A mark of byte order is no JSON, but editors write it.
    return JSON.parse(text.replace(/^\uFEFF/, "")) as JsonValue;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NoteRefused("file", `The file is no JSON: ${reason}`);
  }
}

/** Of brackets that stand in no string. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted && character === "\\") index += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === "[" || character === "{")) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (!quoted && (character === "]" || character === "}")) depth -= 1;
  }
  return deepest;
}
