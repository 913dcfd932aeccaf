/**
 * A result on this page: its table, sorted, filtered and paged, or a chart of the reader's choice. Reads what the kernel
 * sent as data and writes text nodes only; further rows come by the panel's comm.
 */
import type { IRenderMime } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { chooseChart, type Mark, marks } from "../../charts/chart.js";
import { drawChart } from "../../charts/vega-lite.js";
import { type ResultJson, resultMime } from "../../sql/result-json.js";
import type { QueryResult } from "../../sql/schema.js";
import { type ChartPlace, createChartPlace } from "./chart-place.js";
import { element, messageOf, pressButton } from "./dom.js";
import { ResultChoices, type ViewChoice } from "./result-choice.js";
import { exportMenu } from "./result-export.js";
import { type PageRequest, type ResultPage, ResultRowsSource } from "./result-rows-source.js";
import { ResultTable } from "./result-table.js";

/** Before text/html (50): the same rows, with what a page can do with them. */
const rank = 40;

export const resultFactory: IRenderMime.IRendererFactory = {
  // Text nodes and our own charts: nothing of an output is read as markup.
  safe: true,
  mimeTypes: [resultMime],
  defaultRank: rank,
  createRenderer: () => new ResultView(),
};

const markNames: Readonly<Record<Mark, string>> = {
  bar: "Bar",
  line: "Line",
  area: "Area",
  pie: "Pie",
  scatter: "Scatter",
};

function isResult(value: unknown): value is ResultJson {
  const { columns, rows, totalRows, footer } = (value ?? {}) as Record<string, unknown>;
  return (
    Array.isArray(columns) &&
    columns.every((column) => typeof column?.name === "string" && typeof column.type === "string") &&
    Array.isArray(rows) &&
    rows.every((row) => Array.isArray(row) && row.length === columns.length) &&
    typeof totalRows === "number" &&
    typeof footer === "string"
  );
}

class ResultView extends Widget implements IRenderMime.IRenderer {
  readonly #bar = element("div", "tt-result-bar");
  readonly #place = element("div", "tt-result-place");
  readonly #foot = element("div", "tt-result-foot");
  readonly #count = element("span", "");
  readonly #table = new ResultTable((request) => this.#load(request));
  readonly #filter = element("input", "tt-result-filter");
  readonly #pause: HTMLButtonElement;
  readonly #switches = new Map<Mark | "table", HTMLButtonElement>();
  readonly #axes = element("span", "tt-result-axes");
  #rows: ResultRowsSource | undefined;
  #page: ResultPage | undefined;
  #chart: ChartPlace | undefined;
  #choice: ViewChoice = { view: "table" };
  #isLive = false;
  #held: ResultJson | undefined;
  #isPaused = false;
  #turn = 0;

