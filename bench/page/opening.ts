/** From the address to cells that can be used, with a warm cache and a kernel that runs; and what is loaded until then. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { notebookText, root } from "../../test/support/notebook.js";
import { until } from "../../test/support/until.js";
import { alternate, type Measure, measure } from "../measure.js";
import { againstGoal, type BrowserBench, type Home, kernelIdle, openPage } from "./browser.js";

const ROUNDS = 5;
const GOAL_MS = 1_200;
const CELLS = 20;

/** Notes when the first cell of the notebook can take a key: its editor is there, editable, and has been painted. */
const noteInteractive = `(() => {
  const look = () => {
    const editor = document.querySelector(".jp-Notebook .jp-CodeCell .cm-content[contenteditable=true]");
    const shown = editor !== null && editor.getClientRects().length > 0;
    if (!shown) return requestAnimationFrame(look);
    requestAnimationFrame(() => { window.interactiveMs = performance.now(); });
  };
  requestAnimationFrame(look);
})()`;

export async function measureOpening({ browser, ours, lab }: BrowserBench): Promise<Measure[]> {
  const text = notebookText(Array.from({ length: CELLS }, (_, index) => `const n${index} = ${index}; n${index} + 1`));
  const opener = async (home: Home) => {
    const url = await home.add("opening.ipynb", text);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript(noteInteractive);
    const open = async () => {
      const { page, close } = await openPage(context);
      await page.goto(url);
      const ms = await until(
        "a cell that can be used",
        async () => Number(await page.evaluate("window.interactiveMs ?? 0")) || undefined,
        60_000,
      );
      await kernelIdle(page, home);
      await close();
      return ms;
    };
    // The first fills the cache and starts the kernel.
    await open();
    return { open, close: () => context.close() };
  };
  const [here, there] = [await opener(ours), await opener(lab)];
  const taken = await alternate(ROUNDS, here.open, there.open);
  await Promise.all([here.close(), there.close()]);
  const manifest = JSON.parse(await readFile(join(root, "dist/web/manifest.json"), "utf8")) as {
    sizes: { eagerGzipBytes: number };
  };
  const name = "navigation to cells that can be used, warm";
  return [
    measure({ name, unit: "ms", ...taken, peerName: "JupyterLab", goal: { atMost: 0.5 } }),
    againstGoal(name, "ms", taken.ours, GOAL_MS),
    againstGoal("eager script, gzipped", "KB", [manifest.sizes.eagerGzipBytes / 1024], 750),
  ];
}
