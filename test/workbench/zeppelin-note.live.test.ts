/** The shipped Zeppelin note opened by its address in a real Chromium, run, and saved as the note that it is. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { feedEmbeddedLog } from "../../src/embedded/feed.js";
import { tweetFeeding } from "../../src/tweeter/embedded-tweeter.js";
import { checkNote } from "../../zeppelin/check.js";
import { root } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  cellsFinished,
  launchBrowser,
  type OpenPage,
  openPage,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

interface NoteFile {
  readonly paragraphs: ReadonlyArray<{
    readonly id: string;
    readonly text: string;
    readonly results?: { readonly code: string; readonly msg: ReadonlyArray<{ type: string; data: string }> };
  }>;
}

describe("a Zeppelin note on the page", function () {
  this.timeout(300_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let feed: { stop(): Promise<void> };
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: join(root, "zeppelin/tweeter-analytics-tidetable.zpln") });
    feed = await feedEmbeddedLog({ feeding: tweetFeeding, dataDirectory: workbench.dataDirectory, ratePerSecond: 50 });
    opened = await openPage(browser, workbench);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await feed?.stop();
    await browser?.close();
  });

  const note = async () => (await workbench.readNotebook()) as unknown as NoteFile;

  it("opens with its titles, and runs to Top Tweeters", async () => {
    const { page } = opened;
    equal(await page.title(), "tweeter-analytics-tidetable · Tidetable");
    ok((await page.locator(".jp-MarkdownCell h2", { hasText: "Top Tweeters" }).count()) >= 1);
    for (const index of [0, 1, 2, 3]) {
      await runCell(page, index);
      await cellsFinished(page, index + 1);
    }
    const topTweeters = page.locator(".jp-CodeCell").nth(3).locator(".jp-OutputArea");
    await topTweeters.locator("td").first().waitFor({ timeout: 60_000 });
    deepEqual(opened.faults, []);
  });

  it("saves what was run as results of the note, which Zeppelin would import", async () => {
    const { page } = opened;
    await button(page, "save").click();
    const saved = await until("results in the file", async () => {
      const file = await note();
      return file.paragraphs.find(({ id }) => id === "tweeter_top_tweeters")?.results && file;
    });
    const { results, text } = saved.paragraphs.find(({ id }) => id === "tweeter_top_tweeters") ?? { text: "" };
    match(text, /^%jupyter\(kernel=tidetable\)\n%%sql\nSELECT handle/);
    deepEqual([results?.code, results?.msg[0]?.type], ["SUCCESS", "TABLE"]);
    match(results?.msg[0]?.data ?? "", /^handle\tcount\n\w+\t\d+\n/);
    match(saved.paragraphs.find(({ id }) => id === "tweeter_source")?.text ?? "", /\$\{Topic=tweets\}/);
    const { findings, versions } = checkNote(JSON.stringify(saved));
    deepEqual(
      findings.map(({ rule }) => rule),
      ["results-kept"],
    );
    ok(versions.every(({ imports }) => imports));
    equal(await page.locator(".tt-notices").isVisible(), false);
  });

  it("says what a note cannot hold, and lists notes beside notebooks", async () => {
    const { page } = opened;
    const cell = page.locator(".jp-CodeCell").first();
    await cell.locator(".cm-content").click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(
      'import { display } from "tidetable"\ndisplay({ "application/x-own": "1", "text/plain": "carried" })',
    );
    await page.keyboard.press("Control+Enter");
    await cell.locator(".jp-OutputArea", { hasText: /^\s*carried\s*$/ }).waitFor({ timeout: 60_000 });
    await button(page, "save").click();
    await page.locator(".tt-notices", { hasText: /application\/x-own is left out/ }).waitFor({ timeout: 30_000 });
    const listed = (await (
      await fetch(`http://127.0.0.1:${new URL(workbench.url).port}/api/contents`, {
        headers: { authorization: `token ${workbench.token}` },
      })
    ).json()) as { readonly content: ReadonlyArray<{ readonly path: string; readonly type: string }> };
    ok(listed.content.some(({ path, type }) => path === "tweeter-analytics-tidetable.zpln" && type === "notebook"));
  });
});
