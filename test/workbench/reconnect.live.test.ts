/** The page when its connection is cut, and when the workbench behind it is started anew: what it says, and what it has. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { type CuttableNetwork, openCuttableNetwork } from "./cuttable-network.js";
import {
  type Browser,
  button,
  cellsFinished,
  codeCell,
  kernelReady,
  launchBrowser,
  type OpenPage,
  openPage,
  runCell,
} from "./page-fixture.js";
import { startTestWorkbench, type TestWorkbench } from "./workbench-fixture.js";

const liveCell = `
import { display, update } from "tidetable";
display({ "text/plain": "at first" }, { id: "live" });`;
/** Starts when the page is away, tells so by a file, and writes into its own output and into the live one. */
const writingCell = `
const { existsSync, writeFileSync } = await import("node:fs");
console.log("begun");
while (!existsSync("cut")) await new Promise((wake) => setTimeout(wake, 20));
for (let n = 1; n <= 500; n++) console.log("line " + n + " " + "x".repeat(4000));
for (let n = 1; n <= 300; n++) update("live", { "text/plain": "update " + n + "y".repeat(10_000) });
writeFileSync("written", "");
"the end"`;

describe("the workbench's page, when it loses the workbench", function () {
  this.timeout(240_000);
  let browser: Browser;
  let network: CuttableNetwork;
  let workbench: TestWorkbench | undefined;
  let opened: OpenPage;
  let port = 0;

  before(async function () {
    network = await openCuttableNetwork(() => port);
    browser = await requireComponent(this, () =>
      launchBrowser([`--host-resolver-rules=MAP localhost 127.0.0.1:${network.port}`]),
    );
  });
  after(async () => {
    await browser?.close();
    network?.close();
  });
  afterEach(async () => {
    network.mend();
    await opened?.close();
    await workbench?.close();
  });

  async function open(cells: readonly string[]) {
    workbench = await startTestWorkbench({ notebook: cells });
    port = workbench.port;
    opened = await openPage(browser, { url: workbench.url.replace("127.0.0.1", "localhost") });
    return { page: opened.page, workbench };
  }
  const notice = () => opened.page.locator(".tt-notices");

  const losses = [
    ["was cut off", () => network.cut()],
    ["fell silent without a word", () => network.fallSilent()],
  ] as const;
  for (const [how, lose] of losses) {
    it(`has, once it is connected again over a network that ${how}, every line that a cell wrote meanwhile, and the newest of a live output`, async () => {
      const { page, workbench } = await open([liveCell, writingCell, "6 * 7"]);
      await runCell(page, 0);
      await cellsFinished(page, 1);
      await runCell(page, 1);
      await codeCell(page, 1).locator(".jp-OutputArea", { hasText: "begun" }).waitFor();
      lose();
      await notice().getByText("The workbench does not answer").waitFor({ timeout: 60_000 });
      await workbench.writeFile("cut", "");
      await until("the cell has written", () => workbench.hasFile("written"), 60_000);
      // Run while nobody hears it: it is sent when somebody does.
      await runCell(page, 2);
      network.mend();
      await notice().getByText("Connected again. What cells wrote meanwhile is here.").waitFor({ timeout: 60_000 });
      await codeCell(page, 1).locator(".jp-OutputArea", { hasText: "the end" }).waitFor({ timeout: 60_000 });
      const text = (await codeCell(page, 1).locator(".jp-OutputArea").textContent()) ?? "";
      deepEqual(
        [...text.matchAll(/line (\d+) /g)].map(([, number]) => Number(number)),
        Array.from({ length: 500 }, (_, index) => index + 1),
      );
      await codeCell(page, 0).locator(".jp-OutputArea", { hasText: "update 300y" }).waitFor();
      await codeCell(page, 2).locator(".jp-OutputArea", { hasText: "42" }).waitFor({ timeout: 30_000 });
      await kernelReady(page);
    });
  }

  it("goes on with a new kernel when the workbench was started anew, and keeps what is not saved", async () => {
    const { page, workbench: first } = await open(["const before = 1; before", "typeof before"]);
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await codeCell(page, 0).locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" + 41");
    await first.stop();
    await notice().getByText("The workbench does not answer").waitFor({ timeout: 60_000 });
    workbench = await first.again();
    await notice()
      .getByText("The workbench was started anew, and this page is connected again")
      .waitFor({ timeout: 90_000 });
    await kernelReady(page);
    match((await codeCell(page, 0).locator(".cm-content").textContent()) ?? "", /before \+ 41/);
    await notice().getByRole("button", { name: "Run all" }).click();
    await codeCell(page, 0).locator(".jp-OutputArea", { hasText: "42" }).waitFor({ timeout: 60_000 });
    await notice().waitFor({ state: "hidden" });
    await button(page, "save").click();
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    ok(JSON.stringify(await workbench.readNotebook()).includes("before + 41"));
  });

  it("shares one kernel again with the other pages of its notebook", async () => {
    const { page, workbench: first } = await open(["let shared = 1", "shared"]);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await kernelReady(other);
    await first.stop();
    for (const each of [page, other])
      await each.locator(".tt-notices", { hasText: "does not answer" }).waitFor({ timeout: 60_000 });
    workbench = await first.again();
    for (const each of [page, other])
      await each.locator(".tt-notices", { hasText: "connected again" }).waitFor({ timeout: 90_000 });
    const answer = await fetch(`http://127.0.0.1:${workbench.port}/api/kernels`, {
      headers: { authorization: `token ${workbench.token}` },
    });
    equal(((await answer.json()) as unknown[]).length, 1);
    await page.bringToFront();
    await runCell(page, 0);
    await cellsFinished(page, 1);
    await other.bringToFront();
    await runCell(other, 1);
    await codeCell(other, 1).locator(".jp-OutputArea", { hasText: "1" }).waitFor({ timeout: 30_000 });
  });
});
