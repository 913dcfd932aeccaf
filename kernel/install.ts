/**
 * Makes the kernel known to Jupyter: writes its kernelspec into one of the folders that Jupyter searches, and removes
 * it again. Needs no Jupyter and, except for `sysPrefix`, no Python.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROTOCOL_VERSION } from "./wire/header.js";

const PYTHON_MS_MAX = 15_000;
/** Lets a loop after an `await` be interrupted with the notebook's state kept; no other kernel is started with it. */
const OUR_FLAG = "--no-force-async-hooks-checks";

/** Which of Jupyter's folders. */
export type KernelSpecLocation =
  /** This user's own; the default. */
  | { readonly kind: "user" }
  /** `DIRECTORY/share/jupyter/kernels`. */
  | { readonly kind: "prefix"; readonly directory: string }
  /** The Python environment that `python3` on the path belongs to. */
  | { readonly kind: "sys-prefix" };

export interface KernelSpecTarget {
  readonly location: KernelSpecLocation;
  /** Folder name of the kernelspec, and what notebooks call it. */
  readonly name: string;
  /** Where `JUPYTER_DATA_DIR`, `PATH` and the user's folders are read from: normally `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface KernelSpec {
  readonly name: string;
  /** The kernelspec's own folder. */
  readonly directory: string;
}

/** @throws Error that says what is missing and the way out. */
export async function installKernelSpec(target: KernelSpecTarget): Promise<KernelSpec> {
  const kernel = builtKernel();
  const directory = await kernelSpecDirectory(target);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "kernel.json"), `${JSON.stringify(kernelSpecFile(kernel), null, 2)}\n`);
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]) {
    await copyFile(join(packageFolder(), "kernel/logos", logo), join(directory, logo));
  }
  return { name: target.name, directory };
}

/** @throws Error for a kernelspec of that name that is not ours. */
export async function uninstallKernelSpec(target: KernelSpecTarget): Promise<KernelSpec & { existed: boolean }> {
  const { name } = target;
  const directory = await kernelSpecDirectory(target);
  const file = join(directory, "kernel.json");
  if (!existsSync(file)) return { name, directory, existed: false };
  if (!(await readFile(file, "utf8")).includes(OUR_FLAG)) {
    throw new Error(`${file} is the kernelspec of another kernel; it was left as it is.`);
  }
  await rm(directory, { recursive: true });
  return { name, directory, existed: true };
}

/** What stands in kernel.json. @param kernel absolute path of dist/kernel.js */
export function kernelSpecFile(kernel: string): Readonly<Record<string, unknown>> {
  return {
    argv: [...kernelCommand(kernel), "--connection-file", "{connection_file}"],
    display_name: "Tidetable (TypeScript)",
    language: "typescript",
    // The kernel stops a cell itself, in steps that keep the notebook's state; a bare signal does only the first.
    interrupt_mode: "message",
    kernel_protocol_version: PROTOCOL_VERSION,
    metadata: { debugger: false, supported_encryption: ["curve"] },
  };
}

/** The command that starts a kernel; `--connection-file FILE` follows. */
export function kernelCommand(kernel: string = builtKernel()): string[] {
  return [process.execPath, OUR_FLAG, kernel];
}

function builtKernel(): string {
  const kernel = join(packageFolder(), "dist/kernel.js");
  if (!existsSync(kernel)) {
    throw new Error(`${kernel} is missing. Build it first: npm run build, or npm start, which builds what is missing.`);
  }
  return kernel;
}

async function kernelSpecDirectory({ location, name, environment }: KernelSpecTarget): Promise<string> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new Error(`"${name}" is no name for a kernel; use letters, digits, dot, dash and underscore.`);
  }
  return join(await dataDirectory(location, environment), "kernels", name);
}

type Environment = KernelSpecTarget["environment"];

async function dataDirectory(location: KernelSpecLocation, environment: Environment): Promise<string> {
  switch (location.kind) {
    case "prefix":
      return join(resolve(location.directory), "share/jupyter");
    case "sys-prefix":
      return join(await pythonPrefix(environment), "share/jupyter");
    case "user":
      return environment.JUPYTER_DATA_DIR || userDataDirectory(environment);
  }
}

/** Where Jupyter looks for a user's own kernels. */
function userDataDirectory(environment: Environment): string {
  switch (process.platform) {
    case "darwin":
      return join(homedir(), "Library/Jupyter");
    case "win32":
      return join(environment.APPDATA || join(homedir(), "AppData/Roaming"), "jupyter");
    default:
      return join(environment.XDG_DATA_HOME || join(homedir(), ".local/share"), "jupyter");
  }
}

async function pythonPrefix(environment: Environment): Promise<string> {
  const command = process.platform === "win32" ? "python" : "python3";
  try {
    const { stdout } = await promisify(execFile)(command, ["-c", "import sys; print(sys.prefix)"], {
      timeout: PYTHON_MS_MAX,
      env: { ...environment },
    });
    return stdout.trim();
  } catch (error) {
    const cause = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new Error(`${command} did not say where its environment is (${cause}). Use --user or --prefix DIR instead.`);
  }
}

/** The folder of our package.json: one level above dist/ as above kernel/. */
function packageFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}
