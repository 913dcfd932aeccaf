/** The kernel as a process: how it starts, ends, and refuses to be left behind. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dealer } from "zeromq";
import { type KernelClient, kernelCommand, shapes, startKernel } from "../support/jupyter-client.js";

describe("kernel process", function () {
  this.timeout(90_000);
  const started: KernelClient[] = [];
  const start: typeof startKernel = async (options) => {
    const kernel = await startKernel(options);
    started.push(kernel);
    return kernel;
  };
  afterEach(async () => {
    for (const kernel of started.splice(0)) if (!kernel.exited) await kernel.kill();
  });

  it("shuts down when asked, with its reply first, on shell too", async () => {
    const kernel = await start();
    const reply = await kernel.shutdown();
    deepEqual([reply?.content, kernel.exitCode], [{ status: "ok", restart: false }, 0]);
    equal(kernel.log, "");
  });

  it("echoes restart, and a new process knows nothing of the old", async () => {
    const kernel = await start();
    await kernel.execute("let old = 1");
    const session = kernel.published.at(-1)?.session;
    await kernel.restart();
    equal((await kernel.execute("old")).reply.content.ename, "TypeScriptError");
    ok(kernel.published.at(-1)?.session !== session);
    await kernel.shutdown();
  });

  const busy: ReadonlyArray<[string, string]> = [
    ["loops", "while (true) {}"],
    ["awaits", "await new Promise(() => {})"],
    ["is stuck in native code", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"],
  ];
  for (const [name, code] of busy) {
    it(`ends while a cell ${name}`, async () => {
      const kernel = await start();
      const { parentId, done } = kernel.startExecute(`console.log("running"); ${code}`);
      done.catch(() => {});
      await kernel.until("the cell to run", () => kernel.of(parentId).some(({ type }) => type === "stream"));
      const reply = await kernel.shutdown({ restart: true });
      deepEqual(reply?.content, { status: "ok", restart: true });
    });
  }

  it("ends on SIGTERM", async () => {
    const kernel = await start();
    process.kill(kernel.processId, "SIGTERM");
    await kernel.until("the process to end", () => kernel.exited);
    equal(kernel.exitCode, 0);
    await kernel.shutdown();
  });

  it("does not outlive the process that launched it, even while a cell loops", async () => {
    const launcher = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    try {
      const kernel = await start({ environment: { JPY_PARENT_PID: String(launcher.pid) } });
      const { parentId, done } = kernel.startExecute('console.log("running"); while (true) {}');
      done.catch(() => {});
      await kernel.until("the cell to run", () => kernel.of(parentId).some(({ type }) => type === "stream"));
      launcher.kill("SIGKILL");
      await kernel.until("the process to end", () => kernel.exited);
      await kernel.shutdown();
    } finally {
      launcher.kill("SIGKILL");
    }
  });

  it("speaks over ipc", async () => {
    if (process.platform === "win32") return;
    const kernel = await start({ transport: "ipc" });
    const { iopub } = await kernel.execute("1");
    deepEqual(shapes(iopub), ["status busy", "execute_input", "execute_result", "status idle"]);
    await kernel.shutdown();
  });

  it("speaks encrypted, to those who have the key only", async () => {
    const kernel = await start({ encrypted: true });
    const { outputs } = await kernel.execute("6 * 7");
    deepEqual(outputs[0]?.data, { "text/plain": "42" });
    ok((await kernel.heartbeatMs()) >= 0);
    const stranger = new Dealer({ linger: 0 });
    const refused = new Promise<string>((resolve) => {
      for (const event of ["handshake:error:protocol", "handshake:error:other", "disconnect"] as const) {
        stranger.events.on(event, () => resolve(event));
      }
      stranger.events.on("handshake", () => resolve("accepted"));
    });
    stranger.connect(kernel.endpoints.shell);
    notEqual(await refused, "accepted");
    stranger.close();
    await kernel.shutdown();
  });

  it("welcomes each subscriber and says starting once", async () => {
    const kernel = await start();
    await kernel.execute("1");
    equal(kernel.published.filter(({ type }) => type === "iopub_welcome").length, 1);
    ok(kernel.published.filter(({ content }) => content.execution_state === "starting").length <= 1);
    await kernel.shutdown();
  });

  describe("says at once what is wrong with its start", () => {
    let directory: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "tidetable-start-"));
    });
    after(async () => {
      await rm(directory, { recursive: true, force: true });
    });
    const startWith = async (content: string | undefined) => {
      const file = join(directory, "connection.json");
      if (content !== undefined) await writeFile(file, content);
      const [command = "", ...rest] = kernelCommand();
      const flags = content === undefined ? [] : ["--connection-file", file];
      return spawnSync(command, [...rest, ...flags], { encoding: "utf8", timeout: 30_000 });
    };
    const rows: ReadonlyArray<[string, string | undefined, RegExp]> = [
      [
        "no connection file",
        undefined,
        /^tidetable: A Jupyter client starts this kernel: --connection-file FILE is missing\.\n$/,
      ],
      ["no JSON", "{", /^tidetable: The connection file .* cannot be used: /],
      ["no port", "{}", /shell_port undefined; a port is 1 to 65535/],
    ];
    for (const [name, content, message] of rows) {
      it(name, async () => {
        const { status, stderr } = await startWith(content);
        match(stderr, message);
        equal(status, 1);
      });
    }
  });
});
