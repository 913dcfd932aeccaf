/** The page of the heat map: what it shows of its counts, and what it makes of hostile names. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { classEnds, gridDegrees, type HeatMap, heatMapPage, type Square } from "../../src/crime/heat-map.js";

const squares: readonly Square[] = [
  [8350, -13100, 1, 0],
  [8351, -13100, 4, 1],
  [8352, -13099, 1200, 300],
];
const map: HeatMap = {
  topic: "crimes",
  offsets: { "0": "700", "1": "705" },
  crimes: 1_405,
  withoutPlace: 200,
  firstAtMs: Date.UTC(2026, 0, 2),
  lastAtMs: Date.UTC(2026, 0, 31),
  gridDegrees,
  layers: [
    { name: "All", squares },
    { name: "THEFT", squares: squares.slice(0, 2) },
  ],
};

describe("the heat map's page", () => {
  it("says what is on it, what is not, and which records it was made of", () => {
    const page = heatMapPage(map);
    match(page, /1,205 of 1,405 crimes, from 2026-01-02 to 2026-01-31; 200 have no place/);
    match(page, /partition 0 before offset 700, partition 1 before offset 705/);
    match(page, /<title>1,200 crimes, an arrest in 25 % \(41\.7625, -87\.7600\)<\/title>/);
    match(page, /<title>1 crime, an arrest in 0 %/);
    equal(page.match(/<rect /g)?.length, 5);
    equal(page.match(/type="radio"/g)?.length, 2);
  });

  it("is the same bytes for the same counts, runs no script and loads nothing", () => {
    equal(heatMapPage(map), heatMapPage(structuredClone(map)));
    ok(!/<script|https?:|\bon\w+=|@import|url\(/i.test(heatMapPage(map)));
  });

  it("shows a hostile name as text", () => {
    const hostile = '"><script>alert(1)</script><b id=x>';
    const page = heatMapPage({ ...map, topic: hostile, layers: [{ name: hostile, squares }] });
    ok(!page.includes("<script") && !page.includes("<b id"));
    match(page, /&lt;script/);
  });

  for (const [what, counts, ends] of [
    ["one square", [5], []],
    ["squares that are all alike", [2, 2, 2, 2], []],
    ["two values", [1, 1, 1, 9], [1]],
    ["as many values as colours", [1, 2, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6]],
  ] as const) {
    it(`has classes that differ: ${what}`, () => deepEqual(classEnds(counts), ends));
  }
});
