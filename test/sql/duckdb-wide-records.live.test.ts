import { deepEqual } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { cellValue } from "../../src/sql/schema.js";
import { recordBatch } from "../support/record-batches.js";

describe("a stream table of records with hundreds of fields", () => {
  let engine: DuckDbEngine;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  async function rows(text: string): Promise<unknown[][]> {
    const result = await engine.query({ text, parameters: [], rowLimit: 100 }, new AbortController().signal);
    return Array.from({ length: result.rowCount }, (_, row) => result.columns.map((column) => cellValue(column, row)));
  }

  it("writes batches of many fields in parts: every record once, and the offsets of each", async () => {
    const table = await engine.openStreamTable({ name: "wide", format: "json", keep: { rows: 1_000_000 } });
    const names = Array.from({ length: 499 }, (_, index) => `"f${index}":`);
    // A million places are 2,004 such records: two parts of the larger batch, one of the smaller.
    const batch = (partition: number, count: number) =>
      recordBatch(
        Array.from({ length: count }, (_, row) => ({
          value: row % 1_000 === 999 ? "bad" : `{${names.map((name, index) => `${name}${row + index}`).join(",")}}`,
        })),
        { partition, firstOffset: 7n },
      );
    const outcome = await table.writeTogether([batch(0, 2_200), batch(1, 3)]);
    deepEqual(outcome, { rows: 2_201, rejected: 2, tombstones: 0 });
    deepEqual(
      await rows(
        `SELECT _partition, count(*), count(DISTINCT _offset), min(_offset), max(_offset), bool_and(f0 = _offset - 7 AND f498 = f0 + 498) FROM wide GROUP BY ALL ORDER BY ALL`,
      ),
      [
        [0, 2_198n, 2_198n, 7n, 2_206n, true],
        [1, 3n, 3n, 7n, 9n, true],
      ],
    );
    deepEqual(
      await table.storedOffsets("tweets"),
      new Map([
        [0, 2_207n],
        [1, 10n],
      ]),
    );
  });
});
