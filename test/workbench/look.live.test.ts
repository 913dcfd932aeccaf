/** The look and the ways around: keys, search, help by hover, dashboard, dark, zoom, names for who does not see. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import {
  type Browser,
  button,
  cellsFinished,
  codeCell,
  launchBrowser,
  type OpenPage,
  openPage,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const cells = [
  'import { stream } from "tidetable"; const tweets = await stream("tweets")',
  "%%sql\nSELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC LIMIT 5",
  "const greeting = 'hello'; greeting",
  "%%sql\nSELECT t.handle FROM tweets AS t LIMIT 1",
];

describe("the look of the page", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: cells });
    opened = await openPage(browser, workbench);
    opened.page.setDefaultTimeout(30_000);
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await browser?.close();
  });

  it("greets who is here for the first time with three lines, and not again once they are read", async () => {
    const { page } = opened;
    equal(await page.locator(".tt-hint li").count(), 3);
    await page.getByRole("button", { name: "Got it" }).click();
    await page.locator(".tt-hint").waitFor({ state: "hidden" });
    await button(page, "run-all").click();
    await cellsFinished(page, cells.length);
  });

  it("says how long a cell ran", async () => {
    match((await codeCell(opened.page, 0).locator(".tt-time").textContent()) ?? "", /^$|\d s$/);
  });

  it("lists its keys on H, and Escape closes the list", async () => {
    const { page } = opened;
    await codeCell(page, 0).locator(".jp-InputPrompt").click();
    await page.keyboard.press("h");
    await page.locator(".tt-shortcuts", { hasText: "Run and stay" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".tt-shortcuts").waitFor({ state: "detached" });
  });

  it("finds and replaces", async () => {
    const { page } = opened;
    await codeCell(page, 2).locator(".cm-content").click();
    await page.keyboard.press("Control+h");
    await page.getByPlaceholder("Find").waitFor();
    await page.keyboard.type("hello");
    await page.locator(".tt-find", { hasText: "/1" }).waitFor();
    await page.getByPlaceholder("Replace").fill("good day");
    await page.getByRole("button", { name: "Replace All" }).click();
    await codeCell(page, 2).locator(".cm-content", { hasText: "good day" }).waitFor();
    await page.getByPlaceholder("Replace").press("Escape");
  });

  it("explains tables, columns and functions of a SQL cell, and names of TypeScript, under the pointer", async () => {
    const { page } = opened;
    const explain = async (cell: number, word: string, wanted: RegExp) => {
      await page.mouse.move(5, 5);
      await page.locator(".tt-hover").waitFor({ state: "detached" });
      // Outputs that grow move the word, and the page may not know the catalogue yet: the pointer comes again, as a
      // person's does.
      await until(`${word} is explained`, async () => {
        const at = (await page.evaluate(placeOfWord(cell, word))) as { x: number; y: number };
        await page.mouse.move(5, 5);
        await page.mouse.move(at.x, at.y, { steps: 3 });
        return await page
          .locator(".tt-hover", { hasText: wanted })
          .waitFor({ timeout: 3_000 })
          .then(() => true)
          .catch(() => false);
      });
    };
    await explain(1, "tweets", /stream tweets\s+[\s\S]*handle VARCHAR/);
    await explain(1, "handle", /tweets\.handle VARCHAR/);
    await explain(1, "count", /count\(/);
    await explain(3, "t", /t: stream tweets\s+[\s\S]*handle VARCHAR/);
    await explain(2, "greeting", /greeting: /);
    await page.mouse.move(5, 5);
  });

  it("completes columns of the live catalogue in a SQL cell, with their types", async () => {
    const { page } = opened;
    await codeCell(page, 1).locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.keyboard.type("-- x");
    await page.keyboard.press("Home");
    await page.keyboard.type(", han");
    await page.keyboard.press("Tab");
    await codeCell(page, 1)
      .locator(".cm-content", { hasText: ", handle" })
      .or(page.locator(".jp-Completer-item", { hasText: "handle" }))
      .first()
      .waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
  });

  it("completes the columns of an alias", async () => {
    const { page } = opened;
    await codeCell(page, 3).locator(".cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("%%sql\nSELECT * FROM tweets AS t WHERE t.");
    await page.keyboard.press("Tab");
    await page.locator(".jp-Completer-item:visible", { hasText: "handle" }).waitFor();
    ok(!(await page.locator(".jp-Completer-item:visible").allTextContents()).some((text) => text.includes("WHERE")));
    const typeOf = (column: string) =>
      page
        .locator(".jp-Completer-item:visible", { hasText: column })
        .locator(".jp-Completer-typeExtended")
        .textContent();
    deepEqual([await typeOf("handle"), await typeOf("created_at")], ["varchar", "timestamp"]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
  });

  it("says that a cell of more than 8 MiB is not sent, and why, and goes on", async () => {
    const { page } = opened;
    const sourceOf = (text: string) =>
      page.evaluate(`window.tidetable.panel.content.widgets.at(2).model.sharedModel.setSource(${text})`);
    await sourceOf('"const n = 1;\\n".repeat(700_000)');
    await runCell(page, 2);
    await page
      .locator(".tt-notices", { hasText: /This cell was not run: it has 9\.\d MiB, and a kernel takes 8/ })
      .waitFor();
    await sourceOf('"6 * 7"');
    await runCell(page, 2);
    await codeCell(page, 2).locator(".jp-OutputArea", { hasText: "42" }).waitFor();
    equal(await page.locator('.tt-status[data-state="idle"]').count(), 1);
    await sourceOf("\"const greeting = 'good day'; greeting\"");
  });

  it("chooses a cell by a click on its number, and runs nothing", async () => {
    const { page } = opened;
    const numberOf = () => codeCell(page, 2).locator(".jp-InputPrompt").textContent();
    const before = await numberOf();
    await codeCell(page, 2).locator(".jp-InputPrompt").click();
    equal(
      await codeCell(page, 2)
        .getAttribute("class")
        .then((names) => names?.includes("jp-mod-active")),
      true,
    );
    equal(await page.locator('.tt-status[data-state="idle"]').count(), 1);
    equal(await numberOf(), before);
    await codeCell(page, 2).locator(".tt-run-cell").click();
    await until("it ran", async () => (await numberOf()) !== before && /\d/.test((await numberOf()) ?? ""));
  });

  it("gives the dashboard the whole window, also where the side was open", async () => {
    const { page } = opened;
    await page.locator("[data-panel=files]").click();
    await page.locator(".tt-more summary").click();
    await page.locator('.tt-more [data-command="dashboard"]').click();
    await until("the side's room is the outputs'", async () => {
      const box = await page.locator(".jp-NotebookPanel").boundingBox();
      return box !== null && box.x === 0 && box.y === 44 && box.width === 1280;
    });
    await page.getByRole("button", { name: "Back to the notebook" }).click();
    await page.locator(".tt-files").first().waitFor();
    equal((await page.locator(".tt-header").boundingBox())?.y, 0);
    await page.locator("[data-panel=files]").click();
  });

  it("lays the dashboard out as cards beside each other, where there is room", async () => {
    const { page } = opened;
    await page.setViewportSize({ width: 1920, height: 900 });
    await page.locator(".tt-more summary").click();
    await page.locator('.tt-more [data-command="dashboard"]').click();
    await until("two cards in one line", async () => {
      const [one, two] = [await codeCell(page, 0).boundingBox(), await codeCell(page, 1).boundingBox()];
      return one !== null && two !== null && Math.abs(one.y - two.y) < 4 && two.x > one.x + one.width;
    });
    await page.getByRole("button", { name: "Back to the notebook" }).click();
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("is a dashboard of outputs alone, by a link too, and leads back", async () => {
    const { page } = opened;
    await page.locator(".tt-more summary").click();
    await page.locator('.tt-more [data-command="dashboard"]').click();
    await codeCell(page, 1).locator(".cm-content").waitFor({ state: "hidden" });
    ok(await codeCell(page, 1).locator(".tt-result-table").isVisible());
    match(page.url(), /view=dashboard/);
    await page.getByRole("button", { name: "Back to the notebook" }).click();
    await codeCell(page, 1).locator(".cm-content").waitFor();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`has legible text in ${colorScheme}: 4.5 to 1 against what lies behind it`, async () => {
      const { page } = opened;
      await page.emulateMedia({ colorScheme });
      await page.locator("[data-panel=data]").click();
      await page.locator(".tt-card").first().waitFor();
      const faint = await until("a steady picture", async () => (await page.evaluate(faintTexts)) as string[]);
      deepEqual(faint, []);
      await page.locator("[data-panel=data]").click();
    });
  }

  it("gives every button, link and field a name", async () => {
    const { page } = opened;
    await page.locator("[data-panel=files]").click();
    await page.locator(".tt-files li").first().waitFor();
    deepEqual(await page.evaluate(namelessControls), []);
    match(await page.locator("body").ariaSnapshot(), /button "Run all"[\s\S]*navigation "Panels"/);
    await page.locator("[data-panel=files]").click();
  });

  it("fits 1280, 1920 and a page at 200 %: nothing is cut off at the side, and the buttons stay reachable", async () => {
    const { page } = opened;
    for (const width of [1280, 1920, 640]) {
      await page.setViewportSize({ width, height: 700 });
      // The page is laid out anew some frames after its window has changed.
      await until(
        `nothing is cut off at ${width}`,
        async () => (await page.evaluate("document.documentElement.scrollWidth <= innerWidth")) === true,
      );
      for (const command of ["run-all", "run", "save"]) {
        await until(`${command} can be reached at ${width}`, async () => {
          const box = await button(page, command).boundingBox();
          return box !== null && box.x >= 0 && box.x + box.width <= width;
        });
      }
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("is worked by keys alone: from the address bar to a run cell, with the focus in sight", async () => {
    const { page } = opened;
    await page.evaluate("document.activeElement?.blur()");
    const seen: string[] = [];
    for (let presses = 0; presses < 40 && !seen.includes("Run all"); presses++) {
      await page.keyboard.press("Tab");
      seen.push(String(await page.evaluate("document.activeElement?.textContent?.trim() ?? ''")));
    }
    ok(seen.includes("Run all"), seen.join(" | "));
    equal(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), true);
    await runCell(page, 2);
    await codeCell(page, 2).locator(".jp-OutputArea", { hasText: "good day" }).waitFor();
    const policyOnly = opened.faults.filter((fault) => !/Content Security Policy/.test(fault));
    deepEqual(policyOnly, []);
  });

  it("shuts others out, stays in itself, and says so", async () => {
    const { page } = opened;
    await page.locator(".tt-more summary").click();
    await page.locator('.tt-more [data-command="shut-out-others"]').click();
    await page
      .locator(".tt-notices", { hasText: "Every other browser and every view-only link is shut out" })
      .waitFor();
    equal(workbench.newAddresses.length, 1);
    await page.locator('.tt-status[data-state="idle"]').waitFor();
    await runCell(page, 2);
    await codeCell(page, 2).locator(".jp-OutputArea", { hasText: "good day" }).waitFor();
    const before = await fetch(`http://127.0.0.1:${workbench.port}/api/me`, { headers: { cookie: workbench.cookie } });
    equal(before.status, 401);
  });
});

/** The middle of a word in the text of a code cell, in the window. */
function placeOfWord(cell: number, word: string): string {
  return `(() => {
    const content = document.querySelectorAll(".jp-CodeCell")[${cell}].querySelector(".cm-content");
    content.scrollIntoView({ block: "center" });
    const texts = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const at = node.data.search(/\\b${word}\\b/);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + ${word.length});
      const box = range.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }
    throw new Error("no ${word} in cell ${cell}");
  })()`;
}

/** Our own texts whose contrast with the nearest opaque background is under 4.5, as WCAG 2 computes it. */
const faintTexts = `(() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll(".tt-header *, .tt-side *, .tt-result *, .jp-InputPrompt, .jp-RenderedMarkdown *")) {
    const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== "");
    if (!hasText || node.getClientRects().length === 0 || node.closest(":disabled") !== null || node.closest("svg") !== null) continue;
    const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(node.className + " " + node.textContent.trim().slice(0, 30) + " " + contrast.toFixed(2));
  }
  return faint;
})()`;

/** Our own controls that a screen reader could only call "button". */
const namelessControls = `[...document.querySelectorAll(":is(.tt-header, .tt-side, .tt-result) :is(button, a, input, select, summary)")]
  .filter((node) => (node.getAttribute("aria-label") ?? node.textContent ?? "").trim() === "" && node.closest("label") === null && node.type !== "file")
  .map((node) => node.outerHTML.slice(0, 120))`;
