import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { installKernelSpec, kernelSpecFile, uninstallKernelSpec } from "../../kernel/install.js";

describe("kernelspec", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-install-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });
  const prefix = () => ({ kind: "prefix", directory }) as const;

  it("names absolute paths, interrupts by message, and the protocol's version", () => {
    const spec = kernelSpecFile("/somewhere/dist/kernel.js");
    deepEqual(
      { ...spec, argv: (spec.argv as string[]).slice(1) },
      {
        argv: ["--no-force-async-hooks-checks", "/somewhere/dist/kernel.js", "--connection-file", "{connection_file}"],
        display_name: "Tidetable (TypeScript)",
        language: "typescript",
        interrupt_mode: "message",
        kernel_protocol_version: "5.5",
        metadata: { debugger: false, supported_encryption: ["curve"] },
      },
    );
    equal(isAbsolute((spec.argv as string[])[0] ?? ""), true);
  });

  it("goes to a prefix with its logos, and away again", async () => {
    const target = { location: prefix(), name: "tides", environment: {} };
    const installed = await installKernelSpec(target);
    deepEqual(installed, { name: "tides", directory: join(directory, "share/jupyter/kernels/tides") });
    const spec = JSON.parse(await readFile(join(installed.directory, "kernel.json"), "utf8"));
    equal(existsSync(spec.argv[2]), true);
    for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]) {
      equal(existsSync(join(installed.directory, logo)), true, logo);
    }
    equal((await uninstallKernelSpec(target)).existed, true);
    equal(existsSync(installed.directory), false);
    equal((await uninstallKernelSpec(target)).existed, false);
  });

  const homes: ReadonlyArray<[string, (d: string) => Record<string, string>, string]> = [
    ["JUPYTER_DATA_DIR", (d) => ({ JUPYTER_DATA_DIR: join(d, "data") }), "data/kernels/tidetable"],
    ["XDG_DATA_HOME", (d) => ({ XDG_DATA_HOME: join(d, "xdg") }), "xdg/jupyter/kernels/tidetable"],
  ];
  for (const [variable, environment, expected] of homes) {
    it(`for the user honours ${variable}`, async function () {
      if (variable === "XDG_DATA_HOME" && process.platform !== "linux") return this.skip();
      const target = { location: { kind: "user" }, name: "tidetable", environment: environment(directory) } as const;
      equal((await installKernelSpec(target)).directory, join(directory, expected));
    });
  }

  it("goes into the Python environment on the path", async function () {
    const python = spawnSync("python3", ["-c", "import venv, sys; venv.create(sys.argv[1])", directory], {
      timeout: 60_000,
    });
    if (python.status !== 0) return this.skip();
    this.timeout(60_000);
    const environment = { PATH: `${join(directory, "bin")}:${process.env.PATH}` };
    const target = { location: { kind: "sys-prefix" }, name: "tidetable", environment } as const;
    equal((await installKernelSpec(target)).directory, join(directory, "share/jupyter/kernels/tidetable"));
  });

  it("says what to do without Python", async () => {
    const target = { location: { kind: "sys-prefix" }, name: "tidetable", environment: { PATH: directory } } as const;
    await rejects(installKernelSpec(target), {
      message: /python3? did not say .* Use --user or --prefix DIR instead\./s,
    });
  });

  it("refuses a name that is no folder name", async () => {
    await rejects(installKernelSpec({ location: prefix(), name: "../x", environment: {} }), {
      message: /"\.\.\/x" is no name for a kernel/,
    });
  });

  it("leaves another kernel's spec alone", async () => {
    const other = join(directory, "share/jupyter/kernels/python3");
    await mkdir(other, { recursive: true });
    await writeFile(join(other, "kernel.json"), '{"argv":["python"]}');
    await rejects(uninstallKernelSpec({ location: prefix(), name: "python3", environment: {} }), (error: Error) => {
      match(error.message, /is the kernelspec of another kernel; it was left as it is/);
      return true;
    });
    equal(existsSync(join(other, "kernel.json")), true);
  });
});
