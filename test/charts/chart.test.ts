import { deepEqual, equal, match } from "node:assert/strict";
import { type ChartRequest, chooseChart } from "../../src/charts/chart.js";
import type { LogicalType } from "../../src/sql/schema.js";
import { result } from "../sql/table-fixture.js";

/** Columns as `name:type …` with two distinct rows each. */
function resultOf(columns: string) {
  const value = (type: string, row: number): unknown =>
    type === "text"
      ? `t${row}`
      : type === "bigint"
        ? BigInt(row)
        : type === "decimal"
          ? `${row}.5`
          : type === "boolean"
            ? row === 0
            : row;
  return result(
    Object.fromEntries(
      columns.split(" ").map((column) => {
        const [name = "", type = ""] = column.split(":");
        return [name, [type as LogicalType, value(type, 0), value(type, 1)]];
      }),
    ),
  );
}

/** The choice as `mark x y color`, by column name. */
function choiceOf(columns: string, request?: ChartRequest): string {
  const given = resultOf(columns);
  const choice = chooseChart(given, request);
  if ("reason" in choice) return "none";
  const { mark, x, y, color } = choice.chart;
  const names = [x, y, color].map((index) => (index === undefined ? "" : given.columns[index]?.name));
  return [mark, ...names].join(" ").trimEnd();
}

describe("chooseChart, from the shape of the result", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["handle:text count:bigint", "bar handle count"],
    ["count:bigint handle:text", "bar handle count"],
    ["flag:boolean share:double", "bar flag share"],
    ["minute:timestamp tweets:bigint", "line minute tweets"],
    ["day:date total:decimal", "line day total"],
    ["minute:timestamp handle:text tweets:bigint", "line minute tweets handle"],
    ["language:text handle:text tweets:bigint", "bar language tweets handle"],
    ["length:integer likes:bigint", "scatter length likes"],
    ["handle:text", "none"],
    ["handle:text content:text", "none"],
    ["handle:text content:text created:timestamp count:bigint", "none"],
    ["handle:text tags:nested", "none"],
    ["count:bigint", "none"],
  ];
  for (const [columns, expected] of cases) {
    it(`${columns} → ${expected}`, () => equal(choiceOf(columns), expected));
  }

  it("draws no bars over rows that repeat a category: they are records, not totals", () => {
    const records = result({ handle: ["text", "ada", "ada"], length: ["integer", 3, 9] });
    deepEqual(chooseChart(records), { reason: "a category stands in more than one row" });
  });
});

describe("chooseChart, asked for a mark or columns", () => {
  const cases: ReadonlyArray<readonly [string, ChartRequest, string]> = [
    ["handle:text count:bigint", { mark: "pie" }, "pie handle count"],
    ["handle:text count:bigint", { mark: "line" }, "line handle count"],
    ["handle:text count:bigint", { mark: "scatter" }, "scatter handle count"],
    ["hour:integer count:bigint", { mark: "bar" }, "bar hour count"],
    ["hour:integer count:bigint", { mark: "line" }, "line hour count"],
    ["minute:timestamp count:bigint", { mark: "bar" }, "bar minute count"],
    ["a:text b:text m:double n:double", { mark: "bar" }, "bar a m b"],
    ["a:text m:double n:double", { mark: "scatter" }, "scatter m n a"],
    ["a:text m:double n:double", { x: "a", y: "n" }, "bar a n"],
    ["t:timestamp a:text n:double", { x: "t" }, "line t n a"],
    ["t:timestamp a:text m:double n:double", { mark: "area", y: "n" }, "area t n a"],
    ["m:double n:double", { x: "n", y: "m" }, "scatter n m"],
    ["m:double n:double", { y: "m", mark: "line" }, "line n m"],
    ["m:double n:double k:integer", { x: "m", y: "n", color: "k" }, "scatter m n k"],
  ];
  for (const [columns, request, expected] of cases) {
    it(`${columns} ${JSON.stringify(request)} → ${expected}`, () => equal(choiceOf(columns, request), expected));
  }

  const refusals: ReadonlyArray<readonly [string, ChartRequest, RegExp]> = [
    [
      "handle:text content:text",
      { mark: "bar" },
      /a bar chart needs a number .* handle \(VARCHAR\), content \(VARCHAR\)/,
    ],
    ["count:bigint", { mark: "line" }, /needs a number and something to set it against/],
    ["handle:text count:bigint", { x: "handel" }, /no column "handel"; it has handle, count/],
    [
      "handle:text content:text",
      { x: "handle", y: "content" },
      /"content" is VARCHAR, and the height of a bar is a number/,
    ],
  ];
  for (const [columns, request, expected] of refusals) {
    it(`${columns} ${JSON.stringify(request)} is refused`, () => {
      const choice = chooseChart(resultOf(columns), request);
      match("reason" in choice ? choice.reason : "", expected);
    });
  }
});
