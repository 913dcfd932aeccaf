/**
 * What each Zeppelin does with a note file: refuses it, imports it with paragraphs that cannot run, or runs it. Each rule
 * has a name, looks for one thing, and says the way out. Pure.
 */
import { importRules } from "./check-import.js";
import { runRules } from "./check-run.js";
import { sparkRules } from "./check-spark.js";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, kindOf } from "./json.js";
import { NoteRefused, paragraphName } from "./model.js";
import { parseNoteText } from "./note.js";
import { type ParagraphText, splitParagraphText } from "./paragraph-text.js";

export const zeppelinVersions = ["0.10", "0.11", "0.12"] as const;
export type ZeppelinVersion = (typeof zeppelinVersions)[number];

export interface Finding {
  readonly rule: string;
  /** `refused`: the import fails. `broken`: something does not run or show as meant. `advice`: works, with a catch. */
  readonly severity: "refused" | "broken" | "advice";
  readonly where: string;
  readonly message: string;
  /** Absent: all. */
  readonly versions?: readonly ZeppelinVersion[];
}

export interface NoteReport {
  readonly findings: readonly Finding[];
  readonly versions: ReadonlyArray<{
    readonly version: ZeppelinVersion;
    readonly imports: boolean;
    readonly runs: boolean;
  }>;
}

/** A paragraph as the rules see it. */
export interface CheckedParagraph {
  readonly index: number;
  readonly where: string;
  readonly json: JsonObject;
  readonly text: ParagraphText;
  readonly config: JsonObject;
  /** False where run-all leaves it out. */
  readonly enabled: boolean;
}

export interface CheckedNote {
  readonly json: JsonObject;
  readonly paragraphs: readonly CheckedParagraph[];
  readonly characters: number;
}

export interface Rule {
  readonly name: string;
  readonly find: (note: CheckedNote) => ReadonlyArray<Omit<Finding, "rule">>;
}

export const rules: readonly Rule[] = [...importRules, ...runRules, ...sparkRules];

export function checkNote(text: string): NoteReport {
  const read = readForCheck(text);
  const findings =
    "rule" in read ? [read] : rules.flatMap((rule) => rule.find(read).map((found) => ({ rule: rule.name, ...found })));
  return { findings, versions: zeppelinVersions.map((version) => verdict(version, findings)) };
}

function verdict(version: ZeppelinVersion, findings: readonly Finding[]) {
  const here = findings.filter(({ versions }) => versions === undefined || versions.includes(version));
  const imports = here.every(({ severity }) => severity !== "refused");
  return { version, imports, runs: imports && here.every(({ severity }) => severity !== "broken") };
}

function readForCheck(text: string): CheckedNote | Finding {
  const refused = (rule: string, where: string, message: string): Finding => ({
    rule,
    severity: "refused",
    where,
    message,
  });
  let json: JsonValue;
  try {
    json = parseNoteText(text);
  } catch (error) {
    if (error instanceof NoteRefused) return refused("json", error.where, error.message);
    throw error;
  }
  if (!isJsonObject(json)) return refused("json", "note", `A note is an object; this file is ${kindOf(json)}.`);
  if (json.paragraphs === undefined && json.cells !== undefined) {
    return refused("json", "note", "This is a Jupyter notebook. `npx tidetable note convert` makes a note of it.");
  }
  if (!isJsonArray(json.paragraphs)) {
    return refused("paragraphs", "note", `paragraphs is ${kindOf(json.paragraphs)}; a note has a list of them.`);
  }
  const paragraphs: CheckedParagraph[] = [];
  for (const [index, paragraph] of json.paragraphs.entries()) {
    const where = paragraphName(index, isJsonObject(paragraph) ? paragraph.title : undefined);
    if (!isJsonObject(paragraph)) {
      return refused("paragraphs", where, `A paragraph is an object; this one is ${kindOf(paragraph)}.`);
    }
    const config = isJsonObject(paragraph.config) ? paragraph.config : {};
    paragraphs.push({
      index,
      where,
      json: paragraph,
      text: splitParagraphText(typeof paragraph.text === "string" ? paragraph.text : ""),
      config,
      enabled: config.enabled !== false,
    });
  }
  return { json, paragraphs, characters: text.length };
}
