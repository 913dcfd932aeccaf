/** The script that a compiled cell is run as, and what it finds around itself. */
import { join } from "node:path";
import { constants, Script } from "node:vm";
import { CELL_PARAMETER } from "./cell-rewrites.js";
import type { CellRuntime } from "./cell-runtime.js";
import type { CompiledCell } from "./compiler.js";
import type { CellModules } from "./modules.js";
import { CELL_FUNCTION } from "./traceback.js";

/** Runs the script. What its last expression is worth is left in `runtime`. */
export async function runScript(compiled: CompiledCell, file: string, runtime: CellRuntime): Promise<void> {
  const script = new Script(scriptText(compiled), {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  // In a turn of its own: a forced stop ends the whole turn, and whoever waits for the cell must not be in it.
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (runtime.stop[0] !== 0) runtime.interrupted();
  Object.defineProperty(globalThis, CELL_PARAMETER, { value: runtime, configurable: true, enumerable: false });
  // For a SIGINT from outside. Only a script can be broken by it, not what follows an await.
  await script.runInThisContext({ breakOnSigint: true });
}

/** One function a cell, so that its names are its own; what it declares is handed out before its first statement. */
function scriptText(compiled: CompiledCell): string {
  const bindings = compiled.names.map((name) => {
    const write = compiled.constants.has(name) ? "" : `, write: ($) => { ${name} = $; }`;
    return `{ name: "${name}", read: () => ${name}${write} }`;
  });
  const keyword = compiled.awaits ? "async function" : "function";
  return (
    // On the first line, so that the compiled lines below keep their numbers.
    `(${keyword} ${CELL_FUNCTION}(exports, ${CELL_PARAMETER}) { ${CELL_PARAMETER}.bind([${bindings.join(", ")}]); ` +
    `${compiled.javascript}\n})(${CELL_PARAMETER}.exports, ${CELL_PARAMETER})`
  );
}

/** Names that Node's types promise to a script. On the global object, so that a cell may declare them anew. */
export function provideGlobals(folder: string, modules: CellModules): void {
  const values = { require: modules.require, __dirname: folder, __filename: join(folder, "cell.ts") };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}
