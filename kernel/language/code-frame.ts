/** A few lines of the user's code around a place, with a mark below it. Pure. */
import type { Place } from "./source-lines.js";

const LINES_AROUND = 2;

export function codeFrame(code: string, place: Place, length = 1): string[] {
  const lines = code.split(/\r?\n/);
  const first = Math.max(1, place.line - LINES_AROUND);
  const last = Math.min(lines.length, place.line + LINES_AROUND);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1] ?? "";
    const marked = number === place.line;
    frame.push(`${marked ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (marked) {
      const markLength = Math.max(1, Math.min(length, text.length - place.column + 1));
      frame.push(`  ${" ".repeat(width)} | ${indentLike(text.slice(0, place.column - 1))}${"^".repeat(markLength)}`);
    }
  }
  return frame;
}

/** Blanks as wide as `text`: tabs stay tabs, so that the mark stands below its character. */
function indentLike(text: string): string {
  return text.replace(/[^\t]/g, " ");
}
