/** Stopping a cell: whatever it does, it ends, the notebook's state stays, the next cell runs. */
import { deepEqual, equal } from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KernelClient, shapes, startKernel, textOf } from "../support/jupyter-client.js";

describe("interrupt", function () {
  this.timeout(90_000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
    // Code that is not compiled by the kernel: its loops do not look whether they are to stop.
    await writeFile(join(kernel.directory, "spin.cjs"), "exports.forever = () => { for (;;) {} };");
    await kernel.execute(
      'let kept = 42; let rounds = 0; const { forever } = require("./spin" + ".cjs"); const say = () => console.log("running"); ' +
        "const sleep = (ms: number) => new Promise<void>((r) => setTimeout(r, ms)); function* endless() { while (true) yield 1 }",
    );
  });
  const toBeRunning = (parentId: string) =>
    kernel.until("the cell to run", () =>
      kernel.of(parentId).some(({ type }) => type === "stream" || type === "error"),
    );
  after(async () => {
    await kernel.shutdown();
  });

  // Each says "running" where it cannot end by itself any more.
  const cells: ReadonlyArray<[string, string]> = [
    ["a loop", "say(); while (true) {}"],
    ["a loop without braces", "say(); for (;;) rounds++"],
    ["an await", "say(); await new Promise(() => {})"],
    ["a loop after an await", "await null; say(); do { rounds++ } while (true)"],
    ["a generator's loop after a timer", "await sleep(1); say(); for (const x of endless()) rounds += x"],
    ["a loop of awaits that never leaves the microtasks", "say(); for (;;) await null"],
    ["a loop of timers", "say(); for (;;) { await sleep(1); rounds++ }"],
    ["a loop inside a timer", "setTimeout(() => { say(); while (true) {} }, 1); await new Promise(() => {})"],
    ["a package's loop", "say(); forever()"],
    ["a package's loop after an await", "await null; say(); forever()"],
    ["a package's loop in a timer", "setTimeout(() => { say(); forever() }, 1); await new Promise(() => {})"],
  ];
  for (const [name, code] of cells) {
    for (const channel of ["control", "shell"] as const) {
      it(`ends ${name} (asked on ${channel})`, async () => {
        const { parentId, done } = kernel.startExecute(code);
        await toBeRunning(parentId);
        equal((await kernel.interrupt(channel)).content.status, "ok");
        const { reply, iopub } = await done;
        deepEqual([reply.content.status, reply.content.ename], ["error", "Interrupted"]);
        equal(shapes(iopub).at(-1), "status idle");
        const next = await kernel.execute('await sleep(1); console.log("timers run"); kept');
        deepEqual([textOf(next.outputs), next.outputs.at(-1)?.data], ["timers run\n", { "text/plain": "42" }]);
      });
    }
  }

  it("ends a SQL statement, and says so in the same words as of any other cell", async () => {
    const { parentId, done } = kernel.startExecute(
      "%%sql\nSELECT count(*) AS n FROM range(100000000000) a, range(100000) b",
    );
    // A statement that takes its time shows its progress: from then on it runs.
    await kernel.until("the statement to run", () => kernel.of(parentId).some(({ type }) => type === "display_data"));
    await kernel.interrupt();
    const { reply } = await done;
    deepEqual(
      [reply.content.ename, reply.content.evalue],
      ["Interrupted", "The cell was interrupted. What it had done by then is kept."],
    );
  });

  it("ends what goes on behind an await, and leaves the cell's functions usable", async () => {
    const { parentId, done } = kernel.startExecute(
      "let steps = 0; async function step(times: number) { for (let i = 0; i < times; i++) { await sleep(1); steps++ } } " +
        "say(); await step(Infinity); steps = -1",
    );
    await toBeRunning(parentId);
    await kernel.interrupt();
    await done;
    const { outputs } = await kernel.execute("const then = steps; await sleep(50); const later = steps; later - then");
    deepEqual(outputs.at(-1)?.data, { "text/plain": "0" });
    const again = await kernel.execute("steps = 0; await step(3); steps");
    deepEqual(again.outputs.at(-1)?.data, { "text/plain": "3" });
  });

  it("lets finally blocks run and aborts what listens to the cell's signal", async () => {
    const { parentId, done } = kernel.startExecute(
      'let cleaned = false; console.log("running"); await null; try { while (true) {} } finally { cleaned = true }',
    );
    await toBeRunning(parentId);
    await kernel.interrupt();
    await done;
    deepEqual((await kernel.execute("cleaned")).outputs[0]?.data, { "text/plain": "true" });
  });

  it("drops the cells that wait behind it", async () => {
    const running = kernel.startExecute('console.log("running"); while (true) {}');
    const waiting = kernel.startExecute("rounds = -1");
    await toBeRunning(running.parentId);
    await kernel.interrupt();
    equal((await running.done).reply.content.ename, "Interrupted");
    equal((await waiting.done).reply.content.ename, "Aborted");
  });

  it("is harmless when nothing runs, by message and by signal", async () => {
    await kernel.interrupt("control");
    await kernel.interrupt("shell");
    process.kill(kernel.processId, "SIGINT");
    const { outputs } = await kernel.execute("kept");
    deepEqual(outputs[0]?.data, { "text/plain": "42" });
  });

  it("by a signal from outside works too", async () => {
    for (const code of ["while (true) {}", "await new Promise(() => {})"]) {
      const { parentId, done } = kernel.startExecute(`console.log("running"); ${code}`);
      await toBeRunning(parentId);
      // A client may have to send it again: within a second of an interrupt by message a signal counts as its echo.
      const again = setInterval(() => process.kill(kernel.processId, "SIGINT"), 300);
      try {
        equal((await done).reply.content.ename, "Interrupted");
      } finally {
        clearInterval(again);
      }
    }
    equal((await kernel.execute("kept")).reply.content.status, "ok");
  });
});
