/** Rules of the file itself: what the parsers of Zeppelin 0.10 to 0.12 and its import dialogs refuse. Pure. */
import type { CheckedNote, CheckedParagraph, Finding, Rule } from "./check.js";
import { isJsonArray, isJsonObject, type JsonValue, kindOf } from "./json.js";
import { resultTypes } from "./model.js";
import { formTypes, isReadableDate } from "./read-note.js";

type Found = Omit<Finding, "rule">;

const refused = (where: string, message: string): Found => ({ severity: "refused", where, message });
const advice = (where: string, message: string): Found => ({ severity: "advice", where, message });

export const importRules: readonly Rule[] = [
  { name: "paragraphs", find: paragraphsThere },
  { name: "name", find: nameIsPath },
  { name: "null", find: nullValues },
  { name: "text", find: (note) => note.paragraphs.flatMap(textIsText) },
  { name: "date", find: dates },
  { name: "form-type", find: (note) => note.paragraphs.flatMap(formTypesKnown) },
  { name: "results-shape", find: (note) => note.paragraphs.flatMap(resultsShape) },
  { name: "magic", find: (note) => note.paragraphs.flatMap(magicCloses) },
  { name: "size", find: size },
  { name: "duplicate-id", find: duplicateIds },
  { name: "results-kept", find: resultsKept },
];

function paragraphsThere(note: CheckedNote): readonly Found[] {
  return note.paragraphs.length > 0
    ? []
    : [refused("note", "paragraphs is empty: both import dialogs refuse the file.")];
}

function nameIsPath({ json: { name } }: CheckedNote): readonly Found[] {
  if (typeof name !== "string" || name.trim() === "") {
    return [refused("note", `name is ${kindOf(name)} or blank; give the note one.`)];
  }
  const wrong = name.endsWith("/")
    ? 'ends in "/"'
    : name.split("/").includes("..")
      ? 'has ".." in it'
      : name.length > 254
        ? "is longer than 254 characters"
        : "";
  return wrong === "" ? [] : [refused("note", `The name is a path, and "${name.slice(0, 60)}" ${wrong}.`)];
}

/** Zeppelin's parser stands no null where it wants an object; a missing key is fine. */
function nullValues(note: CheckedNote): readonly Found[] {
  const found: Found[] = [];
  if (note.json.info === null) {
    found.push({ ...refused("note", "info is null; leave the key out."), versions: ["0.10", "0.11"] });
  }
  for (const { where, json } of note.paragraphs) {
    for (const key of ["config", "settings"]) {
      const value = json[key];
      if (value !== undefined && !isJsonObject(value)) {
        found.push(refused(where, `${key} is ${kindOf(value)}; it is an object, or the key is left out.`));
      }
    }
  }
  return found;
}

function textIsText({ where, json }: CheckedParagraph): readonly Found[] {
  return ["text", "title", "id"].flatMap((key) => {
    const value = json[key];
    return value === undefined || value === null || typeof value === "string"
      ? []
      : [refused(where, `${key} is ${kindOf(value)}; it is a text.`)];
  });
}

function dates(note: CheckedNote): readonly Found[] {
  return note.paragraphs.flatMap(({ where, json }) =>
    Object.entries(json).flatMap(([key, value]) =>
      !/^date[A-Z]/.test(key) || value === null || isReadableDate(value)
        ? []
        : [
            refused(
              where,
              `${key} is ${JSON.stringify(value)}; Zeppelin reads "2026-01-31 12:00:00.000" and no ISO date with Z or milliseconds.`,
            ),
          ],
    ),
  );
}

function formTypesKnown({ where, json }: CheckedParagraph): readonly Found[] {
  const forms = isJsonObject(json.settings) ? json.settings.forms : undefined;
  return Object.entries(isJsonObject(forms) ? forms : {}).flatMap(([name, form]) => {
    const type = isJsonObject(form) ? form.type : undefined;
    if (type === undefined || (typeof type === "string" && formTypes.includes(type))) return [];
    return [
      refused(
        where,
        `The form ${name} is of type ${JSON.stringify(type)}; it may be TextBox, Select, CheckBox or Password.`,
      ),
    ];
  });
}

function resultsShape({ where, json: { results } }: CheckedParagraph): readonly Found[] {
  if (results === undefined || results === null) return [];
  if (!isJsonObject(results)) return [refused(where, `results is ${kindOf(results)}; it is {code, msg}.`)];
  const { msg } = results;
  if (msg === undefined) return [];
  if (!isJsonArray(msg))
    return [refused(where, `results.msg is ${kindOf(msg)}; since 0.7 it is a list of {type, data}.`)];
  const strange = msg.find(
    (message: JsonValue) => !isJsonObject(message) || !resultTypes.some((type) => type === message.type),
  );
  return strange === undefined
    ? []
    : [advice(where, `A result is none of ${resultTypes.join(", ")}; it may not show.`)];
}

function magicCloses({ where, text }: CheckedParagraph): readonly Found[] {
  return text.unclosed
    ? [
        refused(
          where,
          `The parenthesis after %${text.interpreter} does not close; Zeppelin then refuses the whole note.`,
        ),
      ]
    : [];
}

/** `zeppelin.websocket.max.text.message.size` */
const charactersMax = 10_240_000;

function size({ characters }: CheckedNote): readonly Found[] {
  if (characters <= charactersMax) return [];
  return [
    refused(
      "note",
      `The file has ${characters} characters; the dialogs take ${charactersMax}. Leave results out, or import by REST.`,
    ),
  ];
}

function duplicateIds({ paragraphs }: CheckedNote): readonly Found[] {
  const seen = new Set<JsonValue>();
  return paragraphs.flatMap(({ where, json: { id } }) => {
    if (id === undefined) return [];
    if (seen.has(id))
      return [{ severity: "broken" as const, where, message: `Its id ${JSON.stringify(id)} is another paragraph's.` }];
    seen.add(id);
    return [];
  });
}

function resultsKept({ paragraphs }: CheckedNote): readonly Found[] {
  const kept = paragraphs.filter(
    ({ json }) => (isJsonObject(json.results) && isJsonArray(json.results.msg)) || isJsonObject(json.result),
  ).length;
  return kept === 0
    ? []
    : [advice("note", `${kept} paragraphs hold results; in version control they make every run a change.`)];
}
