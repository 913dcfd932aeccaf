/** Taking a result elsewhere: copied, or as CSV, PNG, SVG or Vega-Lite specification. */
import { copyIcon, downloadIcon } from "@jupyterlab/ui-components";
import type { ResultJson } from "../../sql/result-json.js";
import type { ChartPlace } from "./chart-place.js";
import { csvText, tabSeparated } from "./csv.js";
import { element, messageOf, pressButton } from "./dom.js";
import { saveFile } from "./save-file.js";

export interface Exportable {
  /** What is shown now. */
  readonly result: () => ResultJson | undefined;
  /** Every row, also those on other pages. */
  readonly everyRow: () => Promise<ResultJson> | undefined;
  readonly chart: () => ChartPlace | undefined;
}

/** A menu that opens below its button; Escape closes it. */
export function exportMenu({ result, everyRow, chart }: Exportable): HTMLElement {
  const said = element("span", "tt-quiet");
  said.setAttribute("role", "status");
  const act = (run: () => Promise<void>) => async () => {
    said.textContent = "";
    try {
      await run();
      details.open = false;
    } catch (error) {
      said.textContent = messageOf(error);
    }
  };
  const item = (label: string, icon: typeof copyIcon, run: () => Promise<void>) =>
    pressButton({ label, icon, className: "tt-menu-item" }, act(run));
  const chartItems = [
    item("PNG picture", downloadIcon, async () => {
      const picture = await chart()?.png();
      if (picture !== undefined) saveFile("chart.png", picture, "image/png");
    }),
    item("SVG picture", downloadIcon, async () => {
      const picture = await chart()?.svg();
      if (picture !== undefined) saveFile("chart.svg", picture, "image/svg+xml");
    }),
    item("Vega-Lite specification", downloadIcon, async () => {
      saveFile("chart.vl.json", JSON.stringify(chart()?.spec, null, 2), "application/json");
    }),
  ];
  const menu = element(
    "div",
    "tt-menu",
    item("Copy rows", copyIcon, async () => {
      const shown = result();
      if (shown !== undefined) await navigator.clipboard.writeText(tabSeparated(shown));
    }),
    item("CSV, every row", downloadIcon, async () => {
      const rows = await everyRow();
      if (rows === undefined) return;
      saveFile("result.csv", csvText(rows), "text/csv;charset=utf-8");
      if (rows.rows.length < rows.totalRows) {
        throw new Error(`The file holds the first ${rows.rows.length} of ${rows.totalRows} rows.`);
      }
    }),
    ...chartItems,
    said,
  );
  const details = element("details", "tt-export", element("summary", "tt-small-button", "Export"), menu);
  details.addEventListener("toggle", () => {
    for (const one of chartItems) one.hidden = chart() === undefined;
    said.textContent = "";
  });
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && details.open) {
      details.open = false;
      event.stopPropagation();
    }
  });
  return details;
}
