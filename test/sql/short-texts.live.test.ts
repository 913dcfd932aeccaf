import { deepEqual, equal } from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { ShortTexts } from "../../src/sql/duckdb/short-texts.js";
import type { KeptColumn } from "../../src/sql/live/groups.js";

describe("texts of DuckDB's vectors", () => {
  const read = async (texts: ShortTexts, expression: string, rows: number): Promise<[KeptColumn, unknown[]]> => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const result = await connection.run(`SELECT ${expression} FROM range(${rows}) AS t(i)`);
    const [ours, theirs]: [KeptColumn, unknown[]] = [[], []];
    for (let place = 0; place < result.chunkCount; place++) {
      const chunk = result.getChunk(place);
      texts.append(ours, chunk, 0, chunk.rowCount);
      theirs.push(...chunk.getColumnVector(0).toArray());
    }
    connection.closeSync();
    instance.closeSync();
    return [ours, theirs];
  };

  for (const [what, expression] of [
    ["of every length about the one that fits", "repeat('x', (i % 30)::INTEGER)"],
    [
      "that differ in one byte, or in zeros at the end",
      "repeat('a', (i % 11)::INTEGER) || chr(((i // 11) % 3)::INTEGER)",
    ],
    ["of several bytes a character", "CASE i % 3 WHEN 0 THEN 'é' || i WHEN 1 THEN '😀' || i ELSE 'ｱ' || i END"],
    ["and NULL, and the empty text", "CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '' ELSE 'n' || i % 7 END"],
    ["of which there are many", "'user' || (i * 7919) % 50000"],
  ] as const) {
    it(`are read as DuckDB's client reads them: ${what}`, async () => {
      const texts = new ShortTexts();
      for (const rows of [1, 2_048, 60_000]) {
        const [ours, theirs] = await read(texts, expression, rows);
        equal(ours.length, rows);
        deepEqual(ours, theirs);
      }
    });
  }
});
