/**
 * One writing chain into DuckDB: a connection of its own, and two table functions through which the bytes of a batch
 * reach SQL without ever becoming JS strings. Owns the transaction of a batch: rows, rejected records and the next offset
 * are stored together or not at all. It decides nothing about fields, generations or retention.
 *
 * Long because a chain is one object: its statements, its two table functions and its transaction share their buffers.
 */
import { createHash } from "node:crypto";
import {
  BIGINT,
  BLOB,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBPreparedStatement,
  DuckDBTableFunction,
  INTEGER,
  VARCHAR,
} from "@duckdb/node-api";
import { type DecodedBatch, type RejectedRecord, rejectedBytes, VALUE_BYTES_MAX } from "../../streaming/decode.js";
import type { Decoder } from "../../streaming/decoder.js";
import { keyAt, type RecordBatch } from "../../streaming/record.js";
import { quoteText } from "../identifiers.js";
import {
  errorsTable,
  type Generation,
  type IngestLayout,
  ingestLayout,
  insertErrors,
  insertOffsets,
  insertRows,
  layoutColumns,
  type OffsetStep,
  type StreamHome,
  updateOffsets,
} from "./generations.js";
import { fillPlaced, placeBytes, textAt } from "./text-vectors.js";
import { CHUNK_ROWS, copyInto, countingFrom, fillNulls, fillText, pick, repeated } from "./vectors.js";

/** Of a rejected value above the size limit, this much is kept, with a digest of the whole. */
const REJECTED_BYTES_KEPT = 64 * 1024;
const FIXED_COLUMNS = 7;
/** Topics whose statements are kept. */
const STATEMENTS_MAX = 32;
const BEGIN = "BEGIN TRANSACTION";
/** Any text: what counts is that it is there. */
const GONE = Buffer.from("x");
const NONE: ReadonlySet<number> = new Set();

export interface IngestJob {
  readonly home: StreamHome;
  readonly layout: Decoder["layout"];
  readonly generation: Generation;
  /** Batches of different partitions of one topic; the sequences go through them in this order. */
  readonly parts: readonly IngestPart[];
  readonly firstSequence: bigint;
  readonly arrivedAtMs: number;
  /** The one batch is made of rejected records that are tried again: what is a row now leaves the errors. */
  readonly isRetry?: boolean;
}

export interface IngestPart {
  readonly batch: RecordBatch;
  readonly decoded: DecodedBatch;
}

/** A part with its columns as the rows function hands them out. */
interface RowsPart extends IngestPart {
  readonly sequences: BigInt64Array;
  readonly offsets: BigInt64Array;
  readonly timestamps: BigInt64Array;
  readonly headers: ReadonlyArray<string | null> | undefined;
  /** Every key is ASCII, and so text as it is. */
  readonly plainKeys: boolean;
}

/** Without parameters: DuckDB plans a statement that has some anew at each run. */
interface Statements {
  readonly rows: DuckDBPreparedStatement;
  /** Prepared for the first record that is rejected: planning costs as much as the rows of a small batch. */
  errors?: DuckDBPreparedStatement;
}

export class IngestChain {
  readonly #connection: DuckDBConnection;
  readonly #rowsFunction: string;
  readonly #errorsFunction: string;
  /** By topic, for one generation of one table. */
  readonly #statements = new Map<string, Statements>();
  #statementsOf = "";
  #layout: IngestLayout = { fields: [], rest: false, gone: false };
  #job: IngestJob | undefined;
  #rowsParts: readonly RowsPart[] = [];
  /** Which part a table function is at, and where in it. */
  #part = 0;
  #position = 0;

