/** `tidetable kernel install`, into a folder of the test's own. */
import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { kernelInstall, kernelUninstall } from "../../src/cli/kernel-spec.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

describe("tidetable kernel install", () => {
  let folder: TemporaryFolder;
  const lines: string[] = [];
  const context = () => ({
    arguments: ["--prefix", folder.path],
    environment: {},
    workingDirectory: folder.path,
    signal: new AbortController().signal,
    print: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
  });

  before(() => {
    folder = temporaryFolder("kernel-install");
  });
  after(() => folder.remove());

  it("installs the kernel, and prints the two settings that Zeppelin needs", async () => {
    equal(await kernelInstall(context()), 0);
    equal(existsSync(join(folder.path, "share/jupyter/kernels/tidetable/kernel.json")), true);
    const said = lines.join("\n");
    match(said, /add tidetable:typescript to zeppelin\.interpreter\.jupyter\.kernels/);
    match(said, /export PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python into conf\/zeppelin-env\.sh/);
  });

  it("removes it again, and says so when there is none", async () => {
    lines.length = 0;
    deepEqual([await kernelUninstall(context()), await kernelUninstall(context())], [0, 0]);
    match(lines[0] ?? "", /^Removed /);
    match(lines[1] ?? "", /^There is no kernel "tidetable"/);
  });
});
