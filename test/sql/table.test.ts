import { deepEqual, equal, ok } from "node:assert/strict";
import { tableBundle, tableFooter } from "../../src/sql/table-bundle.js";
import { resultFromRows } from "../../src/sql/table-from-rows.js";
import { tableHtml } from "../../src/sql/table-html.js";
import { tableText, zeppelinTable } from "../../src/sql/table-text.js";
import { result } from "./table-fixture.js";

const instant = Date.UTC(2026, 10, 22, 10, 15, 7);

describe("tableText", () => {
  it("lines up columns, numbers to the right, null apart from the text null", () => {
    const table = result({ handle: ["text", "ada", "null", null], count: ["bigint", 1200n, 3n, null] });
    equal(
      tableText(table, 3, "3 rows"),
      ["handle  count", "──────  ─────", "ada      1200", "null        3", "∅           ∅", "3 rows"].join("\n"),
    );
  });

  it("keeps wide characters, combining marks and line breaks in line", () => {
    const table = result({ a: ["text", "日本", "e\u0301", "x\ny"], b: ["text", "|", "|", "|"] });
    equal(tableText(table), ["a     b", "────  ─", "日本  |", "e\u0301     |", "x↵y   |"].join("\n"));
  });

  const values: ReadonlyArray<readonly [string, Parameters<typeof result>[0], string]> = [
    ["timestamp", { v: ["timestamp", instant] }, "2026-11-22 10:15:07"],
    ["timestamp with milliseconds", { v: ["timestamp", instant + 40] }, "2026-11-22 10:15:07.040"],
    ["timestamp with microseconds", { v: ["timestamp", instant + 40.125] }, "2026-11-22 10:15:07.040125"],
    ["timestamp before 1970", { v: ["timestamp", -0.5] }, "1969-12-31 23:59:59.999500"],
    ["date", { v: ["date", Date.UTC(2026, 10, 22)] }, "2026-11-22"],
    ["time", { v: ["time", 37_000_500_000] }, "10:16:40.500"],
    ["decimal", { v: ["decimal", "1.50"] }, "1.50"],
    ["boolean", { v: ["boolean", true] }, "true"],
    ["blob", { v: ["blob", Buffer.from('{"a\\\xff', "latin1")] }, '{"a\\x5C\\xFF'],
    [
      "nested",
      { v: ["nested", { a: [1n, null, "x"], at: new Date(instant) }] },
      '{"a": [1, null, "x"], "at": "2026-11-22 10:15:07"}',
    ],
  ];
  for (const [name, columns, text] of values) {
    it(`writes a ${name} as ${text}`, () => equal(tableText(result(columns)).split("\n")[2], text));
  }
});

describe("tableHtml", () => {
  it("escapes names and values", () => {
    const html = tableHtml(result({ '<i a="b">': ["text", "<script>alert('&')</script>"] }), 1, "1 row");
    ok(html.includes("&lt;i a=&quot;b&quot;&gt;"));
    ok(html.includes("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"));
    ok(!/<script|<i /.test(html));
  });

  it("sets numbers to the right and null apart", () => {
    const html = tableHtml(result({ a: ["text", null], b: ["integer", 1] }), 1, "1 row");
    ok(html.includes('<td style="text-align:left;opacity:.5;font-style:italic">null</td>'));
    ok(html.includes('<td style="text-align:right">1</td>'));
  });

  it("cuts a value that would fill the page, and says how long it is", () => {
    const html = tableHtml(result({ a: ["text", "x".repeat(5000)] }), 1, "1 row");
    ok(html.includes("… (5,000 characters)"));
    ok(html.length < 2000);
  });
});

describe("tableBundle", () => {
  const many = result({ n: ["integer", ...Array.from({ length: 120 }, (_, index) => index)] }, { totalRowCount: 1204 });

  it("shows 100 rows and says of how many", () => {
    const bundle = tableBundle(many, { insideZeppelin: false });
    deepEqual(Object.keys(bundle), ["text/html", "text/plain", "application/vnd.tidetable.result.v1+json"]);
    ok(String(bundle["text/html"]).includes("100 of 1,204 rows · 12 ms"));
    equal(String(bundle["text/plain"]).split("\n").length, 103);
  });

  it("is a %table alone inside Zeppelin, where a twin would hide it", () => {
    const table = result({ "a\tb": ["text", "x\ty\nz", null], n: ["integer", 1, 2] });
    deepEqual(tableBundle(table, { insideZeppelin: true }), { "text/plain": "%table a b\tn\nx y z\t1\nnull\t2\n" });
    equal(zeppelinTable(table, 1), "%table a b\tn\nx y z\t1\n");
  });

  const footers: ReadonlyArray<readonly [number, number, number, string]> = [
    [0, 0, 0.42, "0 rows · 0.4 ms"],
    [1, 1, 12.4, "1 row · 12 ms"],
    [2, 2, 0, "2 rows"],
    [20, 1204, 3210, "20 of 1,204 rows · 3.2 s"],
  ];
  for (const [shown, totalRowCount, elapsedMs, expected] of footers) {
    it(expected, () => equal(tableFooter(result({}, { totalRowCount, elapsedMs }), shown), expected));
  }
});

describe("resultFromRows", () => {
  it("takes columns and types from the rows of a program", () => {
    const made = resultFromRows([
      { a: 1, b: "x", at: new Date(instant) },
      { a: 2.5, c: true, b: null },
    ]);
    deepEqual(
      made.columns.map(({ name, type }) => `${name} ${type}`),
      ["a double", "b text", "at timestamp", "c boolean"],
    );
    equal(
      tableText(made),
      [
        "  a  b  at                   c",
        "───  ─  ───────────────────  ────",
        "  1  x  2026-11-22 10:15:07  ∅",
        "2.5  ∅  ∅                    true",
      ].join("\n"),
    );
  });
});
