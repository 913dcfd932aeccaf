/**
 * Sorts the records of a batch before a database sees them: rows, rejected records with a reason, tombstones. Bad input
 * is a value here, never an exception. Pure: no IO, no clock.
 */
import { isUtf8 } from "node:buffer";
import { FIELDS_MAX, type Field, widenFields } from "./json/fields.js";
import { JsonScanner, type Spans } from "./json/scan.js";
import { type RecordBatch, valueAt } from "./record.js";

/** A larger value is rejected. */
export const VALUE_BYTES_MAX: number = 10 * 1024 * 1024;

export interface RejectedRecord {
  /** Index in the batch. */
  readonly row: number;
  readonly reason: string;
}

export interface DecodedBatch {
  /** Indexes of the records that become rows, ascending. */
  readonly rows: Int32Array;
  readonly rejected: readonly RejectedRecord[];
  readonly tombstones: number;
  /** The JSON objects that the rows are made of, where the values are of another format; else the values themselves are. */
  readonly objects?: ValueColumns;
  /** Where the values stand, by field index. */
  readonly spans: ReadonlyMap<number, Spans>;
  /** Records with fields that have no column; each is kept whole in `_rest`. */
  readonly overflow: ReadonlySet<number>;
  /**
   * The fields that this batch needs. The same array as was given when the batch fits it; otherwise the table has to be
   * widened to these and the batch decoded again, because nothing of it may be written under the old ones.
   */
  readonly fields: readonly Field[];
}

/** Bytes and where in them the value of each record stands; length -1: there is none. */
export type ValueColumns = Pick<RecordBatch, "bytes" | "valueStarts" | "valueLengths">;

/** What becomes of a record that has only a key. */
export type TombstonePolicy =
  /** It is counted; it is no row. */
  | "count"
  /** It is a row that says that its key is gone; a record without a key is rejected. */
  | "row";

/** The one column of a stream of text. */
export const TEXT_FIELDS: readonly Field[] = [{ key: "value", column: "value", kind: "text" }];

/** The one column of a stream of bytes. */
export const RAW_FIELDS: readonly Field[] = [{ key: "value", column: "value", kind: "blob" }];

const NONE: ReadonlySet<number> = new Set();

/** Of a stream's first batch: with the fields that these records have, most of the others are read the short way. */
const SAMPLE_RECORDS = 256;

/** With fields that are inferred. */
export function decodeBatch(batch: RecordBatch, format: "json" | "text", fields: readonly Field[]): DecodedBatch {
  return format === "json" ? decodeObjects(batch, fields) : decodeText(batch);
}

export interface ObjectsOptions {
  /** The fields are declared: they stay, and what does not fit them is rejected. */
  readonly declared?: boolean;
  readonly tombstones?: TombstonePolicy;
  /** The records' values as JSON objects, with the reason where one could not be made, by record. */
  readonly converted?: { readonly objects: ValueColumns; readonly rejected: ReadonlyMap<number, string> };
}

/** Rows from values that are JSON objects. */
export function decodeObjects(
  batch: RecordBatch,
  fields: readonly Field[],
  { declared = false, tombstones = "count", converted }: ObjectsOptions = {},
): DecodedBatch {
  if (!declared && fields.length === 0 && batch.count > SAMPLE_RECORDS) {
    const sampled = decodeObjects({ ...batch, count: SAMPLE_RECORDS }, fields, {
      tombstones,
      ...withObjects(converted),
    });
    if (sampled.fields.length > 0) {
      return decodeObjects(batch, sampled.fields, { tombstones, ...withObjects(converted) });
    }
  }
  const { bytes, valueStarts, valueLengths } = converted?.objects ?? batch;
  const policy = declared ? "declared" : fields.length < FIELDS_MAX ? "open" : "full";
  const scanner = new JsonScanner(fields, batch.count, policy);
  const overflow = new Set<number>();
  const sorted = sortRecords(batch, tombstones, (row) => {
    const refused = converted?.rejected.get(row);
    if (refused !== undefined) return refused;
    const start = valueStarts[row] as number;
    const end = start + (valueLengths[row] as number);
    scanner.overflowed = false;
    const reason = scanner.scan(bytes, start, end, row);
    if (scanner.overflowed && reason === undefined) overflow.add(row);
    return reason;
  });
  const widened = declared ? fields : widenFields(fields, scanner.observed);
  const objects = converted === undefined ? {} : { objects: converted.objects };
  return { ...sorted, ...objects, spans: scanner.spans, overflow, fields: widened };
}

function withObjects(converted: ObjectsOptions["converted"]): Pick<ObjectsOptions, "converted"> {
  return converted === undefined ? {} : { converted };
}

export function decodeText(batch: RecordBatch, tombstones: TombstonePolicy = "count"): DecodedBatch {
  const sorted = sortRecords(batch, tombstones, (row) => {
    const start = batch.valueStarts[row] as number;
    const value = batch.bytes.subarray(start, start + (batch.valueLengths[row] as number));
    return isUtf8(value) ? undefined : "not valid UTF-8";
  });
  return { ...sorted, spans: wholeValues(batch), overflow: new Set(), fields: TEXT_FIELDS };
}

export function decodeRaw(batch: RecordBatch, tombstones: TombstonePolicy = "count"): DecodedBatch {
  const sorted = sortRecords(batch, tombstones, () => undefined);
  return { ...sorted, spans: wholeValues(batch), overflow: new Set(), fields: RAW_FIELDS };
}

function wholeValues(batch: RecordBatch): ReadonlyMap<number, Spans> {
  return new Map([[0, { starts: batch.valueStarts, lengths: batch.valueLengths, escaped: NONE }]]);
}

function sortRecords(
  batch: RecordBatch,
  tombstonePolicy: TombstonePolicy,
  reasonAgainst: (row: number) => string | undefined,
): Pick<DecodedBatch, "rows" | "rejected" | "tombstones"> {
  const rows = new Int32Array(batch.count);
  const rejected: RejectedRecord[] = [];
  let accepted = 0;
  let tombstones = 0;
  for (let row = 0; row < batch.count; row++) {
    const length = batch.valueLengths[row] as number;
    const isKeyless = tombstonePolicy === "row" && (batch.keyLengths[row] as number) < 0;
    if (length < 0) {
      tombstones++;
      if (tombstonePolicy === "row" && !isKeyless) rows[accepted++] = row;
      continue;
    }
    if (isKeyless) {
      rejected.push({ row, reason: 'no key, which mode "upsert" needs' });
      continue;
    }
    const reason =
      length > VALUE_BYTES_MAX ? `${length} bytes, above the limit of ${VALUE_BYTES_MAX}` : reasonAgainst(row);
    if (reason === undefined) rows[accepted++] = row;
    else rejected.push({ row, reason });
  }
  return { rows: rows.subarray(0, accepted), rejected, tombstones };
}

/** The raw bytes of a rejected record; a copy, so that the batch can be let go. */
export function rejectedBytes(batch: RecordBatch, row: number): Buffer {
  return Buffer.from(valueAt(batch, row) ?? Buffer.alloc(0));
}
