/** View-only links: what they show, live, and that nothing else can be had with one, by whoever tries. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { notebookText } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { connectionTo } from "./channels-fixture.js";
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
  `import { display, update } from "tidetable";
const secretCode = 1;
console.log("shown text");
display({ "text/plain": "at first" }, { id: "live" });`,
  `update("live", { "text/plain": "moved" })`,
  `display({ "text/html": '<b id="bold">bold</b><img src=x onerror="window.hostile = 1"><script>window.hostile = 1</script>' })`,
  'throw new Error("with /a/path/of/mine")',
];

describe("a view-only link", function () {
  this.timeout(180_000);
  let browser: Browser;
  let workbench: TestWorkbench;
  let owner: OpenPage;

  before(async function () {
    browser = await requireComponent(this, () => launchBrowser());
    workbench = await startTestWorkbench({ notebook: cells });
    owner = await openPage(browser, workbench);
  });
  after(async () => {
    await owner?.close();
    await workbench?.close();
    await browser?.close();
  });

  const withToken = ({ token }: TestWorkbench) => ({
    authorization: `token ${token}`,
    "content-type": "application/json",
  });
  const makeLink = async (of: TestWorkbench) => {
    const init = { method: "POST", headers: withToken(of), body: '{"path":"test.ipynb"}' };
    const answer = await fetch(`http://127.0.0.1:${of.port}/api/view-links`, init);
    return ((await answer.json()) as { url: string }).url;
  };
  const enter = async (url: string) => {
    const answer = await fetch(url, { redirect: "manual" });
    return { status: answer.status, cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" };
  };
  /** A workbench of its own: wrong tokens close a door for a minute. */
  async function withWorkbench(run: (guarded: TestWorkbench) => Promise<void>): Promise<void> {
    const guarded = await startTestWorkbench({ notebook: cells });
    try {
      await writeFile(join(guarded.directory, "other.ipynb"), notebookText(["1"]));
      await run(guarded);
    } finally {
      await guarded.close();
    }
  }

  it("is made on the dashboard, shows texts and outputs, and follows what moves and what is saved", async () => {
    const { page } = owner;
    await button(page, "run-all").click();
    await cellsFinished(page, 4);
    await button(page, "save").click();
    await page.locator('.tt-saved[data-state="saved"]').waitFor();
    await page.locator(".tt-more summary").click();
    await page.locator('.tt-more [data-command="dashboard"]').click();
    await page.locator(".tt-dashboard-bar").hover();
    await page.getByRole("button", { name: "View-only link" }).click();
    const link = await until(
      "the link",
      async () => (await page.getByLabel("View-only link").inputValue()) || undefined,
    );
    match(link, /^http:\/\/127\.0\.0\.1:\d+\/view\?notebook=test\.ipynb&token=[\w-]{43}$/);
    await page.getByRole("button", { name: "Back to the notebook" }).click();

    const viewer = await (await browser.newContext()).newPage();
    await viewer.goto(link);
    const shown = viewer.locator(".tt-view-cells");
    await shown.getByText("shown text").waitFor({ timeout: 60_000 });
    await shown.getByText("moved").waitFor();
    await viewer.locator("b", { hasText: "bold" }).waitFor();
    equal(new URL(viewer.url()).searchParams.has("token"), false);
    await codeCell(page, 1).locator(".cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type('update("live", { "text/plain": "moved again" })');
    await runCell(page, 1);
    await shown.getByText("moved again").waitFor({ timeout: 30_000 });
    const text = (await viewer.locator("body").textContent()) ?? "";
    equal(/secretCode|a\/path\/of\/mine/.test(text), false, text);
    match(text, /ended with an error/);
    equal(await viewer.evaluate("window.hostile ?? 0"), 0);
    equal(await viewer.locator(".cm-content, .tt-header").count(), 0);
    await viewer.context().close();
  });

  it("opens no other door: 66 calls and 3 websockets with its cookie, its token, and its token as the owner's cookie", () =>
    withWorkbench(async (guarded) => {
      const { port } = guarded;
      const link = await makeLink(guarded);
      const { cookie } = await enter(link);
      const token = new URL(link).searchParams.get("token") ?? "";
      const origin = `http://127.0.0.1:${port}`;
      const body = JSON.stringify({ path: "test.ipynb", type: "notebook", name: "", kernel: { name: "tidetable" } });
      const started = await fetch(`${origin}/api/sessions`, { method: "POST", headers: withToken(guarded), body });
      const { kernel, id } = (await started.json()) as { id: string; kernel: { id: string } };
      const kernelPath = `/api/kernels/${kernel.id}`;
      const calls: ReadonlyArray<readonly [method: string, path: string]> = [
        ["GET", "/"],
        ["GET", `/?token=${token}`],
        ...["/api/me", "/api/status", "/api/kernelspecs", "/api/kernels", kernelPath].map(
          (path) => ["GET", path] as const,
        ),
        ...["interrupt", "restart"].map((what) => ["POST", `${kernelPath}/${what}`] as const),
        ["DELETE", kernelPath],
        ["GET", "/api/sessions"],
        ["POST", "/api/sessions"],
        ["DELETE", `/api/sessions/${id}`],
        ["GET", "/api/contents"],
        ...["GET", "PUT", "PATCH", "DELETE"].map((method) => [method, "/api/contents/test.ipynb"] as const),
        ["GET", "/api/contents/other.ipynb"],
        ["POST", "/api/view-links"],
        ["DELETE", "/api/view-links"],
        ["GET", "/view/content?notebook=other.ipynb"],
      ];
      equal(calls.length, 22);
      const before = await guarded.readNotebook();
      const identities: ReadonlyArray<Record<string, string>> = [
        { cookie, origin },
        { cookie: `tidetable-${port}=${token}`, origin },
        { authorization: `token ${token}`, origin },
      ];
      for (const identity of identities) {
        for (const [method, path] of calls) {
          const status = await statusOf(
            port,
            method,
            path,
            { ...identity, "content-type": "application/json" },
            ["GET", "DELETE"].includes(method) ? undefined : "{}",
          );
          // After ten wrong tokens the answer is 429, which is no door either.
          ok([401, 429].includes(status), `${JSON.stringify(identity)} ${method} ${path}: ${status}`);
        }
        const socket = await connectionTo(port, `${kernelPath}/channels`, identity);
        ok(socket === 401 || socket === 429, String(socket));
      }
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        equal(await statusOf(port, method, "/view/content?notebook=test.ipynb", { cookie, origin }), 404);
      }
      equal(await statusOf(port, "GET", "/view/content?notebook=test.ipynb", { cookie }), 200);
      deepEqual(await guarded.readNotebook(), before);
    }));

  it("is refused from another host, origin and site, changed, and for another notebook", () =>
    withWorkbench(async (guarded) => {
      const { port } = guarded;
      const link = new URL(await makeLink(guarded));
      const { cookie } = await enter(link.href);
      const look = (headers: Record<string, string>) =>
        statusOf(port, "GET", "/view/content?notebook=test.ipynb", headers);
      deepEqual(
        [
          await look({ cookie }),
          await look({ cookie, host: "evil.example" }),
          await look({ cookie, origin: "http://evil.example" }),
          await look({ cookie, "sec-fetch-site": "cross-site" }),
          await look({}),
          await look({ cookie: `${cookie}x` }),
        ],
        [200, 403, 403, 403, 401, 401],
      );
      link.searchParams.set("notebook", "other.ipynb");
      equal((await enter(link.href)).status, 401);
    }));

  it("leads nowhere once links are withdrawn, and who looks is told", async () => {
    const link = await makeLink(workbench);
    const { cookie } = await enter(link);
    const viewer = await (await browser.newContext()).newPage();
    await viewer.goto(link);
    await viewer.locator("body[data-ready=true]").waitFor({ timeout: 60_000 });
    const answer = await fetch(`http://127.0.0.1:${workbench.port}/api/view-links`, {
      method: "DELETE",
      headers: withToken(workbench),
    });
    equal(answer.status, 204);
    await viewer.getByText("This link was withdrawn").waitFor({ timeout: 30_000 });
    equal(await statusOf(workbench.port, "GET", "/view/content?notebook=test.ipynb", { cookie }), 401);
    equal((await enter(await makeLink(workbench))).status, 302);
    await viewer.context().close();
  });
});

function statusOf(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      answer.destroy();
      done(answer.statusCode ?? 0);
    });
    asked.on("error", fail);
    asked.end(body);
  });
}
