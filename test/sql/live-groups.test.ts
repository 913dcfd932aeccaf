import { deepEqual, equal, throws } from "node:assert/strict";
import { compareValues, KeptGroups, type KeptValue } from "../../src/sql/live/groups.js";

describe("the kept groups of a live query", () => {
  const order = (column: number, descending = false, nullsFirst = false) => ({ column, descending, nullsFirst });
  const texts = (groups: KeptGroups, slots: Int32Array) => [...slots].map((slot) => groups.columns[0]?.[slot]);

  const whole = [false, true, true, true, false];

  it("add, take the least and the greatest, and tell NULL from an empty text", () => {
    const groups = new KeptGroups(1, ["count", "sum", "min", "max"]);
    groups.merge(
      [
        ["a", null],
        [1, 2],
        [5, null],
        [1, 2],
        ["x", null],
      ],
      2,
      whole,
    );
    groups.merge(
      [
        ["a", "", null],
        [1, 1, 1],
        [-7, null, 3],
        [0, null, 3],
        ["é", "y", "z"],
      ],
      3,
      whole,
    );
    deepEqual(groups.columns, [
      ["a", null, ""],
      [2, 3, 1],
      [-2, 3, null],
      [0, 2, null],
      ["é", "z", "y"],
    ]);
  });

  it("keep groups of several columns apart", () => {
    const groups = new KeptGroups(2, ["count"]);
    groups.merge(
      [
        ["a", "a1:b", "a", null],
        ["1:b", "", null, "a"],
        [1, 1, 1, 1],
      ],
      4,
      [false, false, true],
    );
    groups.merge([["a"], ["1:b"], [1]], 1, [false, false, true]);
    deepEqual(groups.columns[2], [2, 1, 1, 1]);
  });

  it("order by several columns, NULLs last unless asked for, and cut", () => {
    const groups = new KeptGroups(1, ["count"]);
    groups.merge(
      [
        ["b", null, "a", "c"],
        [1, 2, 2, 1],
      ],
      4,
      whole,
    );
    const select = (orders: ReturnType<typeof order>[], offset = 0, limit?: number) =>
      texts(groups, groups.select({ outputs: [0], orders, offset, ...(limit === undefined ? {} : { limit }) }));
    deepEqual(select([order(1, true), order(0)]), ["a", null, "b", "c"]);
    deepEqual(select([order(0, true)]), ["c", "b", "a", null]);
    deepEqual(select([order(0, false, true)], 1, 2), ["a", "b"]);
    deepEqual(select([], 3, 5), ["c"]);
    deepEqual(select([order(0)], 9, 5), []);
  });

  it("find the first of many as sorting all of them does", () => {
    const groups = new KeptGroups(1, ["count"]);
    const names = Array.from({ length: 500 }, (_, index) => `g${(index * 7919) % 500}`);
    groups.merge([names, names.map((_, index) => (index * 31) % 17)], 500, whole);
    const orders = [order(1, true), order(0)];
    const all = texts(groups, groups.select({ outputs: [0], orders, offset: 0 }));
    deepEqual(texts(groups, groups.select({ outputs: [0], orders, offset: 5, limit: 20 })), all.slice(5, 25));
  });

  const ordered: ReadonlyArray<readonly [string, readonly KeptValue[]]> = [
    ["NaN above every number", [Number.NEGATIVE_INFINITY, -1, 0, 1.5, Number.POSITIVE_INFINITY, Number.NaN]],
    ["text by its UTF-8 bytes", ["", "A", "a", "ab", "é", "ｱ", "😀"]],
    ["integers, wide and not", [-(2n ** 100n), -1, 0, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n]],
    ["false before true", [false, true]],
  ];
  for (const [what, values] of ordered) {
    it(`compare ${what}`, () => {
      for (const [left, a] of values.entries()) {
        for (const [right, b] of values.entries()) equal(Math.sign(compareValues(a, b)), Math.sign(left - right));
      }
    });
  }

  it("refuse a sum that no HUGEINT holds", () => {
    const groups = new KeptGroups(0, ["sum"]);
    groups.merge([[2n ** 127n - 1n]], 1, [true]);
    throws(() => groups.merge([[1]], 1, [true]), /too large for HUGEINT/);
  });

  it("add integers exactly beyond 2^53, in one form for each value, and doubles as doubles", () => {
    const groups = new KeptGroups(0, ["sum", "count", "sum"]);
    const types = [true, true, false];
    groups.merge([[2 ** 53 - 1], [2n ** 53n], [2 ** 53]], 1, types);
    groups.merge([[2], [-5], [1]], 1, types);
    deepEqual(groups.columns, [[2n ** 53n + 1n], [2 ** 53 - 5], [2 ** 53]]);
    groups.merge([[-(2n ** 60n)], [null], [0.5]], 1, types);
    deepEqual(groups.columns, [[2n ** 53n + 1n - 2n ** 60n], [2 ** 53 - 5], [2 ** 53]]);
    groups.merge([[2n ** 60n - 2n ** 53n], [-1], [null]], 1, types);
    deepEqual(groups.columns, [[1], [2 ** 53 - 6], [2 ** 53]]);
  });
});
