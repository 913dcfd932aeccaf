/** The page with small notebooks: what a person does with cells, charts, files, and with a kernel that fails. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { notebookText, root } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  cellsFinished,
  chartCounters,
  codeCell,
  kernelReady,
  launchBrowser,
  type OpenPage,
  openPage,
  pageReady,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const chartCell = `
import { display, update } from "tidetable";
const chart = (n: number) => ({
  "application/vnd.vegalite.v5+json": {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    width: 400, height: 200,
    data: { name: "live", values: Array.from({ length: 20 }, (_, i) => ({ at: n + i, count: (n + i) % 7 })) },
    params: [{ name: "zoom", select: "interval", bind: "scales" }],
    mark: "line",
    encoding: { x: { field: "at", type: "quantitative", scale: { zero: false } }, y: { field: "count", type: "quantitative" } },
  },
  "text/plain": "a chart",
});
display(chart(0), { id: "moving" });`;
const movingCell = `let n = 0; const moving = setInterval(() => update("moving", chart(++n)), 300);`;

describe("the workbench's page", function () {
  this.timeout(240_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
  });
  after(() => browser?.close());
  afterEach(async () => {
    await opened?.close();
    await workbench?.close();
  });

  async function open(cells: readonly string[]) {
    workbench = await startTestWorkbench({ notebook: cells });
    opened = await openPage(browser, workbench);
    return opened.page;
  }

  it("runs all cells by a click and shows values, text and errors", async () => {
    const page = await open(['console.log("to stdout"); 6 * 7', 'throw new Error("mine")']);
    await button(page, "run-all").click();
    await cellsFinished(page, 2);
    const first = codeCell(page, 0).locator(".jp-OutputArea");
    match(await textOf(first), /to stdout[\s\S]*42/);
    match(await textOf(codeCell(page, 1).locator(".jp-OutputArea")), /Error: mine/);
    deepEqual(opened.faults, []);
  });

  it("is not edited by being opened, and says what is saved", async () => {
    const page = await open(["1"]);
    equal(await textOf(page.locator(".tt-saved")), "Saved");
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.type(" + 1");
    await page.locator('.tt-saved[data-state="edited"]').waitFor();
    await page.keyboard.press("Control+s");
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    match(JSON.stringify(await workbench.readNotebook()), /1 \+ 1| \+ 11/);
  });

  it("asks before it overwrites a file that was changed elsewhere, and takes that one over by a click", async () => {
    const page = await open(["1"]);
    await workbench.writeFile("test.ipynb", notebookText(["changed_elsewhere"]));
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.type("2");
    await page.keyboard.press("Control+s");
    const question = page.locator(".jp-Dialog", { hasText: "File Changed" });
    await question.waitFor();
    match(JSON.stringify(await workbench.readNotebook()), /changed_elsewhere/);
    await question.getByRole("button", { name: "Revert" }).click();
    await codeCell(page, 0).locator(".cm-content", { hasText: "changed_elsewhere" }).waitFor();
    match(JSON.stringify(await workbench.readNotebook()), /changed_elsewhere/);
  });

  it("says why a notebook was not saved, without a dialog over it, and saves again by a click", async () => {
    const page = await open(["1"]);
    let refusals = 0;
    await page.route("**/api/contents/**", async (route) => {
      if (route.request().method() !== "PUT") return route.continue();
      refusals += 1;
      return route.fulfill({ status: 507, json: { message: "The disk is full." } });
    });
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.type(" + 2");
    await page.keyboard.press("Control+s");
    const notice = page.locator(".tt-notices");
    await notice
      .getByText("The notebook was not saved: The disk is full. What you see is only in this page.")
      .waitFor();
    ok(refusals > 0);
    equal(await page.locator(".jp-Dialog").count(), 0);
    await page.unroute("**/api/contents/**");
    await notice.getByRole("button", { name: "Save again" }).click();
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    await notice.waitFor({ state: "hidden" });
    match(JSON.stringify(await workbench.readNotebook()), /\+ 2|2 \+/);
  });

  it("moves a live chart without building it again, and keeps the reader's zoom", async () => {
    const page = await open([chartCell, movingCell]);
    await button(page, "run-all").click();
    const canvas = page.locator(".tt-chart canvas");
    await canvas.waitFor({ timeout: 60_000 });
    await until("five moves", async () => (await chartCounters(page)).moves >= 5 || undefined);
    await canvas.hover({ position: { x: 200, y: 100 } });
    const zoom = () => page.evaluate(zoomOfFirstChart);
    const before = await zoom();
    await page.mouse.wheel(0, -400);
    const zoomed = await until("the zoom", async () => {
      const now = await zoom();
      return now !== before ? now : undefined;
    });
    const { moves } = await chartCounters(page);
    await until("five more moves", async () => (await chartCounters(page)).moves >= moves + 5 || undefined);
    equal(await zoom(), zoomed);
    equal((await chartCounters(page)).embeds, 1);
    deepEqual(opened.faults, []);
  });

  it("saves the chart with its picture, and after a reload the chart goes on", async () => {
    const page = await open([chartCell, movingCell]);
    await button(page, "run-all").click();
    await until("a move", async () => (await chartCounters(page)).moves >= 1 || undefined);
    await button(page, "save").click();
    const picture = await until("the picture in the file", async () => {
      const text = JSON.stringify(await workbench.readNotebook());
      return /"image\/png":"(iVBOR[^"]+)"/.exec(text)?.[1];
    });
    ok(Buffer.from(picture, "base64").length > 1000);
    match(JSON.stringify(await workbench.readNotebook()), /"display_id":"moving"/);

    await page.reload();
    await pageReady(page);
    await page.locator(".tt-chart canvas").waitFor({ timeout: 60_000 });
    await until("moves after the reload", async () => (await chartCounters(page)).moves >= 3 || undefined);
    equal((await chartCounters(page)).embeds, 1);
    deepEqual(opened.faults, []);
  });

  it("interrupts a loop and keeps the variables", async () => {
    const page = await open(["let kept = 41", "while (true) kept |= 0", "kept + 1"]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await runCell(page, 1);
    await page.locator('.tt-status[data-state="busy"]').waitFor();
    await button(page, "interrupt").click();
    await kernelReady(page);
    await runCell(page, 2);
    await codeCell(page, 2).locator(".jp-OutputArea", { hasText: "42" }).waitFor();
  });

  it("restarts the kernel: variables are gone, the outputs stay, cells run", async () => {
    const page = await open(["var before = 1; before", "typeof before"]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await button(page, "restart").click();
    await page.locator('.tt-status[data-state="waiting"]').waitFor();
    await kernelReady(page);
    equal(await textOf(codeCell(page, 0).locator(".jp-OutputArea-output").last()), "1");
    await runCell(page, 0);
    await cellsFinished(page, 1);
    deepEqual(opened.faults, []);
  });

  it("tells when the kernel has died, with the reason, and brings it back by a click", async () => {
    const page = await open(['process.kill(process.pid, "SIGKILL")', "6 * 7"]);
    await runCell(page, 0);
    const notice = page.locator(".tt-notices");
    await notice.getByText("The kernel has stopped: it was ended by SIGKILL").waitFor({ timeout: 30_000 });
    equal(await textOf(page.locator(".tt-status")), "Stopped");
    await notice.getByRole("button", { name: "Restart kernel" }).click();
    await kernelReady(page);
    await notice.waitFor({ state: "hidden" });
    await runCell(page, 1);
    await codeCell(page, 1).locator(".jp-OutputArea", { hasText: "42" }).waitFor();
  });

  it("tells when the workbench is gone, and when another one has taken its place", async () => {
    const page = await open(["1"]);
    const { port } = workbench;
    await workbench.close();
    const notice = page.locator(".tt-notices");
    await notice.getByText("The workbench does not answer").waitFor({ timeout: 30_000 });
    await button(page, "save").click();
    await page.locator('.tt-saved[data-state="failed"]').waitFor();
    workbench = await startTestWorkbench({ notebook: ["1"], port });
    await notice.getByText("The workbench was started anew").waitFor({ timeout: 60_000 });
    // JupyterLab's own words for it would be that the kernel died.
    equal(await page.locator(".jp-Dialog", { hasText: "Kernel" }).count(), 0);
  });

  it("completes by Tab and explains by Shift-Tab", async () => {
    const page = await open(["const greeting = 'hello';", "greeting.toUpp"]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await codeCell(page, 1).locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Tab");
    await codeCell(page, 1)
      .locator(".cm-content", { hasText: "greeting.toUpperCase" })
      .or(page.locator(".jp-Completer-item", { hasText: "toUpperCase" }))
      .first()
      .waitFor({ timeout: 30_000 });
    if ((await page.locator(".jp-Completer-item").count()) > 0) await page.keyboard.press("Enter");
    await codeCell(page, 1).locator(".cm-content", { hasText: "greeting.toUpperCase" }).waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.locator(".tt-tooltip", { hasText: "toUpperCase" }).waitFor({ timeout: 30_000 });
    await page.keyboard.press("Escape");
    await page.locator(".tt-tooltip").waitFor({ state: "hidden" });
  });

  it("shows its menu above a tooltip that came late", async () => {
    const page = await open(["const greeting = 'hello';"]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    const tooltip = page.locator(".cm-tooltip").first();
    await codeCell(page, 0).getByText("greeting", { exact: true }).hover();
    await tooltip.waitFor({ timeout: 30_000 });
    // By key: the pointer stays, and the tooltip with it, as one that comes after the pointer went to the menu.
    await page.locator(".tt-more summary").focus();
    await page.keyboard.press("Enter");
    await page.locator(".tt-more .tt-menu").waitFor();
    ok(await tooltip.isVisible());
    const height = (selector: string) =>
      page.evaluate<number>(`Number(getComputedStyle(document.querySelector("${selector}")).zIndex)`);
    const [menu, late] = [await height(".tt-header"), await height(".cm-tooltip")];
    ok(menu > late, `the menu is at ${menu}, the tooltip at ${late}`);
  });

  it("runs no script of an output, even of a cell that was just run", async () => {
    const attack = "window.hostile = 1";
    const page = await open([
      `import { display } from "tidetable";
display({ "text/html": '<b id="shown">shown</b><script>${attack}</script><img src=x onerror="${attack}">' });
display({ "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" onload="${attack}"><script>${attack}</script></svg>' });
display({ "application/javascript": "${attack}" });`,
    ]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await page.locator("#shown, [data-jupyter-id=shown]").waitFor();
    await until(
      "the refusals",
      () => opened.faults.some((fault) => /Content Security Policy/.test(fault)) || undefined,
    );
    equal(await page.evaluate("window.hostile ?? 0"), 0);
  });

  it("runs a cell by the button beside it", async () => {
    const page = await open(["6 * 7"]);
    await codeCell(page, 0).hover();
    await codeCell(page, 0).locator(".tt-run-cell").click();
    await codeCell(page, 0).locator(".jp-OutputArea", { hasText: "42" }).waitFor();
  });

  it("chooses several cells, merges, splits and makes headings by JupyterLab's keys", async () => {
    const page = await open(["const a = 1", "const b = 2", "third"]);
    const sources = () =>
      page.evaluate("window.tidetable.panel.content.widgets.map((cell) => cell.model.sharedModel.getSource())");
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+M");
    deepEqual(await sources(), ["const a = 1\n\nconst b = 2", "third"]);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await page.keyboard.press("Control+Shift+-");
    deepEqual(await sources(), ["const a = 1", "const b = 2", "third"]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("2");
    deepEqual(await sources(), ["const a = 1", "const b = 2", "## third"]);
    await page.keyboard.press("Shift+L");
    await codeCell(page, 0).locator(".cm-lineNumbers").waitFor();
    await page.keyboard.press("Control+a");
    equal(await page.locator(".jp-Cell.jp-mod-selected").count(), 3);
    deepEqual(opened.faults, []);
  });

  it("loads at most 750 KB before it shows anything", async () => {
    const manifest = JSON.parse(await readFile(join(root, "dist/web/manifest.json"), "utf8"));
    ok(manifest.sizes.eagerGzipBytes <= 750 * 1024, `${manifest.sizes.eagerGzipBytes} bytes`);
  });

  it("colours TypeScript, and a %%sql cell as SQL", async () => {
    const page = await open(["interface A { a: number }", "%%sql\nSELECT _offset FROM tweets"]);
    const keywords = (index: number) =>
      page.evaluate(`[...document.querySelectorAll(".jp-CodeCell")[${index}].querySelectorAll(".cm-line span")]
        .filter((span) => Number(getComputedStyle(span).fontWeight) >= 600).map((span) => span.textContent)`);
    deepEqual(await keywords(0), ["interface"]);
    deepEqual(await keywords(1), ["SELECT", "FROM"]);
  });
});

/** The part of the x axis that the first chart shows, as text; zooming sets it. */
const zoomOfFirstChart = 'JSON.stringify(window.tidetable.chartViews()[0]?.signal("zoom_at") ?? null)';

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? "";
}
