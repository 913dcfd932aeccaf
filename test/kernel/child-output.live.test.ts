/** What child processes of a cell write: shown below that cell, whichever call started them. */
import { deepEqual, equal, match } from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KernelClient, type Message, startKernel, textOf } from "../support/jupyter-client.js";

describe("child processes of a cell", function () {
  this.timeout(60_000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await startKernel();
    await writeFile(join(kernel.directory, "speak.cjs"), "console.log('out'); console.error('err')");
    await kernel.execute(`
      import childProcess, { execFileSync, execSync, spawn, spawnSync } from "node:child_process";
      const node = process.execPath;
      const speak = ["-e", "console.log('out'); console.error('err')"];
      const ended = (child: childProcess.ChildProcess) => new Promise((done) => child.once("close", done));
    `);
  });
  after(async () => {
    await kernel.shutdown();
  });

  const rows: ReadonlyArray<[string, string, string, string]> = [
    ["spawn, inherit", 'await ended(spawn(node, speak, { stdio: "inherit" }))', "out\n", "err\n"],
    ["spawn, one stream", 'await ended(spawn(node, speak, { stdio: ["ignore", "ignore", "inherit"] }))', "", "err\n"],
    [
      "spawn, both to stdout",
      'await ended(spawn(node, speak, { stdio: ["ignore", 1, process.stdout] }))',
      "out\nerr\n",
      "",
    ],
    ["fork", 'await ended(childProcess.fork("./speak.cjs"))', "out\n", "err\n"],
    ["spawnSync", 'spawnSync(node, speak, { stdio: "inherit" })', "out\n", "err\n"],
    ["execFileSync", 'execFileSync(node, speak, { stdio: ["ignore", "inherit", "inherit"] })', "out\n", "err\n"],
    ["execSync", 'execSync("echo out && echo err >&2", { stdio: "inherit" })', "out\n", "err\n"],
    ["execSync, its stderr by default", 'execSync("echo out && echo err >&2")', "", "err\n"],
  ];
  for (const [name, code, stdout, stderr] of rows) {
    it(name, async () => {
      const { parentId } = await kernel.execute(`${code}; undefined`);
      // The end of a child may be heard before the last of what it wrote.
      const shown = (stream: string) => streamText(kernel.of(parentId), stream);
      const length = stdout.length + stderr.length;
      await kernel.until("what the child writes", () => shown("stdout").length + shown("stderr").length >= length);
      deepEqual([shown("stdout").split("\n").sort(), shown("stderr")], [stdout.split("\n").sort(), stderr]);
    });
  }

  it("one that fails says so, and its pipes stay the program's own", async () => {
    const failed = await kernel.execute('execSync("exit 3", { stdio: "inherit" })');
    match(failed.reply.content.evalue, /^Command failed: exit 3/);
    const piped = await kernel.execute("spawnSync(node, speak).stdout.toString()");
    deepEqual(piped.outputs[0]?.data, { "text/plain": "'out\\n'" });
    equal(textOf(piped.outputs), "");
  });
});

function streamText(messages: readonly Message[], name: string): string {
  return messages.map(({ type, content }) => (type === "stream" && content.name === name ? content.text : "")).join("");
}
