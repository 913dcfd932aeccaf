/** Not a test of its own: what test-run-signal.live.test.ts runs and ends. Its server is a process in a group of its own. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

describe("a suite that does not end", () => {
  it("waits", async function () {
    this.timeout(60_000);
    const server = spawn(process.execPath, ["-e", "setTimeout(() => {}, 120_000)"], {
      detached: true,
      stdio: "ignore",
    });
    process.once("exit", () => server.kill("SIGKILL"));
    writeFileSync(`${process.env.TIDETABLE_HANGING_SUITE}/${server.pid}`, "");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
});
