/** What a user reads when a query names what is not there. */
import { deepEqual, match } from "node:assert/strict";
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

  for (const [what, query, near, name] of [
    ["a table", "SELECT 1 FROM some", "some", "some"],
    ["a column", "SELECT max(at) FROM tweets", ")", "at"],
  ] as const) {
    it(`${what} whose name is a word of SQL`, () => {
      const line = `LINE 1: ${query}`;
      const caret = `${" ".repeat(line.lastIndexOf(near === ")" ? ") FROM" : near))}^`;
      const cause = new Error(`Parser Error: syntax error at or near "${near}"\n\n${line}\n${caret}`);
      const reserved: TableInfo = { name: "some", kind: "stream", columns: [{ name: "at", sqlType: "BIGINT" }] };
      const { message } = describeQueryError(cause, [tweets, reserved], []);
      match(message, new RegExp(`${name} is also a word of SQL itself: as a name it is written "${name}"`));
    });
  }

  it("takes no other name for a word of SQL, where a word before it is misspelt", () => {
    const cause = new Error(
      'Parser Error: syntax error at or near "tweets"\n\nLINE 1: SELECT handle FORM tweets\n                           ^',
    );
    match(describeQueryError(cause, [tweets], []).message, /^syntax error at or near "tweets"\n\nLINE 1/);
  });

  it("leaves other faults of syntax as they are", () => {
    const cause = new Error(
      'Parser Error: syntax error at or near "FORM"\n\nLINE 1: SELECT 1 FORM tweets\n                 ^',
    );
    match(describeQueryError(cause, [tweets], []).message, /^syntax error at or near "FORM"\n\nLINE 1/);
  });
});
