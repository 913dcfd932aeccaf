/** What moves in a chart: rows as letters, before and after. */
import { deepEqual, equal } from "node:assert/strict";
import { type RowChange, rowChange } from "../../src/workbench/web/vega-rows.js";

const rows = (letters: string) => [...letters].map((letter) => ({ letter, at: { code: letter.charCodeAt(0) } }));

describe("the change of a chart's rows", () => {
  /** What stays is in capitals, what comes is after the plus. */
  const table: ReadonlyArray<[before: string, after: string, change: string]> = [
    ["", "", "same"],
    ["abc", "abc", "same"],
    ["", "ab", "+ab"],
    ["abc", "", "abc+"],
    ["abc", "abcd", "ABC+d"],
    ["abc", "bcd", "aBC+d"],
    ["abc", "bc", "aBC+"],
    ["abc", "cde", "abC+de"],
    ["abc", "def", "abc+def"],
    ["abc", "abx", "ABc+x"],
    ["abcd", "bcx", "aBCd+x"],
    ["abc", "acb", "Abc+cb"],
    ["abc", "ab", "ABc+"],
    ["aab", "abc", "aAB+c"],
    ["aaa", "aa", "AAa+"],
    ["aa", "aaa", "AA+a"],
    ["ab", "xab", "ab+xab"],
    ["abab", "abx", "ABab+x"],
  ];
  for (const [before, after, expected] of table) {
    it(`${before || "(none)"} → ${after || "(none)"}: ${expected}`, () => {
      const change = rowChange(rows(before), rows(after));
      equal(change === undefined ? "same" : spelled(before, change), expected);
    });
  }

  function spelled(before: string, { keptFrom, kept, added }: RowChange): string {
    const stays = (index: number) => index >= keptFrom && index < keptFrom + kept;
    const letters = [...before].map((letter, index) => (stays(index) ? letter.toUpperCase() : letter));
    return `${letters.join("")}+${added.map(({ letter }) => letter).join("")}`;
  }

  it("tells a value from another of the same text, and a missing field from an empty one", () => {
    deepEqual(rowChange([{ n: 1 }], [{ n: "1" }]), { keptFrom: 0, kept: 0, added: [{ n: "1" }] });
    deepEqual(rowChange([{ n: null }], [{}]), { keptFrom: 0, kept: 0, added: [{}] });
    equal(rowChange([{ n: Number.NaN }], [{ n: Number.NaN }]), undefined);
  });
});
