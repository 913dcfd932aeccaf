/** W13: paths that lead out of the folder, or name nothing in it, at each verb of the contents; what is outside stays as it is. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
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

describe("W13: paths", function () {
  this.timeout(60_000);
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

  it("that are links lead nowhere outside: 12 cases", async () => {
    const [root, outside] = [join(home, "root"), join(home, "outside")];
    const links: ReadonlyArray<readonly [name: string, target: string, path: string]> = [
      ["absolute.ipynb", join(outside, "secret.ipynb"), "absolute.ipynb"],
      ["relative.ipynb", "../outside/secret.ipynb", "relative.ipynb"],
      ["twice.ipynb", "absolute.ipynb", "twice.ipynb"],
      ["up", "..", "up/secret.ipynb"],
      ["upup", "up", "upup/outside/secret.ipynb"],
      ["system", "/", "system/etc/hostname.ipynb"],
      ["own", "/proc/self/cwd", "own/package.ipynb"],
      ["root-copy", root, "root-copy/../../outside/secret.ipynb"],
      ["deep/out", "../../outside", "deep/out/secret.ipynb"],
      ["missing.ipynb", "../outside/new.ipynb", "missing.ipynb"],
      ["round", "round", "round/secret.ipynb"],
      ["sibling", `${outside}/../outside`, "sibling/secret.ipynb"],
    ];
    equal(links.length, 12);
    for (const [name, target, path] of links) {
      await symlink(target, join(root, name));
      const { "rename from": _, ...acts } = verbs;
      for (const [verb, act] of Object.entries({ ...acts, create: (to: string) => contents.create(to, empty) })) {
        const outcome = await act(path).then(
          () => "done",
          (error: unknown) => error,
        );
        ok(outcome instanceof ContentsError, `${verb} ${path} over ${target}: ${String(outcome)}`);
      }
      await rm(join(root, name));
    }
    deepEqual(await readdir(outside), ["secret.ipynb"]);
    equal(await readFile(join(outside, "secret.ipynb"), "utf8"), JSON.stringify(empty));
  });

  it("that turn into links between one look and the next lead nowhere either: 1,000 swaps", async () => {
    const [root, secret] = [join(home, "root"), join(home, "outside/secret.ipynb")];
    const secretNotebook = { ...empty, metadata: { secret: true } };
    await writeFile(secret, JSON.stringify(secretNotebook));
    const [link, own] = [join(home, "swap-link"), join(home, "swap-own")];
    let swaps = 0;
    let isSwapping = true;
    const swapping = (async () => {
      while (swaps < 1000) {
        await symlink(secret, link);
        await rename(link, join(root, "swapped.ipynb"));
        await writeFile(own, JSON.stringify(empty));
        await rename(own, join(root, "swapped.ipynb"));
        swaps++;
      }
    })().finally(() => {
      isSwapping = false;
    });
    let reads = 0;
    while (isSwapping) {
      const answers = await Promise.all([
        contents.read("swapped.ipynb").catch(() => undefined),
        contents.write("swapped.ipynb", { ...empty, metadata: { written: true } }).catch(() => undefined),
      ]);
      for (const answer of answers) {
        if (answer === undefined) continue;
        reads++;
        equal("secret" in answer.content.metadata, false);
      }
    }
    await swapping;
    equal(swaps, 1000);
    ok(reads > 0);
    equal(await readFile(secret, "utf8"), JSON.stringify(secretNotebook));
    await rm(join(root, "swapped.ipynb"));
  });

  it("whose folder turns into a link between one look and the next lead nowhere: 1,000 swaps", async function () {
    // Other systems have no name for an open folder; docs/security.md says so.
    if (process.platform !== "linux") this.skip();
    const [root, outside] = [join(home, "root"), join(home, "outside")];
    const secretNotebook = { ...empty, metadata: { secret: true } };
    await writeFile(join(outside, "secret.ipynb"), JSON.stringify(secretNotebook));
    await mkdir(join(root, "shelf"));
    await writeFile(join(root, "shelf/secret.ipynb"), JSON.stringify(empty));
    let swaps = 0;
    let rounds = 0;
    let isOver = false;
    let isSwapping = true;
    const swapping = (async () => {
      while (swaps < 1000) {
        await rename(join(root, "shelf"), join(home, "shelf-aside"));
        await symlink(outside, join(root, "shelf"));
        await rm(join(root, "shelf"));
        await rename(join(home, "shelf-aside"), join(root, "shelf"));
        swaps++;
        // Now and then the folder stays where it is for a whole round, so that something is done in it.
        const until = swaps % 50 === 0 ? rounds + 2 : rounds;
        while (rounds < until && !isOver) await nextTurn();
      }
    })().finally(() => {
      isSwapping = false;
    });
    let done = 0;
    const attacked = [
      () => contents.read("shelf/secret.ipynb"),
      () => contents.write("shelf/secret.ipynb", { ...empty, metadata: { written: true } }),
      () => contents.create(`shelf/new-${swaps}-${done}.ipynb`, empty),
      () => contents.duplicate("shelf/secret.ipynb"),
      () => contents.rename("deep/inner.ipynb", "shelf/inner.ipynb"),
      () => contents.rename("shelf/inner.ipynb", "deep/inner.ipynb"),
    ];
    try {
      while (isSwapping) {
        for (const answer of await Promise.all(attacked.map((attack) => attack().catch(() => undefined)))) {
          if (answer === undefined) continue;
          done++;
          equal("secret" in answer.content.metadata, false);
        }
        const listed = await contents.list("shelf").catch(() => []);
        ok(!listed.some(({ name }) => name === "only-outside.ipynb"));
        rounds++;
      }
    } finally {
      isOver = true;
      await swapping;
    }
    equal(swaps, 1000);
    ok(done > 0);
    deepEqual(await readdir(outside), ["secret.ipynb"]);
    equal(await readFile(join(outside, "secret.ipynb"), "utf8"), JSON.stringify(secretNotebook));
    await rm(join(root, "shelf"), { recursive: true });
  });
});
