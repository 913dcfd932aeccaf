/** What somebody who means harm puts into a notebook: payloads in every place of one, and charts that reach out. */
import { ran } from "./payloads.js";

const vegaLite = "application/vnd.vegalite.v5+json";
const resultMime = "application/vnd.tidetable.result.v1+json";

/** Each of the texts in each place that a notebook has. */
export function strangersNotebook(texts: readonly string[]): object {
  const columns = texts.map((name) => ({ name, type: "text", sqlType: "VARCHAR" }));
  const code = (id: string, of: readonly object[]) => ({
    ...{ cell_type: "code", id, metadata: { trusted: true, title: texts[0] }, execution_count: 1 },
    source: 'require("node:fs").writeFileSync("opened", "")',
    outputs: of,
  });
  /** A cell shows fifty outputs by itself. */
  const codes = (id: string, make: (text: string) => object) =>
    Array.from({ length: texts.length / 50 }, (_, part) =>
      code(
        `${id}-${part}`,
        texts
          .slice(part * 50, part * 50 + 50)
          .map((text) => ({ output_type: "display_data", metadata: {}, ...make(text) })),
      ),
    );
  const rows = texts.map((text, index) => ({ label: text, n: index }));
  return {
    ...{ nbformat: 4, nbformat_minor: 5 },
    metadata: {
      trusted: true,
      title: texts.join(" "),
      authors: texts.map((name) => ({ name })),
      kernelspec: { name: texts[0], display_name: texts[1], language: texts[2] },
      tidetable: { views: texts },
    },
    cells: [
      { cell_type: "markdown", id: "text", metadata: { trusted: true }, source: texts.join("\n\n") },
      { cell_type: "raw", id: "raw", metadata: { format: "text/html" }, source: texts.join("\n") },
      ...codes("html", (text) => ({ data: { "text/html": text } })),
      ...codes("markdown", (text) => ({ data: { "text/markdown": text } })),
      ...codes("svg", (text) => ({
        data: { "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg">${text}</svg>` },
      })),
      ...codes("error", (text) => ({
        output_type: "error",
        ename: text,
        evalue: text,
        traceback: [`\u001b[31m${text}`],
      })),
      code("streams", [{ output_type: "stream", name: "stdout", text: texts.join("\n") }]),
      code("chart", [
        {
          output_type: "display_data",
          metadata: { display_id: texts[0] },
          data: {
            [vegaLite]: {
              $schema: "https://vega.github.io/schema/vega-lite/v5.json",
              title: texts[0],
              data: { name: "live", values: rows },
              mark: { type: "point", tooltip: { content: "data" } },
              encoding: {
                x: { field: "label", type: "nominal", title: texts[1] },
                y: { field: "n", type: "quantitative", title: texts[2] },
                color: { field: "label", legend: { title: texts[3] } },
              },
            },
          },
        },
      ]),
      code("result", [
        {
          output_type: "display_data",
          metadata: {},
          data: {
            [resultMime]: {
              id: texts[0],
              columns: [...columns, { name: "n", type: "integer", sqlType: "INTEGER" }],
              rows: [[...texts, 1]],
              totalRows: 1,
              footer: texts[0],
            },
          },
        },
        // Data of our own kind that make no sense.
        ...[
          null,
          [],
          "x",
          { columns: 1 },
          { columns: [null], rows: [[]], totalRows: "x" },
          { columns: [], rows: [{}] },
        ].map((data) => ({
          output_type: "display_data",
          metadata: {},
          data: { [resultMime]: data, "text/plain": "in place" },
        })),
      ]),
      code("scripts", [
        { output_type: "display_data", metadata: {}, data: { "application/javascript": ran } },
        {
          output_type: "display_data",
          metadata: { isolated: true },
          data: { "text/html": `<script>parent.${ran}</script>` },
        },
        { output_type: "display_data", metadata: {}, data: { "text/latex": texts.join(" ") } },
        { output_type: "display_data", metadata: {}, data: { "application/json": { [texts[0] ?? ""]: texts } } },
      ]),
    ],
  };
}

/** Specifications that draw for ever, or more than anybody sees, where nobody stops them; and the largest that is drawn. */
export function heavyCharts(): ReadonlyArray<{
  readonly name: string;
  readonly isDrawn: boolean;
  readonly spec: object;
}> {
  const encoding = { x: { field: "a", type: "quantitative" }, y: { field: "b", type: "quantitative" } };
  const values = (count: number) => Array.from({ length: count }, (_, a) => ({ a, b: a % 7 }));
  const points = (data: object, more: object = {}) => ({ data, mark: "point", encoding, ...more });
  const sequence = (stop: number) => ({ sequence: { start: 0, stop, as: "a" } });
  const list = Array.from({ length: 3_000 }, (_, index) => index);
  const refused: Readonly<Record<string, object>> = {
    "5,001 rows": points({ values: values(5_001) }),
    "a sequence of two hundred million": points(sequence(2e8)),
    "a sequence of fifty thousand": points(sequence(50_000), { encoding: { x: encoding.x, y: encoding.x } }),
    "three thousand times three thousand": points(
      { values: [{ a: list, b: list }] },
      { transform: [{ flatten: ["a"] }, { flatten: ["b"] }] },
    ),
    "a pattern that is tried for ever": points(
      { values: [{ a: `${"a".repeat(60)}!`, b: 1 }] },
      { transform: [{ calculate: "test(regexp('^(a+)+$'), datum.a)", as: "c" }] },
    ),
    "a density in ten million steps": {
      data: { values: values(10) },
      transform: [{ density: "b", steps: 10_000_000 }],
      mark: "area",
      encoding: { x: { field: "value", type: "quantitative" }, y: { field: "density", type: "quantitative" } },
    },
    "six thousand letters": {
      ...points({ values: values(6_000) }),
      mark: "text",
      encoding: { ...encoding, text: { field: "a" } },
    },
  };
  const schema = { $schema: "https://vega.github.io/schema/vega-lite/v5.json" };
  const patch = [{ op: "replace", path: "/data", value: sequence(2e8) }];
  return [
    {
      name: "another chart behind a small one",
      isDrawn: true,
      spec: { ...schema, ...points({ values: values(3) }), usermeta: { embedOptions: { patch } } },
    },
    ...Object.entries(refused).map(([name, spec]) => ({ name, isDrawn: false, spec: { ...schema, ...spec } })),
    { name: "4,000 rows", isDrawn: true, spec: { ...schema, ...points({ values: values(4_000) }) } },
  ];
}

/** Specifications that evaluate or load something, where a renderer lets them. */
export function chartShapes(elsewhere: string): ReadonlyArray<{ readonly mime: string; readonly spec: object }> {
  const rows = { name: "live", values: [{ a: `javascript:${ran}`, b: 1 }] };
  const encoding = { x: { field: "a" }, y: { field: "b", type: "quantitative" } };
  const bars = { data: rows, mark: "bar", encoding };
  const calculate = (text: string) => ({ ...bars, transform: [{ calculate: text, as: "c" }] });
  const lite: readonly object[] = [
    { ...bars, data: { url: `${elsewhere}/data.json` } },
    { ...bars, encoding: { ...encoding, href: { field: "a" } } },
    { ...bars, mark: "image", encoding: { ...encoding, url: { value: `${elsewhere}/mark.png` } } },
    { ...bars, mark: "geoshape", data: { url: `${elsewhere}/map.json`, format: { type: "topojson", feature: "x" } } },
    calculate(`window.${ran}`),
    calculate(`constructor.constructor('${ran}')()`),
    calculate(`datum.toString.constructor('${ran}')()`),
    calculate(`event.view.eval('${ran}')`),
    calculate(`replace('x', /x/, datum.constructor.constructor('${ran}'))`),
    {
      ...bars,
      usermeta: { embedOptions: { ast: false, loader: { baseURL: elsewhere }, patch: `${elsewhere}/patch.json` } },
    },
    {
      ...bars,
      data: {
        values: JSON.parse('[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":"x","b":1}]'),
      },
    },
    {
      ...bars,
      config: { customFormatTypes: true },
      encoding: { ...encoding, text: { field: "a", format: "x", formatType: "eval" } },
    },
  ];
  const vega: readonly object[] = [
    { signals: [{ name: "x", update: `window.setTimeout('${ran}')` }], marks: [] },
    { data: [{ name: "t", url: { signal: `'${elsewhere}/' + 1` } }], marks: [] },
    {
      data: [{ name: "t", values: [1], on: [{ trigger: "true", insert: `scale.constructor('${ran}')()` }] }],
      marks: [
        {
          type: "image",
          encode: { enter: { url: { value: `${elsewhere}/vega.png` }, width: { value: 9 }, height: { value: 9 } } },
        },
      ],
    },
  ];
  const schema = (of: string) => ({ $schema: `https://vega.github.io/schema/${of}/v5.json` });
  return [
    ...lite.map((spec) => ({ mime: vegaLite, spec: { ...schema("vega-lite"), ...spec } })),
    ...vega.map((spec) => ({
      mime: "application/vnd.vega.v5+json",
      spec: { ...schema("vega"), width: 50, height: 50, ...spec },
    })),
  ];
}
