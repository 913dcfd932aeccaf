/** The panel of files, by clicks and keys: what a person does with notebooks, and what stays on the disk. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { notebookText } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { type Browser, button, codeCell, launchBrowser, type OpenPage, openPage, pageReady } from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

describe("the panel of files", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let opened: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: ["6 * 7"] });
    await writeFile(join(workbench.directory, "other.ipynb"), notebookText(["1 + 1"]));
    await writeFile(join(workbench.directory, "broken.ipynb"), "{ this is no JSON");
    await mkdir(join(workbench.directory, "deep"));
    await writeFile(join(workbench.directory, "deep/inner.ipynb"), notebookText(["2"]));
    opened = await openPage(browser, workbench);
    await opened.page.locator("[data-panel=files]").click();
  });
  after(async () => {
    await opened?.close();
    await workbench?.close();
    await browser?.close();
  });

  const names = async () => (await readdir(workbench.directory)).filter((name) => name.endsWith(".ipynb")).sort();
  const file = (name: string) => opened.page.locator(".tt-files li", { hasText: name }).first();
  const act = async (what: string, name: string) => {
    await file(name).hover();
    await opened.page.getByRole("button", { name: `${what} ${name}`, exact: true }).click();
  };

  it("lists notebooks and folders, and marks the one that is open", async () => {
    await file("other.ipynb").waitFor();
    await file("deep").waitFor();
    equal(await file("test.ipynb").locator("[aria-current=page]").count(), 1);
  });

  it("goes into a folder and back", async () => {
    await opened.page.getByRole("button", { name: "deep", exact: true }).click();
    await file("inner.ipynb").waitFor();
    await opened.page.getByRole("button", { name: "..", exact: true }).click();
    await file("other.ipynb").waitFor();
  });

  it("duplicates and renames, and refuses a name that is taken", async () => {
    await act("Duplicate", "other.ipynb");
    await file("other copy.ipynb").waitFor();
    await act("Rename", "other copy.ipynb");
    await opened.page.locator(".jp-Dialog input").fill("renamed");
    await opened.page.keyboard.press("Enter");
    await file("renamed.ipynb").waitFor();
    await act("Rename", "renamed.ipynb");
    await opened.page.locator(".jp-Dialog input").fill("other");
    await opened.page.keyboard.press("Enter");
    await opened.page.getByText('there is a "other.ipynb" already').waitFor();
    deepEqual(await names(), ["broken.ipynb", "other.ipynb", "renamed.ipynb", "test.ipynb"]);
  });

  it("renames the open notebook; page, address and saving follow", async () => {
    const { page } = opened;
    await act("Rename", "test.ipynb");
    await page.locator(".jp-Dialog input").fill("mine");
    await page.keyboard.press("Enter");
    await page.locator(".tt-title", { hasText: "mine" }).waitFor();
    match(page.url(), /notebook=mine\.ipynb/);
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" // kept");
    await page.keyboard.press("Control+s");
    await until(
      "the save",
      async () => /kept/.test(await readFile(join(workbench.directory, "mine.ipynb"), "utf8")) || undefined,
    );
    ok(!(await names()).includes("test.ipynb"));
  });

  it("puts a deleted notebook into the trash folder, from where Undo brings it back", async () => {
    await act("Delete", "renamed.ipynb");
    await opened.page.getByText("is in the trash folder").waitFor();
    ok(!(await names()).includes("renamed.ipynb"));
    equal((await readdir(join(workbench.directory, ".tidetable-trash"))).length, 1);
    await opened.page.getByRole("button", { name: "Undo" }).click();
    await file("renamed.ipynb").waitFor();
    ok((await names()).includes("renamed.ipynb"));
  });

  it("does not delete the notebook that is open", async () => {
    await act("Delete", "mine.ipynb");
    await opened.page.getByText("it is open here").waitFor();
    ok((await names()).includes("mine.ipynb"));
  });

  it("uploads notebooks and Zeppelin notes, under a free name, and says what is none", async () => {
    const { page } = opened;
    const upload = (name: string, text: string) =>
      page
        .getByLabel("Notebooks to upload")
        .setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
    await upload("other.ipynb", notebookText(["3"]));
    await page.getByText("is here as other 2.ipynb").waitFor();
    const note = { name: "n", id: "2A", paragraphs: [{ text: "%sql\nSELECT 1", config: {}, settings: {} }] };
    await upload("note.zpln", JSON.stringify(note));
    await page.getByText("is here as note.ipynb").waitFor();
    match(await readFile(join(workbench.directory, "note.ipynb"), "utf8"), /SELECT 1/);
    await upload("bad.ipynb", "nonsense");
    await page.getByText("bad.ipynb is not JSON").waitFor();
    await upload("old.ipynb", JSON.stringify({ nbformat: 3, worksheets: [] }));
    await page.getByText("nbformat is 3").waitFor();
  });

  it("downloads the open notebook as it stands, in four forms", async () => {
    const { page } = opened;
    for (const [label, name, wanted] of [
      ["Notebook (.ipynb)", "mine.ipynb", /"nbformat": 4/],
      ["TypeScript (.ts)", "mine.ts", /6 \* 7/],
      ["Zeppelin note (.zpln)", "mine.zpln", /paragraphs/],
      ["Page to read (.html)", "mine.html", /<code>6 \* 7/],
    ] as const) {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: label }).click(),
      ]);
      equal(download.suggestedFilename(), name);
      match(await readFile(await download.path(), "utf8"), wanted);
    }
  });

  it("opens another notebook, saves the one before, and remembers it", async () => {
    const { page } = opened;
    await file("other.ipynb").getByRole("link").click();
    await page.locator(".tt-title", { hasText: "other" }).waitFor();
    await pageReady(page);
    await page.locator(".tt-panel", { hasText: "Recent" }).waitFor();
    await page.locator("h3", { hasText: "Recent" }).locator("+ ul a", { hasText: "mine.ipynb" }).waitFor();
    // Its kernel goes on, and can be stopped from here.
    await file("mine.ipynb").hover();
    await page.getByRole("button", { name: "Stop the kernel of mine.ipynb" }).click();
    await page.locator(".tt-has-kernel", { hasText: "mine.ipynb" }).waitFor({ state: "detached" });
  });

  it("makes a new notebook and opens it", async () => {
    const { page } = opened;
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.locator(".tt-title", { hasText: "Untitled" }).waitFor();
    await pageReady(page);
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.type("40 + 2");
    await page.keyboard.press("Shift+Enter");
    await codeCell(page, 0).locator(".jp-OutputArea", { hasText: "42" }).waitFor();
  });

  it("says what is wrong with a broken notebook, and leaves the file alone", async () => {
    const { page } = opened;
    await button(page, "save").click();
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    await file("broken.ipynb").getByRole("link").click();
    await page.getByText("broken.ipynb is not JSON").waitFor();
    await page.getByText("The file is as it was").waitFor();
    await page.keyboard.press("Control+s");
    equal(await readFile(join(workbench.directory, "broken.ipynb"), "utf8"), "{ this is no JSON");
    await page.getByRole("link", { name: "other.ipynb" }).first().click();
    await pageReady(page);
  });
});
