/** What a chart that moves for hours leaves in the page, and that what is saved, copied and moved is its newest state. */
import { equal, ok } from "node:assert/strict";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  cellsFinished,
  chartCounters,
  codeCell,
  launchBrowser,
  type OpenPage,
  openPage,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const moves = 400;
const newRowsAMove = 3;
/** A window of rows that moves on, in three series: Vega keeps copies of the rows for each. */
const chartCell = `
import { display, update } from "tidetable";
const chart = (n: number) => ({
  "application/vnd.vegalite.v5+json": {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    data: { name: "live", values: Array.from({ length: 60 }, (_, i) => {
      const at = n + Math.floor(i / ${newRowsAMove});
      return { at, series: "s" + (i % 3), value: at % 7 };
    }) },
    mark: "line",
    encoding: {
      x: { field: "at", type: "quantitative", scale: { zero: false } },
      y: { field: "value", type: "quantitative" },
      color: { field: "series", type: "nominal" },
    },
  },
  "text/plain": "state " + n,
});
display(chart(0), { id: "moving" });`;
const movingCell = `for (let n = 1; n <= ${moves}; n++) { update("moving", chart(n)); await new Promise((next) => setTimeout(next, 30)); }`;

/** Traces of what was replaced, in the notebook's shared model. */
const traces = `[...window.tidetable.context.model.sharedModel.ydoc.store.clients.values()]
  .reduce((sum, structs) => sum + structs.length, 0)`;
/** Notes of rows that are gone, in the views of the charts. */
const goneRows = `(() => {
  const count = ({ nodes, subcontext = [] }) =>
    Object.values(nodes).reduce((sum, { value }) => sum + (value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.values(value).filter((entry) => entry === null).length : 0), 0) + subcontext.reduce((sum, inner) => sum + count(inner), 0);
  return window.tidetable.chartViews().reduce((sum, view) => sum + count(view._runtime), 0);
})()`;

describe("a chart that moves for long", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: [chartCell, movingCell] });
    opened = await openPage(browser, workbench);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await browser?.close();
  });

  it("leaves no trace of each state, neither in the notebook's model nor in the chart", async () => {
    const { page } = opened;
    await button(page, "run-all").click();
    await until("the first moves", async () => (await chartCounters(page)).moves >= 20 || undefined);
    const before = Number(await page.evaluate(traces));
    await cellsFinished(page, 2);
    const moved = (await chartCounters(page)).moves;
    ok(moved > moves / 2, `${moved} moves`);
    const left = Number(await page.evaluate(traces)) - before;
    ok(left < 50, `${left} traces of ${moved} states`);
    const gone = Number(await page.evaluate(goneRows));
    ok(gone > 0 && gone <= 2 * 100 * newRowsAMove, `${gone} notes of rows that are gone, after ${moved} moves`);
  });

  it("is copied and saved in its newest state", async () => {
    const { page } = opened;
    const newest = `state ${moves}`;
    await codeCell(page, 0).locator(".jp-InputPrompt").click();
    await page.keyboard.press("Escape");
    await page.keyboard.press("c");
    await page.keyboard.press("v");
    await page.keyboard.press("Control+s");
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    const { cells } = (await workbench.readNotebook()) as {
      readonly cells: ReadonlyArray<{ readonly outputs?: unknown }>;
    };
    const states = cells.map(({ outputs }) => /state \d+/.exec(JSON.stringify(outputs ?? ""))?.[0]);
    equal(states.filter((state) => state === newest).length, 2, JSON.stringify(states));
  });
});
