/**
 * Vega itself, loaded when the first chart is shown. Charts come from data that strangers wrote: expressions run in
 * Vega's interpreter (the page's policy forbids evaluation), and no address in a chart is loaded or followed.
 */
import * as vega from "vega";
import embed, { type EmbedOptions, type VisualizationSpec } from "vega-embed";

export { vega };

const goneRowsMax = 50;

const refusingLoader = {
  load: () => Promise.reject(new Error("charts here show inline data only; nothing is loaded from an address")),
  sanitize: () => Promise.reject(new Error("charts here follow no links")),
  http: () => Promise.reject(new Error("charts here load nothing")),
  file: () => Promise.reject(new Error("charts here load nothing")),
  options: {},
};

export interface EmbeddedChart {
  readonly view: vega.View;
  readonly finalize: () => void;
}

/** @param spec is written into */
export async function embedChart(place: HTMLElement, spec: object, mode: "vega" | "vega-lite"): Promise<EmbeddedChart> {
  const options: EmbedOptions = {
    mode,
    ast: true,
    renderer: "canvas",
    loader: refusingLoader,
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: "chart",
    logLevel: vega.Error,
    config: { font: "system-ui, sans-serif" } as EmbedOptions["config"],
  };
  // It may hold options for the embedding, even another specification.
  const { usermeta: _, ...plain } = spec as { readonly usermeta?: unknown };
  const { view, finalize } = await embed(place, plain as VisualizationSpec, options);
  // Vega keeps the names of rows that are gone until there are so many, for each mark, its own 10,000 being megabytes a chart; axes have new ticks all the time.
  (view as unknown as { cleanThreshold: number }).cleanThreshold = goneRowsMax;
  return { view, finalize };
}

interface Operators {
  readonly nodes: Readonly<Record<string, { readonly value?: unknown }>>;
  readonly subcontext?: readonly Operators[];
}

/**
 * Where a view hands on copies of its rows, it notes for each row that it is gone, and keeps the note: this drops the notes.
 * No interface of Vega's reaches them. Costs as much as there are notes.
 */
export function forgetGoneRows(view: vega.View): void {
  forgetIn((view as unknown as { readonly _runtime: Operators })._runtime);
}

function forgetIn({ nodes, subcontext = [] }: Operators): void {
  const { relay } = vega.transforms as unknown as { readonly relay: new () => object };
  for (const operator of Object.values(nodes)) {
    if (!(operator instanceof relay) || !isTable(operator.value)) continue;
    for (const key of Object.keys(operator.value)) if (operator.value[key] === null) delete operator.value[key];
  }
  for (const inner of subcontext) forgetIn(inner);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
