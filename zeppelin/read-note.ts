/**
 * Zeppelin's file, of any year, to a note. What would make Zeppelin itself refuse the file is repaired and said; what
 * cannot be a note is refused with the paragraph and the reason. Pure.
 */
import { digest, UniqueIds } from "./digest.js";
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject, kindOf, omit } from "./json.js";
import type { FormSettings, Note, Paragraph, Remark } from "./model.js";
import { NoteRefused, paragraphName } from "./model.js";
import { readResults } from "./read-results.js";
import { translate2016 } from "./translate-2016.js";

export interface ReadNote {
  readonly note: Note;
  readonly remarks: readonly Remark[];
}

/** @param fallbackName for a file without a name. @throws NoteRefused */
export function readNote(file: JsonValue, fallbackName: string): ReadNote {
  if (!isJsonObject(file)) throw new NoteRefused("note", `A note is an object; this file is ${kindOf(file)}.`);
  if (!isJsonArray(file.paragraphs)) {
    throw new NoteRefused("note", `paragraphs is ${kindOf(file.paragraphs)}; a note has a list of them.`);
  }
  const remarks: Remark[] = [];
  const ids = new UniqueIds();
  const paragraphs = file.paragraphs.map((paragraph, index) => readParagraph(paragraph, index, ids, remarks));
  const note: Note = {
    name: readName(file.name, fallbackName, remarks),
    ...(typeof file.id === "string" ? { id: file.id } : {}),
    config: objectOr(file.config, "note", "config", remarks),
    extras: readExtras(omit(file, ["name", "id", "config", "paragraphs"]), "note", remarks),
    paragraphs,
  };
  if (!file.paragraphs.some(isFrom2016)) return { note, remarks };
  const translated = translate2016(note);
  return { note: translated.note, remarks: [...remarks, ...translated.remarks] };
}

/** Marks that no Zeppelin since 0.9 writes. */
export function isFrom2016(paragraph: JsonValue): boolean {
  if (!isJsonObject(paragraph)) return false;
  const { config, text } = paragraph;
  return (
    Object.hasOwn(paragraph, "result") ||
    (isJsonObject(config) && isJsonObject(config.graph)) ||
    (typeof text === "string" && /^\s*%dep\b/.test(text))
  );
}

function readName(name: JsonValue | undefined, fallback: string, remarks: Remark[]): string {
  if (typeof name === "string" && name.trim() !== "") return name;
  if (name !== undefined && name !== null && typeof name !== "string") {
    throw new NoteRefused("note", `name is ${kindOf(name)}; it is a text.`);
  }
  remarks.push({
    kind: "translated",
    where: "note",
    message: `The file has no name; the note is called "${fallback}".`,
  });
  return fallback;
}

function readParagraph(value: JsonValue, index: number, ids: UniqueIds, remarks: Remark[]): Paragraph {
  const title = isJsonObject(value) ? value.title : undefined;
  const where = paragraphName(index, title);
  if (!isJsonObject(value)) throw new NoteRefused(where, `A paragraph is an object; this one is ${kindOf(value)}.`);
  for (const key of ["text", "title", "id"]) {
    const given = value[key];
    if (given !== undefined && given !== null && typeof given !== "string") {
      throw new NoteRefused(where, `${key} is ${kindOf(given)}; it is a text.`);
    }
  }
  const text = typeof value.text === "string" ? value.text : "";
  const results = readResults(value, where, remarks);
  const given = typeof value.id === "string" && value.id !== "" ? value.id : undefined;
  const id = ids.take(given ?? `paragraph_${digest(`${index}\n${text}`)}`);
  if (given !== undefined && id !== given) {
    remarks.push({ kind: "translated", where, message: `Its id ${given} is taken; it is ${id} now.` });
  }
  return {
    id,
    ...(typeof title === "string" ? { title } : {}),
    text,
    config: readConfig(value.config, where, remarks),
    settings: readSettings(value.settings, where, remarks),
    ...(results === undefined ? {} : { results }),
    extras: readExtras(omit(value, ownKeys), where, remarks),
  };
}

const ownKeys = ["id", "title", "text", "config", "settings", "results", "result"];

/** 0.7 and 0.8 kept chart settings in a list; 2016 had one, beside the others. Both become what 0.9 and later read. */
function readConfig(value: JsonValue | undefined, where: string, remarks: Remark[]): JsonObject {
  const config = objectOr(value, where, "config", remarks);
  if (isJsonArray(config.results)) {
    return { ...config, results: Object.fromEntries(config.results.map((entry, index) => [String(index), entry])) };
  }
  if (!isJsonObject(config.graph)) return config;
  remarks.push({ kind: "translated", where, message: "Its chart setting moved from config.graph to config.results." });
  const results = isJsonObject(config.results) ? config.results : {};
  return { ...omit(config, ["graph"]), results: { "0": { graph: config.graph }, ...results } };
}

function readSettings(value: JsonValue | undefined, where: string, remarks: Remark[]): FormSettings {
  const settings = objectOr(value, where, "settings", remarks);
  const params = objectOr(settings.params, where, "settings.params", remarks);
  const forms = objectOr(settings.forms, where, "settings.forms", remarks);
  for (const key of Object.keys(omit(settings, ["params", "forms"]))) {
    remarks.push({ kind: "lost", where, message: `settings.${key} is nothing that a note has.` });
  }
  const known = Object.entries(forms).map(([name, form]): [string, JsonValue] => {
    if (!isJsonObject(form) || form.type === undefined || formTypes.includes(String(form.type))) return [name, form];
    const message = `The form ${name} is of type ${JSON.stringify(form.type)}, which makes Zeppelin refuse the note; it is a text box now.`;
    remarks.push({ kind: "review", where, message });
    return [name, { ...form, type: "TextBox" }];
  });
  return { params, forms: Object.fromEntries(known) };
}

export const formTypes: readonly string[] = [
  "TextBox",
  "Select",
  "CheckBox",
  "Password",
  "input",
  "select",
  "checkbox",
];

/** A null makes every Zeppelin refuse the file. */
function objectOr(value: JsonValue | undefined, where: string, key: string, remarks: Remark[]): JsonObject {
  if (value === undefined) return {};
  if (isJsonObject(value)) return value;
  if (value !== null) throw new NoteRefused(where, `${key} is ${kindOf(value)}; it is an object.`);
  remarks.push({ kind: "translated", where, message: `${key} was null, which Zeppelin refuses; it is empty now.` });
  return {};
}

function readExtras(extras: JsonObject, where: string, remarks: Remark[]): JsonObject {
  const kept = Object.entries(extras).filter(([key, value]) => {
    if (value === null) return false;
    if (!/^date[A-Z]/.test(key) || isReadableDate(value)) return true;
    remarks.push({ kind: "lost", where, message: `${key} ${JSON.stringify(value)} is no date that Zeppelin reads.` });
    return false;
  });
  return Object.fromEntries(kept);
}

/** The four patterns of Zeppelin's parsers. ISO 8601 with a `Z` or with milliseconds is none of them. */
export function isReadableDate(value: JsonValue): boolean {
  return (
    typeof value === "string" &&
    (/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{1,3}$/.test(value) ||
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}$/.test(value) ||
      /^[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}[\s\u202f](AM|PM)$/.test(value))
  );
}
