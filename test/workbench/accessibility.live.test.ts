/**
 * The page under axe-core's rules, in both themes: whatever it shows, no violation that is serious or critical. The rules see
 * what a screen reader would be told and what a weak eye can read; keys are in `look.live.test.ts`.
 */
import { deepEqual, ok } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { requireComponent } from "../support/require-component.js";
import {
  type Browser,
  button,
  cellsFinished,
  codeCell,
  launchBrowser,
  type OpenPage,
  openPage,
  type Page,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const cells = [
  'import { stream } from "tidetable"; const tweets = await stream("tweets"); await tweets.caughtUp();',
  "%%sql --chart bar\nSELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC LIMIT 5",
  "%%sql --live\nSELECT count(*) AS n, max(created_at) AS newest FROM tweets",
  '// a comment\nconst greeting: string = "hello"; console.log(greeting, 1); process.stderr.write("to stderr");',
  'throw new Error("as wanted")',
];

/** What a person can come to see, and how they leave it again. */
const views: ReadonlyArray<{
  readonly name: string;
  readonly open: (page: Page) => Promise<unknown>;
  readonly close: (page: Page) => Promise<unknown>;
}> = [
  { name: "the notebook", open: async () => {}, close: async () => {} },
  {
    name: "an editor with completions",
    open: async (page) => {
      await codeCell(page, 1).locator(".cm-content").click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type(" -- ");
      await page.keyboard.press("Enter");
      await page.keyboard.type("SEL");
      await page.keyboard.press("Tab");
      await page.locator(".jp-Completer-item, .cm-content").first().waitFor();
    },
    close: async (page) => {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
    },
  },
  {
    name: "the streams",
    open: async (page) => {
      await page.locator("[data-panel=data]").click();
      await page.locator(".tt-card").first().waitFor();
    },
    close: (page) => page.locator("[data-panel=data]").click(),
  },
  {
    name: "the files",
    open: async (page) => {
      await page.locator("[data-panel=files]").click();
      await page.locator(".tt-files li").first().waitFor();
    },
    close: (page) => page.locator("[data-panel=files]").click(),
  },
  {
    name: "more",
    open: (page) => page.locator(".tt-more summary").click(),
    close: (page) => page.locator(".tt-more summary").click(),
  },
  {
    name: "the keys",
    open: async (page) => {
      await codeCell(page, 0).locator(".jp-InputPrompt").click();
      await page.keyboard.press("h");
      await page.locator(".tt-shortcuts").waitFor();
    },
    close: async (page) => {
      await page.keyboard.press("Escape");
      await page.locator(".tt-shortcuts").waitFor({ state: "detached" });
    },
  },
  {
    name: "find and replace",
    open: async (page) => {
      await codeCell(page, 0).locator(".cm-content").click();
      await page.keyboard.press("Control+h");
      await page.getByPlaceholder("Find").fill("tweets");
    },
    close: (page) => page.getByPlaceholder("Find").press("Escape"),
  },
  {
    name: "the dashboard",
    open: async (page) => {
      await page.locator(".tt-more summary").click();
      await page.locator('.tt-more [data-command="dashboard"]').click();
      await codeCell(page, 1).locator(".cm-content").waitFor({ state: "hidden" });
    },
    close: (page) => page.getByRole("button", { name: "Back to the notebook" }).click(),
  },
];

describe("the page for who cannot see it well", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;
  let greeted: readonly string[];

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: cells });
    opened = await openPage(browser, workbench);
    const { page } = opened;
    page.setDefaultTimeout(30_000);
    // The driver may run what the page's policy forbids.
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    greeted = await violations(page);
    await page.getByRole("button", { name: "Got it" }).click();
    await button(page, "run-all").click();
    await cellsFinished(page, cells.length);
    await page.locator(".tt-chart canvas").first().waitFor();
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await browser?.close();
  });

  it("has no serious violation of axe-core's rules for who opens it for the first time", () => deepEqual(greeted, []));

  for (const colorScheme of ["light", "dark"] as const) {
    it(`has no serious violation of axe-core's rules in ${views.length} views, where the system is ${colorScheme}`, async () => {
      const { page } = opened;
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const found: Record<string, readonly string[]> = {};
      for (const { name, open, close } of views) {
        await open(page);
        const texts = await violations(page);
        if (texts.length > 0) found[name] = texts;
        await close(page);
      }
      deepEqual(found, {});
    });
  }

  it("says the same of a page that has lost its workbench", async () => {
    const { page } = opened;
    await workbench.stop();
    await page.locator(".tt-notices", { hasText: "does not answer" }).waitFor({ timeout: 60_000 });
    deepEqual(await violations(page), []);
  });
});

/** Serious and critical ones, each with the elements that it was found at. */
async function violations(page: Page): Promise<readonly string[]> {
  const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
  ok(results.passes.length > 10, "the rules were applied");
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ target, any }) => `${target.join(" ")} (${any[0]?.message ?? ""})`).join("\n    ")}`,
    );
}
