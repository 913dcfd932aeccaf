/** Notebooks without anyone to watch: nbclient that goes on after errors, papermill with parameters, nbconvert to HTML. */
import { deepEqual, equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeCellsOf, type JupyterHome, notebookText, openJupyterHome, root, textOf } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";

const TIMEOUT_MS = 200_000;

describe("headless notebooks", function () {
  this.timeout(TIMEOUT_MS + 40_000);
  let home: JupyterHome;

  before(async function () {
    home = await requireComponent(this, openJupyterHome);
  });
  after(async () => {
    await home?.close();
  });

  const run = (program: string, parameters: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(program, [...parameters], {
      cwd: home.directory,
      env: { ...home.environment, KAFKA_BROKERS: "", TIDETABLE_DATA: join(home.directory, "headless-data"), ...more },
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 2 ** 20,
    });

  it("nbconvert runs one with errors in it to the end, and makes a page of it", async () => {
    const input = join(home.directory, "errors.ipynb");
    const cells = [
      "let n = 1; n",
      "throw new RangeError('too far')",
      "n + 41",
      "const wrong: number = 'x'",
      "console.log('end', n)",
    ];
    await writeFile(input, notebookText(cells));
    await run(home.python.program("jupyter"), [
      "nbconvert",
      "--to=notebook",
      "--execute",
      "--allow-errors",
      "--output=errors-done.ipynb",
      input,
    ]);
    const done = join(home.directory, "errors-done.ipynb");
    const ran = codeCellsOf(await readFile(done, "utf8"));
    deepEqual(
      ran.map((cell) => cell.outputs.map((output) => output.ename ?? output.output_type)),
      [["execute_result"], ["RangeError"], ["execute_result"], ["TypeScriptError"], ["stream"]],
    );
    deepEqual([textOf(ran[2]), textOf(ran[4])], ["42", "end 1\n"]);
    deepEqual(
      ran.map((cell) => cell.execution_count),
      [1, 2, 3, 4, 5],
    );
    await run(home.python.program("jupyter"), ["nbconvert", "--to=html", done]);
    const page = await readFile(join(home.directory, "errors-done.html"), "utf8");
    match(page, /RangeError/);
    match(page, /highlight/);
  });

  it("papermill gives parameters, with the translator that comes along", async () => {
    const site = join(home.directory, "site");
    await run(home.python.python, [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      `--target=${site}`,
      join(root, "kernel/papermill"),
    ]);
    const notebook = JSON.parse(
      notebookText(["const n = 1; // how many\nlet who: string = 'nobody'; const more = {}", "[n + 1, who, more]"]),
    );
    notebook.cells[0].metadata.tags = ["parameters"];
    const input = join(home.directory, "parameters.ipynb");
    const output = join(home.directory, "parameters-done.ipynb");
    await writeFile(input, JSON.stringify(notebook));
    const given = { n: 20, who: 'Zoë "q" \\ {x}', more: { list: [1.5, null, true], big: 9007199254740993n } };
    const yaml = JSON.stringify(given, (_name, value) => (typeof value === "bigint" ? "BIG" : value));
    const papermill = home.python.program("papermill");
    await run(papermill, [input, output, "--parameters_yaml", yaml.replace('"BIG"', "9007199254740993")], {
      PYTHONPATH: site,
    });
    const ran = codeCellsOf(await readFile(output, "utf8"));
    equal(textOf(ran.at(-1)), "[ 21, 'Zoë \"q\" \\\\ {x}', { list: [ 1.5, null, true ], big: 9007199254740993n } ]");
    match(
      (await run(papermill, ["--help-notebook", input], { PYTHONPATH: site })).stdout,
      /n: Unknown type \(default 1\) *how many/,
    );
  });
});
