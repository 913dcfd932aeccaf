/** A run of tests that is ended by a signal leaves none of the servers that it started. */
import { ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { endOrKill, hasEnded } from "../../scripts/components/process-end.js";
import { isAlive } from "../support/process-alive.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

describe("a run of tests that is told to end", function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let run: ChildProcess | undefined;

  beforeEach(() => {
    folder = temporaryFolder("test-run");
  });
  afterEach(async () => {
    if (run !== undefined) await endOrKill(run, 5_000);
    folder.remove();
  });

  const suite = "test/scripts/hanging-suite.ts";
  for (const [what, count, signal, program] of [
    ["npm test", 1, "SIGTERM", ["scripts/test.mjs", "--unit", suite]],
    ["npm test, interrupted", 1, "SIGINT", ["scripts/test.mjs", "--unit", suite]],
    [
      "npm test, several files at a time",
      2,
      "SIGTERM",
      ["scripts/test.mjs", "--unit", "--jobs", "2", suite, "test/scripts/hanging-suite-beside.ts"],
    ],
    ["mocha alone, as a terminal ends it", 1, "SIGHUP", ["node_modules/mocha/bin/mocha.js", suite]],
  ] as const) {
    it(`stops its servers: ${what}`, async () => {
      run = spawn(process.execPath, program, {
        stdio: "ignore",
        detached: true,
        env: { ...process.env, TIDETABLE_HANGING_SUITE: folder.path },
      });
      const started = run;
      const servers = () => readdirSync(folder.path).map(Number);
      await until("its servers are there", () => servers().length === count, 30_000);
      const pids = servers();
      if (program[0].endsWith("mocha.js")) process.kill(-(started.pid ?? 0), signal);
      else started.kill(signal);
      await until("it has ended", () => hasEnded(started), 15_000);
      ok(started.exitCode !== 0);
      await until("its servers have, too", () => pids.every((pid) => !isAlive(pid)), 10_000);
    });
  }
});
