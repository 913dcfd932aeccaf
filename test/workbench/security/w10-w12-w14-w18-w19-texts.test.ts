/** W10, W12, W14, W18, W19: what strangers wrote, as text: in a result, a notebook, a save, a log and a viewer's answer. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseChart } from "../../../src/charts/chart.js";
import { chartBundle } from "../../../src/charts/mime-bundle.js";
import { drawChart } from "../../../src/charts/vega-lite.js";
import { tableBundle } from "../../../src/sql/table-bundle.js";
import { Contents } from "../../../src/workbench/contents.js";
import { ContentsError } from "../../../src/workbench/contents-path.js";
import { logLine, logLineCharactersMax } from "../../../src/workbench/log-line.js";
import { notebookText } from "../../../src/workbench/notebook-file.js";
import { OwnOutputs } from "../../../src/workbench/own-outputs.js";
import { viewContent } from "../../../src/workbench/view-content.js";
import { result } from "../../sql/table-fixture.js";
import { openTestDoor } from "./door-fixture.js";
import { payloads } from "./payloads.js";

const elsewhere = "http://elsewhere.example";

describe("W10: records of strangers in outputs", () => {
  const texts = payloads(elsewhere);

  it(`are text in HTML, and data everywhere else: ${texts.length} payloads as value, column, and label of a chart`, () => {
    equal(texts.length, 300);
    for (const text of texts) {
      const table = result({ [text]: ["text", text], n: ["integer", 1] });
      const bundle = tableBundle(table, { insideZeppelin: false });
      const html = String(bundle["text/html"]);
      const tags = [...html.matchAll(/<\/?([a-z]*)/gi)].map(([, name]) => name);
      deepEqual(
        tags.filter((name) => !/^(div|table|thead|tbody|tr|th|td|p)$/.test(name ?? "")),
        [],
        text,
      );
      ok(!/on[a-z]+="|href|src=/i.test(html.replace(/>[^<]*</g, "><")), text);
      const choice = chooseChart(table);
      const chart = "chart" in choice ? chartBundle(drawChart(table, choice.chart)) : {};
      const mimes = [...Object.keys(bundle), ...Object.keys(chart)];
      ok(mimes.every((mime) => /^(text\/(html|plain)|application\/vnd\.(tidetable|vegalite)\S+\+json)$/.test(mime)));
      // A field of a record is never what a mark links to or loads.
      ok(!/"(href|url)"/.test(JSON.stringify(chart).replaceAll(JSON.stringify(text), "")), text);
    }
  });
});

const notebook = (cells: readonly Record<string, unknown>[], metadata: Record<string, unknown> = {}) => ({
  ...{ nbformat: 4, nbformat_minor: 5, metadata },
  cells,
});
const cell = (more: object) => ({
  cell_type: "code",
  metadata: {},
  source: "1",
  outputs: [],
  execution_count: null,
  ...more,
});

describe("notebooks of strangers", function () {
  this.timeout(60_000);
  let directory: string;
  let contents: Contents;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-strangers-"));
    await mkdir(join(directory, "root"));
    contents = await Contents.open(join(directory, "root"), join(directory, "checkpoints"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const claims: readonly unknown[] = [true, "true", 1, {}, [], "yes", null, false];
  const kinds = ["code", "markdown", "raw", "heading", "trusted"];

  it("W12: claim their trust in vain: 40 crafted notebooks, opened and saved", async () => {
    let counted = 0;
    for (const trusted of claims) {
      for (const cell_type of kinds) {
        const metadata = JSON.parse(`{"trusted":${JSON.stringify(trusted)},"kept":1,"__proto__":{"trusted":true}}`);
        const crafted = notebook([cell({ cell_type, metadata })], { trusted, signature: "sha256:0000" });
        const name = `crafted-${counted}.ipynb`;
        await writeFile(join(directory, "root", name), JSON.stringify(crafted));
        const [opened] = (await contents.read(name)).content.cells as Array<{ metadata: Record<string, unknown> }>;
        deepEqual([Object.hasOwn(opened?.metadata ?? {}, "trusted"), opened?.metadata.kept], [false, 1]);
        await contents.write(name, crafted);
        const saved = JSON.parse(await readFile(join(directory, "root", name), "utf8"));
        equal(Object.hasOwn(saved.cells[0].metadata, "trusted"), false);
        counted++;
      }
    }
    equal(counted, 40);
    equal(({} as { trusted?: unknown }).trusted, undefined);
  });

  it("W12: show as trusted what was run here, and nothing that was changed since: 54 cells and files", async () => {
    const keys = join(directory, "own-outputs.json");
    const opened = async (name: string, by?: OwnOutputs) => {
      const here = await Contents.open(
        join(directory, "root"),
        join(directory, "own"),
        by ?? (await OwnOutputs.open(keys)),
      );
      return {
        here,
        trusts: (await here.read(name)).content.cells.map(({ metadata }) =>
          Object.hasOwn(metadata as object, "trusted"),
        ),
      };
    };
    const outputs = (index: number) => [
      { output_type: "stream", name: "stdout", text: `line ${index}\nand another` },
      {
        output_type: "display_data",
        metadata: {},
        data: { "text/html": `<b>${index}</b>\n<i>x</i>`, "image/png": "aGVsbG8=" },
      },
    ];
    const own = notebook(
      Array.from({ length: 20 }, (_, index) =>
        // Every other one was run by its owner; the rest came with the file.
        cell({ source: `${index}\n+ 1`, outputs: outputs(index), metadata: index % 2 === 0 ? { trusted: true } : {} }),
      ),
    );
    const file = join(directory, "root/own.ipynb");
    await writeFile(file, notebookText(own));
    const { here } = await opened("own.ipynb");
    await here.write("own.ipynb", own);
    equal((await readFile(file, "utf8")).includes("trusted"), false);
    equal((await stat(keys)).mode & 0o777, 0o600);
    const half = Array.from({ length: 20 }, (_, index) => index % 2 === 0);
    deepEqual((await opened("own.ipynb")).trusts, half);
    // Each in one place changed by somebody else, the last few in what was said about it, which does not count.
    const saved = JSON.parse(await readFile(file, "utf8")) as { cells: Array<Record<string, unknown>> };
    const changes: ReadonlyArray<(of: Record<string, unknown>) => void> = [
      (of) => Object.assign(of, { source: ["0\n", "+ 2"] }),
      (of) =>
        Object.assign(of, {
          outputs: [...(of.outputs as unknown[]), { output_type: "stream", name: "stdout", text: "" }],
        }),
      (of) => Object.assign(of, { outputs: (of.outputs as unknown[]).slice(1) }),
      (of) => Object.assign(of, { outputs: (of.outputs as unknown[]).toReversed() }),
      (of) => Object.assign((of.outputs as Array<{ text: string[] }>)[0] ?? {}, { text: ["line 0\n", "and another "] }),
      (of) => Object.assign((of.outputs as Array<{ name: string }>)[0] ?? {}, { name: "stderr" }),
      (of) =>
        Object.assign((of.outputs as Array<{ data: object }>)[1]?.data ?? {}, { "text/html": ["<script>0</script>"] }),
      (of) =>
        Object.assign((of.outputs as Array<{ data: object }>)[1]?.data ?? {}, { "application/javascript": ["0"] }),
      (of) => Object.assign((of.outputs as Array<{ metadata: object }>)[1]?.metadata ?? {}, { isolated: true }),
      (of) => Object.assign(of, { outputs: outputs(2), metadata: { trusted: true } }),
    ];
    for (const [index, change] of changes.entries()) {
      const tampered = structuredClone(saved);
      const target = tampered.cells[0];
      if (target !== undefined) change(target);
      await writeFile(join(directory, `root/tampered-${index}.ipynb`), JSON.stringify(tampered));
      deepEqual((await opened(`tampered-${index}.ipynb`)).trusts, [false, ...half.slice(1)], `change ${index}`);
    }
    let counted = 20 + changes.length;
    // With another key, or with one that others could have read, nothing is vouched for.
    const kept = JSON.parse(await readFile(keys, "utf8")) as { key: string; digests: string[] };
    const keyless: readonly unknown[] = [
      ...[
        { ...kept, key: "" },
        { ...kept, key: "short" },
        { ...kept, key: null },
        { ...kept, digests: {} },
      ],
      ...[null, [], "text", { digests: kept.digests }, { ...kept, key: kept.key.slice(2) }],
    ];
    for (const other of keyless) {
      await writeFile(keys, JSON.stringify(other), { mode: 0o600 });
      deepEqual((await opened("own.ipynb")).trusts, Array(20).fill(false));
      counted++;
    }
    await writeFile(keys, JSON.stringify({ ...kept, key: Buffer.alloc(32).toString("base64url") }), { mode: 0o600 });
    deepEqual((await opened("own.ipynb")).trusts, Array(20).fill(false));
    await writeFile(keys, JSON.stringify(kept), { mode: 0o600 });
    deepEqual((await opened("own.ipynb")).trusts, half);
    counted += 2;
    for (const mode of [0o604, 0o640, 0o644, 0o660, 0o666, 0o606, 0o620, 0o602]) {
      await chmod(keys, mode);
      deepEqual((await opened("own.ipynb")).trusts, Array(20).fill(false), mode.toString(8));
      counted++;
    }
    await rm(keys);
    deepEqual((await opened("own.ipynb")).trusts, Array(20).fill(false));
    // The digests do not grow without end, and the newest stay.
    const many = await OwnOutputs.open();
    for (let round = 0; round < 10; round++) {
      await many.note(
        notebook(
          Array.from({ length: 300 }, (_, index) =>
            cell({ outputs: outputs(round * 300 + index), metadata: { trusted: true } }),
          ),
        ),
      );
    }
    const marks = (index: number) =>
      Object.hasOwn(many.marked(notebook([cell({ outputs: outputs(index) })])).cells[0]?.metadata as object, "trusted");
    deepEqual([marks(0), marks(999), marks(1_000), marks(2_999)], [false, false, true, true]);
    counted += 1 + 4;
    equal(counted, 54);
  });

  const noNotebooks: readonly unknown[] = [
    ...[undefined, null, true, 0, "", "text", [], [1], {}, { cells: [] }, { nbformat: 4 }],
    ...[0, 1, 3, 5, "4", null, [4], 4.5].map((nbformat) => ({ ...notebook([]), nbformat })),
    ...[undefined, null, "x", 1, []].map((metadata) => ({ ...notebook([]), metadata })),
    ...[undefined, null, "x", 1, {}].map((cells) => ({ ...notebook([]), cells })),
    ...[null, 1, "x", [], {}, { cell_type: 1 }, { cell_type: null }].map((bad) => ({ ...notebook([]), cells: [bad] })),
  ];

  it("W14: a save that knows another version than lies there changes nothing: 40 pages at once, one is first", async () => {
    const file = join(directory, "root/raced.ipynb");
    await writeFile(file, notebookText(notebook([cell({ source: "at first" })])));
    const { sha256 } = await contents.read("raced.ipynb");
    const pages = Array.from({ length: 40 }, (_, page) => notebook([cell({ source: `page ${page}` })]));
    const saves = await Promise.allSettled(pages.map((page) => contents.write("raced.ipynb", page, sha256)));
    const saved = saves.flatMap(({ status }, page) => (status === "fulfilled" ? [page] : []));
    equal(saved.length, 1);
    for (const save of saves) {
      if (save.status === "rejected") ok(save.reason instanceof ContentsError && save.reason.status === 409);
    }
    match(await readFile(file, "utf8"), new RegExp(`"page ${saved[0]}"`));
    // Who has read what lies there by now may save.
    const { sha256: now } = await contents.read("raced.ipynb");
    await contents.write("raced.ipynb", notebook([cell({ source: "at last" })]), now);
    match(await readFile(file, "utf8"), /at last/);
  });

  it("W14: at most 1,000 checkpoints are kept, the newest", async () => {
    const many = await Contents.open(join(directory, "root"), join(directory, "many"));
    await writeFile(join(directory, "root/a.ipynb"), notebookText(notebook([])));
    for (let made = 0; made < 1_005; made++) {
      const name = `${made}.ipynb`;
      await rename(
        join(directory, "root", made === 0 ? "a.ipynb" : `${made - 1}.ipynb`),
        join(directory, "root", name),
      );
      await many.checkpoint(name);
    }
    equal((await readdir(join(directory, "many"))).length, 1000);
    deepEqual((await many.checkpoints("4.ipynb")).length, 0);
    deepEqual((await many.checkpoints("1004.ipynb")).length, 1);
    await rm(join(directory, "root/1004.ipynb"));
  });

  it("W14: only a notebook is written, whole or not at all: 40 saves", async () => {
    const kept = notebookText(notebook([cell({ source: "kept" })]));
    await writeFile(join(directory, "root/kept.ipynb"), kept);
    let counted = 0;
    for (const bad of noNotebooks) {
      await rejects(contents.write("kept.ipynb", bad), ContentsError, JSON.stringify(bad));
      counted++;
    }
    const large = notebook([cell({ source: "x".repeat(50 * 1024 * 1024) })]);
    for (const save of [
      () => contents.write("kept.ipynb", large),
      () => contents.create("large.ipynb", large),
      () => contents.write("missing.ipynb", notebook([])),
      () => contents.create("kept.ipynb", notebook([])),
    ]) {
      await rejects(save(), ContentsError);
      counted++;
    }
    equal(counted, 40);
    equal(await readFile(join(directory, "root/kept.ipynb"), "utf8"), kept);
    // A reader beside many writers sees one notebook or another, never half of one; and nothing is left over.
    const versions = Array.from({ length: 20 }, (_, version) =>
      notebook([cell({ source: `${version}`.repeat(50_000) })]),
    );
    let writing = true;
    const writers = Promise.all(versions.map((version) => contents.write("kept.ipynb", version))).finally(() => {
      writing = false;
    });
    while (writing) JSON.parse(await readFile(join(directory, "root/kept.ipynb"), "utf8"));
    await writers;
    deepEqual(
      (await readdir(join(directory, "root"))).filter((name) => name.startsWith(".") || name.includes("large")),
      [],
    );
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe("W18: the log", () => {
  it("shows what cannot be seen, in one line of at most 8 KiB: 200 lines", () => {
    const controls = [...Array(32).keys(), ...Array.from({ length: 33 }, (_, index) => 127 + index)];
    const turning = [0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202d, 0x202e, 0x2066, 0x2069, 0xfeff];
    const hostile = [
      ...[...controls, ...turning].map((code) => `a${String.fromCharCode(code)}b`),
      ...[
        "\u001b[2J",
        "\u001b]0;title\u0007",
        "\u001b]8;;http://elsewhere.example\u0007link",
        "\r\n2026-01-01 forged",
        "\u009b31m",
      ],
      ...Array.from({ length: 119 }, (_, index) => `${"\u001b[31m\n".repeat(index * 20)}end`),
    ];
    equal(hostile.length, 200);
    for (const text of hostile) {
      const line = logLine(text);
      ok(!unseen.test(line), JSON.stringify(line.slice(0, 80)));
    }
    match(logLine("x".repeat(logLineCharactersMax + 5)), /^x+ … \(5 more characters\)$/);
    equal(logLine("an ordinary line, äöü 日本 🙂"), "an ordinary line, äöü 日本 🙂");
  });
});

describe("W19: errors", () => {
  const told = (index: number) => [
    `SELECT secret${index} FROM salaries`,
    `/home/owner/notes/secret${index}.ts`,
    `at secret${index} (/srv/app/secret${index}.ts:1:${index})`,
    `connect ECONNREFUSED 10.0.0.7:${9000 + index} secret${index}`,
  ];

  it("tell a viewer nothing but that there was one: 100 errors", () => {
    let counted = 0;
    for (let index = 0; index < 25; index++) {
      for (const text of told(index)) {
        const shown = viewContent(
          notebook([
            cell({
              source: text,
              metadata: { where: text },
              outputs: [
                { output_type: "error", ename: text, evalue: text, traceback: [text] },
                { output_type: "stream", name: "stderr", text },
                { output_type: "unknown", text },
              ],
            }),
          ]),
        );
        equal(JSON.stringify(shown).includes("secret"), false);
        match(JSON.stringify(shown), /ended with an error/);
        counted++;
      }
    }
    equal(counted, 100);
  });

  it("of our own reach nobody but the log: an answer has an id", async () => {
    const at = await openTestDoor();
    try {
      // Where the trash folder should be lies a file: nothing that a caller could mend.
      await writeFile(join(at.directory, ".tidetable-trash"), "");
      const headers = { cookie: at.cookie, origin: at.origin };
      const answer = await at.ask("DELETE", "/api/contents/test.ipynb", headers);
      equal(answer.status, 500);
      const { message } = (await answer.json()) as { message: string };
      match(message, /^the workbench failed at this; its log has the details under [0-9a-f]{8}\.$/);
      const id = /[0-9a-f]{8}/.exec(message)?.[0] ?? "";
      ok(
        at.log.some((line) => line.includes(id) && line.includes("EEXIST")),
        at.log.join("\n"),
      );
    } finally {
      await at.close();
    }
  });
});
