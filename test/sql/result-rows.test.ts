import { deepEqual, equal, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { ResultRows } from "../../src/sql/result-rows.js";
import { rowTypeText } from "../../src/sql/row-type.js";
import { result } from "./table-fixture.js";

const big = 9_007_199_254_740_993n;
const rows = new ResultRows(
  result(
    {
      handle: ["text", "ada", null],
      count: ["bigint", big, 2n],
      huge: ["bigint", 2n ** 80n, 0n],
      price: ["decimal", "1.500", "2.000"],
      at: ["timestamp", 1500.25, 0],
      tags: ["nested", ["a"], null],
    },
    { totalRowCount: 1204 },
  ),
);

describe("ResultRows", () => {
  it("gives rows with exact values", () => {
    deepEqual(rows.at(0), {
      handle: "ada",
      count: big,
      huge: 2n ** 80n,
      price: "1.500",
      at: new Date(1500),
      tags: ["a"],
    });
    equal(rows.at(-1)?.handle, null);
    equal(rows.at(2), undefined);
    deepEqual([rows.length, rows.totalRowCount], [2, 1204]);
    deepEqual(
      rows.map((row) => row.count),
      [big, 2n],
    );
  });

  it("gives a column as it came, a timestamp with its microseconds", () => {
    deepEqual(rows.column("at"), [1500.25, 0]);
    throws(() => rows.column("handel"), { message: /no column "handel" in the result; it has handle, count/ });
  });

  it("keeps a column named __proto__ or constructor a plain field", () => {
    const odd = new ResultRows(
      result({ ["__proto__" as string]: ["text", "x"] as const, constructor: ["text", "y"] as const }),
    );
    const row = odd.at(0) ?? {};
    deepEqual(Object.entries(row), [
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    equal(Object.getPrototypeOf(row), Object.prototype);
  });

  it("gives each of two columns of one name a field", () => {
    const [a] = result({ a: ["integer", 1] }).columns;
    if (a === undefined) throw new Error("no column");
    const twice = new ResultRows({ columns: [a, a], rowCount: 1, totalRowCount: 1, elapsedMs: 0 });
    deepEqual([...twice], [{ a: 1, a_1: 1 }]);
    deepEqual(
      twice.columns.map((column) => column.name),
      ["a", "a_1"],
    );
  });

  it("prints as its table", () => {
    const one = new ResultRows(result({ n: ["integer", 7] }));
    equal(inspect(one), "n\n─\n7");
  });
});

describe("rowTypeText", () => {
  it("names every column with the type that its rows have", () => {
    equal(
      rowTypeText(rows.result),
      "{ handle: string | null; count: bigint; huge: bigint; price: string; at: Date; tags: any | null }",
    );
    equal(
      rowTypeText(result({ "count(*)": ["bigint", 1n], b: ["blob", new Uint8Array()] })),
      '{ "count(*)": bigint; b: Uint8Array }',
    );
  });
});
