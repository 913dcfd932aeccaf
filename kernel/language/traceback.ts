/**
 * From anything that code may throw to the lines a user is shown: the message, the user's own frames with the user's
 * own line numbers, a look at the code. Frames of the kernel, of the compiler and of Node never appear.
 */
import { codeFrame } from "./code-frame.js";
import { installHint } from "./compile-error.js";
import { plainText } from "./echo.js";
import type { CellError } from "./executor.js";
import type { Place, SourceLines } from "./source-lines.js";

/** A message of this length is cut: a traceback is for reading. */
const MESSAGE_LENGTH_MAX = 16 * 1024;
const FRAMES_MAX = 20;
const CAUSES_MAX = 5;

export interface RunSource {
  /** What a frame calls it: `cell 3`, or a file's name. */
  readonly title: string;
  readonly code: string;
  readonly lines: SourceLines;
}

interface Frame {
  readonly title: string;
  readonly function: string | undefined;
  readonly place: Place;
  readonly source: RunSource | undefined;
}

/** @param sources by the file name that V8 puts into a stack */
export function describeThrown(thrown: unknown, sources: ReadonlyMap<string, RunSource>): CellError {
  if (!isErrorLike(thrown)) {
    const text = typeof thrown === "string" ? thrown : plainText(thrown);
    return { name: "Thrown", message: text, traceback: [`Thrown: ${text}`] };
  }
  const name = errorName(thrown);
  const message = cut(String(thrown.message));
  return { name, message, traceback: tracebackLines(thrown, sources, CAUSES_MAX) };
}

/** An error whose message says it all: no frames. */
export function describeMessage(thrown: unknown): CellError {
  if (!isErrorLike(thrown)) return describeThrown(thrown, new Map());
  const name = errorName(thrown);
  const message = cut(String(thrown.message));
  return { name, message, traceback: `${name}: ${message}`.split("\n") };
}

function tracebackLines(error: Error, sources: ReadonlyMap<string, RunSource>, causesLeft: number): string[] {
  const frames = userFrames(error, sources).slice(0, FRAMES_MAX);
  const lines = `${errorName(error)}: ${cut(String(error.message))}`.split("\n");
  for (const frame of frames) {
    const where = `${frame.title}, line ${frame.place.line}, column ${frame.place.column}`;
    lines.push(frame.function === undefined ? `    at ${where}` : `    at ${frame.function} (${where})`);
  }
  const nearest = frames.find((frame) => frame.source !== undefined);
  if (nearest?.source !== undefined) lines.push("", ...codeFrame(nearest.source.code, nearest.place));
  lines.push(...installHint(missingPackage(error)));
  const causes = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  if (causesLeft > 0) {
    for (const cause of causes.slice(0, CAUSES_MAX)) {
      const inner = isErrorLike(cause) ? tracebackLines(cause, sources, causesLeft - 1) : [plainText(cause)];
      lines.push("", `Caused by: ${inner[0]}`, ...inner.slice(1));
    }
  }
  return lines;
}

/** The package that `require` or `import()` looked for in vain. */
function missingPackage(error: Error): string[] {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") return [];
  const name = /^Cannot find (?:module|package) '([^']+)'/.exec(error.message)?.[1];
  return name === undefined ? [] : [name];
}

const FRAME = /^\s+at (?:(?:async )?(.+?) \()?(?:file:\/\/)?(.+?):(\d+):(\d+)\)?$/;

function userFrames(error: Error, sources: ReadonlyMap<string, RunSource>): Frame[] {
  const stack = typeof error.stack === "string" ? error.stack : "";
  const frames: Frame[] = [];
  for (const line of stack.split("\n")) {
    const [, calledBy, file = "", row = "", column = ""] = FRAME.exec(line) ?? [];
    if (file === "") continue;
    const place = { line: Number(row), column: Number(column) };
    const source = sources.get(file);
    if (source === undefined) {
      if (isUsersPackage(file)) frames.push({ title: shortPath(file), function: calledBy, place, source });
      continue;
    }
    const original = source.lines.original(place);
    if (original === undefined) continue;
    const wrapper = calledBy?.endsWith(CELL_FUNCTION) ?? false;
    const named = wrapper || calledBy?.startsWith("Timeout.") ? undefined : calledBy;
    frames.push({ title: source.title, function: named, place: original, source });
    // Below the function that wraps a cell stands only the kernel that called it.
    if (wrapper) break;
  }
  // What lies below the last frame of the user's own code is how the kernel called it.
  const last = frames.findLastIndex((frame) => frame.source !== undefined);
  return last < 0 ? [] : frames.slice(0, last + 1);
}

/** The name of the function that wraps a compiled cell. */
export const CELL_FUNCTION = "__tidetable_cell__";

/** Packages that the user imports, except those that the kernel itself stands on. */
function isUsersPackage(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file) && !/[\\/]node_modules[\\/](@?tslab|tsx|tidetable)[\\/]/.test(file);
}

function shortPath(file: string): string {
  return file.slice(file.lastIndexOf("node_modules"));
}

function errorName(error: Error): string {
  return typeof error.name === "string" && error.name !== "" ? error.name : "Error";
}

/** Also errors of another realm, which are no instance of our Error. */
function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function cut(message: string): string {
  return message.length <= MESSAGE_LENGTH_MAX
    ? message
    : `${message.slice(0, MESSAGE_LENGTH_MAX)}… (${message.length - MESSAGE_LENGTH_MAX} more characters)`;
}
