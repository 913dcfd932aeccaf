/** What a user reads when a query names what is not there. */
import { deepEqual } from "node:assert/strict";
import { describeQueryError } from "../../src/sql/duckdb/errors.js";
import type { TableInfo } from "../../src/sql/sql-engine.js";

const tweets: TableInfo = {
  name: "tweets",
  kind: "stream",
  columns: ["handle", "content", "_offset"].map((name) => ({ name, sqlType: "VARCHAR" })),
};

const missing = (column: string) => new Error(`Binder Error: Referenced column "${column}" not found in FROM clause!`);

describe("errors of a query", () => {
  for (const [what, column, mentioned, message, retryable] of [
    [
      "a misspelt column",
      "handel",
      ["tweets"],
      'unknown column: handel. Did you mean "handle"? Table tweets has handle, content, _offset.',
      false,
    ],
    ["a column of no table of the query", "handel", [], "unknown column: handel.", false],
    [
      "a column that the table has by now, or that cannot be seen here: run once more",
      "content",
      ["tweets"],
      "unknown column: content. tweets has it, but it cannot be seen at this place of the query.",
      true,
    ],
  ] as const) {
    it(what, () => {
      const error = describeQueryError(missing(column), [tweets], mentioned);
      deepEqual([error.code, error.message, error.retryable], ["SQL_INVALID", message, retryable]);
    });
  }
});
