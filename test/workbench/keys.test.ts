/** The secrets that outlive a workbench: kept as they are, or made anew where the file cannot be relied upon. */
import { deepEqual, equal, match, notDeepEqual } from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeys, saveKeys } from "../../src/workbench/keys.js";

describe("the workbench's keys", () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-keys-"));
    file = join(directory, "data", "workbench-1.json");
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("are 256 random bits each, the same after a restart, and in a file for their user alone", async () => {
    const keys = await openKeys(file);
    match(keys.session, /^[\w-]{43}$/);
    match(keys.view, /^[\w-]{43}$/);
    deepEqual(await openKeys(file), keys);
    equal((await stat(file)).mode & 0o777, 0o600);
    deepEqual(await readdir(join(directory, "data")), ["workbench-1.json"]);
  });

  it("are made anew when others may read the file, when it is old, a link, or no file of ours", async () => {
    const keys = await openKeys(file);
    const anew = async (what: string, change: () => Promise<unknown>) => {
      await saveKeys(file, keys);
      await change();
      notDeepEqual(await openKeys(file), keys, what);
    };
    await anew("readable by the group", () => chmod(file, 0o640));
    await anew("readable by all", () => chmod(file, 0o604));
    await anew("31 days old", () => saveKeys(file, keys, Date.now() - 31 * 86_400_000));
    await anew("of the future", () => saveKeys(file, keys, Date.now() + 86_400_000));
    for (const text of ["", "{", "null", "[]", '{"session":"short","view":"short","madeAtMs":1}', "x".repeat(10_000)]) {
      await anew(text.slice(0, 20), () => writeFile(file, text));
    }
    const elsewhere = join(directory, "elsewhere.json");
    await saveKeys(elsewhere, keys);
    await rm(file, { force: true });
    await symlink(elsewhere, file);
    notDeepEqual(await openKeys(file), keys, "a link");
    equal((await stat(file)).isFile(), true);
  });

  it("fail where the folder cannot be written, with the system's reason", async () => {
    await mkdir(join(directory, "data"));
    await mkdir(file);
    let failure: unknown;
    await openKeys(file).catch((error: unknown) => {
      failure = error;
    });
    match(String(failure), /EISDIR|ENOTEMPTY|EEXIST|EPERM/);
  });
});
