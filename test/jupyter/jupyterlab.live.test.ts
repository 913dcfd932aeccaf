/**
 * A real JupyterLab, driven in Chromium: the tutorial (run all, the chart drawn by JupyterLab itself, live updates), then
 * what a user does at the desk: answer, stop, complete, inspect, click a widget, restart.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { chromiumLaunchOptions, ensureChromium } from "../../scripts/components/chromium.js";
import { freePort } from "../../scripts/components/free-ports.js";
import { type JupyterHome, notebookText, openJupyterHome, tutorialPath } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";

const token = "test-token";
const vegaLiteMime = "application/vnd.vegalite.v5+json";

interface ShownCell {
  readonly source: string;
  readonly executionCount: number | null;
  readonly mimes: readonly string[];
  readonly errors: readonly string[];
  /** The first row of each chart's data, to see it move. */
  readonly charts: readonly string[];
}

/** The cells of a notebook in which a user does one thing after the other. */
const deskCells = [
  'let kept = 5; console.log("ran")',
  'import { prompt } from "tidetable"; const word = await prompt("word? "); word + "!"',
  // What it prints tells that it runs: a stop may come while it is still being compiled.
  'for (;;) if (kept++ === 100) console.log("loops");',
  "kept > 5",
  `import { openComm } from "tidetable";
let clicks = 0;
const button = openComm("test.button", {
  data: { label: "count" },
  message: (data, buffers) => {
    clicks += Number(data.by);
    button.send({ label: \`clicked \${clicks}\` });
    console.log("clicked", clicks, buffers[0]);
  },
});`,
  "",
];
const [firstCell, askingCell, loopCell, afterLoopCell, buttonCell, emptyCell] = [0, 1, 2, 3, 4, 5];

