/**
 * The port between the bytes of records and the rows of a table, and the formats that stand behind it. Another format is a
 * file with a `ValueFormat` and a line in `valueFormatOf`: whatever it reads, it hands on as JSON objects, so that one scanner
 * decides what fits a column. Pure.
 */
import { csvFormat } from "./csv-format.js";
import {
  type DecodedBatch,
  decodeObjects,
  decodeRaw,
  decodeText,
  RAW_FIELDS,
  TEXT_FIELDS,
  type TombstonePolicy,
  type ValueColumns,
} from "./decode.js";
import type { Field } from "./json/fields.js";
import type { RecordBatch } from "./record.js";
import type { RecordFormat } from "./record-format.js";

/** A format whose values become objects: one JSON object a record, or the reason why there is none. Never throws for bad input. */
export interface ValueFormat {
  toObjects(
    batch: RecordBatch,
    declared: readonly Field[] | undefined,
  ): { readonly objects: ValueColumns; readonly rejected: ReadonlyMap<number, string> };
}

export interface Decoder {
  /** Columns before the first record. */
  readonly fields: readonly Field[];
  /** Rows are made of JSON objects, or the value is the one column. */
  readonly layout: "objects" | "values";
  decode(batch: RecordBatch, fields: readonly Field[]): DecodedBatch;
}

export interface DecoderOptions {
  readonly format: RecordFormat;
  readonly schema?: readonly Field[];
  readonly tombstones?: TombstonePolicy;
}

export function createDecoder({ format, schema, tombstones = "count" }: DecoderOptions): Decoder {
  if (format === "text") {
    return { fields: TEXT_FIELDS, layout: "values", decode: (batch) => decodeText(batch, tombstones) };
  }
  if (format === "raw") {
    return { fields: RAW_FIELDS, layout: "values", decode: (batch) => decodeRaw(batch, tombstones) };
  }
  const values = valueFormatOf(format);
  const declared = schema !== undefined;
  return {
    fields: schema ?? [],
    layout: "objects",
    decode(batch, fields) {
      const converted = values?.toObjects(batch, schema);
      return decodeObjects(batch, fields, { declared, tombstones, ...(converted === undefined ? {} : { converted }) });
    },
  };
}

/** Undefined: the values are JSON objects themselves. */
function valueFormatOf(format: Exclude<RecordFormat, "text" | "raw">): ValueFormat | undefined {
  if (format === "json") return undefined;
  return csvFormat(format === "csv" ? {} : format.csv);
}

/** `csv` or `csv with ";"`, as messages and the store call it. */
export function formatName(format: RecordFormat): string {
  if (typeof format === "string") return format;
  const { delimiter = "," } = format.csv;
  return delimiter === "," ? "csv" : `csv with ${JSON.stringify(delimiter)}`;
}
