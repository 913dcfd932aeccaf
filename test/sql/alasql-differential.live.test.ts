/** AlaSQL's engine against DuckDB on random queries: what it answers is what DuckDB answers, or it refuses. */
import { deepEqual, ok } from "node:assert/strict";
import { TidetableError } from "../../src/errors.js";
import { AlaSqlEngine } from "../../src/sql/alasql/engine.js";
import { lowerText, upperText } from "../../src/sql/alasql/text.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { cellValue } from "../../src/sql/schema.js";
import type { SqlEngine } from "../../src/sql/sql-engine.js";
import { recordBatch } from "../support/record-batches.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";
import { RandomQueries, randomQueryRecords } from "./alasql-random-queries.js";
import { isRefusal, shownResult } from "./conformance/run-script.js";

const QUERIES = 1_000;

describe("AlaSQL's engine against DuckDB", function () {
  this.timeout(120_000);
  let duckdb: DuckDbEngine;
  let alasql: AlaSqlEngine;

  before(async () => {
    duckdb = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    alasql = new AlaSqlEngine();
    for (const engine of [duckdb, alasql]) {
      const table = await engine.openStreamTable({ name: "t", format: "json", keep: { rows: 1000 } });
      await table.write(recordBatch(randomQueryRecords.map((value, index) => ({ value, key: `k${index % 2}` }))));
    }
  });
  after(async () => {
    await duckdb.close();
    await alasql.close();
  });

  type Answer = ReturnType<typeof shownResult> | TidetableError;

  async function answer(engine: SqlEngine, text: string): Promise<Answer> {
    try {
      const request = { text, parameters: [], rowLimit: 1_000 };
      return shownResult(await engine.query(request, new AbortController().signal), "rowsort");
    } catch (error) {
      if (error instanceof TidetableError) return error;
      throw error;
    }
  }

  it("answers random queries alike, or refuses them", async () => {
    const seed = testSeed();
    const queries = new RandomQueries(seededRandom(seed));
    let answered = 0;
    for (let index = 0; index < QUERIES; index++) {
      const text = queries.query();
      const given = await answer(alasql, text);
      if (isRefusal(given)) continue;
      const wanted = await answer(duckdb, text);
      if (failsForAValue(wanted) || failsForAValue(given)) continue;
      const where = `TIDETABLE_SEED=${seed}, query ${index}: ${text}`;
      if (wanted instanceof TidetableError || given instanceof TidetableError) {
        deepEqual([codeOf(given), codeOf(wanted)], ["SQL_INVALID", "SQL_INVALID"], where);
      } else {
        deepEqual(withoutNegativeZero(given), withoutNegativeZero(wanted), where);
        answered += 1;
      }
    }
    ok(answered > QUERIES / 3, `only ${answered} of ${QUERIES} were answered`);
  });

  /** Whether a value that cannot be converted is met depends on which rows and branches are asked first. */
  function failsForAValue(result: Answer): boolean {
    return result instanceof TidetableError && result.code === "SQL_FAILED";
  }

  function codeOf(result: Answer): string {
    return result instanceof TidetableError ? result.code : JSON.stringify(result);
  }

  /** The two zeros are equal, so either may stand for a group. */
  function withoutNegativeZero({ rows, ...rest }: ReturnType<typeof shownResult>): ReturnType<typeof shownResult> {
    return { ...rest, rows: rows.map((row) => row.replace(/(^|\t)-0(?=\t|$)/g, "$10")).sort() };
  }

  it("folds every letter of Unicode alike", async () => {
    const text =
      "SELECT c, upper(chr(c)) AS u, lower(chr(c)) AS l FROM (SELECT unnest(range(1, 1114112))::INTEGER AS c) WHERE (c < 55296 OR c > 57343) AND (upper(chr(c)) <> chr(c) OR lower(chr(c)) <> chr(c) OR c < 70000) AND c <> 65279"; // A byte order mark is lost on its way out of DuckDB.
    const request = { text, parameters: [], rowLimit: 100_000 };
    const result = await duckdb.query(request, new AbortController().signal);
    const [points, uppers, lowers] = result.columns;
    ok(points !== undefined && uppers !== undefined && lowers !== undefined && result.rowCount > 60_000);
    const different: unknown[] = [];
    for (let row = 0; row < result.rowCount; row++) {
      const letter = String.fromCodePoint(Number(cellValue(points, row)));
      const folded = [upperText(letter), lowerText(letter)];
      const wanted = [cellValue(uppers, row), cellValue(lowers, row)];
      if (folded[0] !== wanted[0] || folded[1] !== wanted[1]) different.push([letter, folded, wanted]);
    }
    deepEqual(different, []);
  });
});
