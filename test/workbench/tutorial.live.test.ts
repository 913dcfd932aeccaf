/** The tutorial on the workbench's page, as a visitor does it: the product's own notebook, tweets flowing. */
import { deepEqual, equal, match, notDeepEqual, ok } from "node:assert/strict";
import { feedEmbeddedLog } from "../../src/embedded/feed.js";
import { tweetFeeding } from "../../src/tweeter/embedded-tweeter.js";
import { tutorialPath } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  chartCounters,
  codeCell,
  launchBrowser,
  type OpenPage,
  openPage,
  pageReady,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const topTweeters = 2;

describe("the tutorial on the page", function () {
  this.timeout(300_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let feed: { stop(): Promise<void> };
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: tutorialPath });
    feed = await feedEmbeddedLog({ feeding: tweetFeeding, dataDirectory: workbench.dataDirectory, ratePerSecond: 50 });
    opened = await openPage(browser, workbench);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await feed?.stop();
    await browser?.close();
  });

  it("runs every cell by one click on Run all", async () => {
    const { page } = opened;
    await button(page, "run-all").click();
    const count = await page.locator(".jp-CodeCell").count();
    ok(count >= 3);
    for (let index = 0; index < count; index++) {
      await codeCell(page, index)
        .locator(".jp-InputPrompt", { hasText: /\[\d+\]:/ })
        .waitFor({ timeout: 120_000 });
    }
    const errors = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]');
    deepEqual(await errors.allTextContents(), []);
    match((await codeCell(page, 1).locator(".jp-OutputArea").textContent()) ?? "", /tweets/);
  });

  it("draws Top Tweeters as bars", async () => {
    const { page } = opened;
    const chart = codeCell(page, topTweeters).locator(".tt-chart");
    await chart.locator("canvas").waitFor({ timeout: 60_000 });
    ok(Number(await chart.getAttribute("data-rows")) > 1);
    ok((await page.evaluate<number>(barColours)) > 500, "the canvas has no bars");
  });

  it("gives another answer when Top Tweeters is run again, in the same view of the page", async () => {
    const { page } = opened;
    const counts = () => codeCell(page, topTweeters).locator("td").allTextContents();
    const before = await counts();
    ok(before.length > 2);
    await runCell(page, topTweeters);
    const after = await until("other counts", async () => {
      const now = await counts();
      return now.length > 2 && now.join() !== before.join() ? now : undefined;
    });
    notDeepEqual(after, before);
  });

  it("moves the live charts", async () => {
    const { moves } = await chartCounters(opened.page);
    await until("moves", async () => (await chartCounters(opened.page)).moves > moves + 2 || undefined, 60_000);
  });

  it("saves, and after a reload the outputs stand and live on", async () => {
    const { page } = opened;
    await button(page, "save").click();
    await until("the outputs in the file", async () => {
      const text = JSON.stringify(await workbench.readNotebook());
      return text.includes('"image/png"') && text.includes("vnd.vegalite.v5+json") ? true : undefined;
    });
    await page.reload();
    await pageReady(page);
    await codeCell(page, topTweeters).locator(".tt-chart canvas").waitFor({ timeout: 60_000 });
    const status = () => codeCell(page, 1).locator(".jp-OutputArea").textContent();
    const before = await status();
    await until("a status that lives on", async () => (await status()) !== before || undefined, 60_000);
    await until("charts that live on", async () => (await chartCounters(page)).moves > 2 || undefined, 60_000);
    equal(opened.faults.join("\n"), "");
  });
});

/** Serialized into the page: how many pixels of Top Tweeters' canvas are strongly blue, as its bars are. */
const barColours = `(() => {
  const canvas = document.querySelectorAll(".jp-CodeCell")[${topTweeters}].querySelector(".tt-chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let blue = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 2] > data[at] + 60 && data[at + 3] > 200) blue++;
  return blue;
})()`;
