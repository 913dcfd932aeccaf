/** `npm run picture:map`: makes the picture of the second demo's map from the demo itself. Needs Chromium and its servers. */
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { ChicagoDemo } from "./chicago/demo.js";
import { chromiumLaunchOptions, ensureChromium } from "./components/chromium.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const postingMs = 20_000;

const demo = new ChicagoDemo({
  ratePerSecond: 2_000,
  mapEverySeconds: 5,
  command: [process.execPath, join(root, "dist/cli.js")],
  notebook: join(root, "notebooks/chicago-crime.ipynb"),
  environment: process.env,
});
try {
  await demo.start();
  await delay(postingMs);
  const browser = await chromium.launch(chromiumLaunchOptions(await ensureChromium()));
  const page = await browser.newPage({ viewport: { width: 1000, height: 1020 }, deviceScaleFactor: 1.5 });
  await page.goto(await demo.mapUrl());
  await page.screenshot({ path: join(root, "docs/images/heat-map.png") });
  await browser.close();
  console.log("docs/images/heat-map.png is made");
} finally {
  await demo.stop();
}
process.exit(0);
