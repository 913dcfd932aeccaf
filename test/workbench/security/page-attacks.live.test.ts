/**
 * W4, W8, W9, W10, W11 and W12 in a real Chromium: pages of other sites that call the workbench, and a notebook of a stranger
 * whose every place holds 300 payloads. Nothing of it runs, nothing is asked of anywhere else, no button is covered.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notebookText } from "../../support/notebook.js";
import { requireComponent } from "../../support/require-component.js";
import { until } from "../../support/until.js";
import { type Browser, launchBrowser, type OpenPage, openPage } from "../page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "../workbench-fixture.js";
import { payloads, ran } from "./payloads.js";
import { chartShapes, heavyCharts, strangersNotebook } from "./strangers-notebook.js";

describe("attacks on the workbench's page", function () {
  this.timeout(180_000);
  let browser: Browser;
  let elsewhere: Server;
  let elsewherePort = 0;
  /** What was asked of the server that nothing may ask. */
  const asked: string[] = [];
  let directory: string;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    elsewhere = createServer((request, answer) => {
      const url = request.url ?? "";
      if (url === "/attack") {
        answer.setHeader("Content-Type", "text/html");
        answer.end("<!doctype html><title>another site</title>");
        return;
      }
      if (url !== "/favicon.ico") asked.push(url);
      answer.setHeader("Access-Control-Allow-Origin", "*");
      answer.end("{}");
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const address = elsewhere.address();
    elsewherePort = typeof address === "object" && address !== null ? address.port : 0;
    browser = await requireComponent(this, () =>
      launchBrowser(["--host-resolver-rules=MAP rebound.example 127.0.0.1"]),
    );
    directory = await mkdtemp(join(tmpdir(), "tidetable-stranger-"));
    const texts = payloads(`http://127.0.0.1:${elsewherePort}`);
    const file = join(directory, "stranger.ipynb");
    await writeFile(file, JSON.stringify(strangersNotebook(texts)));
    workbench = await startTestWorkbench({ notebook: file });
    await mkdir(join(workbench.directory, "names"));
    // What no file may be called is a space there.
    const names = texts.map((text, index) => `${index} ${text.replace(/[/\\:\p{Cc}]/gu, " ")}`.slice(0, 80));
    for (const name of names) await writeFile(join(workbench.directory, "names", `${name}.ipynb`), notebookText([]));
    opened = await openPage(browser, workbench);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    elsewhere?.close();
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const nothingHappened = async () => {
    equal(await opened.page.evaluate("window.hostile ?? 0"), 0);
    deepEqual(asked, []);
    equal(new URL(opened.page.url()).port, String(workbench.port));
  };

  it("W9: a stranger's notebook runs nothing: 300 payloads in each of 9 places", async () => {
    const { page } = opened;
    await page.locator(".jp-OutputArea-output").nth(10).waitFor();
    await until(
      "every cell is drawn",
      async () => {
        const cells = Number(await page.evaluate("document.querySelectorAll('.jp-Cell').length"));
        const outputs = Number(await page.evaluate("document.querySelectorAll('.jp-OutputArea-output').length"));
        // A picture of a stranger that is markup (SVG) is not shown at all.
        return cells >= 30 && outputs >= 906;
      },
      60_000,
    );
    await page.locator(".tt-chart canvas").first().waitFor({ timeout: 60_000 });
    await page.locator(".tt-result th").nth(300).waitFor({ state: "attached", timeout: 60_000 });
    // The tooltip of every mark, as the pointer would call for it.
    const told = await page.evaluate(`(async () => {
      let told = 0;
      for (const view of window.tidetable.chartViews()) {
        for (const row of view.data("live")) {
          view.tooltip().call(view, new MouseEvent("mousemove"), { tooltip: row }, row);
          told++;
        }
      }
      return told;
    })()`);
    equal(told, 300);
    await page.locator("[data-panel=files]").click();
    await page.getByRole("button", { name: "names", exact: true }).click();
    await page.locator(".tt-files li").nth(290).waitFor({ state: "attached" });
    await page.locator("[data-panel=files]").click();
    await nothingHappened();
    equal(await page.evaluate("({}).polluted ?? null"), null);
    deepEqual(await page.evaluate(livingMarkup), []);
  });

  it("W9: what it shows stays in its place: no button is covered, no name of the page is taken", async () => {
    const { page } = opened;
    const covered = await page.evaluate(`[...document.querySelectorAll(".tt-header button, .tt-side button")]
      .filter((button) => button.checkVisibility() && !button.disabled)
      .filter((button) => {
        const box = button.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return !button.contains(top) && !top?.closest("details");
      }).map((button) => button.textContent)`);
    deepEqual(covered, []);
    equal(await page.evaluate("typeof window.tidetable.panel"), "object");
    equal(await page.evaluate("document.body instanceof HTMLBodyElement"), true);
  });

  it("W8: neither an inline script, nor evaluation, nor a frame of another site is run, even when code of the page asks", async () => {
    const { page } = opened;
    const refused = await page.evaluate(`(async () => {
      const refused = [];
      const attempt = async (name, run) => { try { await run(); } catch { refused.push(name); } };
      // The driver itself may evaluate; what runs later is the page's.
      await new Promise((later) => setTimeout(later));
      await attempt("eval", () => (0, eval)("${ran}"));
      await attempt("Function", () => new Function("${ran}")());
      await attempt("wasm", () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
      await attempt("fetch", () => fetch("http://127.0.0.1:${elsewherePort}/fetch"));
      await attempt("worker", () => new Promise((done, fail) => {
        const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])));
        worker.onmessage = done;
        worker.onerror = fail;
      }));
      for (const html of [
        "<script>${ran}</script>",
        "<script src='http://127.0.0.1:${elsewherePort}/script'></script>",
        "<iframe src='http://127.0.0.1:${elsewherePort}/frame'></iframe>",
        "<iframe srcdoc='<script>parent.${ran}</script>'></iframe>",
        "<img src='http://127.0.0.1:${elsewherePort}/image'>",
        "<link rel=stylesheet href='http://127.0.0.1:${elsewherePort}/style'>",
      ]) {
        const place = document.createElement("div");
        document.body.append(place);
        place.append(document.createRange().createContextualFragment(html));
        await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
        place.remove();
      }
      return refused;
    })()`);
    deepEqual(refused, ["eval", "Function", "wasm", "fetch", "worker"]);
    await nothingHappened();
  });

  it("W11: charts of strangers evaluate nothing and load nothing: 15 shapes", async () => {
    const shapes = chartShapes(`http://127.0.0.1:${elsewherePort}`);
    equal(shapes.length, 15);
    const { page } = opened;
    // By the page's own renderer, each in an output of its own.
    const outcomes = (await page.evaluate(`(async (shapes) => {
      const { rendermime } = window.tidetable.panel.content;
      const outcomes = [];
      for (const { mime, spec } of shapes) {
        const model = rendermime.createModel({ data: { [mime]: spec }, trusted: false });
        const renderer = rendermime.createRenderer(mime);
        document.body.append(renderer.node);
        await renderer.renderModel(model);
        outcomes.push(renderer.node.querySelector("canvas, svg") !== null ? "drawn" : renderer.node.textContent);
        renderer.node.remove();
        renderer.dispose();
      }
      return outcomes;
    })(${JSON.stringify(shapes)})`)) as string[];
    ok(
      outcomes.every((text) => text === "drawn" || /^This chart (cannot be drawn|came with the file)/.test(text)),
      outcomes.join("\n"),
    );
    await nothingHappened();
    equal(await page.evaluate("({}).polluted ?? null"), null);
  });

  it("W11: charts of strangers that would take the page's time are tried out elsewhere, and refused: 9 shapes", async () => {
    const { page } = opened;
    const charts = heavyCharts();
    equal(charts.length, 9);
    for (const { name, isDrawn, spec } of charts) {
      // While it is tried, the page goes on: the longest time in which it could not have answered a key.
      const { outcome, longestMs } = (await page.evaluate(`(async (spec) => {
        const { rendermime } = window.tidetable.panel.content;
        const mime = "application/vnd.vegalite.v5+json";
        const renderer = rendermime.createRenderer(mime);
        document.body.append(renderer.node);
        let longestMs = 0, at = performance.now();
        const timer = setInterval(() => {
          longestMs = Math.max(longestMs, performance.now() - at - 20);
          at = performance.now();
        }, 20);
        await renderer.renderModel(rendermime.createModel({ data: { [mime]: spec }, trusted: false }));
        clearInterval(timer);
        const outcome = renderer.node.querySelector("canvas") !== null ? "drawn" : renderer.node.textContent;
        renderer.node.remove();
        renderer.dispose();
        return { outcome, longestMs };
      })(${JSON.stringify(spec)})`)) as { outcome: string; longestMs: number };
      if (isDrawn) equal(outcome, "drawn", name);
      else match(outcome, /^This chart came with the file and is not drawn: .*Draw it anyway$/, name);
      // One that is drawn is drawn by the page; a test does not measure, it tells seconds from moments.
      if (!isDrawn) ok(longestMs < 1_500, `${name}: ${longestMs} ms`);
    }
    // What is refused is drawn for who asks for it.
    const asked = await page.evaluate(`(async (spec) => {
      const { rendermime } = window.tidetable.panel.content;
      const mime = "application/vnd.vegalite.v5+json";
      const renderer = rendermime.createRenderer(mime);
      document.body.append(renderer.node);
      await renderer.renderModel(rendermime.createModel({ data: { [mime]: spec }, trusted: false }));
      renderer.node.querySelector("button").click();
      for (let looks = 0; looks < 200 && renderer.node.querySelector("canvas") === null; looks++) await new Promise((later) => setTimeout(later, 50));
      const isDrawn = renderer.node.querySelector("canvas") !== null;
      renderer.node.remove();
      renderer.dispose();
      return isDrawn;
    })(${JSON.stringify(charts.find(({ isDrawn }) => !isDrawn)?.spec)})`);
    equal(asked, true);
  });

  it("W12: nothing has run by being opened, whatever trust the file claims", async () => {
    equal((await opened.page.locator(".jp-CodeCell .jp-InputPrompt", { hasText: "[1]:" }).count()) >= 1, true);
    equal(workbench.hasFile("opened"), false);
    const kernels = await fetch(`http://127.0.0.1:${workbench.port}/api/kernels`, {
      headers: { cookie: workbench.cookie },
    });
    const [kernel] = (await kernels.json()) as Array<{ execution_state: string }>;
    equal(kernel?.execution_state, "idle");
  });

  it("W4: a page of another site, of another port here, and one that points its own name at the workbench get nothing", async () => {
    const page = await opened.page.context().newPage();
    const target = `127.0.0.1:${workbench.port}`;
    // Another port of this machine is the same site to a browser: it sends the strict cookie along.
    await page.goto(`http://127.0.0.1:${elsewherePort}/attack`);
    const attack = `(async (target) => {
      const outcome = async (run) => { try { return await run(); } catch { return "refused"; } };
      const call = (path, init) => outcome(async () => (await fetch("http://" + target + path, { credentials: "include", ...init })).status);
      const loads = (tag, path) => new Promise((done) => {
        const node = document.createElement(tag);
        node.onload = () => done("loaded");
        node.onerror = () => done("refused");
        node[tag === "link" ? "href" : "src"] = "http://" + target + path;
        if (tag === "link") node.rel = "stylesheet";
        document.body.append(node);
      });
      return [
        await call("/api/contents/stranger.ipynb"),
        await call("/api/me"),
        await call("/api/sessions", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } }),
        await call("/api/contents/stranger.ipynb", { method: "DELETE" }),
        await outcome(async () => (await fetch("http://" + target + "/api/kernels", { mode: "no-cors", credentials: "include" })).type === "opaque" ? "opaque" : "read"),
        await loads("script", "/api/contents"),
        await loads("link", "/api/contents"),
        await loads("img", "/api/me"),
        await new Promise((done) => {
          const socket = new WebSocket("ws://" + target + "/api/events/subscribe");
          socket.onopen = () => done("open");
          socket.onerror = () => done("refused");
        }),
      ];
    })(${JSON.stringify(target)})`;
    const outcomes = (await page.evaluate(attack)) as unknown[];
    // An opaque answer tells its reader nothing; the policy of resources lets not even that through.
    deepEqual(outcomes, Array(9).fill("refused"));
    // A framed workbench stays empty.
    await page.evaluate(`new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.onload = done;
      frame.src = "http://${target}/";
      document.body.append(frame);
    })`);
    equal(
      await page
        .frames()[1]
        ?.locator(".tt-header")
        .count()
        .catch(() => 0),
      0,
    );
    // Rebinding: the name is the attacker's, the address ours.
    const rebound = await page.goto(`http://rebound.example:${workbench.port}/`);
    equal(rebound?.status(), 403);
    const answers = (await page.evaluate(
      `Promise.all(["/api/me", "/api/contents", "/?token=${workbench.token}"].map(async (path) => (await fetch(path)).status))`,
    )) as number[];
    deepEqual(answers, [403, 403, 403]);
    await page.close();
    await nothingHappened();
  });
});

/** What must be in no output: elements that run, load or send, handlers, and names that hide the page's own. */
const livingMarkup = `[...document.querySelectorAll(".jp-OutputArea-output *, .jp-RenderedMarkdown *, .tt-files *")]
  .filter((node) => {
    const own = node.closest(".tt-result, .tt-chart, .tt-files, .jp-RenderedJSON") !== null;
    if (own) return [...node.attributes].some(({ name }) => name.startsWith("on")) || ["SCRIPT", "IFRAME", "OBJECT", "EMBED"].includes(node.tagName);
    const bad = ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "LINK", "META", "BASE", "FORM", "STYLE", "APPLET"];
    if (bad.includes(node.tagName.toUpperCase())) return true;
    return [...node.attributes].some(({ name, value }) =>
      name.startsWith("on") || name === "srcdoc" || name === "formaction" || name.startsWith("data-command") ||
      (name === "href" && /^\\s*javascript:/i.test(value)));
  })
  .map((node) => node.outerHTML.slice(0, 160)).slice(0, 20)`;
