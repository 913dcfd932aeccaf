/** The tutorial notebook, cell by cell in a real kernel, over the embedded log that the sample app feeds. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { vegaLiteMime } from "../../src/charts/mime-bundle.js";
import { type EmbeddedFeed, feedEmbeddedLog } from "../../src/embedded/feed.js";
import { tweetFeeding } from "../../src/tweeter/embedded-tweeter.js";
import { type Executed, type KernelClient, startKernel } from "../support/jupyter-client.js";
import { until } from "../support/until.js";

const notebookPath = resolve(fileURLToPath(new URL("../../notebooks/tweeter-analytics.ipynb", import.meta.url)));

interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: { readonly kernelspec: unknown };
  readonly cells: ReadonlyArray<{
    readonly id: string;
    readonly cell_type: string;
    readonly source: readonly string[];
    readonly outputs?: readonly unknown[];
    readonly execution_count?: number | null;
  }>;
}

describe("the tutorial notebook", function () {
  this.timeout(180_000);
  let directory: string;
  let notebook: Notebook;
  let feed: EmbeddedFeed;
  let kernel: KernelClient;
  const ran = new Map<string, Executed>();

  const sourceOf = (id: string) => notebook.cells.find((cell) => cell.id === id)?.source.join("") ?? "";
  const run = async (id: string) => {
    const executed = await kernel.execute(sourceOf(id), { cellId: id, deadlineMs: 60_000 });
    ran.set(id, executed);
    return executed;
  };
  const complete = async (code: string, cursor: number): Promise<readonly string[]> =>
    (await kernel.request("complete_request", { code, cursor_pos: cursor })).reply.content.matches;
  /** The newest bundle of a cell's n-th display. */
  const textOf = (executed: Executed | undefined, index: number) =>
    String(executed?.outputs.filter((output) => output.data !== undefined)[index]?.data?.["text/plain"] ?? "");

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-tutorial-"));
    notebook = JSON.parse(await readFile(notebookPath, "utf8")) as Notebook;
    feed = await feedEmbeddedLog({ feeding: tweetFeeding, dataDirectory: directory, ratePerSecond: 20 });
    kernel = await startKernel({ directory, environment: { TIDETABLE_DATA: directory, KAFKA_BROKERS: "" } });
  });
  after(async () => {
    await kernel?.shutdown();
    await feed?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("is a clean nbformat 4.5 notebook for this kernel, without outputs", () => {
    deepEqual([notebook.nbformat, notebook.nbformat_minor], [4, 5]);
    deepEqual(notebook.metadata.kernelspec, {
      display_name: "Tidetable (TypeScript)",
      language: "typescript",
      name: "tidetable",
    });
    const ids = notebook.cells.map((cell) => cell.id);
    equal(new Set(ids).size, ids.length);
    for (const cell of notebook.cells) {
      match(cell.id, /^[a-z-]{1,64}$/);
      if (cell.cell_type === "code") deepEqual([cell.outputs, cell.execution_count], [[], null], cell.id);
    }
  });

  it("runs all its cells without an error", async () => {
    for (const cell of notebook.cells.filter(({ cell_type }) => cell_type === "code")) {
      const { reply, outputs } = await run(cell.id);
      const errors = outputs.filter((output) => output.type === "error").map((output) => output.evalue);
      deepEqual([reply.content.status, errors], ["ok", []], cell.id);
    }
  });

  it("says how the stream stands", () => {
    match(textOf(ran.get("streaming"), 0), /^tweets · (?:live|loading).* rows · .*rows\/s · lag/);
  });

  it("shows Top Tweeters as a table and as bars, and another answer after a while", async () => {
    const first = ran.get("top-tweeters");
    match(textOf(first, 1), /^handle +count\n[\s\S]*\n20 rows · /);
    const chart = first?.outputs.find((output) => output.data?.[vegaLiteMime] !== undefined);
    const spec = chart?.data?.[vegaLiteMime] as { data: { values: ReadonlyArray<{ handle: string; count: number }> } };
    equal(spec.data.values.length, 20);
    deepEqual(
      spec.data.values.map(({ count }) => count),
      spec.data.values.map(({ count }) => count).sort((a, b) => b - a),
    );
    await until("another answer", async () => {
      const again = await run("top-tweeters");
      return chartOf(again) !== JSON.stringify(spec);
    });
    notEqual(chartOf(ran.get("top-tweeters")), JSON.stringify(spec));
  });

  it("keeps the line of tweets per minute moving after its cell has ended", async () => {
    const live = ran.get("per-minute");
    const updates = () =>
      kernel.published.filter(
        (message) => message.type === "update_display_data" && message.parentId === live?.parentId,
      );
    await until("an update of table and chart", () => {
      const mimes = updates().map((message) => Object.keys(message.content.data)[0]);
      return mimes.includes("text/html") && mimes.includes(vegaLiteMime);
    });
    const versions = updates().map((message) => message.content.metadata.display_id);
    ok(versions.every((id) => typeof id === "string"));
  });

  it("has the search's rows in a variable, typed by their columns", async () => {
    match(ran.get("rows")?.outputs[0]?.text ?? "", /^\w+: \d+ characters\n/);
    const wrong = await kernel.execute("for (const row of found) row.handel");
    match(String(wrong.outputs[0]?.evalue), /handel/);
  });

  it("completes columns in a SQL cell and names in a TypeScript cell", async () => {
    const inSql = await complete("%%sql\nSELECT han FROM tweets", 16);
    ok(inSql.includes("handle"), JSON.stringify(inSql));
    const inScript = await complete("tweets.", 7);
    deepEqual(
      ["caughtUp", "name", "pause", "resume", "status", "stop", "topic"].filter((name) => !inScript.includes(name)),
      [],
    );
  });

  it("shows an error of SQL by its message, without a stack", async () => {
    const { outputs } = await kernel.execute("%%sql\nSELECT handel FROM tweets");
    equal(outputs.length, 1);
    match(String(outputs[0]?.evalue), /unknown column: handel/);
    ok(!/\bat .*\(.*:\d+:\d+\)/.test(outputs[0]?.traceback?.join("\n") ?? ""));
  });
});

function chartOf(executed: Executed | undefined): string {
  const output = executed?.outputs.find(({ data }) => data?.[vegaLiteMime] !== undefined);
  return JSON.stringify(output?.data?.[vegaLiteMime]);
}
