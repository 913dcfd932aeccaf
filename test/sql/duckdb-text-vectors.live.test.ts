import { deepEqual, equal } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { type Column, cellValue } from "../../src/sql/schema.js";
import { recordBatch, type TestRecord } from "../support/record-batches.js";
import { type Random, seededRandom, testSeed } from "../support/seeded-random.js";

/** Rows of several chunks of 2,048. */
const ROWS = 6_000;

describe("text on its way into DuckDB", () => {
  let engine: DuckDbEngine;
  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  });
  after(() => engine.close());

  async function stored(name: string, records: readonly TestRecord[], columns: string): Promise<unknown[][]> {
    const table = await engine.openStreamTable({ name, format: "json", keep: { rows: 1_000_000 } });
    await table.write(recordBatch(records));
    const query = { text: `SELECT ${columns} FROM ${name} ORDER BY _offset`, parameters: [], rowLimit: 100_000 };
    const result = await engine.query(query, new AbortController().signal);
    return Array.from({ length: result.rowCount }, (_, row) =>
      (result.columns as readonly Column[]).map((column) => cellValue(column, row)),
    );
  }

  it("every length around the twelve bytes that DuckDB keeps in place is what it was, byte for byte", async () => {
    const texts = Array.from({ length: 40 }, (_, length) =>
      "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH".slice(0, length),
    );
    const records = texts.map((text) => ({ key: text, value: JSON.stringify({ text, twice: text + text }) }));
    deepEqual(
      await stored("lengths", records, "text, twice, _key"),
      texts.map((text) => [text, text + text, text]),
    );
  });

  it("equal texts compare as equal, whichever record they stand in", async () => {
    // Entries are compared as a whole: bytes of a neighbour in one would make equal texts differ.
    const records = Array.from({ length: 5_000 }, (_, row) => ({
      value: JSON.stringify({ short: `s${row % 7}`, long: `a longer text ${row % 11}`, other: "x".repeat(row % 30) }),
    }));
    await stored("equals", records, "short");
    const counts =
      "SELECT count(DISTINCT short), count(DISTINCT long), count(DISTINCT other), count(*) FILTER (short = 's3') FROM equals";
    const { columns } = await engine.query({ text: counts, parameters: [], rowLimit: 1 }, new AbortController().signal);
    deepEqual(
      (columns as readonly Column[]).map((column) => Number(cellValue(column, 0))),
      [7, 11, 30, 714],
    );
  });

  it("values far apart, with large rejected ones between them, arrive all the same", async () => {
    const waste = `{"text":"${"x".repeat(3 * 1024 * 1024)}`;
    const records = Array.from({ length: 9 }, (_, row) => ({
      value: row % 3 === 1 ? waste : JSON.stringify({ text: `the text of row ${row}`, escaped: `"${row}"` }),
    }));
    const kept = records.flatMap((_, row) => (row % 3 === 1 ? [] : [[`the text of row ${row}`, `"${row}"`]]));
    deepEqual(await stored("apart", records, "text, escaped"), kept);
  });

  it("keys arrive as text, and spelled as bytes where they are none", async () => {
    const keys = ["a", null, "a key of more than twelve bytes", "", "x".repeat(13)];
    const plain = Array.from({ length: 3_000 }, (_, row) => keys[row % 5] ?? null);
    const records = (of: ReadonlyArray<string | Uint8Array | null>): TestRecord[] =>
      of.map((key, row) => ({ key, value: `{"row":${row}}` }));
    deepEqual(
      await stored("plain_keys", records(plain), "_key"),
      plain.map((key) => [key]),
    );
    const others = ["é", Uint8Array.of(0xff, 0x00), "a key of more than twelve bytes"];
    const spelled = [["é"], ["\\xFF\\x00"], ["a key of more than twelve bytes"]];
    deepEqual(await stored("other_keys", records(others), "_key"), spelled);
  });

  const seed = testSeed();
  it(`${ROWS} random rows are what JSON.parse makes of them (TIDETABLE_SEED=${seed})`, async function () {
    this.timeout(30_000);
    const random = seededRandom(seed);
    const rows = Array.from({ length: ROWS }, () => ({
      a: someText(random),
      n: random.chance(0.1) ? null : Math.floor((random.next() - 0.5) * 10 ** random.below(15)),
      d: random.chance(0.1) ? null : (random.next() - 0.5) * 10 ** random.pick([-300, -9, 0, 3, 9, 250]),
      t: random.chance(0.1) ? null : new Date(random.below(2 ** 31) * 1_000 + random.below(1_000)).toISOString(),
      o: random.chance(0.2) ? null : random.chance(0.5),
      b: someText(random),
    }));
    const records = rows.map((row) => ({
      key: random.chance(0.3) ? null : (row.b ?? "é"),
      value: JSON.stringify(row),
    }));
    const columns = "a, n, d, strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ'), o, b, _key";
    const found = await stored("random", records, columns);
    equal(found.length, ROWS);
    found.forEach((values, row) => {
      const { a, n, d, t, o, b } = rows[row] as (typeof rows)[number];
      const [, number] = values;
      const shown = values.with(1, number === null ? null : Number(number));
      deepEqual(shown, [a, n === null ? null : n + 0, d, t, o, b, records[row]?.key ?? null], `row ${row}`);
    });
  });
});

function someText(random: Random): string | null {
  if (random.chance(0.1)) return null;
  const letters = random.chance(0.7) ? [..."abc 123_-"] : [...'aé😀ß"\\\n\t\0\u007f漢'];
  return Array.from({ length: random.below(random.chance(0.9) ? 30 : 3_000) }, () => random.pick(letters)).join("");
}
