/**
 * A Zeppelin note as the converter holds it, whatever file it came from, and what the converter says about its work.
 * Types and the smallest constructors only.
 */
import type { JsonObject, JsonValue } from "./json.js";

export interface Note {
  /** A path: slashes are folders. */
  readonly name: string;
  readonly id?: string;
  readonly config: JsonObject;
  /** What else the file held at its top: `info`, `version`, `noteForms`, `angularObjects`, … */
  readonly extras: JsonObject;
  readonly paragraphs: readonly Paragraph[];
}

export interface Paragraph {
  readonly id: string;
  readonly title?: string;
  /** With its first line's magic, as Zeppelin keeps it. */
  readonly text: string;
  /** Display settings; charts are `config.results["0"].graph`. */
  readonly config: JsonObject;
  readonly settings: FormSettings;
  readonly results?: Results;
  /** What else the file held: dates, status, user, … */
  readonly extras: JsonObject;
}

export interface FormSettings {
  /** Values by form name. */
  readonly params: JsonObject;
  readonly forms: JsonObject;
}

export interface Results {
  readonly code: string;
  readonly messages: readonly ResultMessage[];
}

export interface ResultMessage {
  readonly type: ResultType;
  readonly data: string;
}

export const resultTypes = ["TEXT", "HTML", "ANGULAR", "TABLE", "IMG", "SVG", "NULL", "NETWORK"] as const;
export type ResultType = (typeof resultTypes)[number];

/** What happened to a part on the way. `translated` needs no care, `review` wants a person's eyes, `lost` is not in the output. */
export interface Remark {
  readonly kind: "translated" | "review" | "lost";
  readonly where: string;
  readonly message: string;
}

/** The file cannot be read as a note at all; `where` names the paragraph, `message` the reason and the way out. */
export class NoteRefused extends Error {
  override readonly name = "NoteRefused";
  readonly where: string;

  constructor(where: string, message: string) {
    super(message);
    this.where = where;
  }
}

/** `paragraph 3 (Top Tweeters)`: what a person finds in the page. */
export function paragraphName(index: number, title: JsonValue | undefined): string {
  return typeof title === "string" && title.trim() !== ""
    ? `paragraph ${index + 1} (${title.trim().slice(0, 60)})`
    : `paragraph ${index + 1}`;
}
