/**
 * The table of one stream in memory: rows by generation, rejected records, offsets. What a record becomes is decided by
 * the same scanner and the same fields as for DuckDB; nothing outlives the process.
 */

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { type DecodedBatch, decodeBatch, rejectedBytes, TEXT_FIELDS, VALUE_BYTES_MAX } from "../../streaming/decode.js";
import { describeWidening, FIELDS_MAX, type Field, REST_COLUMN } from "../../streaming/json/fields.js";
import { keyAt, type RecordBatch, valueAt } from "../../streaming/record.js";
import { afterOffset } from "../../streaming/record-slices.js";
import { type GenerationSize, retentionStep } from "../../streaming/retention.js";
import type { Retention, StreamTable, StreamTableCounts, StreamTableDefinition, WriteOutcome } from "../sql-engine.js";
import { readField, storedAs, typeOfKind } from "./fields.js";
import type { TableSnapshot } from "./plan.js";
import {
  BIGINT,
  INTEGER,
  JSON_TYPE,
  notInEngine,
  type Row,
  type SqlType,
  TIMESTAMP,
  VARCHAR,
  type Value,
} from "./types.js";

/** More rows are not kept, whatever was asked: they live on the heap of one process. */
export const ROWS_KEPT_MAX = 1_000_000;
const ERRORS_KEPT = 100_000;
/** Of a rejected value above the size limit, this much is kept, with a digest of the whole. */
const REJECTED_BYTES_KEPT = 64 * 1024;
const TIMESTAMP_MS_MAX = 253_402_300_799_999n;

const BLOB: SqlType = { id: "OPAQUE", sqlType: "BLOB", logical: "blob" };
const HEADERS: SqlType = { id: "OPAQUE", sqlType: "MAP(VARCHAR, BLOB)", logical: "nested" };
const metadata = [
  { name: "_topic", type: VARCHAR },
  { name: "_partition", type: INTEGER },
  { name: "_offset", type: BIGINT },
  { name: "_timestamp", type: TIMESTAMP },
  { name: "_key", type: VARCHAR },
  { name: "_headers", type: HEADERS },
];
const errorColumns = [
  { name: "raw", type: BLOB },
  { name: "reason", type: VARCHAR },
  ...metadata,
  { name: "received", type: TIMESTAMP },
];

/** What else a stream may ask for is DuckDB's. */
function formatOf({ name, format, schema, mode = "append" }: StreamTableDefinition): "json" | "text" {
  if (schema !== undefined) throw notInEngine(`Stream ${name}: a declared schema`);
  if (mode !== "append") throw notInEngine(`Stream ${name}: mode "${mode}"`);
  if (format !== "json" && format !== "text") throw notInEngine(`Stream ${name}: this format`);
  return format;
}

class Generation implements GenerationSize {
  stored: Row[] = [];
  bytes = 0;
  newestMs = 0;
  readonly createdAtMs = Date.now();

  get rows(): number {
    return this.stored.length;
  }
}

interface Partition {
  nextOffset: bigint;
  rows: number;
  rejected: number;
  tombstones: number;
}

export class AlaSqlStreamTable implements StreamTable {
  readonly name: string;
  /** Said aloud in the stream's status. Newest last. */
  readonly notices: string[] = [];
  readonly #format: "json" | "text";
  readonly #keep: Retention;
  #fields: readonly Field[];
  #generations: Generation[] = [new Generation()];
  #errors: Row[] = [];
  #retired = 0;
  #commits = 0;
  readonly #partitions = new Map<string, Map<number, Partition>>();

  constructor(definition: StreamTableDefinition) {
    this.name = definition.name;
    this.#format = formatOf(definition);
    this.#keep = definition.keep;
    this.#fields = definition.format === "text" ? TEXT_FIELDS : [];
    if (!("rows" in definition.keep) || definition.keep.rows > ROWS_KEPT_MAX) {
      this.notices.push(`the AlaSQL engine keeps at most ${ROWS_KEPT_MAX.toLocaleString("en-US")} rows, in memory`);
    }
  }

  /** Counts up whenever a query may answer otherwise. */
  get commits(): number {
    return this.#commits;
  }

