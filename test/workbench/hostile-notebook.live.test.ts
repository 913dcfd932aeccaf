/**
 * A notebook that somebody sent: opening it, saving it and clicking in it runs nothing, loads nothing from elsewhere
 * and shows no trust that its file claims.
 */
import { deepEqual, equal } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { type Browser, button, launchBrowser, type OpenPage, openPage } from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

/** Each sets this when it runs. */
const ran = "window.hostile = (window.hostile ?? 0) + 1";

function htmlPayloads(elsewhere: string): readonly string[] {
  return [
    `<script>${ran}</script>`,
    `<img src=x onerror="${ran}">`,
    `<img src="${elsewhere}/image.png">`,
    `<svg onload="${ran}"><script>${ran}</script></svg>`,
    `<iframe srcdoc="<script>parent.${ran}</script>"></iframe>`,
    `<iframe src="javascript:parent.${ran}"></iframe>`,
    `<a href="javascript:${ran}" id="click-me">click</a>`,
    `<form action="${elsewhere}/form"><button id="submit-me">go</button></form>`,
    `<button data-commandlinker-command="run-all" id="command-me">run</button>`,
    `<details ontoggle="${ran}" open>x</details>`,
    `<style>@import url("${elsewhere}/style.css"); body { background: url("${elsewhere}/background.png") }</style>`,
    `<link rel=stylesheet href="${elsewhere}/link.css">`,
    `<meta http-equiv="refresh" content="0; url=${elsewhere}/moved">`,
    `<base href="${elsewhere}/">`,
    `<object data="${elsewhere}/object"></object><embed src="${elsewhere}/embed">`,
    `<math><mtext><table><mglyph><style><img src=x onerror="${ran}"></style></mglyph></table></mtext></math>`,
    `<video src="${elsewhere}/video" onerror="${ran}"></video>`,
  ];
}

function vegaPayloads(elsewhere: string): readonly object[] {
  const rows = { name: "live", values: [{ a: "javascript:window.hostile=1", b: 1 }] };
  const encoding = { x: { field: "a" }, y: { field: "b", type: "quantitative" } };
  return [
    { data: { url: `${elsewhere}/data.json` }, mark: "bar", encoding },
    { data: rows, mark: "bar", encoding: { ...encoding, href: { field: "a" } } },
    { data: rows, mark: "image", encoding: { ...encoding, url: { value: `${elsewhere}/mark.png` } } },
    { data: rows, transform: [{ calculate: "window.hostile = 1", as: "c" }], mark: "bar", encoding },
    {
      data: rows,
      transform: [{ calculate: "constructor.constructor('window.hostile = 1')()", as: "c" }],
      mark: "bar",
      encoding,
    },
    {
      data: rows,
      mark: "bar",
      encoding,
      usermeta: { embedOptions: { loader: { baseURL: elsewhere }, ast: false, patch: `${elsewhere}/patch.json` } },
    },
    {
      data: {
        ...rows,
        values: JSON.parse('[{"__proto__":{"polluted":1},"a":"x","b":1,"constructor":"y","toString":"z"}]'),
      },
      mark: "bar",
      encoding,
    },
  ];
}

