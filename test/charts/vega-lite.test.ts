/** Every chart we can draw, as golden files, compiled by each Vega-Lite that a home of the notebook brings, and rendered. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as vega from "vega";
import { type ChartRequest, chooseChart } from "../../src/charts/chart.js";
import { chartBundle, vegaLiteMime } from "../../src/charts/mime-bundle.js";
import { type DrawnChart, drawChart } from "../../src/charts/vega-lite.js";
import type { QueryResult } from "../../src/sql/schema.js";
import { result } from "../sql/table-fixture.js";

const goldenFolder = join(fileURLToPath(new URL(".", import.meta.url)), "golden");
const minute = 60_000;
const start = Date.UTC(2026, 10, 22, 22, 0);

const topTweeters = result({
  handle: ["text", "pgsql", "ada", "<b>bob</b>", null],
  count: ["bigint", 40n, 12n, 12n, 3n],
});
const perMinute = result({
  minute: ["timestamp", start, start + minute, start + 2 * minute],
  tweets: ["bigint", 10n, 14n, 9n],
});
const perMinuteAndHandle = result({
  minute: ["timestamp", start, start, start + minute, start + minute],
  handle: ["text", "ada", "bob", "ada", "bob"],
  tweets: ["bigint", 10n, 4n, 12n, 5n],
});
const twoNumbers = result({ length: ["integer", 10, 80, 140], likes: ["double", 1.5, 2, null] });
const oddNames = result({ "user.name[0]": ["text", "ada", "bob"], 'it\'s a "count"': ["bigint", 3n, 2n] });

const charts: ReadonlyArray<readonly [string, QueryResult, ChartRequest]> = [
  ["bar", topTweeters, {}],
  ["bar-colored", perMinuteAndHandle, { mark: "bar", x: "handle", y: "tweets", color: "minute" }],
  ["bar-time", perMinute, { mark: "bar" }],
  ["pie", topTweeters, { mark: "pie" }],
  ["line", perMinute, {}],
  ["line-colored", perMinuteAndHandle, {}],
  ["line-category", topTweeters, { mark: "line" }],
  ["area", perMinute, { mark: "area" }],
  ["area-colored", perMinuteAndHandle, { mark: "area" }],
  ["scatter", twoNumbers, {}],
  ["scatter-colored", perMinuteAndHandle, { mark: "scatter", x: "minute", y: "tweets", color: "handle" }],
  ["odd-names", oddNames, {}],
];

const homes = {
  "our page (5.23)": "vega-lite",
  "JupyterLab (5.6.1)": "vega-lite-jupyterlab",
  "Notebook 7 (5.15.1)": "vega-lite-notebook7",
  "VS Code (6.4.1)": "vega-lite-vscode",
};

describe("drawChart", () => {
  for (const [name, data, request] of charts) {
    it(`${name} is its golden file`, () => {
      const file = join(goldenFolder, `${name}.json`);
      const { spec } = draw(data, request);
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, `${JSON.stringify(spec, undefined, 2)}\n`);
      // Parsed and written again, because the formatter lays the files out; the order of keys counts.
      equal(JSON.stringify(spec, undefined, 2), JSON.stringify(JSON.parse(readFileSync(file, "utf8")), undefined, 2));
    });
  }

  for (const [home, packageName] of Object.entries(homes)) {
    it(`compiles without a warning in ${home}`, async () => {
      const { compile } = (await import(packageName)) as CompilerModule;
      for (const [name, data, request] of charts) {
        const warnings: string[] = [];
        const spec = structuredClone(draw(data, request).spec);
        const compiled = compile(spec, { logger: collectingLogger(warnings) });
        deepEqual(warnings, [], name);
        const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger: collectingLogger(warnings) });
        await view.runAsync();
        view.finalize();
        deepEqual(warnings, [], name);
      }
    }).timeout(60_000);
  }

  it("draws bars from the top in the order of the SQL, each with its number", async () => {
    const svg = await renderSvg(draw(topTweeters).spec);
    // Vega escapes text; a name that looks like markup stays a name.
    deepEqual(textsOf(svg, /<g class="mark-text role-axis-label"[^>]*>(.*?)<\/g>/gs).at(-1), [
      "pgsql",
      "ada",
      "&lt;b&gt;bob&lt;/b&gt;",
      "null",
    ]);
    deepEqual(textsOf(svg, /<g class="mark-text role-mark[^"]*"[^>]*>(.*?)<\/g>/gs).at(-1), ["40", "12", "12", "3"]);
    const bars = [...svg.matchAll(/aria-roledescription="bar" d="M0,([\d.]+)h([\d.]+)/g)].map(([, y, width]) => [
      Number(y),
      Number(width),
    ]);
    equal(bars.length, 4);
    ok(bars.every((bar, index) => index === 0 || (bar[0] ?? 0) > (bars[index - 1]?.[0] ?? 0)));
  });

  it("reads a field whose name has dots, brackets and quotes", async () => {
    const svg = await renderSvg(draw(oddNames).spec);
    ok(svg.includes(">ada<") && svg.includes(">3<"), svg);
    ok(svg.includes("user.name[0]"));
  });

  it("labels time in UTC and 24 hours, as the table beside it does", async () => {
    const svg = await renderSvg(draw(perMinute).spec);
    ok(svg.includes(">22:01<"), svg);
    ok(svg.includes("minute (UTC)"));
  });

  it("changes nothing but the data between two versions, though rows come and go", () => {
    const before = draw(topTweeters).spec;
    const after = drawChart(result({ handle: ["text", "eve"], count: ["bigint", 1n] }), {
      mark: "bar",
      x: 0,
      y: 1,
    }).spec;
    equal(withoutData(before), withoutData(after));
  });

  it("shows at most 300 bars, the first ones, and says so", () => {
    const many = result({
      handle: ["text", ...Array.from({ length: 400 }, (_, index) => `h${index}`)],
      count: ["bigint", ...Array.from({ length: 400 }, (_, index) => BigInt(400 - index))],
    });
    const { spec, cut } = draw(many);
    equal(spec.data.values.length, 300);
    equal(spec.data.values[0]?.handle, "h0");
    equal(cut, "the chart shows the first 300 of 400 rows");
  });

  it("draws as many slices as there are colours, the last one of all that are small", () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${index}`);
    const sizes = [3n, 40n, 5n, 50n, 7n, 60n, 8n, 70n, 9n, 80n, null, 90n];
    const many = result({ handle: ["text", ...names], count: ["bigint", ...sizes] });
    const { spec, cut } = draw(many, { mark: "pie" });
    deepEqual(
      spec.data.values.map(({ handle, count }) => [handle, count]),
      [
        ["h1", 40],
        ["h3", 50],
        ["h5", 60],
        ["h7", 70],
        ["h8", 9],
        ["h9", 80],
        ["h11", 90],
        ["5 others", 23],
      ],
    );
    equal(cut, "the chart shows the 7 largest slices and one for 5 other rows");
  });

  it("keeps the newest 300 points of a line, in the order of the SQL", () => {
    const times = Array.from({ length: 400 }, (_, index) => start + (400 - index) * minute);
    const many = result({ minute: ["timestamp", ...times], n: ["integer", ...times.map((_, index) => index)] });
    const { spec, cut } = draw(many);
    deepEqual([spec.data.values.at(0)?.n, spec.data.values.at(-1)?.n, spec.data.values.length], [0, 299, 300]);
    equal(cut, "the chart shows the newest 300 of 400 rows");
  });

  it("keeps the 8 largest of many series and says so", () => {
    const series = Array.from({ length: 12 }, (_, index) => index);
    const many = result({
      minute: ["timestamp", ...series.map(() => start)],
      handle: ["text", ...series.map((index) => `h${index}`)],
      n: ["integer", ...series],
    });
    const { spec, cut } = draw(many);
    deepEqual(
      spec.data.values.map((value) => value.n),
      [4, 5, 6, 7, 8, 9, 10, 11],
    );
    equal(cut, "the chart shows the newest 8 of 12 rows, the 8 largest series");
  });

  it("says that a limit cut the rows before they came here", () => {
    const cutByLimit = result({ handle: ["text", "ada"], count: ["bigint", 1n] }, { totalRowCount: 1204 });
    equal(draw(cutByLimit).cut, "the chart shows the first 1 of 1,204 rows");
  });

  it("is a bundle of v5 and text, without an HTML twin that would hide it", () => {
    const bundle = chartBundle(draw(topTweeters));
    deepEqual(Object.keys(bundle), [vegaLiteMime, "text/plain"]);
    equal(bundle["text/plain"], "Chart: count by handle, 4 points");
    equal(typeof bundle[vegaLiteMime], "object");
  });
});

interface CompilerModule {
  compile(spec: unknown, options: { readonly logger: vega.LoggerInterface }): { readonly spec: vega.Spec };
}

function draw(data: QueryResult, request: ChartRequest = {}): DrawnChart {
  const choice = chooseChart(data, request);
  if ("reason" in choice) throw new Error(choice.reason);
  return drawChart(data, choice.chart);
}

async function renderSvg(spec: unknown): Promise<string> {
  const { compile } = (await import("vega-lite")) as unknown as CompilerModule;
  const compiled = compile(structuredClone(spec), { logger: collectingLogger([]) });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

function textsOf(svg: string, group: RegExp): string[][] {
  return [...svg.matchAll(group)].map(([, inner = ""]) =>
    [...inner.matchAll(/>([^<]*)<\/text>/g)].map(([, text = ""]) => text),
  );
}

function withoutData(spec: DrawnChart["spec"]): string {
  return JSON.stringify({ ...spec, data: undefined });
}

function collectingLogger(warnings: string[]): vega.LoggerInterface {
  const collect = (...parts: readonly unknown[]): vega.LoggerInterface => {
    warnings.push(parts.map(String).join(" "));
    return logger;
  };
  const quiet = () => logger;
  const logger = {
    level: quiet,
    error: collect,
    warn: collect,
    info: quiet,
    debug: quiet,
  } as unknown as vega.LoggerInterface;
  return logger;
}
