/** Zeppelin notes in a real folder: opened as notebooks, saved as notes, refused with the paragraph and the reason. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contents } from "../../src/workbench/contents.js";
import type { NotebookContent } from "../../src/workbench/notebook-file.js";
import { root as checkout } from "../support/notebook.js";

const shipped = ["tweeter-analytics.zpln", "tweeter-analytics-tidetable.zpln"];

describe("Zeppelin notes in the workbench", () => {
  let outside: string;
  let root: string;
  let contents: Contents;

  beforeEach(async () => {
    outside = await mkdtemp(join(tmpdir(), "tidetable-notes-"));
    root = join(outside, "root");
    await mkdir(root);
    for (const name of shipped) await writeFile(join(root, name), await readFile(join(checkout, "zeppelin", name)));
    contents = await Contents.open(root, join(outside, "checkpoints"));
  });
  afterEach(() => rm(outside, { recursive: true, force: true }));

  const note = async (name: string) => JSON.parse(await readFile(join(root, name), "utf8")) as unknown;

  it("lists them among the notebooks", async () => {
    deepEqual(
      (await contents.list("")).map(({ name, kind }) => [name, kind]),
      [...shipped].sort((a, b) => a.localeCompare(b)).map((name) => [name, "notebook"]),
    );
  });

  for (const name of shipped) {
    it(`opens ${name}, and saves the same note`, async () => {
      const before = await note(name);
      const { content } = await contents.read(name);
      ok(content.cells.some(({ cell_type }) => cell_type === "markdown"));
      const saved = await contents.write(name, content);
      equal(saved.lost, undefined);
      deepEqual(await note(name), before);
    });
  }

  it("puts an edited cell, a new one and its results into the note", async () => {
    const name = "tweeter-analytics-tidetable.zpln";
    const { content } = await contents.read(name);
    const table = { "text/html": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>", "text/plain": "a\n1\n" };
    const cells = [
      ...content.cells.map((cell) =>
        cell.id === "tweeter_top_tweeters" ? { ...cell, source: "%%sql\nSELECT handle FROM tweets" } : cell,
      ),
      {
        cell_type: "code",
        id: "mine",
        metadata: {},
        execution_count: 1,
        source: "1 + 1",
        outputs: [{ output_type: "display_data", metadata: {}, data: table }],
      },
    ];
    const saved = await contents.write(name, { ...content, cells });
    const { paragraphs } = (await note(name)) as {
      paragraphs: ReadonlyArray<{ id: string; text: string; results?: unknown }>;
    };
    const text = (id: string) => paragraphs.find((paragraph) => paragraph.id === id)?.text;
    equal(text("tweeter_top_tweeters"), "%jupyter(kernel=tidetable)\n%%sql\nSELECT handle FROM tweets");
    equal(text("mine"), "%jupyter(kernel=tidetable)\n1 + 1");
    deepEqual(paragraphs.at(-1)?.results, { code: "SUCCESS", msg: [{ type: "TABLE", data: "a\n1\n" }] });
    const reopened = saved.content.cells.find(({ id }) => id === "mine") as { readonly outputs: readonly unknown[] };
    equal(reopened.outputs.length, 1);
  });

  it("keeps what it was when it was opened, and goes back to it", async () => {
    const name = shipped[0] ?? "";
    const before = await note(name);
    const { id } = await contents.checkpoint(name);
    const { content } = await contents.read(name);
    await contents.write(name, { ...content, cells: content.cells.slice(0, 2) });
    await contents.restore(name, id);
    deepEqual(await note(name), before);
  });

  it("says what a note cannot hold", async () => {
    const name = shipped[1] ?? "";
    const { content } = await contents.read(name);
    const outputs = [{ output_type: "display_data", metadata: {}, data: { "application/x-other": 1 } }];
    const cells: NotebookContent["cells"] = [
      { cell_type: "code", id: "mine", metadata: {}, execution_count: null, source: "1", outputs },
    ];
    const { lost = [] } = await contents.write(name, { ...content, cells });
    match(lost.join("\n"), /application\/x-other/);
  });

  it("copies a note as a note, and renames it to one only", async () => {
    const copy = await contents.duplicate(shipped[0] ?? "");
    equal(copy.path, "tweeter-analytics copy.zpln");
    equal((await contents.duplicate(shipped[0] ?? "")).path, "tweeter-analytics copy 2.zpln");
    equal((await contents.rename(copy.path, "mine.zpln")).path, "mine.zpln");
    await rejects(contents.rename("mine.zpln", "mine.ipynb"), /mine\.zpln keeps its ending/);
  });

  it("refuses what is no note, with the paragraph and the reason", async () => {
    await writeFile(join(root, "odd.zpln"), JSON.stringify({ name: "odd", paragraphs: [{ text: "%md x" }, 7] }));
    await writeFile(join(root, "torn.zpln"), '{"paragraphs": [');
    await rejects(contents.read("odd.zpln"), { status: 400, message: /^odd\.zpln cannot be opened: paragraph 2: / });
    await rejects(contents.read("torn.zpln"), { status: 400, message: /^torn\.zpln cannot be opened: file: .*JSON/ });
  });
});