  /** `name` must be unique in the database: a table function is visible on every connection. */
  constructor(connection: DuckDBConnection, name: string) {
    this.#connection = connection;
    this.#rowsFunction = `${name}_rows`;
    this.#errorsFunction = `${name}_errors`;
    connection.registerTableFunction(this.#createRowsFunction());
    connection.registerTableFunction(this.#createErrorsFunction());
  }

  /** Stores the batches in one transaction. Rejects with DuckDB's own error after rolling back. */
  async write(job: IngestJob): Promise<void> {
    this.#job = job;
    this.#layout = ingestLayout(job.home, job.generation.fields, job.layout);
    const statements = await this.#prepare(job);
    try {
      if (job.isRetry === true) await this.#connection.run(BEGIN);
      else await this.#beginWithOffsets(job);
      await this.#insertRows(statements.rows, job);
      if (job.isRetry === true) await this.#settleRetried(job);
      else await this.#insertErrors(statements, job);
      await this.#connection.run("COMMIT");
    } catch (error) {
      // A failed statement leaves the transaction open, and a later COMMIT would store the rest of it.
      await this.#rollback(error);
      throw error;
    } finally {
      this.#job = undefined;
      this.#rowsParts = [];
    }
  }

  close(): void {
    this.#connection.closeSync();
  }

  async #rollback(cause: unknown): Promise<void> {
    try {
      await this.#connection.run("ROLLBACK");
    } catch (error) {
      // A COMMIT that failed has ended the transaction by itself.
      if (!/no transaction is active/i.test(String(error))) throw new AggregateError([cause, error], String(cause));
    }
  }

  async #prepare(job: IngestJob): Promise<Statements> {
    const of = `${job.home.schema}/${job.home.name}/${job.generation.id}`;
    const topic = topicOf(job);
    if (this.#statementsOf !== of || (this.#statements.size >= STATEMENTS_MAX && !this.#statements.has(topic))) {
      this.#forgetStatements();
    }
    const known = this.#statements.get(topic);
    if (known !== undefined) return known;
    const source = { topic, tableFunction: this.#rowsFunction };
    const text = insertRows(job.home, job.generation, job.layout, source);
    const statements: Statements = { rows: await this.#connection.prepare(text) };
    this.#statements.set(topic, statements);
    this.#statementsOf = of;
    return statements;
  }

  #forgetStatements(): void {
    for (const statements of this.#statements.values()) {
      statements.rows.destroySync();
      statements.errors?.destroySync();
    }
    this.#statements.clear();
  }

  async #insertRows(statement: DuckDBPreparedStatement, job: IngestJob): Promise<void> {
    this.#rowsParts = rowsParts(job.parts, job.firstSequence);
    const rows = countOf(job, ({ rows }) => rows.length);
    if (rows === 0) return;
    const result = await statement.run();
    if (result.rowsChanged !== rows) throw new Error(`the insert stored ${result.rowsChanged} of ${rows} rows`);
  }

  async #insertErrors(statements: Statements, job: IngestJob): Promise<void> {
    const rejected = countOf(job, (decoded) => decoded.rejected.length);
    if (rejected === 0) return;
    const source = { topic: topicOf(job), tableFunction: this.#errorsFunction };
    statements.errors ??= await this.#connection.prepare(insertErrors(job.home, source));
    const result = await statements.errors.run();
    if (result.rowsChanged !== rejected) {
      throw new Error(`the insert stored ${result.rowsChanged} of ${rejected} rejected records`);
    }
  }

