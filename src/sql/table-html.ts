/**
 * A result as an HTML table. Every text is escaped; styles stand on the elements themselves, because front-ends
 * sanitise style sheets in outputs that are not trusted yet. Pure.
 */
import type { QueryResult } from "./schema.js";
import { cellText, isNumeric } from "./table-values.js";

/** Longer values are cut in the table (the result keeps them whole), so that one document does not fill the page. */
const shownCharactersMax = 400;

/** @param footer said below the table, for example `20 of 1,204 rows · 12 ms` */
export function tableHtml(result: QueryResult, shownRows: number, footer: string): string {
  const styles = result.columns.map((column) => `text-align:${isNumeric(column.type) ? "right" : "left"}`);
  const head = result.columns.map(
    (column, index) =>
      `<th style="${styles[index]}" title="${escapeHtml(column.sqlType)}">${escapeHtml(column.name)}</th>`,
  );
  const body = Array.from({ length: shownRows }, (_, row) => {
    const cells = result.columns.map((column, index) => {
      const text = cellText(column, row);
      return text === undefined
        ? `<td style="${styles[index]};opacity:.5;font-style:italic">null</td>`
        : `<td style="${styles[index]}">${escapeHtml(cut(text))}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  return [
    '<div class="tidetable-result">',
    // A long table scrolls in itself, so that the next cell stays in sight; twenty rows fit.
    `<div style="max-height:44em;overflow:auto"><table><thead><tr>${head.join("")}</tr></thead>`,
    `<tbody>${body.join("\n")}</tbody></table></div>`,
    `<p style="opacity:.75;font-size:90%;margin:.25em 0">${escapeHtml(footer)}</p></div>`,
  ].join("\n");
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function cut(text: string): string {
  if (text.length <= shownCharactersMax) return text;
  return `${text.slice(0, shownCharactersMax)}… (${text.length.toLocaleString("en-US")} characters)`;
}
