/**
 * A chart as the bundle that is shown. v5 is the newest Vega-Lite type that stock front-ends render; an HTML twin
 * beside it would hide the chart in JupyterLab, so the only other form is plain text. Pure.
 */
import type { MimeBundle } from "../cell-output.js";
import type { DrawnChart } from "./vega-lite.js";

export const vegaLiteMime = "application/vnd.vegalite.v5+json";

export function chartBundle({ spec, cut }: DrawnChart): MimeBundle {
  const points = spec.data.values.length;
  const text = `Chart: ${String(spec.title)}, ${points} ${points === 1 ? "point" : "points"}`;
  return { [vegaLiteMime]: spec, "text/plain": cut === undefined ? text : `${text}; ${cut}` };
}
