import { deepEqual, equal, ok } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { cellValue } from "../../src/sql/schema.js";
import type { Retention } from "../../src/sql/sql-engine.js";
import { recordBatch } from "../support/record-batches.js";
import { temporaryFolder } from "../support/temporary-folder.js";

describe("retention of a stream table", () => {
  const folder = temporaryFolder("retention");
  let engine: DuckDbEngine;
  before(async () => {
    engine = await DuckDbEngine.open({ kind: "file", dataDirectory: folder.path });
  });
  after(async () => {
    await engine.close();
    folder.remove();
  });

  function open(name: string, keep: Retention): Promise<DuckDbStreamTable> {
    return engine.openStreamTable({ name, format: "json", keep });
  }

  /** 100 records of 41 bytes a batch, one millisecond apart. */
  async function write(table: DuckDbStreamTable, batches: number, startMs = 0): Promise<void> {
    for (let batch = 0; batch < batches; batch++) {
      const firstOffset = (await table.storedOffsets("tweets")).get(0) ?? 0n;
      const records = Array.from({ length: 100 }, (_, index) => ({
        value: `{"n":${String(1e9 + Number(firstOffset) + index)},"text":"${"x".repeat(15)}"}`,
        timestampMs: BigInt(startMs + batch * 100 + index),
      }));
      await table.write(recordBatch(records, { firstOffset }));
    }
  }

  async function span(name: string): Promise<{ rows: number; first: number; last: number }> {
    const text = `SELECT count(*)::INTEGER, min(_offset)::INTEGER, max(_offset)::INTEGER FROM ${name}`;
    const result = await engine.query({ text, parameters: [], rowLimit: 1 }, new AbortController().signal);
    const [rows, first, last] = result.columns.map((column) => Number(cellValue(column, 0)));
    return { rows: rows ?? 0, first: first ?? 0, last: last ?? 0 };
  }

  it("by rows keeps the newest, at least as many as asked, a quarter more at the most", async () => {
    const table = await open("by_rows", { rows: 2_000 });
    await write(table, 100);
    const { rows, first, last } = await span("by_rows");
    equal(last, 9_999);
    equal(rows, last - first + 1);
    ok(rows >= 2_000 && rows <= 2_500 + 100, String(rows));
    deepEqual(table.counts(), { rows, rejected: 0, tombstones: 0, retired: 10_000 - rows });
  });

  it("by bytes of the records", async () => {
    const table = await open("by_bytes", { bytes: 40_000 });
    await write(table, 100);
    const { rows, first, last } = await span("by_bytes");
    equal(last, 9_999);
    equal(rows, last - first + 1);
    // 41 bytes a record.
    ok(rows * 41 >= 40_000 && rows * 41 <= 50_000 + 4_100, String(rows * 41));
  });

  it("by age: what is older goes by the clock, without a new record", async () => {
    const table = await open("by_age", { ms: 60_000 });
    const now = Date.now();
    await write(table, 10, now - 30_000);
    equal((await span("by_age")).rows, 1_000);
    await table.maintain(now + 20_000);
    equal((await span("by_age")).rows, 1_000);
    await write(table, 1, now + 20_000);
    // Two looks: the first begins a new generation, the second lets the old one go.
    await table.maintain(now + 120_000);
    await table.maintain(now + 180_000);
    equal((await span("by_age")).rows, 0);
    equal(table.counts().retired, 1_100);
  });

  it("goes on by the same measure after the table was closed and opened", async () => {
    const first = await open("reopened", { bytes: 40_000 });
    await write(first, 30);
    const before = await span("reopened");
    await engine.closeStreamTable("reopened");
    const second = await open("reopened", { bytes: 40_000 });
    deepEqual(await span("reopened"), before);
    await write(second, 30);
    const { rows, last } = await span("reopened");
    equal(last, 5_999);
    ok(rows * 41 >= 40_000 && rows * 41 <= 50_000 + 4_100, String(rows * 41));
  });
});
