import { deepEqual, equal } from "node:assert/strict";
import { allRows, rowChanges } from "../../src/sql/row-changes.js";
import type { Column, QueryResult } from "../../src/sql/schema.js";

describe("the changes between two answers", () => {
  it("are the rows that came and went, with how many, whatever their order", () => {
    const before = answer(["ann", "bob", "bob", null]);
    const after = answer([null, "bob", "eve", "ann", "eve"]);
    deepEqual(rowChanges(before, after), [
      { of: "before", row: 1, diff: -1 },
      { of: "after", row: 2, diff: 2 },
    ]);
  });

  it("are none where only the order is another, and unknown where the columns are", () => {
    deepEqual(rowChanges(answer(["ann", "bob"]), answer(["bob", "ann"])), []);
    equal(rowChanges(answer(["1"]), { ...answer(["1"]), columns: [numbers([1])] }), undefined);
  });

  it("of all rows count equal ones together", () => {
    deepEqual(allRows(answer(["ann", "ann"])), [{ of: "after", row: 0, diff: 2 }]);
  });

  const different: ReadonlyArray<readonly [unknown, unknown]> = [
    [null, "null"],
    [
      [1, [2]],
      [[1], 2],
    ],
    [{ a: 1n }, { a: 2n }],
    [{ a: "b:1" }, { "a:b": 1 }],
    [new Uint8Array([1]), new Uint8Array([2])],
    [true, false],
  ];
  for (const [a, b] of different) {
    it(`tell ${inText(a)} from ${inText(b)}`, () => {
      equal(rowChanges(values([a]), values([b]))?.length, 2);
      equal(rowChanges(values([a]), values([a]))?.length, 0);
    });
  }
});

function inText(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}

function answer(texts: ReadonlyArray<string | null>): QueryResult {
  const dictionary = [...new Set(texts.map((text) => text ?? ""))];
  const codes = Uint32Array.from(texts, (text) => dictionary.indexOf(text ?? ""));
  const nulls = Uint8Array.from(texts, (text) => Number(text === null));
  return result([
    { name: "handle", type: "text", sqlType: "VARCHAR", data: { kind: "dictionary", codes, dictionary }, nulls },
  ]);
}

function values(held: readonly unknown[]): QueryResult {
  return result([{ name: "v", type: "nested", sqlType: "JSON", data: { kind: "values", values: held } }]);
}

function numbers(held: readonly number[]): Column {
  return {
    name: "handle",
    type: "double",
    sqlType: "DOUBLE",
    data: { kind: "numbers", values: Float64Array.from(held) },
  };
}

function result(columns: readonly Column[]): QueryResult {
  const { data } = columns[0] as Column;
  const rowCount = data.kind === "dictionary" ? data.codes.length : data.values.length;
  return { columns, rowCount, totalRowCount: rowCount, elapsedMs: 0 };
}
