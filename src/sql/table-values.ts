/** How one value of a result reads in a table: the same text in HTML, in plain text and in Zeppelin. Pure. */
import { type Column, cellValue, type LogicalType } from "./schema.js";

/** The text of a value; undefined for NULL, which every table marks in its own way. */
export function cellText(column: Column, row: number): string | undefined {
  const value = cellValue(column, row);
  if (value === null || value === undefined) return undefined;
  switch (column.type) {
    case "timestamp":
      return typeof value === "number" ? timestampText(value) : String(value);
    case "date":
      return typeof value === "number" ? timestampText(value).slice(0, -9) : String(value);
    case "time":
      return typeof value === "number" || typeof value === "bigint" ? timeText(Number(value)) : String(value);
    case "blob":
      return value instanceof Uint8Array ? blobText(value) : String(value);
    case "nested":
      return nestedText(value);
    default:
      return String(value);
  }
}

/** Numbers stand to the right, so that their digits line up. */
export function isNumeric(type: LogicalType): boolean {
  return type === "integer" || type === "bigint" || type === "double" || type === "decimal";
}

/** `2026-11-22 10:15:00`, with milliseconds or microseconds only where there are some. UTC. */
export function timestampText(epochMs: number): string {
  const date = new Date(Math.floor(epochMs));
  if (Number.isNaN(date.getTime())) return epochMs > 0 ? "infinity" : "-infinity";
  const micros = Math.round((epochMs - Math.floor(epochMs)) * 1000);
  const [day = "", clock = ""] = date.toISOString().slice(0, -1).split("T");
  return `${day} ${clock.slice(0, 8)}${fraction(date.getUTCMilliseconds() * 1000 + micros)}`;
}

function timeText(sinceMidnightUs: number): string {
  const seconds = Math.floor(sinceMidnightUs / 1_000_000);
  const part = (value: number) => String(value).padStart(2, "0");
  const clock = `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
  return clock + fraction(Math.round(sinceMidnightUs % 1_000_000));
}

function fraction(micros: number): string {
  if (micros === 0) return "";
  const digits = String(micros).padStart(6, "0");
  return `.${digits.endsWith("000") ? digits.slice(0, 3) : digits}`;
}

/** Printable ASCII as it is, every other byte as `\xNN`: a rejected record stays readable. */
function blobText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** As JSON, with exact big integers and bytes as in a blob column. */
function nestedText(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (value === undefined || value === null) return "null";
  if (value instanceof Date) return JSON.stringify(timestampText(value.getTime()));
  if (value instanceof Uint8Array) return JSON.stringify(blobText(value));
  if (Array.isArray(value)) return `[${value.map(nestedText).join(", ")}]`;
  if (typeof value === "object") {
    const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${nestedText(field)}`);
    return `{${fields.join(", ")}}`;
  }
  return JSON.stringify(value) ?? String(value);
}
