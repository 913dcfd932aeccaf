/** A note as the JSON that Zeppelin 0.9 and later read (`.zpln`, and `.json` for import), or in the form of 2016. Pure. */
import { graphOf } from "./charts.js";
import { digest } from "./digest.js";
import type { JsonObject } from "./json.js";
import { isEmptyObject, omit } from "./json.js";
import type { Note, Paragraph, Remark } from "./model.js";
import { paragraphName } from "./model.js";
import { splitParagraphText } from "./paragraph-text.js";

export function writeNote(note: Note): JsonObject {
  return {
    paragraphs: note.paragraphs.map((paragraph) => ({
      ...(paragraph.title === undefined ? {} : { title: paragraph.title }),
      text: paragraph.text,
      ...paragraph.extras,
      config: paragraph.config,
      settings: { params: paragraph.settings.params, forms: paragraph.settings.forms },
      ...(paragraph.results === undefined
        ? {}
        : {
            results: {
              code: paragraph.results.code,
              msg: paragraph.results.messages.map(({ type, data }) => ({ type, data })),
            },
          }),
      id: paragraph.id,
    })),
    name: note.name,
    id: note.id ?? noteId(note.name),
    ...note.extras,
    config: note.config,
  };
}

/** Nine characters as Zeppelin makes them, the same for the same name. */
export function noteId(name: string): string {
  return `2${digest(name).toUpperCase().padStart(8, "0").slice(-8)}`;
}

/** For the Zeppelin of 2016 (0.5, 0.6): one result and one chart a paragraph. */
export function writeNote2016(note: Note): { readonly file: JsonObject; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  const file = writeNote({ ...note, paragraphs: note.paragraphs.map((paragraph) => ({ ...paragraph })) });
  const paragraphs = note.paragraphs.map((paragraph, index) =>
    paragraph2016(paragraph, paragraphName(index, paragraph.title), remarks),
  );
  return { file: { ...file, paragraphs }, remarks };
}

function paragraph2016(paragraph: Paragraph, where: string, remarks: Remark[]): JsonObject {
  const graph = graphOf(paragraph.config);
  const config = { ...omit(paragraph.config, ["results"]), ...(graph === undefined ? {} : { graph }) };
  const [first, ...others] = paragraph.results?.messages ?? [];
  for (const other of others) {
    remarks.push({ kind: "lost", where, message: `A ${other.type} result: a paragraph of 2016 has one.` });
  }
  return {
    ...(paragraph.title === undefined ? {} : { title: paragraph.title }),
    text: text2016(paragraph.text, where, remarks),
    ...paragraph.extras,
    config,
    settings: { params: paragraph.settings.params, forms: paragraph.settings.forms },
    ...(paragraph.results === undefined
      ? {}
      : { result: { code: paragraph.results.code, type: first?.type ?? "TEXT", msg: first?.data ?? "" } }),
    id: paragraph.id,
  };
}

function text2016(text: string, where: string, remarks: Remark[]): string {
  const split = splitParagraphText(text);
  if (split.interpreter === "spark.sql") return text.replace("%spark.sql", "%sql");
  if (split.interpreter === "spark.conf" || split.interpreter === "jupyter" || !isEmptyObject(split.properties)) {
    const message = `${split.head.trim()} is not known to the Zeppelin of 2016.`;
    remarks.push({ kind: "review", where, message });
  }
  return text;
}
