/** Tweeter's page in a real browser: posting, seeing others post, refusing, escaping; and all of it without script. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { chromiumLaunchOptions, ensureChromium } from "../../scripts/components/chromium.js";
import { requireComponent } from "../support/require-component.js";
import { until } from "../support/until.js";
import { type EmbeddedInstance, startEmbeddedInstance } from "./embedded-fixture.js";
import { postTweet, wholeTimeline } from "./tweeter-fixture.js";

describe("Tweeter's page", function () {
  this.timeout(90_000);
  let browser: Browser;
  let tweeter: EmbeddedInstance;
  const problems: string[] = [];

  before(async function () {
    const path = await requireComponent(this, () => ensureChromium());
    browser = await chromium.launch(chromiumLaunchOptions(path));
  });
  after(async () => await browser?.close());
  beforeEach(async () => {
    problems.length = 0;
    tweeter = await startEmbeddedInstance();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await tweeter.stop();
    deepEqual(problems, []);
  });

  const open = async (path = "/", options: BrowserContextOptions = {}): Promise<Page> => {
    const page = await (await browser.newContext(options)).newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) problems.push(message.text());
    });
    await page.goto(tweeter.url + path);
    return page;
  };
  const write = async (page: Page, handle: string, content: string) => {
    await page.fill("[name=handle]", handle);
    await page.fill("[name=content]", content);
  };

  it("a tweet appears where it was posted and in a second window, by itself", async () => {
    const [first, second] = [await open(), await open()];
    await until("both listen", async () => / 2$/m.test(await listeners(tweeter.url)));
    const asked: string[] = [];
    // The browser fetches the page's icon when it likes.
    second.on("request", (request) => {
      if (!new URL(request.url()).pathname.startsWith("/assets/")) asked.push(request.url());
    });
    await write(first, "juliet", "Wherefore? #verona @romeo");
    await first.click("button[type=submit]");
    for (const page of [first, second]) {
      await page.locator("article", { hasText: "Wherefore?" }).waitFor({ timeout: 10_000 });
      equal(await page.locator("article").count(), 1);
    }
    deepEqual(asked, [], "the second window was told, it did not ask");
    equal(await first.inputValue("[name=content]"), "");
    equal(await second.locator("article .mention").getAttribute("href"), "/@romeo");
  });

  it("a second window shows a tweet within a second of its acknowledgement", async () => {
    const second = await open();
    await until("it listens", async () => / 1$/m.test(await listeners(tweeter.url)));
    // The page says itself when each came, by the clock that this process has too.
    await second.evaluate(`
      globalThis.shownAtMs = {};
      new MutationObserver(() => {
        for (const line of document.querySelectorAll("article .content")) shownAtMs[line.textContent] ??= Date.now();
      }).observe(document.body, { childList: true, subtree: true });
    `);
    const tookMs: number[] = [];
    // A machine that does something else may hold one up for seconds, and hardly each of ten.
    while (tookMs.length < 10 && !tookMs.some((ms) => ms <= 1_000)) {
      const content = `Line ${tookMs.length}`;
      equal((await postTweet(tweeter.url, { handle: "nurse", content })).status, 201);
      const acknowledgedAtMs = Date.now();
      await second.locator("article", { hasText: content }).waitFor({ timeout: 10_000 });
      const shownAtMs = (await second.evaluate(`shownAtMs[${JSON.stringify(content)}]`)) as number;
      tookMs.push(shownAtMs - acknowledgedAtMs);
    }
    ok(Math.min(...tookMs) <= 1_000, `shown after ${tookMs.join(", ")} ms`);
  });

  it("counts in characters as people do, and refuses the 141st", async () => {
    const page = await open();
    await write(page, "viola", "🎭".repeat(140));
    equal(await page.locator("#count").textContent(), "0");
    ok(await page.locator("button[type=submit]").isEnabled());
    await write(page, "viola", "🎭".repeat(141));
    equal(await page.locator("#count").textContent(), "-1");
    ok(await page.locator("button[type=submit]").isDisabled());
    const answer = await postTweet(tweeter.url, { handle: "viola", content: "x".repeat(141) });
    equal(answer.status, 422);
    deepEqual(await wholeTimeline(tweeter.url), []);
  });

  it("shows a script in a tweet, and in a handle, as text", async () => {
    const content = `<script>document.title="taken"</script><img src=x onerror="document.title='taken'"> & "quoted"`;
    await postTweet(tweeter.url, { handle: "<b>iago</b>", content });
    const page = await open();
    equal(await page.locator("article .content").textContent(), content);
    equal(await page.locator("article .by").textContent(), "@<b>iago</b>");
    // The same way in by the live path.
    await postTweet(tweeter.url, { handle: "iago", content: `${content}!` });
    await page.locator("article").nth(1).waitFor({ timeout: 10_000 });
    equal(await page.locator("article .content").first().textContent(), `${content}!`);
    equal(await page.title(), "Tweeter");
    await page.click("article >> nth=1 >> .by");
    equal(await page.locator("h1").textContent(), "@<b>iago</b>");
    await page.click("article .when");
    equal(await page.locator("article .content").textContent(), content);
  });

  it("works without script: posts, keeps what was refused, pages back", async () => {
    for (let n = 0; n < 60; n += 1) await postTweet(tweeter.url, { handle: "chorus", content: `Line ${n}` });
    const page = await open("/", { javaScriptEnabled: false });
    await write(page, "prospero", "x".repeat(141));
    await page.click("button[type=submit]");
    ok((await page.locator("#refusal").textContent())?.includes("141 characters"));
    equal(await page.inputValue("[name=content]"), "x".repeat(141));
    await write(page, "prospero", "Our revels now are ended.\nReally.");
    await page.click("button[type=submit]");
    equal(page.url(), `${tweeter.url}/`);
    equal(await page.locator("article .content").first().textContent(), "Our revels now are ended.\nReally.");
    equal(await page.inputValue("[name=handle]"), "prospero");
    await page.click("#older a");
    equal(await page.locator("article .content").last().textContent(), "Line 0");
    ok((await page.locator("#older").textContent())?.includes("beginning"));
  });

  it("scrolls back without end, and does not move who reads further down", async () => {
    for (let n = 0; n < 130; n += 1) await postTweet(tweeter.url, { handle: `actor${n % 3}`, content: `Line ${n}` });
    const page = await open();
    await until("all are there", async () => {
      await page.keyboard.press("End");
      return (await page.locator("article").count()) === 130;
    });
    await postTweet(tweeter.url, { handle: "messenger", content: "My lord!" });
    await page.locator("#fresh").waitFor({ timeout: 10_000 });
    equal(await page.locator("article").count(), 130);
    await page.click("#fresh");
    equal(await page.locator("article .content").first().textContent(), "My lord!");
  });
});

async function listeners(url: string): Promise<string> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return metrics.split("\n").find((line) => line.startsWith("tweeter_live_listeners{")) ?? "";
}
