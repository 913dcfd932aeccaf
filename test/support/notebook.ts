/** Notebooks for tests: made, run headless with nbclient in a real Jupyter environment, and read back. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installKernelSpec } from "../../kernel/install.js";
import { ensurePython, type PythonEnvironment } from "../../scripts/components/python.js";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const tutorialPath = join(root, "notebooks/tweeter-analytics.ipynb");
const run = promisify(execFile);

export interface CodeCell {
  readonly source: string;
  readonly outputs: ReadonlyArray<{
    readonly output_type: string;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly text?: string;
    readonly ename?: string;
    readonly evalue?: string;
  }>;
  readonly execution_count: number | null;
}

export interface JupyterHome {
  readonly python: PythonEnvironment;
  /** A folder of its own; notebooks run here. */
  readonly directory: string;
  /** Runs cells (or a notebook file) with nbclient and answers the code cells with their outputs. */
  runNotebook(source: readonly string[] | string, environment?: Readonly<Record<string, string>>): Promise<CodeCell[]>;
  /** Jupyter's own folders and our kernelspec, for other programs of the environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs one of test/support/python/ and parses what it prints as JSON. */
  runPython(script: string, parameters: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** The kernel of this checkout, installed into the test environment by the product's own installer. */
export async function openJupyterHome(): Promise<JupyterHome> {
  const python = await ensurePython();
  const directory = await mkdtemp(join(tmpdir(), "tidetable-jupyter-"));
  await installKernelSpec({
    location: { kind: "prefix", directory: join(directory, "prefix") },
    name: "tidetable",
    environment: process.env,
  });
  const jupyterEnvironment = {
    ...process.env,
    JUPYTER_PATH: join(directory, "prefix/share/jupyter"),
    JUPYTER_DATA_DIR: join(directory, "data"),
    JUPYTER_RUNTIME_DIR: join(directory, "runtime"),
    JUPYTER_CONFIG_DIR: join(directory, "config"),
    JUPYTER_PLATFORM_DIRS: "1",
  };
  let runs = 0;
  return {
    python,
    directory,
    environment: jupyterEnvironment,
    async runNotebook(source, environment = {}) {
      runs += 1;
      const input = join(directory, `run-${runs}.ipynb`);
      const output = join(directory, `run-${runs}-done.ipynb`);
      await writeFile(input, typeof source === "string" ? await readFile(source, "utf8") : notebookText(source));
      const env = { ...jupyterEnvironment, ...environment };
      await run(python.python, [join(root, "test/support/python/run_notebook.py"), input, output, "tidetable", "180"], {
        env,
        timeout: 300_000,
        maxBuffer: 64 * 2 ** 20,
      });
      return codeCellsOf(await readFile(output, "utf8"));
    },
    async runPython(script, parameters) {
      const { stdout } = await run(python.python, [join(root, "test/support/python", script), ...parameters], {
        timeout: 600_000,
        maxBuffer: 64 * 2 ** 20,
      });
      return JSON.parse(stdout);
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** An nbformat 4.5 notebook of code cells for our kernel. */
export function notebookText(cells: readonly string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "tidetable", display_name: "Tidetable (TypeScript)", language: "typescript" } },
    cells: cells.map((source, index) => ({
      cell_type: "code",
      id: `cell-${index}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  });
}

export function codeCellsOf(text: string): CodeCell[] {
  const notebook = JSON.parse(text) as { cells: Array<Record<string, unknown> & { cell_type: string }> };
  return notebook.cells
    .filter((cell) => cell.cell_type === "code")
    .map((cell) => ({
      source: joined(cell.source),
      execution_count: cell.execution_count as number | null,
      outputs: (cell.outputs as Array<Record<string, unknown>>).map((output) => ({
        output_type: String(output.output_type),
        ...(output.data === undefined ? {} : { data: output.data as Record<string, unknown> }),
        ...(output.text === undefined ? {} : { text: joined(output.text) }),
        ...(output.ename === undefined ? {} : { ename: String(output.ename), evalue: String(output.evalue) }),
      })),
    }));
}

/** All text a cell shows: streams and the text/plain form of its results. */
export function textOf(cell: CodeCell | undefined): string {
  return (cell?.outputs ?? []).map((output) => output.text ?? joined(output.data?.["text/plain"] ?? "")).join("\n");
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.join("") : String(value);
}
