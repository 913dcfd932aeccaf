/** A bench's result as a picture for the documents: ours and the peer's side by side, one panel a unit. Pure but for drawing. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { BenchResult } from "./measure.js";

const BAR_WIDTH = 380;

/** @returns SVG text. */
export async function plotOf(result: BenchResult): Promise<string> {
  const view = new View(parse(compile(specOf(result)).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

export function specOf({ name, date, machine, measures }: BenchResult): TopLevelSpec {
  const units = [...new Set(measures.map(({ unit }) => unit))];
  const subtitle = `${date.slice(0, 10)}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load} when it began`;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    title: { text: `npm run bench -- ${name}`, subtitle, anchor: "start" },
    background: "white",
    vconcat: units.map((unit) =>
      panel(
        measures.filter((measure) => measure.unit === unit),
        unit,
      ),
    ),
    config: { axis: { grid: false, labelFontSize: 11 }, view: { stroke: null } },
  } as TopLevelSpec;
}

function panel(measures: BenchResult["measures"], unit: string): object {
  const values = measures.flatMap(({ name, ours, peer, peerName, ratio, goal, met }) => {
    const verdict = `${ratio.toPrecision(2)} (${goal}${met ? "" : ", not met"})`;
    return [
      { measure: [name, `against ${peerName}`], side: "ours", value: ours, verdict },
      { measure: [name, `against ${peerName}`], side: "peer", value: peer, verdict: "" },
    ].map((row) => ({ ...row, measure: row.measure.join("\n") }));
  });
  const x = { field: "value", type: "quantitative", title: unit === "" ? "count" : unit };
  return {
    data: { values },
    width: BAR_WIDTH,
    height: { step: 13 },
    layer: [
      { mark: { type: "bar" }, encoding: { color: color() } },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 10 },
        encoding: { text: { field: "verdict", type: "nominal" } },
      },
    ],
    encoding: {
      x: { ...x, scale: { type: "symlog" }, axis: { values: [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] } },
      y: {
        field: "measure",
        type: "nominal",
        sort: null,
        title: null,
        axis: { labelLimit: 0, labelExpr: "split(datum.label, '\\n')" },
      },
      yOffset: { field: "side", sort: ["ours", "peer"] },
    },
  };
}

function color(): object {
  const scale = { domain: ["ours", "peer"], range: ["#1f6feb", "#c9d1d9"] };
  return { field: "side", type: "nominal", scale, title: null };
}