  /**
   * Begins the transaction, and in the same call, because each call wakes another thread, moves the offsets on. One row per stream,
   * topic and partition; only this partition's writer touches it, so transactions never conflict.
   */
  async #beginWithOffsets(job: IngestJob): Promise<void> {
    const steps = job.parts.map(offsetStep);
    const updated = await this.#connection.run(`${BEGIN}; ${updateOffsets(job.home, topicOf(job), steps)}`);
    if (updated.rowsChanged === steps.length) return;
    // A partition's first batch.
    const inserted = await this.#connection.run(insertOffsets(job.home, topicOf(job), steps));
    const stored = updated.rowsChanged + inserted.rowsChanged;
    if (stored !== steps.length) throw new Error(`${stored} of ${steps.length} offsets were stored`);
  }

  /** Those that are rows now go from the errors, the others get the reason of now. */
  async #settleRetried(job: IngestJob): Promise<void> {
    const { home } = job;
    const [part] = job.parts;
    if (part === undefined) return;
    const { batch, decoded } = part;
    const of = `_topic = ${quoteText(batch.topic)} AND _partition = ${batch.partition}`;
    const table = errorsTable(home);
    if (decoded.rows.length > 0) {
      const offsets = Array.from(decoded.rows, (row) => batch.offsets[row]).join(", ");
      await this.#connection.run(`DELETE FROM ${table} WHERE ${of} AND _offset IN (${offsets})`);
      await this.#connection.run(
        `UPDATE ${home.schema}.offsets SET rows = rows + ${decoded.rows.length}, rejected = rejected - ${decoded.rows.length} WHERE stream = ${quoteText(home.name)} AND topic = ${quoteText(batch.topic)} AND partition = ${batch.partition}`,
      );
    }
    if (decoded.rejected.length > 0) {
      const reasons = decoded.rejected.map(
        ({ row, reason }) => `(${batch.offsets[row]}::BIGINT, ${quoteText(reason)})`,
      );
      await this.#connection.run(
        `UPDATE ${table} SET reason = now.reason FROM (VALUES ${reasons.join(", ")}) AS now(retried, reason) WHERE ${of} AND _offset = now.retried`,
      );
    }
  }

  #createRowsFunction(): DuckDBTableFunction {
    return DuckDBTableFunction.create({
      name: this.#rowsFunction,
      bindFunction: (bind) => {
        bind.addResultColumn("seq", BIGINT);
        bind.addResultColumn("part", INTEGER);
        bind.addResultColumn("off", BIGINT);
        bind.addResultColumn("ts", BIGINT);
        bind.addResultColumn("headers", VARCHAR);
        bind.addResultColumn("bytes", BLOB);
        bind.addResultColumn("key", VARCHAR);
        for (const { name, type } of layoutColumns(this.#layout)) {
          bind.addResultColumn(name, type === "BLOB" ? BLOB : VARCHAR);
        }
        bind.setCardinality(this.#job === undefined ? 0 : countOf(this.#job, ({ rows }) => rows.length), true);
      },
      initFunction: (init) => {
        init.setMaxThreads(1);
        this.#part = 0;
        this.#position = 0;
      },
      mainFunction: (_, chunk) => this.#fillRows(chunk),
    });
  }

  #createErrorsFunction(): DuckDBTableFunction {
    return DuckDBTableFunction.create({
      name: this.#errorsFunction,
      bindFunction: (bind) => {
        bind.addResultColumn("raw", BLOB);
        bind.addResultColumn("reason", VARCHAR);
        bind.addResultColumn("off", BIGINT);
        bind.addResultColumn("ts", BIGINT);
        bind.addResultColumn("key", VARCHAR);
        bind.addResultColumn("headers", VARCHAR);
        bind.addResultColumn("size", INTEGER);
        bind.addResultColumn("part", INTEGER);
        bind.addResultColumn("arrived", BIGINT);
        bind.setCardinality(this.#job === undefined ? 0 : countOf(this.#job, ({ rejected }) => rejected.length), true);
      },
      initFunction: (init) => {
        init.setMaxThreads(1);
        this.#part = 0;
        this.#position = 0;
      },
      mainFunction: (_, chunk) => this.#fillErrors(chunk),
    });
  }

  #fillRows(chunk: DuckDBDataChunk): void {
    const part = this.#rowsParts[this.#part];
    const from = this.#position;
    const count = part === undefined ? 0 : Math.min(CHUNK_ROWS, part.decoded.rows.length - from);
    chunk.rowCount = count;
    if (part === undefined || count <= 0) return;
    const { batch, decoded, headers } = part;
    copyInto(chunk, 0, part.sequences, from, count);
    copyInto(chunk, 1, repeated(batch.partition), 0, count);
    copyInto(chunk, 2, part.offsets, from, count);
    copyInto(chunk, 3, part.timestamps, from, count);
    if (headers === undefined) fillNulls(chunk, 4, count);
    else fillText(chunk, 4, count, (index) => textOf(headers[from + index] ?? null));
    const { bytes, valueStarts, valueLengths } = decoded.objects ?? batch;
    const rows = { rows: decoded.rows, from, count };
    const values = { starts: valueStarts, lengths: valueLengths };
    const keys = { starts: batch.keyStarts, lengths: batch.keyLengths, escaped: NONE };
    const placed = placeBytes(chunk, 5, bytes, decoded.objects === undefined ? [values, keys] : [values], rows);
    if (placed !== undefined && decoded.objects === undefined && part.plainKeys) {
      fillPlaced(chunk, 6, placed, keys, { ...rows, unquote: false });
    } else fillText(chunk, 6, count, (index) => keyText(keyAt(batch, decoded.rows[from + index] as number)));
    let column = FIXED_COLUMNS;
    for (const { fieldIndex, unquote } of this.#layout.fields) {
      const spans = decoded.spans.get(fieldIndex);
      if (spans === undefined) fillNulls(chunk, column++, count);
      else if (placed !== undefined) fillPlaced(chunk, column++, placed, spans, { ...rows, unquote });
      else {
        fillText(chunk, column++, count, (index) =>
          textAt(bytes, spans, decoded.rows[from + index] as number, unquote),
        );
      }
    }
    if (this.#layout.rest) {
      fillText(chunk, column++, count, (index) => {
        const row = decoded.rows[from + index] as number;
        const start = valueStarts[row] as number;
        return decoded.overflow.has(row) ? bytes.subarray(start, start + (valueLengths[row] as number)) : null;
      });
    }
    if (this.#layout.gone) {
      fillText(chunk, column, count, (index) =>
        (batch.valueLengths[decoded.rows[from + index] as number] as number) < 0 ? GONE : null,
      );
    }
    this.#stepOver(count, decoded.rows.length);
  }

  #fillErrors(chunk: DuckDBDataChunk): void {
    const parts = this.#job?.parts ?? [];
    while ((parts[this.#part]?.decoded.rejected.length ?? 1) === 0) this.#part += 1;
    const part = parts[this.#part];
    const from = this.#position;
    const count = part === undefined ? 0 : Math.min(CHUNK_ROWS, part.decoded.rejected.length - from);
    chunk.rowCount = count;
    if (part === undefined || count <= 0) return;
    const { batch, decoded } = part;
    const rejected = decoded.rejected.slice(from, from + count);
    const rows = Int32Array.from(rejected, (record) => record.row);
    const raws = rejected.map((record) => keptBytes(rejectedBytes(batch, record.row)));
    fillText(chunk, 0, count, (index) => (raws[index] as KeptBytes).bytes);
    fillText(chunk, 1, count, (index) =>
      textOf(reasonText(rejected[index] as RejectedRecord, raws[index] as KeptBytes)),
    );
    copyInto(chunk, 2, pick(batch.offsets, rows), 0, count);
    copyInto(chunk, 3, pick(batch.timestampsMs, rows), 0, count);
    fillText(chunk, 4, count, (index) => keyText(keyAt(batch, rows[index] as number)));
    const headers = batch.headers === undefined ? undefined : headerTexts(batch, rows);
    if (headers === undefined) fillNulls(chunk, 5, count);
    else fillText(chunk, 5, count, (index) => textOf(headers[index] ?? null));
    copyInto(
      chunk,
      6,
      rows.map((row) => Math.max(0, batch.valueLengths[row] as number)),
      0,
      count,
    );
    copyInto(chunk, 7, repeated(batch.partition), 0, count);
    copyInto(chunk, 8, new BigInt64Array(count).fill(BigInt(this.#job?.arrivedAtMs ?? 0)), 0, count);
    this.#stepOver(count, decoded.rejected.length);
  }

  #stepOver(count: number, length: number): void {
    this.#position += count;
    if (this.#position < length) return;
    this.#part += 1;
    this.#position = 0;
  }
}

function rowsParts(parts: readonly IngestPart[], firstSequence: bigint): readonly RowsPart[] {
  let sequence = firstSequence;
  return parts.flatMap((part) => {
    const { batch, decoded } = part;
    if (decoded.rows.length === 0) return [];
    const all = decoded.rows.length === batch.count;
    const columns = {
      sequences: countingFrom(sequence, decoded.rows.length),
      offsets: all ? batch.offsets : pick(batch.offsets, decoded.rows),
      timestamps: all ? batch.timestampsMs : pick(batch.timestampsMs, decoded.rows),
      headers: batch.headers === undefined ? undefined : headerTexts(batch, decoded.rows),
      plainKeys: hasPlainKeys(batch),
    };
    sequence += BigInt(decoded.rows.length);
    return [{ ...part, ...columns }];
  });
}

function offsetStep({ batch, decoded }: IngestPart): OffsetStep {
  return {
    partition: batch.partition,
    next: batch.nextOffset,
    rows: decoded.rows.length,
    rejected: decoded.rejected.length,
    tombstones: decoded.tombstones,
  };
}

function countOf(job: IngestJob, count: (decoded: DecodedBatch) => number): number {
  return job.parts.reduce((sum, { decoded }) => sum + count(decoded), 0);
}

function topicOf(job: IngestJob): string {
  return job.parts[0]?.batch.topic ?? "";
}

interface KeptBytes {
  readonly bytes: Buffer;
  readonly note: string;
}

function keptBytes(raw: Buffer): KeptBytes {
  if (raw.length <= VALUE_BYTES_MAX) return { bytes: raw, note: "" };
  const digest = createHash("sha256").update(raw).digest("hex");
  return {
    bytes: raw.subarray(0, REJECTED_BYTES_KEPT),
    note: ` (first ${REJECTED_BYTES_KEPT} kept; sha256 ${digest})`,
  };
}

function reasonText(record: RejectedRecord, kept: KeptBytes): string {
  return record.reason + kept.note;
}

/** A key is text where it can be; other bytes are spelled the way DuckDB prints a BLOB. */
function keyText(key: Buffer | null): Uint8Array | null {
  if (key === null || isText(key)) return key;
  return Buffer.from(Array.from(key, (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""));
}

function hasPlainKeys({ bytes, count, keyStarts, keyLengths }: RecordBatch): boolean {
  for (let row = 0; row < count; row++) {
    const start = keyStarts[row] as number;
    const end = start + (keyLengths[row] as number);
    for (let position = start; position < end; position++) if ((bytes[position] as number) >= 0x80) return false;
  }
  return true;
}

function isText(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte >= 0x80) return Buffer.from(bytes.toString("utf8")).equals(bytes);
  }
  return true;
}

function textOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text);
}

/** Headers of each row as a JSON list of [name, base64 or null]; of a repeated name the last counts, as in Kafka's own API. */
function headerTexts(batch: RecordBatch, rows: Int32Array): ReadonlyArray<string | null> {
  return Array.from(rows, (row) => {
    const headers = batch.headers?.get(row);
    if (headers === undefined || headers.length === 0) return null;
    const last = new Map(
      headers.map((header) => [header.key.toWellFormed(), header.value?.toString("base64") ?? null]),
    );
    return JSON.stringify([...last]);
  });
}
