/**
 * Records that are one line of CSV each, as JSON objects. csv-parse reads the lines; this file gives the cells their names
 * and lets numbers be numbers. Pure.
 */
import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import { errorMessage } from "../errors.js";
import { VALUE_BYTES_MAX } from "./decode.js";
import type { ValueFormat } from "./decoder.js";
import type { Field, FieldKind } from "./json/fields.js";
import { type RecordBatch, valueAt } from "./record.js";
import type { CsvOptions } from "./record-format.js";

/** A line with more cells is rejected. */
const CELLS_MAX = 500;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

type Cells = readonly string[];

export function csvFormat({ delimiter = "," }: CsvOptions): ValueFormat {
  return {
    toObjects(batch, declared) {
      const lines = parseLines(batch, delimiter);
      const texts: Buffer[] = [];
      const valueStarts = new Int32Array(batch.count);
      const valueLengths = new Int32Array(batch.count).fill(-1);
      const rejected = new Map<number, string>();
      let size = 0;
      lines.forEach((line, row) => {
        if (line === undefined) return;
        const reason = typeof line === "string" ? line : reasonAgainst(line, declared);
        if (reason !== undefined) rejected.set(row, reason);
        if (reason !== undefined || typeof line === "string") return;
        const text = Buffer.from(toObject(line, declared));
        valueStarts[row] = size;
        valueLengths[row] = text.length;
        size += text.length;
        texts.push(text);
      });
      return { objects: { bytes: Buffer.concat(texts, size), valueStarts, valueLengths }, rejected };
    },
  };
}

/** Cells by record; a string is the reason why there are none; undefined: the record has no value, or too large a one. */
function parseLines(batch: RecordBatch, delimiter: string): Array<Cells | string | undefined> {
  const lines = new Array<Cells | string | undefined>(batch.count).fill(undefined);
  // A value without quotes and line ends is a line whatever stands around it: these are read in one call.
  const plainRows: number[] = [];
  const plain: string[] = [];
  for (let row = 0; row < batch.count; row++) {
    const value = valueAt(batch, row);
    if (value === null || value.length > VALUE_BYTES_MAX) continue;
    const line = withoutLineEnd(value);
    if (!isUtf8(line)) lines[row] = "not valid UTF-8";
    else if (line.length === 0) lines[row] = "empty";
    else if (line.includes(QUOTE) || line.includes(LINE_FEED) || line.includes(CARRIAGE_RETURN)) {
      lines[row] = parseOne(line.toString(), delimiter);
    } else {
      plainRows.push(row);
      plain.push(line.toString());
    }
  }
  const parsed = parseAll(plain.join("\n"), delimiter);
  plainRows.forEach((row, index) => {
    lines[row] = parsed[index];
  });
  return lines;
}

function parseAll(text: string, delimiter: string): readonly Cells[] {
  return parse(text, { delimiter, relax_column_count: true, record_delimiter: "\n" });
}

function parseOne(text: string, delimiter: string): Cells | string {
  try {
    const rows: Cells[] = parse(text, { delimiter, relax_column_count: true });
    const [only] = rows;
    if (only !== undefined && rows.length === 1) return only;
    return `${rows.length} lines of CSV in one record, where one is a row`;
  } catch (error) {
    return `not valid CSV: ${errorMessage(error)}`;
  }
}

function withoutLineEnd(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && (value[end - 1] === LINE_FEED || value[end - 1] === CARRIAGE_RETURN)) end--;
  return value.subarray(0, end);
}

function reasonAgainst(cells: Cells, declared: readonly Field[] | undefined): string | undefined {
  if (declared === undefined) return cells.length > CELLS_MAX ? `more than ${CELLS_MAX} cells` : undefined;
  if (cells.length === declared.length) return undefined;
  return `${cells.length} cells, where the schema has ${declared.length} columns`;
}

function toObject(cells: Cells, declared: readonly Field[] | undefined): string {
  const members = cells.map((cell, index) => {
    const field = declared?.[index];
    return `${JSON.stringify(field?.key ?? `column${index + 1}`)}:${toValue(cell, field?.kind)}`;
  });
  return `{${members.join(",")}}`;
}

/** What cannot be of its column's kind goes on as text, so that the scanner says so. */
function toValue(cell: string, kind: FieldKind | undefined): string {
  if (kind === "text") return JSON.stringify(cell);
  const trimmed = cell.trim();
  if (trimmed === "") return "null";
  if (kind === undefined) return NUMBER.test(cell) ? cell : JSON.stringify(cell);
  if (kind === "boolean" && /^(?:true|false)$/i.test(trimmed)) return trimmed.toLowerCase();
  if (kind === "timestamp") return JSON.stringify(trimmed);
  if (kind === "json" || kind === "nested") return isJson(trimmed) ? trimmed : JSON.stringify(cell);
  return NUMBER.test(trimmed) ? trimmed : JSON.stringify(cell);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
