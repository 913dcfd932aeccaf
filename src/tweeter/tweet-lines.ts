/**
 * What a user's own file says, as tweets: play text, JSON lines or CSV. Owns how speakers and lines are told apart; reads
 * the file, sends nothing.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream";
import { parse as parseCsv } from "csv-parse";
import { errorMessage, TidetableError } from "../errors.js";
import { contentLengthMax, handleLengthMax, refusalReason } from "./tweet.js";

export interface Line {
  readonly handle: string;
  readonly content: string;
}

export type LinesFormat = "jsonl" | "csv" | "play";

/** By the file's ending: `.jsonl`, `.ndjson` and `.json`; `.csv`; anything else is the text of a play. */
export function linesFormat(path: string): LinesFormat {
  if (/\.(jsonl|ndjson|json)$/i.test(path)) return "jsonl";
  return /\.csv$/i.test(path) ? "csv" : "play";
}

/** All of the file's lines that can be a tweet. @throws TidetableError CONFIG_INVALID when it cannot be read or holds none. */
export async function readLines(path: string): Promise<readonly Line[]> {
  const format = linesFormat(path);
  const lines: Line[] = [];
  try {
    const read = { jsonl: readJsonLines, csv: readCsv, play: readPlay }[format];
    for await (const line of read(path)) if (refusalReason(line) === undefined) lines.push(line);
  } catch (error) {
    // A file that is not there is none of any kind.
    const isOpened = (error as NodeJS.ErrnoException).syscall === undefined;
    throw new TidetableError(
      "CONFIG_INVALID",
      `${path} cannot be read${isOpened ? ` as ${formatNames[format]}` : ""}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
  if (lines.length > 0) return lines;
  throw new TidetableError(
    "CONFIG_INVALID",
    `${path} holds no line that could be a tweet, read as ${formatNames[format]}. ${formatAdvice[format]}`,
  );
}

const formatNames: Readonly<Record<LinesFormat, string>> = {
  jsonl: "JSON lines",
  csv: "CSV",
  play: "the text of a play",
};
const formatAdvice: Readonly<Record<LinesFormat, string>> = {
  jsonl: 'Each line is an object with "handle" and "content".',
  csv: 'The first row names the columns; two of them are "handle" and "content".',
  play: "A speaker's name stands on a line of its own in capitals, or before a colon; what is said follows.",
};

async function* readJsonLines(path: string): AsyncGenerator<Line> {
  let number = 0;
  for await (const text of textLines(path)) {
    number += 1;
    if (text.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new Error(`line ${number} is not JSON (${errorMessage(error)})`);
    }
    if (isLine(value)) yield { handle: handleOf(value.handle), content: value.content };
  }
}

async function* readCsv(path: string): AsyncGenerator<Line> {
  const rows = parseCsv({ bom: true, columns: true, relax_column_count: true });
  // Whatever fails ends the rows, and so whoever reads them hears of it; after `pipe` nobody would, and the process ends.
  pipeline(createReadStream(path), rows, () => undefined);
  for await (const row of rows) {
    const value: unknown = row;
    if (isLine(value)) yield { handle: handleOf(value.handle), content: value.content };
  }
}

/**
 * A speaker's line is all capitals (`HAMLET.`, `FIRST WITCH`), or the words before a colon (`Hamlet: To be`). What follows
 * is his until the next one. Stage directions in brackets, and what comes before the first speaker, are nobody's.
 */
async function* readPlay(path: string): AsyncGenerator<Line> {
  let speaker: string | undefined;
  for await (const text of textLines(path)) {
    const said = text.replace(/[[(][^\])]*[\])]/g, "").trim();
    if (said === "") continue;
    if (/^(act|scene)\b/i.test(said)) {
      speaker = undefined;
      continue;
    }
    const alone = /^(\p{Lu}[\p{Lu}\p{N}'’ -]{1,30})[.:]?$/u.exec(said);
    if (alone !== null) {
      speaker = handleOf(alone[1] ?? "");
      continue;
    }
    const before = /^(\p{Lu}[\p{L}\p{N}'’]*(?: \p{Lu}[\p{L}\p{N}'’]*){0,2}):\s+(.+)$/u.exec(said);
    if (before !== null) speaker = handleOf(before[1] ?? "");
    if (speaker === undefined) continue;
    for (const content of inTweets(before?.[2] ?? said)) yield { handle: speaker, content };
  }
}

/** A long line in parts of whole words. */
function* inTweets(text: string): Generator<string> {
  let part = "";
  for (const word of text.split(/\s+/)) {
    const longer = part === "" ? word : `${part} ${word}`;
    if ([...longer].length <= contentLengthMax) {
      part = longer;
      continue;
    }
    if (part !== "") yield part;
    part = [...word].slice(0, contentLengthMax).join("");
  }
  if (part !== "") yield part;
}

function handleOf(name: string): string {
  const joined = name
    .normalize("NFC")
    .toLowerCase()
    .replace(/^@/, "")
    .replace(/[^\p{L}\p{N}_]/gu, "");
  return [...joined].slice(0, handleLengthMax).join("");
}

function isLine(value: unknown): value is Line {
  if (typeof value !== "object" || value === null) return false;
  const { handle, content } = value as Readonly<Record<string, unknown>>;
  return typeof handle === "string" && typeof content === "string";
}

function textLines(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
}
