/** The user's copies of the notebooks that are shipped. */
import { deepEqual, equal } from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workingCopies } from "../../src/cli/working-copy.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

describe("working copies of the tutorial", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder("working-copy");
    mkdirSync(join(folder.path, "shipped"));
    for (const name of ["a.ipynb", "b.ipynb", "notes.txt"]) writeFileSync(join(folder.path, "shipped", name), name);
  });
  afterEach(() => folder.remove());

  it("copies notebooks, once, and leaves what the user has made of them", async () => {
    const copies = () => workingCopies(join(folder.path, "shipped"), join(folder.path, "data"));
    const directory = await copies();
    deepEqual(readdirSync(directory).sort(), ["a.ipynb", "b.ipynb"]);
    writeFileSync(join(directory, "a.ipynb"), "mine");
    rmSync(join(directory, "b.ipynb"));
    equal(await copies(), directory);
    equal(readFileSync(join(directory, "a.ipynb"), "utf8"), "mine");
    equal(readFileSync(join(directory, "b.ipynb"), "utf8"), "b.ipynb");
  });
});
