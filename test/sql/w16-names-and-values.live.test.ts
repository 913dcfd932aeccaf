/** W16: names and values of strangers in SQL: 1,000 of them as a value, and as a name, on each engine, come out as they went in. */
import { deepEqual, equal } from "node:assert/strict";
import { AlaSqlEngine } from "../../src/sql/alasql/engine.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { quoteIdentifier, quoteText } from "../../src/sql/identifiers.js";
import { type Column, cellValue } from "../../src/sql/schema.js";
import type { SqlEngine } from "../../src/sql/sql-engine.js";
import { hostileTexts } from "../support/hostile-texts.js";
import { testSeed } from "../support/seeded-random.js";

describe("W16: names and values of strangers", function () {
  this.timeout(120_000);
  const seed = testSeed();
  const texts = hostileTexts(1_000, seed);
  const engines: Readonly<Record<string, () => Promise<SqlEngine>>> = {
    DuckDB: () => DuckDbEngine.open({ kind: "memory", dataDirectory: "" }),
    AlaSQL: async () => new AlaSqlEngine(),
  };

  for (const [name, open] of Object.entries(engines)) {
    it(`on ${name}: 1,000 as bound values, 1,000 as quoted literals, 1,000 as quoted names (seed ${seed})`, async () => {
      const engine = await open();
      try {
        const only = async (text: string, parameters: readonly string[]) => {
          const result = await engine.query({ text, parameters, rowLimit: 10 }, new AbortController().signal);
          equal(result.rowCount, 1);
          equal(result.columns.length, 1);
          return result.columns[0] as Column;
        };
        let counted = 0;
        for (const text of texts) {
          equal(cellValue(await only("SELECT ? AS v", [text]), 0), text);
          equal(cellValue(await only(`SELECT ${quoteText(text)} AS v`, []), 0), text);
          // A name is a line: what people call a column has no control characters on either engine.
          const named = text.replace(/\p{Cc}/gu, "_");
          const column = await only(`SELECT 1 AS ${quoteIdentifier(named)}`, []);
          deepEqual([column.name, Number(cellValue(column, 0))], [named, 1]);
          counted += 3;
        }
        equal(counted, 3_000);
      } finally {
        await engine.close();
      }
    });
  }
});
