/** Notebooks in a real folder: what can be reached, what cannot, and what a save leaves on the disk. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contents } from "../../src/workbench/contents.js";
import { ContentsError } from "../../src/workbench/contents-path.js";

const empty = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };

describe("notebooks of the workbench", () => {
  let outside: string;
  let root: string;
  let contents: Contents;

  beforeEach(async () => {
    outside = await mkdtemp(join(tmpdir(), "tidetable-contents-"));
    root = join(outside, "root");
    await mkdir(join(root, "deep"), { recursive: true });
    await mkdir(join(outside, "root-sibling"));
    for (const file of [
      "secret.ipynb",
      "root/a.ipynb",
      "root/deep/b.ipynb",
      "root-sibling/c.ipynb",
      "root/.hidden.ipynb",
    ]) {
      await writeFile(join(outside, file), JSON.stringify(empty));
    }
    await writeFile(join(root, "notes.txt"), "text");
    contents = await Contents.open(root, join(outside, "checkpoints"));
  });
  afterEach(() => rm(outside, { recursive: true, force: true }));

  it("reads notebooks below the root, with a hash that follows the file", async () => {
    const before = await contents.read("deep/b.ipynb");
    deepEqual([before.path, before.name, before.content.cells], ["deep/b.ipynb", "b.ipynb", []]);
    await contents.write("deep/b.ipynb", {
      ...empty,
      cells: [{ cell_type: "markdown", metadata: {}, source: "hello" }],
    });
    const after = await contents.read("deep/b.ipynb");
    equal(after.sha256 === before.sha256, false);
    equal((await contents.read("deep/b.ipynb")).sha256, after.sha256);
  });

  const unreachable: readonly string[] = [
    "../secret.ipynb",
    "deep/../../secret.ipynb",
    "..\\secret.ipynb",
    "../root-sibling/c.ipynb",
    "/etc/a.ipynb",
    "//a.ipynb",
    "./a.ipynb",
    "deep//b.ipynb",
    ".hidden.ipynb",
    "a.ipynb/",
    "a\u0000.ipynb",
    "C:a.ipynb",
    "missing.ipynb",
    "deep",
    "notes.txt",
    "",
    `${"x".repeat(300)}.ipynb`,
  ];
  for (const path of unreachable) {
    it(`refuses ${JSON.stringify(path.slice(0, 40))}, for reading and writing`, async () => {
      await rejects(contents.read(path), ContentsError);
      await rejects(contents.write(path, empty), ContentsError);
    });
  }

  it("follows links that stay inside, and refuses those that lead out", async () => {
    await symlink(join(root, "deep/b.ipynb"), join(root, "inside.ipynb"));
    await symlink(join(outside, "secret.ipynb"), join(root, "outside.ipynb"));
    await symlink(outside, join(root, "folder"));
    await symlink(join(root, "loop.ipynb"), join(root, "loop.ipynb"));
    equal((await contents.read("inside.ipynb")).name, "inside.ipynb");
    for (const path of ["outside.ipynb", "folder/secret.ipynb", "loop.ipynb"]) {
      await rejects(contents.read(path), ContentsError, path);
      await rejects(contents.write(path, empty), ContentsError, path);
    }
    deepEqual(JSON.parse(await readFile(join(outside, "secret.ipynb"), "utf8")), empty);
  });

  it("lists notebooks and folders, nothing hidden and nothing else", async () => {
    const listed = (await contents.list("")).map(({ path, kind }) => `${kind} ${path}`);
    deepEqual(listed, ["notebook a.ipynb", "folder deep"]);
    deepEqual(
      (await contents.list("deep")).map(({ path }) => path),
      ["deep/b.ipynb"],
    );
  });

  it("replaces the file in one step, keeps its mode and leaves nothing beside it", async () => {
    await chmod(join(root, "a.ipynb"), 0o640);
    await contents.write("a.ipynb", empty);
    equal((await stat(join(root, "a.ipynb"))).mode & 0o777, 0o640);
    deepEqual((await readdir(root)).sort(), [".hidden.ipynb", "a.ipynb", "deep", "notes.txt"]);
  });

  it("refuses to save or open what is not a notebook, and says why", async () => {
    const saved = await readFile(join(root, "a.ipynb"), "utf8");
    for (const bad of [null, [], {}, { ...empty, nbformat: 3 }, { ...empty, cells: [{}] }]) {
      await rejects(contents.write("a.ipynb", bad), /was not saved: /);
    }
    equal(await readFile(join(root, "a.ipynb"), "utf8"), saved);
    await writeFile(join(root, "bad.ipynb"), "{");
    await rejects(contents.read("bad.ipynb"), /bad\.ipynb is not JSON/);
  });

  it("keeps the state in which a notebook was opened and brings it back", async () => {
    deepEqual(await contents.checkpoints("a.ipynb"), []);
    const { id } = await contents.checkpoint("a.ipynb");
    await contents.write("a.ipynb", { ...empty, metadata: { changed: true } });
    await contents.restore("a.ipynb", id);
    deepEqual((await contents.read("a.ipynb")).content.metadata, {});
    await rejects(contents.restore("a.ipynb", "../../secret"), ContentsError);
  });
});
