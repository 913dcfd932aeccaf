/** A notebook as a file for elsewhere: as it is, as TypeScript, as a Zeppelin note, as a page to read. */
import { convertNote } from "../../../zeppelin/note.js";
import { notebookHtml } from "./notebook-html.js";
import { saveFile } from "./save-file.js";

export const downloadFormats = ["ipynb", "ts", "zpln", "html"] as const;
export type DownloadFormat = (typeof downloadFormats)[number];

/** @param notebook nbformat 4 @throws Error that says why it cannot be had in this form */
export async function downloadNotebook(notebook: unknown, name: string, format: DownloadFormat): Promise<void> {
  const text = `${JSON.stringify(notebook, null, 1)}\n`;
  const title = name.replace(/\.(ipynb|zpln)$/, "");
  saveFile(`${title}.${format}`, await textIn(format, text, notebook, title), typeOf[format]);
}

/** What was chosen for upload as notebook content. @throws Error that says what is wrong with it */
export function notebookFromFile(text: string, name: string): unknown {
  if (!name.toLowerCase().endsWith(".ipynb")) return JSON.parse(converted(text, "jupyter", name));
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} is not JSON, so not a notebook.`);
  }
}

const typeOf: Readonly<Record<DownloadFormat, string>> = {
  ipynb: "application/x-ipynb+json",
  ts: "text/plain;charset=utf-8",
  zpln: "application/json",
  html: "text/html;charset=utf-8",
};

async function textIn(format: DownloadFormat, text: string, notebook: unknown, title: string): Promise<string> {
  switch (format) {
    case "ipynb":
      return text;
    case "html":
      return notebookHtml(notebook, title);
    case "ts":
      return converted(text, "script", title);
    case "zpln":
      return converted(text, "zeppelin", title);
  }
}

function converted(text: string, to: "script" | "zeppelin" | "jupyter", name: string): string {
  const conversion = convertNote(text, { to, name: name.replace(/\.[^.]*$/, "") });
  if ("refused" in conversion) throw new Error(`${name}, ${conversion.refused.where}: ${conversion.refused.message}`);
  return conversion.text;
}