  async storedOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return new Map([...(this.#partitions.get(topic) ?? [])].map(([partition, state]) => [partition, state.nextOffset]));
  }

  /** Everything of a batch is stored in one turn of the event loop: no query sees half of it. */
  async write(batch: RecordBatch): Promise<WriteOutcome> {
    return this.#store(batch);
  }

  #store(batch: RecordBatch): WriteOutcome {
    const stored = this.#partitions.get(batch.topic)?.get(batch.partition)?.nextOffset;
    const fresh = stored === undefined ? batch : afterOffset(batch, stored);
    if (fresh === undefined) return { rows: 0, rejected: 0, tombstones: 0 };
    const decoded = this.#decode(fresh);
    this.#append(fresh, decoded, this.#makeRows(fresh, decoded));
    this.maintain(Date.now());
    return { rows: decoded.rows.length, rejected: decoded.rejected.length, tombstones: decoded.tombstones };
  }

  /** In one turn, too. */
  async writeTogether(batches: readonly RecordBatch[]): Promise<WriteOutcome> {
    const total = { rows: 0, rejected: 0, tombstones: 0 };
    for (const batch of batches) {
      const outcome = this.#store(batch);
      total.rows += outcome.rows;
      total.rejected += outcome.rejected;
      total.tombstones += outcome.tombstones;
    }
    return total;
  }

  /** Columns are inferred here: what was rejected is no JSON, and stays that. */
  async retryErrors(): Promise<{ readonly tried: number; readonly rows: number; readonly rejected: number }> {
    return { tried: this.#errors.length, rows: 0, rejected: this.#errors.length };
  }

  counts(): StreamTableCounts {
    const states = [...this.#partitions.values()].flatMap((partitions) => [...partitions.values()]);
    return {
      rows: this.#generations.reduce((total, generation) => total + generation.rows, 0),
      rejected: states.reduce((total, state) => total + state.rejected, 0),
      tombstones: states.reduce((total, state) => total + state.tombstones, 0),
      retired: this.#retired,
    };
  }

  /** Lets old generations go. */
  maintain(nowMs: number): void {
    for (const keep of [this.#keep, { rows: ROWS_KEPT_MAX }]) {
      const { rotate, drop } = retentionStep(this.#generations, keep, nowMs);
      if (!rotate && drop === 0) continue;
      for (const generation of this.#generations.slice(0, drop)) this.#retired += generation.rows;
      this.#generations = [...this.#generations.slice(drop), ...(rotate ? [new Generation()] : [])];
      this.#commits += 1;
    }
    if (this.#errors.length > ERRORS_KEPT * 1.25) this.#errors = this.#errors.slice(-ERRORS_KEPT);
  }

  snapshot(): TableSnapshot {
    return {
      name: this.name,
      columns: [...this.#ownColumns(), ...metadata],
      // Generations grow at their end: the copy of the list of rows is what makes this moment last.
      parts: this.#generations.map((generation) => generation.stored.slice()),
    };
  }

  errorsSnapshot(): TableSnapshot {
    return { name: `${this.name}_errors`, columns: errorColumns, parts: [this.#errors.slice()] };
  }

  async close(): Promise<void> {
    this.#generations = [new Generation()];
  }

  #ownColumns(): TableSnapshot["columns"] {
    const columns = this.#fields.map((field) => ({ name: field.column, type: typeOfKind(field.kind) }));
    return this.#hasRest() ? [...columns, { name: REST_COLUMN, type: JSON_TYPE }] : columns;
  }

  #hasRest(fields: readonly Field[] = this.#fields): boolean {
    return fields.length >= FIELDS_MAX;
  }

  /** Widens the columns until the batch fits them. */
  #decode(batch: RecordBatch): DecodedBatch {
    for (;;) {
      const decoded = decodeBatch(batch, this.#format, this.#fields);
      if (decoded.fields === this.#fields) return decoded;
      this.#widen(decoded.fields);
    }
  }

  #widen(wanted: readonly Field[]): void {
    const before = this.#fields;
    const fields = wanted.map((field, index) =>
      this.#wouldRound(field, before[index], index) ? { ...field, kind: "mixed" as const } : field,
    );
    this.notices.push(...describeWidening(before, fields));
    const hadRest = this.#hasRest(before);
    const convert = (row: Row): Row => {
      const own = fields.map((field, index) =>
        storedAs(index < before.length ? (row[index] ?? null) : null, before[index]?.kind, field.kind),
      );
      const rest = this.#hasRest(fields) ? [hadRest ? (row[before.length] ?? null) : null] : [];
      return [...own, ...rest, ...row.slice(-metadata.length)];
    };
    for (const generation of this.#generations) generation.stored = generation.stored.map(convert);
    this.#fields = fields;
  }

  /** A column of integers beyond 2^53 goes to text instead of DOUBLE, which would round them. */
  #wouldRound(field: Field, before: Field | undefined, index: number): boolean {
    if (field.kind !== "double" || (before?.kind !== "bigint" && before?.kind !== "hugeint")) return false;
    return this.#generations.some((generation) =>
      generation.stored.some((row) => {
        const value = row[index];
        return typeof value === "bigint" && BigInt(Number(value)) !== value;
      }),
    );
  }

  #makeRows(batch: RecordBatch, decoded: DecodedBatch): Row[] {
    // Read once more as if every field were handed on as it was written: where each value stands.
    const fields =
      this.#format === "text" ? TEXT_FIELDS : this.#fields.map((field) => ({ ...field, kind: "mixed" as const }));
    const { spans } = decodeBatch(batch, this.#format, fields);
    return Array.from(decoded.rows, (index) => {
      const own = this.#fields.map((field, fieldIndex): Value => {
        const length = spans.get(fieldIndex)?.lengths[index] ?? -1;
        if (length < 0) return null;
        const start = spans.get(fieldIndex)?.starts[index] ?? 0;
        if (this.#format === "text") return batch.bytes.toString("utf8", start, start + length);
        return readField(field.kind, batch.bytes, start, start + length);
      });
      const rest = this.#hasRest()
        ? [decoded.overflow.has(index) ? (valueAt(batch, index)?.toString("utf8") ?? null) : null]
        : [];
      return [...own, ...rest, ...metadataOf(batch, index)];
    });
  }

  #append(batch: RecordBatch, decoded: DecodedBatch, rows: readonly Row[]): void {
    const newest = this.#generations.at(-1) as Generation;
    for (const row of rows) newest.stored.push(row);
    for (const index of decoded.rows) {
      newest.bytes += batch.valueLengths[index] as number;
      const atMs = Number(batch.timestampsMs[index]);
      newest.newestMs = Math.max(newest.newestMs, atMs >= 0 ? atMs : Date.now());
    }
    const receivedMicros = BigInt(Date.now()) * 1000n;
    for (const { row, reason } of decoded.rejected) this.#errors.push(errorRow(batch, row, reason, receivedMicros));
    const state = this.#partition(batch);
    state.nextOffset = batch.nextOffset;
    state.rows += rows.length;
    state.rejected += decoded.rejected.length;
    state.tombstones += decoded.tombstones;
    this.#commits += 1;
  }

  #partition(batch: RecordBatch): Partition {
    const partitions = this.#partitions.get(batch.topic) ?? new Map<number, Partition>();
    this.#partitions.set(batch.topic, partitions);
    const state = partitions.get(batch.partition) ?? { nextOffset: 0n, rows: 0, rejected: 0, tombstones: 0 };
    partitions.set(batch.partition, state);
    return state;
  }
}

function metadataOf(batch: RecordBatch, index: number): Value[] {
  return [
    batch.topic,
    BigInt(batch.partition),
    batch.offsets[index] ?? null,
    timestampOf(batch.timestampsMs[index] ?? -1n),
    keyText(keyAt(batch, index)),
    headersOf(batch, index),
  ];
}

/** A producer may set any 64 bits; what is no instant between 1970 and 9999 is NULL. */
function timestampOf(ms: bigint): Value {
  return ms >= 0n && ms <= TIMESTAMP_MS_MAX ? ms * 1000n : null;
}

/** A key is text where it can be; other bytes are spelled the way DuckDB prints a BLOB. */
function keyText(key: Buffer | null): string | null {
  if (key === null) return null;
  if (isUtf8(key)) return key.toString("utf8");
  return Array.from(key, (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Of a repeated name the last counts, as in Kafka's own API. */
function headersOf(batch: RecordBatch, index: number): Value {
  const headers = batch.headers?.get(index);
  if (headers === undefined || headers.length === 0) return null;
  const map: Record<string, Uint8Array | null> = Object.create(null);
  for (const { key, value } of headers) map[key.toWellFormed()] = value === null ? null : Uint8Array.from(value);
  return map;
}

function errorRow(batch: RecordBatch, index: number, reason: string, receivedMicros: bigint): Row {
  const raw = rejectedBytes(batch, index);
  const isCut = raw.length > VALUE_BYTES_MAX;
  const digest = isCut ? createHash("sha256").update(raw).digest("hex") : "";
  const note = isCut ? ` (first ${REJECTED_BYTES_KEPT} kept; sha256 ${digest})` : "";
  const kept = Uint8Array.from(isCut ? raw.subarray(0, REJECTED_BYTES_KEPT) : raw);
  return [kept, reason + note, ...metadataOf(batch, index), receivedMicros];
}
