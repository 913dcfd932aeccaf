/** Runs the records of a script against an engine that is opened through the port. Knows no engine's name but as a word. */
import { deepEqual } from "node:assert/strict";
import { TidetableError } from "../../../src/errors.js";
import { type Column, cellValue, type QueryResult } from "../../../src/sql/schema.js";
import type { SqlEngine, StreamTable } from "../../../src/sql/sql-engine.js";
import { recordBatch } from "../../support/record-batches.js";
import type { BatchRecord, ScriptRecord, SqlRecord, StreamRecord } from "./script.js";

/** The timestamp of offset 0; each record is a second later. */
const FIRST_TIMESTAMP_MS = 1_700_000_000_000n;
const ROW_LIMIT = 10_000;

export class ScriptRun {
  readonly #engine: SqlEngine;
  readonly #engineName: string;
  readonly #streams = new Map<string, StreamTable>();

  constructor(engine: SqlEngine, engineName: string) {
    this.#engine = engine;
    this.#engineName = engineName;
  }

  /** Rejects with what the engine did otherwise. */
  async run(record: ScriptRecord): Promise<void> {
    switch (record.kind) {
      case "comment":
        return;
      case "stream":
        return this.#open(record);
      case "records":
        return this.#write(record);
      default:
        return this.#sql(record);
    }
  }

  query(sql: string): Promise<QueryResult> {
    return this.#engine.query({ text: sql, parameters: [], rowLimit: ROW_LIMIT }, new AbortController().signal);
  }

  async #open({ name, format, keepRows }: StreamRecord): Promise<void> {
    this.#streams.set(name, await this.#engine.openStreamTable({ name, format, keep: { rows: keepRows } }));
  }

  async #write({ name, partition, values }: BatchRecord): Promise<void> {
    const table = this.#streams.get(name);
    if (table === undefined) throw new Error(`no stream ${name} before its records`);
    const firstOffset = (await table.storedOffsets(name)).get(partition) ?? 0n;
    const records = values.map((value, index) => ({
      value,
      key: `key ${index % 3}`,
      timestampMs: FIRST_TIMESTAMP_MS + (firstOffset + BigInt(index)) * 1000n,
    }));
    await table.write(recordBatch(records, { topic: name, partition, firstOffset }));
  }

  async #sql(record: SqlRecord): Promise<void> {
    if (record.onlyIf !== undefined && record.onlyIf !== this.#engineName) return;
    // What an engine does not have it must say, by name and with the way out: a wrong answer is no way to skip.
    if (record.skipIf === this.#engineName) return this.#refused(record.sql);
    if (record.expectsError) return this.#failing(record.sql);
    const result = await this.query(record.sql);
    if (record.kind === "statement") return;
    const { columns, rows } = shownResult(result, record.sort);
    if (record.columns !== undefined) deepEqual(columns, record.columns);
    deepEqual(rows, record.rows);
  }

  async #refused(sql: string): Promise<void> {
    const error = await this.#errorOf(sql);
    if (!isRefusal(error)) throw new Error(`refused in other words: ${error.message}`, { cause: error });
  }

  async #failing(sql: string): Promise<void> {
    await this.#errorOf(sql);
  }

  async #errorOf(sql: string): Promise<TidetableError> {
    try {
      await this.query(sql);
    } catch (error) {
      if (error instanceof TidetableError && ["SQL_INVALID", "SQL_FAILED"].includes(error.code)) return error;
      throw error;
    }
    throw new Error("it was answered; an error was expected");
  }
}

export function isRefusal(error: unknown): boolean {
  return error instanceof TidetableError && error.code === "SQL_INVALID" && error.message.includes("--engine duckdb");
}

/** A result as a script writes it down. */
export function shownResult(
  result: QueryResult,
  sort: SqlRecord["sort"],
): { readonly columns: readonly string[]; readonly rows: readonly string[]; readonly types: string } {
  const rows = Array.from({ length: result.rowCount }, (_, row) =>
    result.columns.map((column) => shownValue(column, cellValue(column, row))).join("\t"),
  );
  return {
    columns: result.columns.map((column) => `${column.name} ${column.sqlType}`.replaceAll("\n", "\\n")),
    rows: sort === "rowsort" ? rows.sort() : rows,
    types: result.columns.map(typeLetter).join(""),
  };
}

function typeLetter({ type }: Column): string {
  if (type === "integer" || type === "bigint") return "I";
  return type === "double" || type === "decimal" ? "R" : "T";
}

function shownValue(column: Column, value: unknown): string {
  if (value === null) return "NULL";
  if (value === "") return "(empty)";
  if (column.type === "timestamp" && typeof value === "number") return shownInstant(value);
  if (column.type === "date" && typeof value === "number") return new Date(value).toISOString().slice(0, 10);
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  if (typeof value === "object")
    return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
  if (Object.is(value, -0)) return "-0";
  return String(value).replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n");
}

/** Milliseconds with microseconds in their fraction. */
function shownInstant(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  const text = new Date(Math.floor(ms)).toISOString().replace("T", " ").replace("Z", "");
  return `${text}${micros === 0 ? "" : String(micros).padStart(3, "0")}`;
}
