/** Charts that cells display: the renderer of Vega-Lite and Vega outputs, on drawings that keep their view. */
import type { IRenderMime } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { ChartDrawing } from "./chart-drawing.js";
import { chartRefusal } from "./chart-trial.js";
import { ResultChoices } from "./result-choice.js";

const vegaLiteMimes = [
  "application/vnd.vegalite.v5+json",
  "application/vnd.vegalite.v4+json",
  "application/vnd.vegalite.v3+json",
];
const vegaMimes = ["application/vnd.vega.v5+json"];

/** Before text/html (50) loses against it in JupyterLab too: a chart with a table beside it shows the chart. */
const rank = 45;

const liveCharts = new Map<IRenderMime.IMimeModel, LiveVega>();

/** A chart's picture as base64 PNG, for a file that is read where nothing draws; undefined while it is not drawn. */
export async function chartStill(model: IRenderMime.IMimeModel): Promise<string | undefined> {
  return liveCharts.get(model)?.still();
}

export const liveVegaFactory: IRenderMime.IRendererFactory = {
  // Draws from data alone: no markup, no script, no address is followed. So an untrusted chart may be shown.
  safe: true,
  mimeTypes: [...vegaLiteMimes, ...vegaMimes],
  defaultRank: rank,
  createRenderer: ({ mimeType }) => new LiveVega(mimeType),
};

class LiveVega extends Widget implements IRenderMime.IRenderer {
  #drawing: ChartDrawing | undefined;
  readonly #mimeType: string;
  #model: IRenderMime.IMimeModel | undefined;

  constructor(mimeType: string) {
    super();
    this.#mimeType = mimeType;
  }

  still(): Promise<string | undefined> | undefined {
    return this.#drawing?.still();
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    if (this.#model !== undefined) liveCharts.delete(this.#model);
    this.#model = model;
    liveCharts.set(model, this);
    const mode = vegaMimes.includes(this.#mimeType) ? "vega" : "vega-lite";
    // What was run here is its owner's; what came with a file is tried out first.
    const refusal = model.trusted ? {} : { refusal: (spec: object) => chartRefusal({ spec, mode }) };
    this.#drawing ??= new ChartDrawing(this.node, { mode, ...refusal });
    const drawing = this.#drawing;
    const draw = () => drawing.draw(model.data[this.#mimeType]);
    // Its cell's results are paused: the newest is drawn when they go on.
    return ResultChoices.whenGoingOn(this.node, draw) ?? draw();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    if (this.#model !== undefined) liveCharts.delete(this.#model);
    this.#drawing?.dispose();
    super.dispose();
  }
}
