/** A frozen program does nothing more once `freezeProcess` has resolved: none of its threads runs. */
import { equal, rejects } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endOrKill } from "../../scripts/components/process-end.js";
import { freezeProcess } from "../../scripts/components/process-freeze.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

/** Six threads that write without a pause. */
const busyProgram = `
  const { Worker } = require("node:worker_threads");
  const path = JSON.stringify(process.argv[1]);
  const write = "const fs = require('node:fs'); const file = fs.openSync(" + path + ", 'a'); for (;;) fs.writeSync(file, '.');";
  for (let thread = 0; thread < 6; thread += 1) new Worker(write, { eval: true });`;

describe("freezeProcess", function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let program: ChildProcess | undefined;

  beforeEach(() => {
    folder = temporaryFolder("freeze");
  });
  afterEach(async () => {
    program?.kill("SIGCONT");
    if (program !== undefined) await endOrKill(program, 5_000);
    folder.remove();
  });

  it("resolves when no thread of a busy program runs any more", async () => {
    const path = join(folder.path, "written");
    program = spawn(process.execPath, ["-e", busyProgram, path], { stdio: "ignore" });
    const bytes = () => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    for (let round = 0; round < 50; round += 1) {
      const before = bytes();
      await until("the program to write", () => bytes() > before);
      await freezeProcess(program.pid);
      const frozen = bytes();
      await delay(20);
      equal(bytes(), frozen, `round ${round}`);
      program.kill("SIGCONT");
    }
  });

  it("says that there is nothing to freeze", async () => {
    await rejects(freezeProcess(undefined), { code: "COMPONENT_MISSING", message: /does not run/ });
  });
});