  constructor() {
    super();
    this.addClass("tt-result");
    this.#bar.setAttribute("role", "toolbar");
    this.#bar.setAttribute("aria-label", "How this result is shown");
    this.#pause = pressButton({ label: "Pause" }, () => this.#setPaused(!this.#isPaused));
    this.#pause.hidden = true;
    this.#filter.type = "search";
    this.#filter.placeholder = "Filter";
    this.#filter.setAttribute("aria-label", "Show only rows that contain");
    this.#filter.addEventListener("input", () => this.#table.filter(this.#filter.value));
    for (const view of ["table", ...marks] as const) {
      const button = pressButton({ label: view === "table" ? "Table" : markNames[view] }, () => this.#choose({ view }));
      button.dataset.view = view;
      this.#switches.set(view, button);
    }
    this.#bar.append(
      element("span", "tt-result-switch", ...this.#switches.values()),
      this.#axes,
      element("span", "tt-space"),
      this.#pause,
      this.#filter,
      exportMenu({
        result: () => this.#page,
        everyRow: () => this.#rows?.everyRow(this.#table.order),
        chart: () => this.#chart,
      }),
    );
    this.#foot.append(this.#count, this.#table.pager);
    this.node.append(this.#bar, this.#place, this.#foot);
    // The page has keys of its own for the cells; what is typed here is for here.
    this.#filter.addEventListener("keydown", (event) => event.stopPropagation());
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const result: unknown = model.data[resultMime];
    // A notebook of somebody else may hold anything here.
    if (!isResult(result)) {
      this.node.replaceChildren(
        element("p", "tt-result-unreadable", "This result cannot be read; run its cell again."),
      );
      return;
    }
    this.#isLive = "display_id" in model.metadata;
    this.#pause.hidden = !this.#isLive;
    if (this.#isPaused) {
      this.#held = result;
      return;
    }
    await this.#show(result);
  }

  protected override onAfterAttach(): void {
    // Only in its place is it known to which cell it belongs, and so what was chosen for it.
    this.#choice = ResultChoices.of(this.node);
    void this.#redraw();
  }

  override dispose(): void {
    this.#chart?.dispose();
    super.dispose();
  }

  async #show(result: ResultJson): Promise<void> {
    this.#rows = new ResultRowsSource(result);
    this.#page = await this.#rows.read(this.#table.order);
    await this.#redraw();
  }

  async #load(request: PageRequest): Promise<void> {
    const turn = ++this.#turn;
    try {
      const page = await this.#rows?.read(request);
      if (turn !== this.#turn || page === undefined || this.isDisposed) return;
      this.#page = page;
      this.#count.classList.remove("tt-bad");
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#count.textContent = messageOf(error);
      this.#count.classList.add("tt-bad");
      return;
    }
    await this.#redraw();
  }

  async #redraw(): Promise<void> {
    const page = this.#page;
    if (page === undefined) return;
    for (const [view, button] of this.#switches) {
      button.setAttribute("aria-pressed", String(view === this.#choice.view));
    }
    this.node.dataset.view = this.#choice.view;
    this.#filter.hidden = this.#choice.view !== "table";
    this.#table.pager.hidden = this.#choice.view !== "table";
    this.#count.textContent = countText(page, this.#isPaused);
    if (this.#choice.view === "table") {
      this.#axes.replaceChildren();
      this.#chart?.dispose();
      this.#chart = undefined;
      this.#table.show(page);
      if (this.#place.firstChild !== this.#table.node) this.#place.replaceChildren(this.#table.node);
      return;
    }
    // A chart shows what was sent, whatever page the table stands on.
    await this.#drawChart(this.#rows?.first ?? page, this.#choice.view);
  }

  async #drawChart(page: ResultPage, mark: Mark): Promise<void> {
    const result = queryResult(page);
    const { x, y, color } = this.#choice;
    const names = new Set(page.columns.map(({ name }) => name));
    const known = (name: string | undefined, role: string) =>
      name !== undefined && names.has(name) ? { [role]: name } : {};
    const chosen = chooseChart(result, { mark, ...known(x, "x"), ...known(y, "y"), ...known(color, "color") });
    this.#showAxes(page, "chart" in chosen ? chosen.chart : undefined);
    if ("reason" in chosen) {
      this.#chart?.dispose();
      this.#chart = undefined;
      this.#place.replaceChildren(element("p", "tt-empty", `No ${mark} chart: ${chosen.reason}.`));
      return;
    }
    this.#chart ??= createChartPlace();
    if (this.#place.firstChild !== this.#chart.node) this.#place.replaceChildren(this.#chart.node);
    const { spec, cut } = drawChart(result, chosen.chart);
    this.#count.textContent = countText(page, this.#isPaused, cut);
    await this.#chart.draw(spec);
  }

  #showAxes(page: ResultPage, chart: { x: number; y: number; color?: number } | undefined): void {
    const roles = [
      ["x", this.#choice.view === "bar" || this.#choice.view === "pie" ? "By" : "Across"],
      ["y", "Value"],
      ...(this.#choice.view === "pie" ? [] : [["color", "Colour"] as const]),
    ] as const;
    this.#axes.replaceChildren(
      ...roles.map(([role, label]) => {
        const select = element("select", "");
        if (role === "color") select.append(new Option("none", ""));
        for (const { name } of page.columns) select.append(new Option(name, name));
        const index = chart?.[role];
        select.value = index === undefined ? "" : (page.columns[index]?.name ?? "");
        select.addEventListener("change", () => this.#choose({ ...this.#choice, [role]: select.value }));
        return element("label", "", label, select);
      }),
    );
  }

  #choose(choice: ViewChoice): void {
    this.#choice = choice;
    ResultChoices.keep(this.node, choice);
    void this.#redraw();
  }

  #setPaused(paused: boolean): void {
    this.#isPaused = paused;
    this.#pause.querySelector("span:last-child")?.replaceChildren(paused ? "Go on" : "Pause");
    this.#pause.setAttribute("aria-pressed", String(paused));
    ResultChoices.pause(this.node, paused);
    const held = this.#held;
    this.#held = undefined;
    if (!paused && held !== undefined) void this.#show(held);
    else void this.#redraw();
  }
}

function queryResult({ columns, rows, totalRows }: ResultPage): QueryResult {
  return {
    columns: columns.map((column, index) => ({
      ...column,
      data: { kind: "values", values: rows.map((row) => row[index] ?? null) },
    })),
    rowCount: rows.length,
    totalRowCount: totalRows,
    elapsedMs: 0,
  };
}

/** @param cut what a chart leaves out, which names the rows by itself */
function countText({ rows, offset, totalRows, footer }: ResultPage, paused: boolean, cut?: string): string {
  const count = (value: number) => value.toLocaleString("en-US");
  const first = rows.length === 0 ? 0 : offset + 1;
  const which =
    rows.length === totalRows
      ? `${count(totalRows)} ${totalRows === 1 ? "row" : "rows"}`
      : `rows ${count(first)}–${count(offset + rows.length)} of ${count(totalRows)}`;
  return [cut ?? which, ...(footer === "" ? [] : [footer]), ...(paused ? ["paused"] : [])].join(" · ");
}
