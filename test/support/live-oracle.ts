/**
 * The oracle of live queries: a case is a query and a stream cut into batches, with retention, restarts and changes of a
 * joined table in between; after every batch the maintained answer must be that of the same query run as a whole. Cases
 * are plain data, so that a failing one can be made smaller and written down.
 */
import type { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { DuckDbLiveQuery, type LiveQueryHost } from "../../src/sql/duckdb/live-query.js";
import { cellValue, type QueryResult, type SqlValue } from "../../src/sql/schema.js";
import { recordBatch } from "./record-batches.js";

export interface OracleCase {
  /** `T` stands for the stream, `V` for a view of it, `D` for a table that does not stream. */
  readonly text: string;
  readonly parameters: readonly SqlValue[];
  readonly keepRows: number;
  readonly batches: readonly OracleBatch[];
}

export interface OracleBatch {
  readonly records: readonly string[];
  readonly partition: number;
  readonly maintain: boolean;
  /** The stream is closed and opened again, and the live query begun anew. */
  readonly restart: boolean;
  /** A statement changes `D` before the batch. */
  readonly changesTable: boolean;
  /** What the clock says after the batch, in seconds after `CLOCK_START`; `now()` in the text. */
  readonly clockS: number;
}

const CLOCK_START = Date.UTC(2026, 0, 31, 9, 10);

export interface OracleOutcome {
  /** Undefined where every answer was right. */
  readonly difference: string | undefined;
  readonly refreshes: number;
  readonly incremental: number;
  readonly reason: string | undefined;
}

const never = new AbortController().signal;
let names = 0;

/** @param plant alters what the live query sees, for bugs that are planted. */
export async function runOracleCase(
  engine: DuckDbEngine,
  oracleCase: OracleCase,
  plant: (host: LiveQueryHost) => LiveQueryHost = (host) => host,
): Promise<OracleOutcome> {
  names += 1;
  const stream = `s${names}`;
  const run = new CaseRun(engine, oracleCase, stream, plant);
  try {
    return await run.outcome();
  } finally {
    await run.close();
  }
}

class CaseRun {
  readonly #engine: DuckDbEngine;
  readonly #case: OracleCase;
  readonly #stream: string;
  readonly #plant: (host: LiveQueryHost) => LiveQueryHost;
  readonly #text: string;
  #live: DuckDbLiveQuery | undefined;
  #incremental = 0;
  #nowMs = CLOCK_START;
  #refreshes = 0;

  constructor(
    engine: DuckDbEngine,
    oracleCase: OracleCase,
    stream: string,
    plant: (host: LiveQueryHost) => LiveQueryHost,
  ) {
    this.#engine = engine;
    this.#case = oracleCase;
    this.#stream = stream;
    this.#plant = plant;
    this.#text = oracleCase.text
      .replace(/\bT\b/g, stream)
      .replace(/\bD\b/g, `${stream}_d`)
      .replace(/\bV\b/g, `${stream}_v`);
  }

  get #readsTable(): boolean {
    return /\bD\b/.test(this.#case.text);
  }

  async outcome(): Promise<OracleOutcome> {
    if (this.#readsTable) {
      await this.#statement(
        `CREATE TABLE ${this.#stream}_d AS SELECT * FROM (VALUES ('ann', 'A', 1), ('bob', 'B', 2)) v(name, letter, x2)`,
      );
    }
    let table = await this.#open();
    if (/\bV\b/.test(this.#case.text)) {
      await this.#statement(`CREATE VIEW ${this.#stream}_v AS SELECT * FROM ${this.#stream}`);
    }
    this.#begin();
    const offsets = new Map<number, bigint>();
    for (const [index, batch] of this.#case.batches.entries()) {
      if (batch.restart) {
        this.#live?.close();
        await this.#engine.closeStreamTable(this.#stream);
        table = await this.#open();
        this.#begin();
      }
      if (batch.changesTable && this.#readsTable) {
        await this.#statement(`INSERT INTO ${this.#stream}_d VALUES ('ann', 'Z${index}', ${index}), ('é😀', 'E', 3)`);
      }
      const firstOffset = offsets.get(batch.partition) ?? 0n;
      const records = batch.records.map((value) => ({ value }));
      const { partition } = batch;
      await table.write(recordBatch(records, { firstOffset, topic: "t", partition }));
      offsets.set(partition, firstOffset + BigInt(records.length));
      if (batch.maintain) await table.maintain(Date.now());
      this.#nowMs = CLOCK_START + batch.clockS * 1_000;
      const difference = await this.#compare();
      if (difference !== undefined) return this.#result(`after batch ${index + 1}: ${difference}`);
    }
    return this.#result(undefined);
  }

  async close(): Promise<void> {
    this.#live?.close();
    await this.#engine.closeStreamTable(this.#stream);
  }

  #result(difference: string | undefined): OracleOutcome {
    return { difference, refreshes: this.#refreshes, incremental: this.#incremental, reason: this.#live?.reason };
  }

  #open() {
    const keep = { rows: this.#case.keepRows };
    return this.#engine.openStreamTable({ name: this.#stream, format: "json", keep });
  }

  #begin(): void {
    const request = { text: this.#text, parameters: this.#case.parameters, rowLimit: 10_000, everyMs: 0 };
    const host = { ...this.#engine.liveQueryHost(), nowMs: () => this.#nowMs };
    this.#live = new DuckDbLiveQuery(this.#plant(host), request);
  }

  async #statement(text: string): Promise<void> {
    await this.#engine.query({ text, parameters: [], rowLimit: 1 }, never);
  }

  async #compare(): Promise<string | undefined> {
    const moment = `TIMESTAMPTZ '${new Date(this.#nowMs).toISOString()}'`;
    const text = this.#text.replaceAll("now()", moment);
    const request = { text, parameters: this.#case.parameters, rowLimit: 10_000 };
    const expected = await outcomeOf(() => this.#engine.query(request, never));
    this.#refreshes += 1;
    const actual = await outcomeOf(async () => {
      const kept = await this.#live?.refreshIncrementally(10_000, never);
      if (kept === undefined) return undefined;
      this.#incremental += 1;
      return kept.result;
    });
    // What is run as a whole is right by definition.
    if (actual === undefined) return undefined;
    if (typeof actual !== "string" && failsForRowsLeftOut(this.#case.text, expected)) return undefined;
    return differs(actual, expected, errorOf(this.#text));
  }
}

/** The smallest case found that still fails: fewer batches, fewer records, less happening in between. */
export async function shrinkOracleCase(
  oracleCase: OracleCase,
  fails: (smaller: OracleCase) => Promise<boolean>,
): Promise<OracleCase> {
  let smallest = oracleCase;
  for (let progress = true; progress; ) {
    progress = false;
    for (const smaller of smallerCases(smallest)) {
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      progress = true;
      break;
    }
  }
  return smallest;
}

function* smallerCases(oracleCase: OracleCase): Generator<OracleCase> {
  const { batches } = oracleCase;
  const replaced = (index: number, ...by: readonly OracleBatch[]): OracleCase => ({
    ...oracleCase,
    batches: batches.toSpliced(index, 1, ...by),
  });
  for (let index = batches.length - 1; index >= 0; index--) yield replaced(index);
  for (const [index, batch] of batches.entries()) {
    for (const flag of ["maintain", "restart", "changesTable"] as const) {
      if (batch[flag]) yield replaced(index, { ...batch, [flag]: false });
    }
    const { records } = batch;
    for (let part = records.length >> 1; part >= 1; part >>= 1) {
      for (let from = 0; from < records.length; from += part) {
        yield replaced(index, { ...batch, records: records.toSpliced(from, part) });
      }
    }
  }
}

/**
 * Of ORDER BY … LIMIT, whether the columns of a row that is left out are computed at all, and may fail, is up to DuckDB's plan
 * of the moment. An answer without the row is right then too.
 */
function failsForRowsLeftOut(text: string, expected: QueryResult | string): boolean {
  return typeof expected === "string" && /Overflow/.test(expected) && /^SELECT x \+ 1 AS y, .* LIMIT /.test(text);
}

async function outcomeOf<T>(run: () => Promise<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    return String(error).split("\n", 1)[0] ?? "";
  }
}

/** What is different; undefined when nothing is. Rows are compared in any order, but each with one other. */
export function differs(actual: QueryResult | string, expected: QueryResult | string, error = 0): string | undefined {
  if (typeof actual === "string" || typeof expected === "string") {
    return actual === expected ? undefined : `${inWords(actual)} instead of ${inWords(expected)}`;
  }
  const head = (result: QueryResult) =>
    result.columns.map((column) => `${column.name} ${column.sqlType} ${column.type} ${column.data.kind}`).join(", ");
  if (head(actual) !== head(expected)) return `columns ${head(actual)} instead of ${head(expected)}`;
  const [ours, theirs] = [rowsOf(actual), rowsOf(expected)];
  if (ours.length !== theirs.length) return `${ours.length} rows instead of ${theirs.length}`;
  if (actual.totalRowCount !== expected.totalRowCount) return `${actual.totalRowCount} rows in all`;
  // Rows that hold doubles within an error have no order that both sides share: each finds its own.
  for (const row of ours) {
    const match = theirs.findIndex((other) => row.every((value, column) => same(value, other[column], error)));
    if (match < 0)
      return `${row.map(inText).join(" | ")}, which is no row of: ${theirs.map((other) => other.map(inText).join(" | ")).join("; ")}`;
    theirs.splice(match, 1);
  }
  return undefined;
}

function inText(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function inWords(outcome: QueryResult | string): string {
  return typeof outcome === "string" ? outcome : `${outcome.rowCount} rows`;
}

function rowsOf(result: QueryResult): unknown[][] {
  return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
}

/** Sums of doubles may differ in the order of adding: n · 2^-52 · Σ|x| is more than this for some 100 values of 1e15. */
const DOUBLE_SUM_ERROR = 1_000;

/** Deviations of numbers up to 10: merging partial ones rounds in another order than going on row by row. */
const DEVIATION_ERROR = 1e-12;

function errorOf(text: string): number {
  return /(?:sum|avg)\(d\)/.test(text) ? DOUBLE_SUM_ERROR : /stddev/.test(text) ? DEVIATION_ERROR : 0;
}

function same(a: unknown, b: unknown, error: number): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return a === b || Object.is(a, b) || Math.abs(a - b) <= error;
}
