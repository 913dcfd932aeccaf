/** What the page's benches run on: one Chromium, and a workbench and a JupyterLab on folders with the same notebooks. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { chromiumLaunchOptions, ensureChromium } from "../../scripts/components/chromium.js";
import { freePort } from "../../scripts/components/free-ports.js";
import { openJupyterHome, root } from "../../test/support/notebook.js";
import { until } from "../../test/support/until.js";
import { type Measure, measure } from "../measure.js";

export interface BrowserBench {
  readonly browser: Browser;
  readonly ours: Home;
  readonly lab: Home;
  /** Of the test environment, with a Kafka client. */
  readonly python: string;
  close(): Promise<void>;
}

/** Where a notebook is opened. */
export interface Home {
  readonly name: string;
  readonly pid: number;
  readonly origin: string;
  /** Makes a notebook there and answers its address. */
  add(name: string, text: string): Promise<string>;
  /** Sends what a browser that is in sends. */
  readonly headers: Readonly<Record<string, string>>;
}

const token = "bench-token";

/** A figure that has only a goal beside it. */
export function againstGoal(name: string, unit: string, ours: readonly number[], goal: number): Measure {
  return measure({ name, unit, ours, peer: [goal], peerName: "the goal", goal: { atMost: 1 } });
}

export async function openBrowserBench(): Promise<BrowserBench> {
  const jupyter = await openJupyterHome();
  const browser = await chromium.launch(chromiumLaunchOptions(await ensureChromium()));
  const environment = {
    ...jupyter.environment,
    KAFKA_BROKERS: "",
    TIDETABLE_DATA: join(jupyter.directory, "bench-data"),
  };
  const ours = await startOurs(join(jupyter.directory, "ours"), environment);
  const lab = await startLab(join(jupyter.directory, "lab"), jupyter.python.program("jupyter"), environment);
  return {
    browser,
    ours: ours.home,
    lab: lab.home,
    python: jupyter.python.python,
    close: async () => {
      await browser.close();
      await Promise.all([end(ours.process), end(lab.process)]);
      await jupyter.close();
    },
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

async function startOurs(directory: string, env: Environment): Promise<{ home: Home; process: ChildProcess }> {
  await mkdir(directory, { recursive: true });
  const first = join(directory, "first.ipynb");
  await writeFile(first, '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[]}');
  const started = spawn(process.execPath, [join(root, "dist/cli.js"), "start", "--no-open", "--rate", "0", first], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  started.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const url = new URL(await until("the workbench", () => /Tidetable is at (\S+)/.exec(said)?.[1], 60_000));
  const entered = await fetch(url, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const add = async (name: string, text: string) => {
    await writeFile(join(directory, name), text);
    return `${url.origin}/?notebook=${name}&token=${url.searchParams.get("token")}`;
  };
  const headers = { cookie, origin: url.origin };
  return { process: started, home: { name: "the workbench", pid: started.pid ?? 0, origin: url.origin, add, headers } };
}

async function startLab(
  directory: string,
  jupyter: string,
  env: Environment,
): Promise<{ home: Home; process: ChildProcess }> {
  await mkdir(directory, { recursive: true });
  const port = await freePort();
  const settings = [`--port=${port}`, `--ServerApp.root_dir=${directory}`, `--IdentityProvider.token=${token}`];
  const started = spawn(
    jupyter,
    ["lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", ...settings, "--LabApp.expose_app_in_browser=True"],
    { env, stdio: "ignore" },
  );
  const origin = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${origin}/api/status?token=${token}`).then(
      (answer) => answer.ok,
      () => false,
    );
  await until("JupyterLab", answers, 60_000);
  const add = async (name: string, text: string) => {
    await writeFile(join(directory, name), text);
    return `${origin}/lab/tree/${name}?token=${token}`;
  };
  const headers = { authorization: `token ${token}` };
  return { process: started, home: { name: "JupyterLab", pid: started.pid ?? 0, origin, add, headers } };
}

export interface BenchPage {
  readonly page: Page;
  readonly cdp: CDPSession;
  close(): Promise<void>;
}

export async function openPage(context: BrowserContext): Promise<BenchPage> {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable");
  page.on("dialog", (dialog) => void dialog.accept());
  return { page, cdp, close: () => page.close() };
}

/** One of the browser's counters: `Nodes`, `JSEventListeners`, `JSHeapUsedSize`, `TaskDuration` (seconds). */
export async function counter(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
}

const runs = { ours: '.tt-header [data-command="run-all"]' };

/** Runs every cell, and waits until each has its number. */
export async function runAll(page: Page, home: Home, cells: number): Promise<void> {
  await startAll(page, home);
  await runFinished(page, cells);
}

export async function startAll(page: Page, home: Home): Promise<void> {
  if (home.name === "JupyterLab")
    await page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')");
  else await page.locator(runs.ours).click();
}

export async function runFinished(page: Page, cells: number): Promise<void> {
  const numbered = `[...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].filter((node) => /\\[\\d+\\]/.test(node.textContent)).length`;
  await until("every cell has run", async () => Number(await page.evaluate(numbered)) >= cells, 90_000);
}

export async function kernelIdle(page: Page, home: Home): Promise<void> {
  if (home.name === "JupyterLab") {
    const status = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'";
    await until("JupyterLab's kernel", async () => (await page.evaluate(status)) === true, 90_000);
  } else await page.locator('.tt-status[data-state="idle"]').waitFor({ timeout: 90_000 });
}

/** What one part has left running shall not slow the next. */
export async function endKernels({ origin, headers }: Home): Promise<void> {
  const kernels = (await (await fetch(`${origin}/api/kernels`, { headers })).json()) as Array<{ readonly id: string }>;
  for (const { id } of kernels) await fetch(`${origin}/api/kernels/${id}`, { method: "DELETE", headers });
}

async function end(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return;
  const ended = once(started, "close");
  started.kill("SIGTERM");
  const late = setTimeout(() => started.kill("SIGKILL"), 15_000);
  await ended;
  clearTimeout(late);
}
