/** Rows as text for other programs. Pure. */
import type { ResultJson, ResultValue } from "../../sql/result-json.js";
import type { LogicalType } from "../../sql/schema.js";
import { valueText } from "./value-text.js";

/** RFC 4180. A null is an empty field. */
export function csvText({ columns, rows }: ResultJson): string {
  const head = columns.map(({ name }) => csvField(harmless(name)));
  const lines = rows.map((row) => columns.map(({ type }, index) => csvValue(type, row[index] ?? null)));
  return `${[head, ...lines].map((fields) => fields.join(",")).join("\r\n")}\r\n`;
}

/** As a spreadsheet takes it from the clipboard. */
export function tabSeparated({ columns, rows }: ResultJson): string {
  const plain = (text: string) => harmless(text.replace(/[\t\r\n]+/g, " "));
  const head = columns.map(({ name }) => plain(name));
  const lines = rows.map((row) =>
    columns.map(({ type }, index) => {
      const value = row[index] ?? null;
      return value === null ? "" : isText(type) ? plain(valueText(type, value)) : valueText(type, value);
    }),
  );
  return [head, ...lines].map((fields) => fields.join("\t")).join("\n");
}

function csvValue(type: LogicalType, value: ResultValue): string {
  if (value === null) return "";
  const text = valueText(type, value);
  return csvField(isText(type) ? harmless(text) : text);
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Text that a spreadsheet would run as a formula stays text: records are written by strangers. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function isText(type: LogicalType): boolean {
  return type === "text" || type === "blob" || type === "nested";
}
