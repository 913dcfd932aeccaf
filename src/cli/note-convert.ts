/** `tidetable note convert IN OUT`: reads one file, writes one, and says what a person has to know of the difference. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { convertNote, type NoteFormat, noteFormats, type Remark } from "../../zeppelin/note.js";
import { errorMessage, TidetableError } from "../errors.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError } from "./command.js";
import { readNoteFile } from "./note-file.js";

const formatByEnding: Readonly<Record<string, NoteFormat>> = {
  ".zpln": "zeppelin",
  ".json": "zeppelin",
  ".ipynb": "jupyter",
  ".ts": "script",
};

const formatNames: Readonly<Record<NoteFormat, string>> = {
  zeppelin: "a Zeppelin note",
  "zeppelin-2016": "a Zeppelin note of 2016",
  jupyter: "a Jupyter notebook",
  script: "a TypeScript file",
};

const remarkNames: Readonly<Record<Remark["kind"], string>> = {
  translated: "translated",
  review: "look at",
  lost: "left out",
};

export async function noteConvert(context: CommandContext): Promise<number> {
  const { values, positionals } = parseOptions(
    context.arguments,
    { to: { type: "string" }, force: { type: "boolean" } },
    { max: 2, name: "files" },
  );
  const [from, to] = positionals;
  if (from === undefined || to === undefined) throw new UsageError("takes two files: IN OUT [--to FORMAT] [--force]");
  const input = resolve(context.workingDirectory, from);
  const output = resolve(context.workingDirectory, to);
  const format = chooseFormat(values.to, to);
  if (existsSync(output) && values.force !== true) {
    throw new TidetableError("NOTE_INVALID", `${to} exists. Name another file, or write over it with --force.`);
  }
  const name = basename(input, extname(input));
  const conversion = convertNote(await readNoteFile(input, from), { to: format, name });
  if ("refused" in conversion) {
    const { where, message } = conversion.refused;
    throw new TidetableError("NOTE_INVALID", `${from}, ${where}: ${message}`);
  }
  await writeWhole(output, conversion.text, to);
  context.print(`${from}, ${formatNames[conversion.from]}, is ${formatNames[format]} in ${to}.`);
  for (const kind of ["review", "lost", "translated"] as const) {
    for (const remark of conversion.remarks.filter((said) => said.kind === kind)) {
      context.print(`  ${remarkNames[kind].padEnd(10)}  ${remark.where}: ${remark.message}`);
    }
  }
  return 0;
}

function chooseFormat(asked: string | undefined, output: string): NoteFormat {
  if (asked !== undefined) {
    const known = noteFormats.find((format) => format === asked);
    if (known === undefined) throw new UsageError(`--to is "${asked}"; it may be ${noteFormats.join(", ")}`);
    return known;
  }
  const format = formatByEnding[extname(output).toLowerCase()];
  if (format === undefined) {
    throw new UsageError(`${output} ends in none of ${Object.keys(formatByEnding).join(", ")}; say --to FORMAT`);
  }
  return format;
}

/** A file that is there is whole: what fails half-way leaves the old one. */
async function writeWhole(path: string, text: string, shown: string): Promise<void> {
  const unfinished = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw new TidetableError("NOTE_INVALID", `${shown} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
}
