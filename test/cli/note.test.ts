/** `note convert` and `note check` as commands: files in, files out, and errors that name the file and the way out. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "../../src/cli/command.js";
import { UsageError } from "../../src/cli/command.js";
import { noteCheck } from "../../src/cli/note-check.js";
import { noteConvert } from "../../src/cli/note-convert.js";
import { TidetableError } from "../../src/errors.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const shipped = resolve(dirname(fileURLToPath(import.meta.url)), "../../zeppelin/tweeter-analytics.json");

describe("tidetable note", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder("note");
  });
  afterEach(() => folder.remove());

  async function run(command: Command, ...argumentList: readonly string[]) {
    const lines: string[] = [];
    const code = await command({
      arguments: argumentList,
      environment: {},
      workingDirectory: folder.path,
      signal: new AbortController().signal,
      print: (line) => lines.push(line),
      warn: (line) => lines.push(line),
    });
    return { code, lines };
  }

  it("converts by the file's ending, all the way round", async () => {
    writeFileSync(join(folder.path, "a.json"), readFileSync(shipped));
    for (const [from, to] of [
      ["a.json", "b.ipynb"],
      ["b.ipynb", "c.ts"],
      ["c.ts", "d.zpln"],
    ] as const) {
      equal((await run(noteConvert, from, to)).code, 0);
    }
    deepEqual(JSON.parse(readFileSync(join(folder.path, "d.zpln"), "utf8")), JSON.parse(readFileSync(shipped, "utf8")));
    deepEqual(readdirSync(folder.path).sort(), ["a.json", "b.ipynb", "c.ts", "d.zpln"]);
  });

  it("lists what a person must look at", async () => {
    writeFileSync(join(folder.path, "a.json"), readFileSync(shipped));
    const { lines } = await run(noteConvert, "a.json", "b.ipynb");
    equal(lines[0], "a.json, a Zeppelin note, is a Jupyter notebook in b.ipynb.");
    ok(
      lines.some((line) => /^ {2}look at {5}paragraph 3 \(Streaming\): %spark does not run/.test(line)),
      lines.join("\n"),
    );
  });

  it("writes over a file only when told to", async () => {
    writeFileSync(join(folder.path, "a.json"), readFileSync(shipped));
    writeFileSync(join(folder.path, "b.ipynb"), "mine");
    await rejects(run(noteConvert, "a.json", "b.ipynb"), isNoteError(/b\.ipynb exists.*--force/));
    equal(readFileSync(join(folder.path, "b.ipynb"), "utf8"), "mine");
    equal((await run(noteConvert, "a.json", "b.ipynb", "--force")).code, 0);
  });

  it("refuses what is no note, and leaves no file", async () => {
    writeFileSync(join(folder.path, "a.json"), '{"name": "n", "paragraphs": [{"text": 7, "title": "T"}]}');
    await rejects(
      run(noteConvert, "a.json", "b.ipynb"),
      isNoteError(/^a\.json, paragraph 1 \(T\): text is a number; it is a text\.$/),
    );
    await rejects(run(noteConvert, "none.json", "b.ipynb"), isNoteError(/^none\.json cannot be read: ENOENT/));
    mkdirSync(join(folder.path, "sub"));
    await rejects(run(noteConvert, "sub", "b.ipynb"), isNoteError(/^sub cannot be read: EISDIR/));
    writeFileSync(join(folder.path, "good.json"), readFileSync(shipped));
    await rejects(run(noteConvert, "good.json", "none/b.ipynb"), isNoteError(/cannot be written: ENOENT/));
    equal(existsSync(join(folder.path, "b.ipynb")), false);
  });

  it("says what it takes", async () => {
    await rejects(run(noteConvert, "a.json"), UsageError);
    await rejects(run(noteConvert, "a.json", "b.txt"), UsageError);
    await rejects(run(noteConvert, "a.json", "b.json", "--to", "word"), UsageError);
    await rejects(run(noteCheck), UsageError);
  });

  it("checks a note", async () => {
    const good = await run(noteCheck, shipped);
    equal(good.code, 0);
    equal(good.lines.length, 3);
    writeFileSync(
      join(folder.path, "old.json"),
      '{"name": "n", "info": null, "paragraphs": [{"text": "%dep\\nz.reset()"}]}',
    );
    const bad = await run(noteCheck, "old.json");
    equal(bad.code, 1);
    match(bad.lines[0] ?? "", /^Zeppelin 0\.10 {2}refuses it$/);
    match(bad.lines[2] ?? "", /^Zeppelin 0\.12 {2}imports it, not all of it works$/);
    ok(
      bad.lines.includes("refused  note: info is null; leave the key out. (Zeppelin 0.10, 0.11) [null]"),
      bad.lines.join("\n"),
    );
  });
});

function isNoteError(text: RegExp) {
  return (error: unknown) =>
    error instanceof TidetableError && error.code === "NOTE_INVALID" && text.test(error.message);
}
