/** The real page in a real Chromium: opened, clicked and typed into as a person does. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { chromiumLaunchOptions, ensureChromium } from "../../scripts/components/chromium.js";
import type { TestWorkbench } from "./workbench-fixture.js";

export type { Browser, Page };

export async function launchBrowser(parameters: readonly string[] = []): Promise<Browser> {
  const options = chromiumLaunchOptions(await ensureChromium());
  return chromium.launch({ ...options, args: [...options.args, ...parameters] });
}

export interface OpenPage {
  readonly page: Page;
  /** Errors that the page's scripts threw, and refusals of its policy. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** Opens the workbench's address in a profile of its own and waits until its kernel is ready. */
export async function openPage(browser: Browser, workbench: Pick<TestWorkbench, "url">): Promise<OpenPage> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  // "Leave this page?" is asked about unsaved changes; the person who closes here means it.
  page.on("dialog", (dialog) => void dialog.accept());
  await page.goto(workbench.url);
  await pageReady(page);
  return { page, faults, close: () => context.close() };
}

export async function pageReady(page: Page): Promise<void> {
  await page.locator("body[data-ready=true]").waitFor({ timeout: 60_000 });
  await kernelReady(page);
}

export async function kernelReady(page: Page): Promise<void> {
  await page.locator('.tt-status[data-state="idle"]').waitFor({ timeout: 60_000 });
}

export function button(page: Page, command: string) {
  return page.locator(`.tt-header [data-command="${command}"]`);
}

/** The nth code cell. */
export function codeCell(page: Page, index: number) {
  return page.locator(".jp-CodeCell").nth(index);
}

/** Waits until the code cells up to this count have run: their prompts show a number. */
export async function cellsFinished(page: Page, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await codeCell(page, index)
      .locator(".jp-InputPrompt", { hasText: /\[\d+\]:/ })
      .waitFor({ timeout: 120_000 });
  }
}

/** Runs the cell by choosing it with a click and pressing the keys. */
export async function runCell(page: Page, index: number): Promise<void> {
  await codeCell(page, index).locator(".jp-InputPrompt").click();
  await page.keyboard.press("Control+Enter");
}

/** How often charts were built and moved since the page was loaded. */
export function chartCounters(page: Page): Promise<{ embeds: number; moves: number }> {
  return page.evaluate("({ ...window.tidetable.charts })");
}
