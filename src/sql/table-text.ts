/** A result as aligned plain text, the twin of the HTML table, and as Zeppelin's `%table`. Pure. */
import type { QueryResult } from "./schema.js";
import { cellText, isNumeric } from "./table-values.js";

const columnWidthMax = 60;
const nullText = "∅";

/** @param footer a last line, for example `20 of 1,204 rows · 12 ms` */
export function tableText(result: QueryResult, shownRows = result.rowCount, footer?: string): string {
  const columns = result.columns.map((column) => {
    const texts = [column.name];
    for (let row = 0; row < shownRows; row += 1) texts.push(cellText(column, row) ?? nullText);
    const cells = texts.map(oneLine);
    const width = Math.max(...cells.map(displayWidth));
    return cells.map((cell) => pad(cell, width, isNumeric(column.type)));
  });
  const line = (row: number) =>
    columns
      .map((cells) => cells[row] ?? "")
      .join("  ")
      .trimEnd();
  const rule = columns.map((cells) => "─".repeat(displayWidth(cells[0] ?? ""))).join("  ");
  const rows = Array.from({ length: shownRows }, (_, row) => line(row + 1));
  return [line(0), rule, ...rows, ...(footer === undefined ? [] : [footer])].join("\n");
}

/** Zeppelin makes its table, with switcher and pivot, from text of this form and from nothing else. */
export function zeppelinTable(result: QueryResult, shownRows = result.rowCount): string {
  const field = (text: string) => text.replace(/[\t\r\n]+/g, " ");
  const lines = [result.columns.map((column) => field(column.name)).join("\t")];
  for (let row = 0; row < shownRows; row += 1) {
    lines.push(result.columns.map((column) => field(cellText(column, row) ?? "null")).join("\t"));
  }
  return `%table ${lines.join("\n")}\n`;
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]/gu, (control) =>
    control === "\n" ? "↵" : control === "\t" ? " " : "·",
  );
  const characters = [...line];
  return characters.length > columnWidthMax ? `${characters.slice(0, columnWidthMax - 1).join("")}…` : line;
}

/** Terminal columns: East Asian wide characters and emoji take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

function pad(text: string, width: number, toRight: boolean): string {
  const spaces = " ".repeat(Math.max(0, width - displayWidth(text)));
  return toRight ? spaces + text : text + spaces;
}
