/** Streams, live queries, tables and results on the page, by clicks and keys, over the embedded log. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Locator } from "playwright-core";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  cellsFinished,
  codeCell,
  kernelReady,
  launchBrowser,
  type OpenPage,
  openPage,
  pageReady,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const cells = [
  'import { stream } from "tidetable"; const tweets = await stream("tweets")',
  "%%sql\nSELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC LIMIT 12",
  "%%sql --chart none\nSELECT range AS n, 'word ' || (range % 7) AS word FROM range(1000)",
  "%%sql --live --every 250ms\nSELECT count(*) AS n, max(_offset) AS last FROM tweets",
  "%%sql --chart none\nSELECT '=1+1' AS formula, 'a,\"b\"' AS quoted, NULL AS nothing, -5 AS number",
];

describe("streams and results on the page", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: cells });
    opened = await openPage(browser, workbench);
    await opened.page.locator("[data-panel=data]").click();
    await button(opened.page, "run-all").click();
    await cellsFinished(opened.page, cells.length);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await browser?.close();
  });

  const card = (name: string) => opened.page.locator(".tt-card", { hasText: name }).first();
  const result = (cell: number) => codeCell(opened.page, cell).locator(".tt-result");
  const texts = (cell: number, column: number) =>
    result(cell).locator(`tbody tr td:nth-child(${column})`).allTextContents();
  const count = async (cell: number) =>
    (await result(cell).locator(".tt-result-foot span").first().textContent()) ?? "";

  describe("the panel of streams", () => {
    it("shows a stream with its rows, topic, lag, rejected records and what it keeps", async () => {
      await card("tweets").locator(".tt-phase", { hasText: "live" }).waitFor();
      const facts = await textOf(card("tweets").locator("dl"));
      match(facts, /Rows[\d,]+Rows\/s[\d,]+Lag[\d,]+.*Rejected\d+Topictweets of .*Keepsthe newest/);
      ok((await card("tweets").locator(".tt-sparkline polyline").getAttribute("points"))?.includes(","));
    });

    it("pauses and resumes the stream", async () => {
      const { page } = opened;
      await page.getByRole("button", { name: "Pause the stream tweets" }).click();
      await card("tweets").locator(".tt-phase", { hasText: "paused" }).waitFor();
      await page.getByRole("button", { name: "Resume the stream tweets" }).click();
      await card("tweets").locator(".tt-phase", { hasText: "live" }).waitFor();
    });

    it("shows a live query with how it is kept and what a refresh costs", async () => {
      const live = card("SELECT count(*) AS n");
      await live.locator(".tt-phase", { hasText: /incremental|recomputed/ }).waitFor();
      match(await textOf(live.locator("dl")), /Last refresh[\d.]+ msVersion\d+/);
    });

    it("shows columns with types, a sample, and copies a SELECT", async () => {
      const table = opened.page.locator(".tt-card:has(details)", { hasText: "tweets" }).first();
      await table.locator("summary").click();
      match(await textOf(table.locator(".tt-columns")), /handleVARCHAR/);
      await table.getByRole("button", { name: "Sample" }).click();
      await table.locator(".tt-sample td").first().waitFor();
      await opened.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await table.getByRole("button", { name: "Copy SELECT" }).click();
      const copied = String(await opened.page.evaluate("navigator.clipboard.readText()"));
      match(copied, /^SELECT .*handle.*\nFROM tweets\nLIMIT 100$/);
    });
  });

  describe("a result", () => {
    it("is sorted by a click on a column, the other way by a second, as before by a third", async () => {
      const before = await texts(1, 1);
      const head = result(1).getByRole("button", { name: "handle" });
      await head.click();
      deepEqual(await texts(1, 1), [...before].sort());
      equal(await result(1).locator("th").first().getAttribute("aria-sort"), "ascending");
      await head.click();
      deepEqual(await texts(1, 1), [...before].sort().reverse());
      await head.click();
      deepEqual(await texts(1, 1), before);
    });

    it("of more rows than were sent is paged, sorted and filtered by the kernel", async () => {
      match(await count(2), /^rows 1–100 of 1,000/);
      await result(2).getByRole("button", { name: "Next ›" }).click();
      await result(2).getByText("rows 101–200 of 1,000").waitFor();
      equal((await texts(2, 1))[0], "100");
      const head = result(2).getByRole("button", { name: "n", exact: true });
      await head.click();
      await until("the largest first", async () => (await texts(2, 1))[0] === "999" || undefined);
      await result(2).getByPlaceholder("Filter").fill("word 3");
      await result(2).getByText("of 143").waitFor();
      ok((await texts(2, 2)).every((word) => word === "word 3"));
    });

    it("is shown as each chart, by the columns that are chosen, and the notebook remembers it", async () => {
      const { page } = opened;
      for (const mark of ["Bar", "Line", "Area", "Pie", "Scatter"]) {
        await result(1).getByRole("button", { name: mark, exact: true }).click();
        await result(1).locator(".tt-chart canvas").waitFor();
      }
      await result(1).getByRole("button", { name: "Pie", exact: true }).click();
      // The chart that the cell drew by itself has stepped aside.
      equal(await codeCell(page, 1).locator(".jp-OutputArea-output.tt-chart:visible").count(), 0);
      await button(page, "save").click();
      const saved = await until("the choice in the file", async () => {
        const text = await readFile(`${workbench.directory}/test.ipynb`, "utf8");
        return text.includes('"view": "pie"') ? text : undefined;
      });
      ok(saved.includes("image/png"));
      await page.reload();
      await pageReady(page);
      await result(1).locator(".tt-chart canvas").waitFor();
      equal(await result(1).getByRole("button", { name: "Pie", exact: true }).getAttribute("aria-pressed"), "true");
      await result(1).getByRole("button", { name: "Table", exact: true }).click();
      await result(1).locator("td").first().waitFor();
    });

    it("is taken elsewhere as CSV that no spreadsheet runs, and its chart as PNG, SVG and specification", async () => {
      const { page } = opened;
      const saved = async (cell: number, item: string) => {
        await result(cell).locator("summary", { hasText: "Export" }).click();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          result(cell).getByRole("button", { name: item }).click(),
        ]);
        return readFile(await download.path());
      };
      equal(String(await saved(4, "CSV, every row")), 'formula,quoted,nothing,number\r\n\'=1+1,"a,""b""",,-5\r\n');
      equal(
        String(await saved(2, "CSV, every row"))
          .trim()
          .split("\r\n").length,
        1001,
      );
      await result(1).getByRole("button", { name: "Line", exact: true }).click();
      await result(1).locator(".tt-chart canvas").waitFor();
      equal((await saved(1, "PNG picture")).subarray(1, 4).toString(), "PNG");
      match(String(await saved(1, "SVG picture")), /^<svg/);
      equal(JSON.parse(String(await saved(1, "Vega-Lite specification"))).data.name, "live");
      await result(1).getByRole("button", { name: "Table", exact: true }).click();
    });

    it("that is live is paused, and goes on with the newest", async () => {
      const value = async () => (await texts(3, 2))[0];
      const first = await value();
      await until("movement", async () => (await value()) !== first || undefined);
      await result(3).getByRole("button", { name: "Pause" }).click();
      await result(3).getByText("paused").waitFor();
      const held = await value();
      const [before] = await moves(opened.page);
      await until(
        "three further versions",
        async () => ((await moves(opened.page))[0] ?? 0) >= (before ?? 0) + 3 || undefined,
      );
      equal(await value(), held);
      await result(3).getByRole("button", { name: "Go on" }).click();
      await until("movement again", async () => (await value()) !== held || undefined);
    });
  });

  describe("in the end", () => {
    it("leads to the rejected records: a cell that reads them, and what it has read", async () => {
      await card("tweets")
        .getByRole("button", { name: /Show \d+ rejected/ })
        .click();
      const cell = opened.page.locator(".jp-CodeCell", { hasText: "tweets_errors" });
      await cell.locator(".tt-result tbody td").first().waitFor();
    });

    it("ends the stream from the panel, and says so", async () => {
      await opened.page.getByRole("button", { name: "Stop the stream tweets" }).click();
      await card("tweets").locator(".tt-phase", { hasText: "stopped" }).waitFor();
      deepEqual(opened.faults, []);
    });

    it("forgets what was open when the kernel starts anew", async () => {
      await button(opened.page, "restart").click();
      await opened.page.locator(".tt-sparkline").waitFor({ state: "hidden", timeout: 60_000 });
      await kernelReady(opened.page);
      await runCell(opened.page, 0);
      await card("tweets").locator(".tt-phase", { hasText: "live" }).waitFor({ timeout: 60_000 });
    });
  });
});

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? "";
}

/** The versions of the live queries, as the panel shows them. */
async function moves(page: OpenPage["page"]): Promise<number[]> {
  const facts = await page.locator(".tt-card:has(.tt-query) dd:nth-of-type(2)").allTextContents();
  return facts.map((text) => Number(text.replaceAll(",", "")));
}
