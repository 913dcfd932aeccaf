/** `tidetable note check FILE`: what each Zeppelin will do with a note file. Exit code 1 where one refuses or breaks it. */
import { resolve } from "node:path";
import { checkNote, type Finding, zeppelinVersions } from "../../zeppelin/check.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError } from "./command.js";
import { readNoteFile } from "./note-file.js";

export async function noteCheck(context: CommandContext): Promise<number> {
  const { positionals } = parseOptions(context.arguments, {}, { max: 1, name: "file" });
  const [file] = positionals;
  if (file === undefined) throw new UsageError("takes one file: a .zpln or .json of Zeppelin");
  const { findings, versions } = checkNote(await readNoteFile(resolve(context.workingDirectory, file), file));
  for (const { version, imports, runs } of versions) {
    const verdict = !imports
      ? "refuses it"
      : runs
        ? "imports it, nothing found that would not run"
        : "imports it, not all of it works";
    context.print(`Zeppelin ${version}  ${verdict}`);
  }
  for (const severity of ["refused", "broken", "advice"] as const) {
    for (const finding of findings.filter((found) => found.severity === severity)) context.print(line(finding));
  }
  return findings.some(({ severity }) => severity !== "advice") ? 1 : 0;
}

function line({ severity, where, message, rule, versions }: Finding): string {
  const only =
    versions === undefined || versions.length === zeppelinVersions.length ? "" : ` (Zeppelin ${versions.join(", ")})`;
  return `${severity.padEnd(7)}  ${where}: ${message}${only} [${rule}]`;
}
