/**
 * `npm run picture`: makes the README's pictures from the product itself: starts the workbench on the tutorial with a fresh
 * embedded log, runs every cell, and photographs the page and the chart. Needs Chromium.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { chromiumLaunchOptions, ensureChromium } from "./components/chromium.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const images = join(root, "docs/images");
const data = mkdtempSync(join(tmpdir(), "tidetable-picture-"));
// A copy: the page saves what it has run.
const notebook = join(data, "tweeter-analytics.ipynb");
copyFileSync(join(root, "notebooks/tweeter-analytics.ipynb"), notebook);
const workbench = spawn(process.execPath, [join(root, "dist/cli.js"), "start", "--no-open", notebook], {
  cwd: root,
  env: { ...process.env, KAFKA_BROKERS: "", TIDETABLE_DATA: data },
  stdio: ["ignore", "pipe", "inherit"],
});

try {
  const url = await announcedUrl();
  const browser = await chromium.launch(chromiumLaunchOptions(await ensureChromium()));
  const page = await browser.newPage({ viewport: { width: 1180, height: 1500 }, deviceScaleFactor: 1.5 });
  await page.goto(url);
  await page.locator('.tt-status[data-state="idle"]').waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Got it" }).click();
  await page.locator('.tt-header [data-command="run-all"]').click();
  const chart = page.locator(".tt-chart svg, .tt-chart canvas").first();
  await chart.waitFor({ timeout: 60_000 });
  // The live chart below has moved by then, and every cell has its number.
  await page.waitForTimeout(6_000);
  await chart.scrollIntoViewIfNeeded();
  await chart.screenshot({ path: join(images, "top-tweeters.png") });
  await page.locator("h1").first().scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(images, "workbench.png") });
  // The same page at work, with its side open, in both themes.
  await page.setViewportSize({ width: 1500, height: 1000 });
  await page.locator("[data-panel=data]").click();
  await page.locator(".tt-card").first().waitFor({ timeout: 60_000 });
  await chart.scrollIntoViewIfNeeded();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    // Charts are drawn anew in the other colours.
    await page.waitForTimeout(3_000);
    await page.screenshot({ path: join(images, `workbench-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.locator("[data-panel=data]").click();
  await page.locator(".tt-more summary").click();
  await page.locator('.tt-more [data-command="dashboard"]').click();
  await page.locator("h2", { hasText: "Top Tweeters" }).scrollIntoViewIfNeeded();
  await page.waitForTimeout(3_000);
  await page.screenshot({ path: join(images, "dashboard.png") });
  await browser.close();
  console.log(
    `made top-tweeters.png, workbench.png, workbench-light.png, workbench-dark.png and dashboard.png in ${images}`,
  );
} finally {
  workbench.kill("SIGTERM");
  await new Promise((ended) => workbench.once("close", ended));
  rmSync(data, { recursive: true, force: true });
}
process.exit(0);

function announcedUrl(): Promise<string> {
  return new Promise((found, fail) => {
    let text = "";
    workbench.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const url = /Tidetable is at (\S+)/.exec(text)?.[1];
      if (url !== undefined) found(url);
    });
    workbench.once("close", () => fail(new Error("the workbench ended before it was ready")));
  });
}
