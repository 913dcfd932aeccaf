/** What TypeScript in a notebook means: rows of cells and what the last one shows. */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type KernelClient, type Output, startKernel, textOf } from "../support/jupyter-client.js";

const HINT = "To install it, in a terminal in the notebook's folder: npm install @far/pad";

describe("TypeScript cells", function () {
  this.timeout(60_000);
  let kernel: KernelClient;
  before(async () => {
    // An empty folder somewhere else: no node_modules, no @types above it.
    kernel = await startKernel();
  });
  after(async () => {
    await kernel.shutdown();
  });

  const run = async (...cells: string[]): Promise<readonly Output[]> => {
    let outputs: readonly Output[] = [];
    for (const cell of cells) ({ outputs } = await kernel.execute(cell));
    return outputs;
  };

  const rows: ReadonlyArray<[string, string[], string]> = [
    ["Node's types are there wherever the notebook lies", ["console.log(); process.argv.length > 0"], "true"],
    [
      "an assignment is seen by a function of an earlier cell",
      ["let n = 1; const read = () => n", "n = 10", "read()"],
      "10",
    ],
    [
      "a function's assignment is seen by a later cell",
      ["let m = 1; function bump() { m++ }", "bump(); bump(); m"],
      "3",
    ],
    [
      "shorthand of an earlier cell's name",
      ["const left = 1; const right = 2", "({ left, right })"],
      "{ left: 1, right: 2 }",
    ],
    ["shorthand in a destructuring assignment", ["let taken = 0", "({ taken } = { taken: 5 }); taken"], "5"],
    [
      "shorthand of a name that a parameter hides",
      ["const hidden = 1", "((hidden: number) => ({ hidden }))(2)"],
      "{ hidden: 2 }",
    ],
    ["const again, as another type", ["const again = 1", 'const again = "two"; again'], "'two'"],
    [
      "var over let, class over function",
      ["let thing = 1; function Kind() {}", "var thing = 2; class Kind {}; thing"],
      "2",
    ],
    ["top-level await", ["const waited = await Promise.resolve(5); waited"], "5"],
    ["top-level for await", ["let sum = 0; for await (const x of [1, Promise.resolve(2)]) sum += x; sum"], "3"],
    ["destructuring", ["const { a, b: [c] } = { a: 1, b: [2] }", "a + c"], "3"],
    [
      "interfaces, generics and enums of earlier cells",
      ["interface P { x: number }; enum E { A = 3 }", "const p: P = { x: E.A }; p.x"],
      "3",
    ],
    ["a class's private fields", ["class C { #v = 1; get v() { return this.#v } }", "new C().v"], "1"],
    [
      "export in front of anything",
      ["export const exported = 1; export default function named() { return 2 }", "exported + named()"],
      "3",
    ],
    [
      "imports last, and can be imported again",
      ['import { basename } from "path"', 'import { basename } from "node:path"; 0', 'basename("/a/b")'],
      "'b'",
    ],
    ["dynamic import", ['const os = await import("node:os"); typeof os.cpus'], "'function'"],
    ["require", ['require("path").sep.length'], "1"],
    ["import.meta", ["import.meta.dirname === process.cwd()"], "true"],
    ["null is shown", ["null"], "null"],
    ["bigint", ["2n ** 64n"], "18446744073709551616n"],
    ["a long array is cut", ["Array.from({ length: 500 }, () => 0).length"], "500"],
    [
      "labels and continue in watched loops",
      ["let seen = 0; outer: for (const i of [1, 2, 3]) { for (;;) { seen += i; continue outer } }; seen"],
      "6",
    ],
    ["newer library types", ["[3, 1, 2].findLast((x) => x > 1)", "[3, 1, 2].toSorted()"], "[ 1, 2, 3 ]"],
    [
      "using, which ends with its cell",
      ["let closed = 0", "using door = { width: 5, [Symbol.dispose]() { closed++ } }; door.width", "closed"],
      "1",
    ],
    [
      "await using",
      ["let left = ''", "await using guest = { async [Symbol.asyncDispose]() { left = 'gone' } }", "left"],
      "'gone'",
    ],
    [
      "standard decorators",
      [
        "const doubled = (f: (n: number) => number, _: ClassMethodDecoratorContext) => (n: number) => f(n) * 2",
        "class Echo { @doubled of(n: number) { return n } }",
        "new Echo().of(4)",
      ],
      "8",
    ],
    [
      "a value keeps the type that it was made with, when the type's name is declared anew",
      [
        "interface Mark { a: number }",
        "const made: Mark = { a: 1 }",
        "interface Mark { b: string }",
        "const kept = made",
        "kept.a",
      ],
      "1",
    ],
    [
      "var in a block",
      ["for (var turn = 0; turn < 3; turn++); if (turn > 0) { var inner = 'x' }", "turn + inner"],
      "'3x'",
    ],
    [
      "enums that are inlined, namespaces",
      ["const enum Few { A = 2 }; namespace Room { export const v = 3 }", "Few.A + Room.v"],
      "5",
    ],
    ["import assignment", ['import nodePath = require("node:path")', "nodePath.sep.length"], "1"],
    [
      "an import over a variable leaves the variable to the functions that have it",
      ["let sep = 'own'; const ownSep = () => sep", 'import { sep } from "node:path"; 0', "[ownSep(), sep.length]"],
      "[ 'own', 1 ]",
    ],
    ["a string alone is its value", ["'use strict'"], "'use strict'"],
  ];
  for (const [name, cells, shown] of rows) {
    it(name, async () => deepEqual((await run(...cells)).at(-1)?.data, { "text/plain": shown }));
  }

  it("shows nothing for undefined, a declaration or an empty cell", async () => {
    for (const code of ["undefined", "let quiet = 1", "", "  \n", "// only a comment"]) {
      const { reply, outputs } = await kernel.execute(code);
      deepEqual([reply.content.status, outputs], ["ok", []], code);
    }
  });

  it("a value may say how it is shown", async () => {
    const [shown] = await run(
      '({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>1</b>", "text/plain": "1" }) })',
    );
    deepEqual(shown?.data, { "text/html": "<b>1</b>", "text/plain": "1" });
  });

  it("console methods, to their streams", async () => {
    const outputs = await run(
      'console.info("i"); console.debug("d"); console.warn("w"); console.error("e"); console.dir({ a: 1 }); ' +
        'console.group("g"); console.log("%s is %d", "x", 5); console.groupEnd(); console.assert(false, "no"); ' +
        'console.table([{ a: 1 }]); console.time("t"); console.timeEnd("t"); process.stdout.write("raw\\n")',
    );
    const stdout = textOf(outputs);
    match(stdout, /^i\nd\n\{ a: 1 \}\ng\n {2}x is 5\n┌[\s\S]*┘\nt: [\d.]+ms\nraw\n$/);
    equal(textOf(outputs, "stderr"), "w\ne\nAssertion failed: no\n");
  });

  it("tslab's own display, in notebooks that were written for it", async () => {
    const { iopub } = await kernel.execute(
      'import * as tslab from "tslab"; tslab.display.html("<b>1</b>"); const gauge = tslab.newDisplay(); ' +
        'gauge.text("low"); gauge.text("high"); tslab.display.png(new Uint8Array([1, 2, 3]))',
    );
    deepEqual(
      iopub.slice(2, -1).map(({ type, content }) => [type, content.data]),
      [
        ["display_data", { "text/html": "<b>1</b>" }],
        ["display_data", { "text/plain": "low" }],
        ["update_display_data", { "text/plain": "high" }],
        ["display_data", { "image/png": "AQID" }],
      ],
    );
    equal(iopub[3]?.content.transient.display_id, iopub[4]?.content.transient.display_id);
    equal((await kernel.execute("tslab.display.html(5)")).reply.content.ename, "TypeScriptError");
  });

  describe("errors", () => {
    const failure = async (code: string) => (await run(code)).at(-1) ?? { type: "nothing" };

    it("name the user's own line, and no frame of the kernel", async () => {
      const {
        ename,
        evalue,
        traceback = [],
      } = await failure(
        "interface Shape { sides: number }\n\nfunction check(shape: Shape) {\n  throw new TypeError('bad ' + shape.sides);\n}\n\n\ncheck({ sides: 2 });",
      );
      deepEqual([ename, evalue], ["TypeError", "bad 2"]);
      match(traceback[0] ?? "", /^TypeError: bad 2$/);
      match(traceback[1] ?? "", /^ {4}at check \(cell \d+, line 4, column 9\)$/);
      match(traceback[2] ?? "", /^ {4}at cell \d+, line 8, column 1$/);
      deepEqual(
        traceback.slice(3, 7),
        [
          "",
          "  2 | ",
          "  3 | function check(shape: Shape) {",
          "> 4 |   throw new TypeError('bad ' + shape.sides);",
        ].map((line) => line.trimEnd()),
      );
      equal(
        traceback.some((line) => /node:|kernel\/|dist\/|tidetable-cell/.test(line)),
        false,
      );
    });

    it("after an await too", async () => {
      const { traceback = [] } = await failure("const a = 1;\nawait Promise.resolve();\nnull!.x;\n");
      equal(
        traceback.some((line) => /at cell \d+, line 3/.test(line)),
        true,
        traceback.join("\n"),
      );
    });

    it("of types stop the cell, with a look at the code", async () => {
      const { ename, evalue, traceback = [] } = await failure("console.log('runs');\nlet count: number = 'five';");
      deepEqual([ename, evalue], ["TypeScriptError", "Type 'string' is not assignable to type 'number'. (TS2322)"]);
      deepEqual(traceback.slice(2), [
        "",
        "  1 | console.log('runs');",
        "> 2 | let count: number = 'five';",
        "    |     ^^^^^",
      ]);
      equal((await kernel.execute("typeof count")).reply.content.ename, "TypeScriptError");
    });

    it("of syntax", async () => {
      const { ename, traceback = [] } = await failure("const = 3");
      equal(ename, "SyntaxError");
      match(traceback.join("\n"), /> 1 \| const = 3/);
    });

    it("anything may be thrown", async () => {
      deepEqual([(await failure("throw null")).evalue, (await failure("throw { a: 1 }")).evalue], ["null", "{ a: 1 }"]);
    });

    it("keep the names that were reached, and give back the ones that were not", async () => {
      await run(
        "const reached = 0; const later = 'earlier'",
        "const reached = 1; throw new Error('stop'); const later = 2;",
      );
      deepEqual((await run("[reached, later.length]")).at(-1)?.data, { "text/plain": "[ 1, 7 ]" });
    });

    it("process.exit does not end the kernel", async () => {
      equal((await failure("process.exit(1)")).ename, "ExitRefused");
    });
  });

  describe("modules", () => {
    it("a TypeScript file of the folder, and its change", async () => {
      const file = join(kernel.directory, "level.ts");
      await writeFile(file, "export const level = (x: number): number => x + 1;\n");
      const importing = 'import { level } from "./level"; level(1)';
      deepEqual((await run(importing)).at(-1)?.data, { "text/plain": "2" });
      equal((await kernel.execute('level("x")')).reply.content.ename, "TypeScriptError");
      await writeFile(file, 'export const level = (x: number): string => "level " + x;\n');
      // The change is noticed a moment later.
      const changed = async () => (await run(importing)).at(-1)?.data?.["text/plain"] === "'level 1'";
      const deadline = Date.now() + 30_000;
      while (!(await changed())) if (Date.now() > deadline) throw new Error("The changed file was not loaded anew.");
    });

    it("a TypeScript file by its whole name, with a file that it imports itself", async () => {
      await mkdir(join(kernel.directory, "lib"), { recursive: true });
      await writeFile(join(kernel.directory, "lib/depth.ts"), "export const depth = (x: number): number => -x;\n");
      await writeFile(join(kernel.directory, "lib/index.ts"), 'export { depth } from "./depth.ts";\n');
      deepEqual((await run('import { depth } from "./lib/index.ts"; depth(2)')).at(-1)?.data, { "text/plain": "-2" });
      deepEqual((await run('const { depth: again } = await import("./lib"); again(3)')).at(-1)?.data, {
        "text/plain": "-3",
      });
    });

    it("a TypeScript file outside of the folder", async () => {
      const outside = await mkdtemp(join(tmpdir(), "tidetable-outside-"));
      await writeFile(
        join(outside, "shared.ts"),
        'import { unit } from "./unit";\nexport const shared = (n: number) => n + " " + unit;\n',
      );
      await writeFile(join(outside, "unit.ts"), "export const unit: string = 'm';\n");
      const path = relative(kernel.directory, join(outside, "shared"));
      const [shown] = await run(`import { shared } from ${JSON.stringify(path)}; shared(3)`);
      deepEqual(shown?.data, { "text/plain": "'3 m'" });
      const [error] = await run(`import { shared as inside } from ${JSON.stringify(path)}; inside("x")`);
      equal(error?.ename, "TypeScriptError");
      await rm(outside, { recursive: true });
    });

    it("a JSON file, with an import attribute", async () => {
      await writeFile(join(kernel.directory, "levels.json"), '{ "north": 7 }');
      const code = 'import levels from "./levels.json" with { type: "json" }; levels.north';
      deepEqual((await run(code)).at(-1)?.data, { "text/plain": "7" });
    });

    it("one that is not there is answered with the command that installs it", async () => {
      for (const code of [
        'import pad from "@far/pad/left"',
        'await import("@far/pad/left")',
        'require("@far/pad/left")',
      ]) {
        const { reply } = await kernel.execute(code);
        equal(reply.content.traceback.at(-1), HINT, code);
      }
    });

    it("a package that is installed after it was missed", async () => {
      equal((await kernel.execute('import { wave } from "arriving"; wave')).reply.content.ename, "TypeScriptError");
      await writePackage(kernel.directory, "arriving", { type: "module" }, "export const wave = 5;");
      deepEqual((await run('import { wave } from "arriving"; wave')).at(-1)?.data, { "text/plain": "5" });
    });

    it("a package that names its types in exports only, for import only", async () => {
      const exports = { ".": { types: "./index.d.ts", import: "./index.js" } };
      await writePackage(kernel.directory, "import-only", { type: "module", exports }, "export const wave = 6;");
      deepEqual((await run('import { wave } from "import-only"; wave')).at(-1)?.data, { "text/plain": "6" });
    });

    it("a package with top-level await", async () => {
      await writePackage(
        kernel.directory,
        "slow-start",
        { type: "module" },
        "export const ready = await Promise.resolve(7);",
      );
      deepEqual((await run('import { ready } from "slow-start"; ready')).at(-1)?.data, { "text/plain": "7" });
    });

    it("what the kernel carries, once and with its types", async () => {
      const { outputs } = await kernel.execute(
        'import { show, sql, stream } from "tidetable"; const carried = await import("tidetable"); ' +
          "[carried.show === show, typeof sql, typeof stream]",
      );
      deepEqual(outputs.at(-1)?.data, { "text/plain": "[ true, 'function', 'function' ]" });
    });
  });

  it("cell commands: %help lists them, a misspelt one names them", async () => {
    match(textOf(await run("%help")), /%%sql +\S/);
    const [error] = await run("%%sqll\nSELECT 1");
    deepEqual(error?.ename, "UnknownCommand");
    match(error?.evalue ?? "", /%%help, %%sql/);
  });
});

async function writePackage(folder: string, name: string, manifest: object, code: string): Promise<void> {
  const directory = join(folder, "node_modules", name);
  await mkdir(directory, { recursive: true });
  await writeFile(
    join(directory, "package.json"),
    JSON.stringify({ name, version: "1.0.0", main: "index.js", ...manifest }),
  );
  await writeFile(join(directory, "index.js"), code);
  await writeFile(join(directory, "index.d.ts"), "export const wave: number; export const ready: number;\n");
}
