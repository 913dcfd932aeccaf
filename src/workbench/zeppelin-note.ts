/**
 * A Zeppelin note (`.zpln`) as the notebook that the page knows, and that notebook as the note again. The file's ending
 * alone says which of the two lies on the disk. Pure.
 */
import { convertNote, type Remark } from "../../zeppelin/note.js";
import { ContentsError } from "./contents-path.js";

const noteEnding = ".zpln";

export function isNoteName(path: string): boolean {
  return path.endsWith(noteEnding);
}

/** @returns the text of a notebook. @throws ContentsError that names the paragraph and the reason */
export function notebookOfNote(text: string, path: string): string {
  return converted(text, "jupyter", path, "cannot be opened").text;
}

/** @returns the text of the note, and what of the notebook it does not hold. @throws ContentsError */
export function noteOfNotebook(
  notebookText: string,
  path: string,
): { readonly text: string; readonly lost: readonly string[] } {
  const { text, remarks } = converted(notebookText, "zeppelin", path, "was not saved");
  const lost = remarks.filter(({ kind }) => kind === "lost");
  return { text, lost: lost.map(({ where, message }) => `${where}: ${message}`) };
}

function converted(
  text: string,
  to: "jupyter" | "zeppelin",
  path: string,
  problem: string,
): { readonly text: string; readonly remarks: readonly Remark[] } {
  const name = path.split("/").at(-1)?.slice(0, -noteEnding.length) ?? "";
  const conversion = convertNote(text, { to, name });
  if ("refused" in conversion) {
    const { where, message } = conversion.refused;
    throw new ContentsError(400, `${path} ${problem}: ${where}: ${message}`);
  }
  return conversion;
}
