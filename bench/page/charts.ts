/** What a live chart costs the page: the main thread for each update, and ten charts for minutes. */
import { setTimeout as delay } from "node:timers/promises";
import { notebookText } from "../../test/support/notebook.js";
import { alternate, type Measure, measure } from "../measure.js";
import {
  againstGoal,
  type BrowserBench,
  counter,
  type Home,
  kernelIdle,
  openPage,
  runAll,
  runFinished,
  startAll,
} from "./browser.js";

const ROUNDS = 3;
const UPDATES = 24;
const UPDATE_EVERY_MS = 250;
const SETTLE_MS = 2_000;
const CHARTS = 10;
const MINUTES = Number(process.env.PAGE_BENCH_MINUTES ?? 10);
const SAMPLE_EVERY_MS = 10_000;
/** Until then caches fill and code is compiled, which is no slope. */
const WARM_UP_MS = 45_000;
const LONG_TASK_MS = 100;

/** Three lines over a window of rows that moves: every row changes its place, a few are new. */
const chartSource = (rows: number) => `
import { display, update } from "tidetable";
const chart = (n: number) => ({
  "application/vnd.vegalite.v5+json": {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    width: 500, height: 220,
    data: { name: "live", values: Array.from({ length: ${rows} }, (_, i) => {
      const at = n * 3 + Math.floor(i / 3);
      return { at, series: "s" + (i % 3), value: Math.sin(at / 20 + i % 3) * 10 };
    }) },
    mark: "line",
    encoding: {
      x: { field: "at", type: "quantitative", scale: { zero: false } },
      y: { field: "value", type: "quantitative" },
      color: { field: "series", type: "nominal" },
    },
  },
  "text/plain": "chart " + n,
});
let n = 0;`;

export async function measureCharts(bench: BrowserBench): Promise<Measure[]> {
  return [await oneChart(bench), ...(await tenCharts(bench))];
}

async function oneChart({ browser, ours, lab }: BrowserBench): Promise<Measure> {
  const text = notebookText([
    `${chartSource(1_000)}\ndisplay(chart(0), { id: "moving" });`,
    `for (let i = 0; i < ${UPDATES}; i++) { update("moving", chart(++n)); await new Promise((next) => setTimeout(next, ${UPDATE_EVERY_MS})); }`,
  ]);
  const mover = async (home: Home) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, cdp } = await openPage(context);
    await page.goto(await home.add("one-chart.ipynb", text));
    await page.locator(".jp-Notebook .jp-CodeCell .cm-content").first().waitFor({ timeout: 60_000 });
    await kernelIdle(page, home);
    // The first run compiles and draws.
    await runAll(page, home, 2);
    await kernelIdle(page, home);
    const move = async () => {
      await page.bringToFront();
      const before = await counter(cdp, "TaskDuration");
      await clearPrompts(page);
      await startAll(page, home);
      // Who asks the page whether it is done gives it work to do.
      await delay(UPDATES * UPDATE_EVERY_MS + SETTLE_MS);
      const after = await counter(cdp, "TaskDuration");
      await runFinished(page, 2);
      return ((after - before) * 1000) / UPDATES;
    };
    return { move, close: () => context.close() };
  };
  const [here, there] = [await mover(ours), await mover(lab)];
  const taken = await alternate(ROUNDS, here.move, there.move);
  await Promise.all([here.close(), there.close()]);
  const name = "main thread for an update of a chart of 1,000 rows";
  return measure({ name, unit: "ms", ...taken, peerName: "JupyterLab", goal: { atMost: 0.4 } });
}

/** Numbers of the run before do not count as those of the next. */
async function clearPrompts(page: Awaited<ReturnType<typeof openPage>>["page"]): Promise<void> {
  await page.evaluate(`for (const node of document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")) {
    const text = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    for (let at = text.nextNode(); at !== null; at = text.nextNode()) if (/\\[\\d+\\]/.test(at.data)) at.data = "[ ]:";
  }`);
}

