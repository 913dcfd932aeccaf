/** W13: paths that lead out of the folder, or name nothing in it, at each verb of the contents; what is outside stays as it is. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contents } from "../../../src/workbench/contents.js";
import { ContentsError } from "../../../src/workbench/contents-path.js";

const empty = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };

const climbs = [
  "..",
  "../..",
  "deep/../..",
  "deep/../../outside",
  "%2e%2e",
  "..%2f",
  "..\\",
  "....//",
  "..;",
  "\u2025",
  "．．",
];
const roots = ["/", "//", "/etc", "C:", "C:\\", "\\\\server\\share", "file://", "~", "$HOME", "/proc/self/cwd"];
const oddParts = [
  ...[
    "",
    ".",
    "...",
    ".hidden",
    ".tidetable-trash",
    " ..",
    ".. ",
    "a\u0000",
    "\u0000",
    "a\nb",
    "a\u001b[2J",
    "a\u007f",
  ],
  ...["con:", "a:b", "a\\b", "folder-link", "x".repeat(256), "deep/", "deep//", "./deep", "deep/."],
];
const names = [
  "secret.ipynb",
  "a.ipynb",
  "secret.ipynb/",
  "secret",
  "secret.ipynb\u0000.ipynb",
  ".secret.ipynb",
  "secret.txt",
  "passwd",
];

const paths = [
  ...new Set(
    [...climbs, ...roots, ...oddParts].flatMap((part) =>
      names.flatMap((name) => [`${part}/${name}`, `deep/${part}/${name}`]),
    ),
  ),
  ...["link.ipynb", "loop.ipynb", "folder-link/secret.ipynb", "deep", "", "."],
];

describe("W13: paths", () => {
  let home: string;
  let contents: Contents;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "tidetable-paths-"));
    await mkdir(join(home, "root/deep"), { recursive: true });
    await mkdir(join(home, "outside"));
    for (const file of ["secret.ipynb", "outside/secret.ipynb", "root/deep/inner.ipynb"]) {
      await writeFile(join(home, file), JSON.stringify(empty));
    }
    await symlink(join(home, "secret.ipynb"), join(home, "root/link.ipynb"));
    await symlink(join(home, "outside"), join(home, "root/folder-link"));
    await symlink(join(home, "root/loop.ipynb"), join(home, "root/loop.ipynb"));
    contents = await Contents.open(join(home, "root"), join(home, "checkpoints"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const verbs: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    read: (path) => contents.read(path),
    write: (path) => contents.write(path, { ...empty, metadata: { written: true } }),
    duplicate: (path) => contents.duplicate(path),
    discard: (path) => contents.discard(path),
    "rename from": (path) => contents.rename(path, "deep/moved.ipynb"),
    checkpoint: (path) => contents.checkpoint(path),
  };

  it(`are refused in words: ${paths.length * Object.keys(verbs).length} cases, ${paths.length} paths at each of ${Object.keys(verbs).length} verbs`, async () => {
    let refused = 0;
    for (const path of paths) {
      for (const [verb, act] of Object.entries(verbs)) {
        const outcome = await act(path).then(
          () => "done",
          (error: unknown) => error,
        );
        ok(outcome instanceof ContentsError, `${verb} ${JSON.stringify(path)}: ${String(outcome)}`);
        refused++;
      }
    }
    equal(refused, paths.length * Object.keys(verbs).length);
    deepEqual((await readdir(home)).sort(), ["checkpoints", "outside", "root", "secret.ipynb"]);
    deepEqual((await readdir(join(home, "root"))).sort(), ["deep", "folder-link", "link.ipynb", "loop.ipynb"]);
    deepEqual(await readdir(join(home, "root/deep")), ["inner.ipynb"]);
    for (const file of ["secret.ipynb", "outside/secret.ipynb"]) {
      equal(await readFile(join(home, file), "utf8"), JSON.stringify(empty));
    }
  });
});
