import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { ResultRows } from "../../src/sql/result-rows.js";
import { type BoundQuery, createSqlTag } from "../../src/sql/sql-tag.js";
import { result } from "./table-fixture.js";

describe("sql`…`", () => {
  const ran: unknown[] = [];
  const sql = createSqlTag(async (text, parameters) => {
    ran.push([text, parameters]);
    return new ResultRows(result({ one: ["integer", 1] }));
  });
  beforeEach(() => {
    ran.length = 0;
  });

  it("binds its values, and runs when it is awaited and not before", async () => {
    const query = sql`SELECT * FROM tweets WHERE handle = ${"ada"} AND n IN ${[1, 2n, null]}`;
    deepEqual(ran, []);
    const rows = await query;
    deepEqual(ran, [["SELECT * FROM tweets WHERE handle = ? AND n IN ?", ["ada", [1, 2n, null]]]]);
    deepEqual([...rows], [{ one: 1 }]);
  });

  it("takes other queries as parts of its text, with their values in place", () => {
    const who = sql`handle = ${"ada"}`;
    const query = sql`SELECT ${1} FROM ${sql.identifier('odd "table"')} WHERE ${who} AND n > ${2}`;
    equal(query.text, 'SELECT ? FROM "odd ""table""" WHERE handle = ? AND n > ?');
    deepEqual((query as BoundQuery).parameters, [1, "ada", 2]);
  });

  it("refuses a value inside quotes when it is awaited", async () => {
    await rejects(async () => sql`SELECT '%${"word"}%'`, { code: "SQL_INVALID", message: /inside quotes/ });
  });

  const refusals: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["undefined", undefined, /^value 1 of sql`…` is undefined\. A value is a string/],
    ["a function", () => 1, /is a function/],
    ["an object", { a: 1 }, /is an object\. Bind its fields one by one/],
    ["a promise", Promise.resolve(1), /is a promise\. Write await before it\./],
    ["a result", new ResultRows(result({})), /is a result\. Take one value of it/],
    ["an invalid date", new Date(Number.NaN), /is an invalid Date/],
    ["a list with undefined", [1, undefined], /^value 1 of sql`…`\[1\] is undefined/],
  ];
  for (const [name, value, message] of refusals) {
    it(`refuses ${name}`, () => throws(() => sql`SELECT ${value}`, { code: "SQL_INVALID", message }));
  }

  it("says how it is written to one who calls it", () => {
    throws(() => sql("SELECT 1" as unknown as TemplateStringsArray), {
      message: /with backticks, without parentheses/,
    });
  });
});