describe("JupyterLab", function () {
  this.timeout(240_000);
  let home: JupyterHome;
  let browser: Browser;
  let server: ChildProcess;
  let page: Page;
  let address: string;

  before(async function () {
    home = await requireComponent(this, openJupyterHome);
    const executable = await requireComponent(this, () => ensureChromium(() => undefined));
    browser = await chromium.launch(chromiumLaunchOptions(executable));
    const folder = join(home.directory, "lab");
    await mkdir(folder);
    await copyFile(tutorialPath, join(folder, "tutorial.ipynb"));
    await writeFile(join(folder, "desk.ipynb"), notebookText(deskCells));
    const port = await freePort();
    server = spawn(
      home.python.program("jupyter"),
      [
        "lab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        `--port=${port}`,
        `--ServerApp.root_dir=${folder}`,
        `--IdentityProvider.token=${token}`,
        "--LabApp.expose_app_in_browser=True",
      ],
      {
        env: { ...home.environment, KAFKA_BROKERS: "", TIDETABLE_DATA: join(home.directory, "lab-data") },
        stdio: "ignore",
      },
    );
    address = `http://127.0.0.1:${port}`;
    await until(
      "JupyterLab to answer",
      () =>
        fetch(`${address}/api/status?token=${token}`).then(
          (answer) => answer.ok,
          () => false,
        ),
      60_000,
    );
    page = await (await browser.newContext({ viewport: { width: 1280, height: 1400 } })).newPage();
    await page.goto(`${address}/lab/tree/tutorial.ipynb?token=${token}`);
    await until("the kernel to be idle", async () => (await kernelStatus(page)) === "idle", 90_000);
  });
  after(async () => {
    await browser?.close();
    if (server?.exitCode === null) {
      server.kill("SIGINT");
      server.kill("SIGTERM");
      await new Promise((ended) => server.once("close", ended));
    }
    await home?.close();
  });

  it("runs every cell of the tutorial, and draws Top Tweeters with its own renderer", async () => {
    await page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')");
    const cells = await until(
      "all cells to have run",
      async () => {
        const shown = await shownCells(page);
        const idle = (await kernelStatus(page)) === "idle";
        return idle && shown.every((cell) => cell.executionCount !== null) && shown;
      },
      90_000,
    );
    deepEqual(
      cells.flatMap((cell) => cell.errors),
      [],
    );
    const top = cells.find((cell) => cell.source.includes("GROUP BY handle"));
    equal(top?.mimes.filter((mime) => mime === vegaLiteMime).length, 1);
    await page
      .locator(".jp-RenderedVegaCommon5 canvas, .jp-RenderedVegaCommon5 svg, .vega-embed")
      .first()
      .waitFor({ timeout: 30_000 });
  });

  it("moves the live chart after its cell has ended", async () => {
    const live = async () => (await shownCells(page)).find((cell) => cell.source.includes("--live"))?.charts[0];
    const before = await live();
    ok(before !== undefined, "the live cell has a chart");
    await until("the live chart to move", async () => (await live()) !== before, 30_000);
  });

  describe("at its desk", () => {
    before(async () => {
      await page.goto(`${address}/lab/tree/desk.ipynb?token=${token}`);
      // JupyterLab opens what was open before, too.
      const path = () => page.evaluate("window.jupyterapp?.shell?.currentWidget?.context?.path");
      await until("the notebook in front", async () => (await path()) === "desk.ipynb", 90_000);
      await until("the kernel to be idle", async () => (await kernelStatus(page)) === "idle", 90_000);
      await runCell(page, firstCell);
      await until("the first cell", async () => (await outputText(page, firstCell)) === "ran\n", 60_000);
    });

    it("asks below the cell, and hands on what is typed", async () => {
      await runCell(page, askingCell);
      const input = page.locator(".jp-Stdin-input");
      await input.waitFor({ timeout: 60_000 });
      await input.fill("high");
      await input.press("Enter");
      await until("the answer", async () => (await outputText(page, askingCell)).endsWith("'high!'"), 60_000);
    });

    it("stops a cell, and keeps what it had done", async () => {
      await runCell(page, loopCell);
      await until("the loop", async () => (await outputText(page, loopCell)).startsWith("loops"), 60_000);
      await command(page, "notebook:interrupt-kernel");
      await until("the stop", async () => (await outputText(page, loopCell)).includes("interrupted"), 60_000);
      await until("the kernel to be idle", async () => (await kernelStatus(page)) === "idle", 60_000);
      await runCell(page, afterLoopCell);
      await until("the name's value", async () => (await outputText(page, afterLoopCell)) !== "", 60_000);
      equal(await outputText(page, afterLoopCell), "true");
    });

    it("completes on Tab and inspects on Shift-Tab", async () => {
      const editor = await openEditor(page, emptyCell);
      await editor.pressSequentially("JSON.");
      const item = page.locator(".jp-Completer-item", { hasText: "stringify" });
      const startedMs = performance.now();
      for (;;) {
        await editor.press("Tab");
        const shown = await item.waitFor({ timeout: 10_000 }).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (shown === undefined) break;
        // Seen once: the list is complete and JupyterLab keeps it hidden. Its user presses again.
        if (performance.now() - startedMs > 60_000) throw shown;
        await page.keyboard.press("Escape");
        await openEditor(page, emptyCell);
      }
      await page.keyboard.press("Escape");
      await openEditor(page, emptyCell);
      await editor.pressSequentially("parse");
      await editor.press("Shift+Tab");
      const tooltip = page.locator(".jp-Tooltip");
      await tooltip.waitFor({ timeout: 60_000 });
      match((await tooltip.textContent()) ?? "", /parse\(text: string/);
      await page.keyboard.press("Escape");
    });

    it("talks with a widget over a comm, in both directions, with buffers", async () => {
      // What the front-end half of a widget does: a view on the comm's target, made of the page's own elements.
      await page.evaluate(`
        window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.registerCommTarget("test.button", (comm, opened) => {
          const button = document.createElement("button");
          button.id = "test-button";
          button.style = "position: fixed; top: 0; left: 0; z-index: 100000";
          button.textContent = opened.content.data.label;
          button.onclick = () => comm.send({ by: 2 }, {}, [new Uint8Array([7, 8]).buffer]);
          comm.onMsg = (message) => { button.textContent = message.content.data.label; };
          document.body.append(button);
        })`);
      await runCell(page, buttonCell);
      const button = page.locator("#test-button", { hasText: "count" });
      await button.click({ timeout: 60_000 });
      await page.locator("#test-button", { hasText: "clicked 2" }).click({ timeout: 60_000 });
      await page.locator("#test-button", { hasText: "clicked 4" }).waitFor({ timeout: 60_000 });
      await until(
        "what the handler prints",
        async () => (await outputText(page, buttonCell)).includes("clicked 4"),
        60_000,
      );
      match(await outputText(page, buttonCell), /clicked 2 .*7, 8|clicked 2 .*07 08/);
    });

    it("restarts: names are gone, cells run again from one", async () => {
      await command(page, "notebook:restart-kernel");
      await page.locator(".jp-Dialog .jp-mod-accept").click({ timeout: 60_000 });
      await until("the new kernel", async () => (await kernelStatus(page)) === "idle", 90_000);
      await runCell(page, afterLoopCell);
      await until(
        "the name to be unknown",
        async () => (await outputText(page, afterLoopCell)).includes("'kept'"),
        60_000,
      );
      const count = async () => (await shownCells(page))[afterLoopCell]?.executionCount;
      await until("the number of the cell", async () => (await count()) === 1, 60_000);
    });
  });
});

/** Without waiting for it: a dialog, a question or a loop may hold it up. */
async function command(page: Page, id: string): Promise<void> {
  await page.evaluate(`void window.jupyterapp.commands.execute(${JSON.stringify(id)})`);
}

async function runCell(page: Page, index: number): Promise<void> {
  await page.evaluate(`window.jupyterapp.shell.currentWidget.content.activeCellIndex = ${index}`);
  await command(page, "notebook:run-cell");
}

/** The cell's editor, with the caret in it. */
async function openEditor(page: Page, index: number): Promise<Locator> {
  const editor = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content").nth(index);
  await editor.click({ timeout: 60_000 });
  await editor.press("Control+End");
  return editor;
}

/** All that a cell shows, as text. */
function outputText(page: Page, index: number): Promise<string> {
  return page.evaluate(`
    window.jupyterapp.shell.currentWidget.content.widgets[${index}].model.outputs.toJSON()
      .map((output) => output.text ?? output.evalue ?? output.data?.["text/plain"] ?? "")
      .map((text) => (Array.isArray(text) ? text.join("") : text))
      .join("")`);
}

function kernelStatus(page: Page): Promise<string | undefined> {
  return page.evaluate("window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status");
}

/** Reads the notebook's model, as it would be saved. */
function shownCells(page: Page): Promise<ShownCell[]> {
  return page.evaluate(`
    window.jupyterapp.shell.currentWidget.content.widgets
      .filter((cell) => cell.model.type === "code")
      .map((cell) => {
        const outputs = cell.model.outputs.toJSON();
        return {
          source: cell.model.sharedModel.getSource(),
          executionCount: cell.model.executionCount,
          mimes: outputs.flatMap((output) => Object.keys(output.data ?? {})),
          errors: outputs.filter((output) => output.output_type === "error").map((output) => output.evalue),
          charts: outputs
            .map((output) => output.data?.["${vegaLiteMime}"])
            .filter((spec) => spec !== undefined)
            .map((spec) => JSON.stringify(spec.data)),
        };
      })`);
}