async function tenCharts({ browser, ours }: BrowserBench): Promise<Measure[]> {
  const shows = Array.from({ length: CHARTS }, (_, index) => `display(chart(0), { id: "chart ${index}" });`);
  const moving = `setInterval(() => { n++; for (let i = 0; i < ${CHARTS}; i++) update("chart " + i, chart(n)); }, ${UPDATE_EVERY_MS});`;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  // Small windows of rows, as a dashboard has them.
  await context.addInitScript(`window.longTasks = [];
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration }))))
      .observe({ type: "longtask" });`);
  const { page, cdp } = await openPage(context);
  await page.goto(await ours.add("ten-charts.ipynb", notebookText([chartSource(300), ...shows, moving])));
  await page.locator(".jp-Notebook .jp-CodeCell .cm-content").first().waitFor({ timeout: 60_000 });
  await kernelIdle(page, ours);
  await runAll(page, ours, CHARTS + 2);
  const moves = async () => Number(await page.evaluate("window.tidetable.charts.moves"));
  await delay(WARM_UP_MS);
  await page.evaluate("window.longTasks.length = 0");
  const movesBefore = await moves();
  const startedMs = performance.now();
  const samples: Sample[] = [];
  const collections: Array<{ readonly fromMs: number; readonly toMs: number }> = [];
  while (performance.now() - startedMs < MINUTES * 60_000) {
    // A collection that is asked for stops the page, which is none of its own tasks.
    const fromMs = Number(await page.evaluate("performance.now()"));
    await cdp.send("HeapProfiler.collectGarbage");
    collections.push({ fromMs, toMs: Number(await page.evaluate("performance.now()")) });
    samples.push({
      atMinutes: (performance.now() - startedMs) / 60_000,
      nodes: await counter(cdp, "Nodes"),
      listeners: await counter(cdp, "JSEventListeners"),
      heapMb: (await counter(cdp, "JSHeapUsedSize")) / 2 ** 20,
    });
    await delay(SAMPLE_EVERY_MS);
  }
  const perSecond = ((await moves()) - movesBefore) / ((performance.now() - startedMs) / 1000) / CHARTS;
  const longTasks = (await page.evaluate("window.longTasks")) as Array<{ startTime: number; duration: number }>;
  const own = longTasks.filter(
    ({ startTime, duration }) =>
      !collections.some(({ fromMs, toMs }) => startTime < toMs && startTime + duration > fromMs),
  );
  await context.close();
  const over = `${CHARTS} charts at 4 Hz for ${MINUTES} minutes`;
  const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample];
  const { slope, error } = line(samples.map(({ atMinutes, heapMb }) => [atMinutes, heapMb]));
  const lengths = own.map(({ duration }) => duration).sort((a, b) => b - a);
  console.log(
    `${over}: ${samples.length} samples, heap ${first.heapMb.toFixed(1)} to ${last.heapMb.toFixed(1)} MB, longest tasks ${lengths.slice(0, 5).map(Math.round).join(", ")} ms`,
  );
  const among = (name: string, unit: string, ours: number, peer: number, peerName: string, atMost: number) =>
    measure({ name: `${over}: ${name}`, unit, ours: [ours], peer: [peer], peerName, goal: { atMost } });
  return [
    measure({
      name: `${over}: updates a second of each`,
      unit: "/s",
      ours: [perSecond],
      peer: [1000 / UPDATE_EVERY_MS],
      peerName: "what was sent",
      goal: { atLeast: 0.95 },
    }),
    among("DOM nodes at the end", "", last.nodes, first.nodes, "at the start", 1.01),
    among("listeners at the end", "", last.listeners, first.listeners, "at the start", 1.01),
    among("slope of the heap", "MB/min", Math.max(0, slope), 2 * error, "its noise (2 standard errors)", 1),
    againstGoal(
      `${over}: longest task beside the collections that the bench asks for`,
      "ms",
      [lengths[0] ?? 0],
      LONG_TASK_MS,
    ),
  ];
}

interface Sample {
  readonly atMinutes: number;
  readonly nodes: number;
  readonly listeners: number;
  readonly heapMb: number;
}

/** The straight line through points, and the standard error of its slope. */
function line(points: ReadonlyArray<readonly [x: number, y: number]>): { slope: number; error: number } {
  const count = points.length;
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / count;
  const [meanX, meanY] = [mean(0), mean(1)];
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, count - 2) / squares) };
}
