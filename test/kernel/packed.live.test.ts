/** The package as npm would publish it, installed in a project of somebody else's, where npm hoists what it depends on. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startKernel } from "../support/jupyter-client.js";
import { until } from "../support/until.js";
import { openChannels } from "../workbench/channels-fixture.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const TIMEOUT_MS = 240_000;

describe("the packed package", function () {
  this.timeout(TIMEOUT_MS);
  let directory: string;
  const run = async (program: string, parameters: readonly string[]) => {
    const options = { cwd: directory, timeout: TIMEOUT_MS, maxBuffer: 16 * 2 ** 20 };
    return (await promisify(execFile)(program, [...parameters], options)).stdout;
  };

  before(async function () {
    if (!existsSync(join(root, "dist/kernel.js"))) this.skip();
    directory = await mkdtemp(join(tmpdir(), "tidetable-packed-"));
    await writeFile(join(directory, "package.json"), '{ "name": "somebody-elses", "private": true }');
    await run("npm", ["pack", root, "--ignore-scripts", "--silent", "--pack-destination", directory]);
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const archive = `./tidetable-${version}.tgz`;
    await run("npm", ["install", archive, "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]);
  });
  after(async () => {
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  it("installs its kernel, which runs cells with all types", async () => {
    const bin = join(directory, "node_modules/tidetable/scripts/tidetable.mjs");
    await run(process.execPath, [bin, "kernel", "install", "--prefix", join(directory, "prefix")]);
    const specFolder = join(directory, "prefix/share/jupyter/kernels/tidetable");
    const spec = JSON.parse(await readFile(join(specFolder, "kernel.json"), "utf8"));
    equal(existsSync(join(specFolder, "logo-64x64.png")), true);
    equal(existsSync(join(directory, "node_modules/tidetable/kernel/papermill/pyproject.toml")), true);

    const notebooks = join(directory, "notebooks");
    await mkdir(notebooks);
    const kernel = await startKernel({ directory: notebooks, command: spec.argv.slice(0, -2) });
    try {
      const cells = [
        'console.log(process.argv.length > 0); import { sql } from "tidetable"; const rows = await sql`SELECT 42 AS answer`; [...rows].length',
        'const wrong: number = "text"',
        'import { display } from "tslab"; display.text("shown")',
      ];
      const shown: unknown[] = [];
      for (const cell of cells) {
        const { reply, outputs } = await kernel.execute(cell, { deadlineMs: 120_000 });
        shown.push([reply.content.ename, ...outputs.map((output) => output.text ?? output.data?.["text/plain"])]);
      }
      deepEqual(shown, [
        [undefined, "true\n", "1"],
        ["TypeScriptError", undefined],
        [undefined, "shown"],
      ]);
    } finally {
      await kernel.shutdown();
    }
  });

  it("has at most 120 MB, with all that it depends on", async function () {
    // The database has another size on each system.
    if (process.platform !== "linux") this.skip();
    const entries = await readdir(join(directory, "node_modules"), { recursive: true, withFileTypes: true });
    const sizes = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).size),
    );
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20;
    ok(megabytes <= 120, `${megabytes.toFixed(1)} MB`);
    ok(existsSync(join(directory, "node_modules/tidetable/dist/THIRD-PARTY-LICENSES.txt")));
  });

  it("gives programs what it exports, and the engine every part of it", async () => {
    const program = `const { readdirSync } = await import("node:fs");
      const names = ["tidetable", "tidetable/spark"];
      const folder = "./node_modules/tidetable/dist/engine-parts/";
      const parts = readdirSync(folder).filter((name) => name.endsWith(".js"));
      for (const name of [...names, ...parts.map((part) => folder + part)]) await import(name);
      console.log(parts.length > 5 ? "all" : "few");
      process.exit(0)`;
    await writeFile(join(directory, "imports.mjs"), program);
    match(await run(process.execPath, ["imports.mjs"]), /all/);
  });

  it("runs the workbench, page included, by npx tidetable", async function () {
    if (!existsSync(join(root, "dist/web/manifest.json"))) this.skip();
    match(await run("npx", ["--no-install", "tidetable", "--help"]), /tidetable/);
    const child = spawn(join(directory, "node_modules/.bin/tidetable"), ["start", "--no-open"], {
      cwd: directory,
      env: { ...process.env, KAFKA_BROKERS: "", TIDETABLE_DATA: join(directory, "data") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    const ended = new Promise<number | null>((done) => child.once("close", done));
    try {
      const address = await until(
        "the address is printed",
        () => {
          if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
          return /Tidetable is at (http:\S+)/.exec(said)?.[1];
        },
        120_000,
      );
      const url = new URL(address);
      const door = { port: Number(url.port), token: url.searchParams.get("token") ?? "" };
      const headers = { authorization: `token ${door.token}`, "content-type": "application/json" };
      const page = await (await fetch(new URL("/", url), { headers })).text();
      const script = /src="(\/assets\/main-\w+\.js)"/.exec(page)?.[1] ?? "";
      equal((await fetch(new URL(script, url), { headers })).status, 200);
      const body = JSON.stringify({ path: "tweeter-analytics.ipynb", type: "notebook", name: "" });
      const session = await (await fetch(new URL("/api/sessions", url), { method: "POST", headers, body })).json();
      const channels = await openChannels(door, (session as { kernel: { id: string } }).kernel.id);
      deepEqual((await channels.execute("6 * 7")).includes("execute_result"), true);
      channels.close();
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  });
});