function hostileNotebook(elsewhere: string): object {
  const html = htmlPayloads(elsewhere);
  const asMime = (mime: string) =>
    html.map((text) => ({ output_type: "display_data", metadata: {}, data: { [mime]: text } }));
  const others = [
    ...html.map((text) => ({ output_type: "stream", name: "stdout", text: `\u001b[31m${text}` })),
    { output_type: "display_data", metadata: {}, data: { "application/javascript": ran } },
    {
      output_type: "display_data",
      metadata: { isolated: true },
      data: { "text/html": `<script>parent.${ran}</script>` },
    },
    {
      output_type: "display_data",
      metadata: {},
      data: {
        "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload="${ran}"><script>${ran}</script></svg>`,
      },
    },
    { output_type: "error", ename: html[0], evalue: html[1], traceback: html },
    ...vegaPayloads(elsewhere).map((spec) => ({
      output_type: "display_data",
      metadata: {},
      data: {
        "application/vnd.vegalite.v5+json": { $schema: "https://vega.github.io/schema/vega-lite/v5.json", ...spec },
      },
    })),
  ];
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      title: html[0],
      trusted: true,
      kernelspec: { name: `tidetable"><script>${ran}</script>`, display_name: html[1], language: "typescript" },
    },
    cells: [
      {
        cell_type: "markdown",
        id: "text",
        metadata: { trusted: true },
        source: html.join("\n\n"),
        attachments: { "x.svg": { "image/svg+xml": `<svg onload="${ran}"/>` } },
      },
      { cell_type: "raw", id: "raw", metadata: { format: "text/html" }, source: html.join("\n") },
      ...[asMime("text/html"), asMime("text/markdown"), others].map((outputs, index) => ({
        cell_type: "code",
        id: `code-${index}`,
        metadata: { trusted: true },
        execution_count: 1,
        source: ran,
        outputs,
      })),
    ],
  };
}

describe("a hostile notebook", function () {
  this.timeout(180_000);
  let browser: Browser;
  let directory: string;
  let elsewhere: Server;
  let asked: string[];
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    asked = [];
    elsewhere = createServer((request, answer) => {
      asked.push(request.url ?? "");
      answer.setHeader("Access-Control-Allow-Origin", "*");
      answer.end("{}");
    }).listen(0, "127.0.0.1");
    const port = await until("a port", () => {
      const address = elsewhere.address();
      return typeof address === "object" && address !== null ? address.port : undefined;
    });
    directory = await mkdtemp(join(tmpdir(), "tidetable-hostile-"));
    const file = join(directory, "hostile.ipynb");
    await writeFile(file, JSON.stringify(hostileNotebook(`http://127.0.0.1:${port}`)));
    workbench = await startTestWorkbench({ notebook: file });
    opened = await openPage(browser, workbench);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    elsewhere?.close();
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const hostileRuns = () => opened.page.evaluate("window.hostile ?? 0");

  it("runs nothing and loads nothing from elsewhere when it is opened", async () => {
    const { page } = opened;
    await until("all outputs", async () => (await page.locator(".jp-OutputArea-output").count()) > 40 || undefined);
    // The last thing that is drawn: by then everything before it has had its chance.
    await page.locator(".tt-chart canvas, .tt-chart-failed").nth(6).waitFor({ timeout: 60_000 });
    equal(await hostileRuns(), 0);
    deepEqual(asked, []);
    equal(await page.evaluate("({}).polluted ?? null"), null);
  });

  it("is saved without the trust that it claimed", async () => {
    await button(opened.page, "save").click();
    // The page may say "saved" from the save before: what counts is the file.
    const cells = await until("a file without it", async () => {
      const saved = (await workbench.readNotebook()) as { cells: Array<{ metadata: object }> };
      return saved.cells.some(({ metadata }) => "trusted" in metadata) ? undefined : saved.cells;
    });
    equal(cells.length, 5);
  });

  // Last, because the browser's driver goes on waiting for the form whose sending the policy refused.
  it("runs nothing when what it shows is clicked", async () => {
    const { page } = opened;
    for (const element of await page
      .locator("#main .jp-RenderedHTMLCommon a, #main .jp-RenderedHTMLCommon button, .tt-chart canvas")
      .all()) {
      if (await element.isVisible()) await element.click({ timeout: 5000, force: true, noWaitAfter: true });
    }
    equal(await hostileRuns(), 0);
    deepEqual(asked, []);
    equal(new URL(page.url()).port, String(workbench.port));
    equal(await page.locator(".jp-CodeCell .jp-InputPrompt").first().textContent(), "[1]:");
  });
});
