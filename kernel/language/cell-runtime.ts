/**
 * What the compiled code of one run of a cell reaches beside the user's names: handing out its bindings, stopping,
 * `import()` and `import.meta`. The rewrites of cell-rewrites.ts name these properties.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CellModules } from "./modules.js";
import type { Binding } from "./namespace.js";

/** Thrown where a cell is stopped; also in its timers, where nobody waits for it. */
export class InterruptedError extends Error {
  override readonly name = "Interrupted";
}

export interface CellRuntime {
  readonly exports: object;
  bind(made: readonly Binding[]): void;
  /** Where the code leaves what its last expression is worth. */
  result: unknown;
  /** Not 0: look closer, by `interrupted`. Once its cell was interrupted, it stays so for the cell's code. */
  stop: Int32Array;
  /** Throws where the code that calls is to stop. */
  interrupted(): void;
  /** Gives back what was awaited. */
  resumed<T>(value: T): T;
  import(specifier: unknown): Promise<unknown>;
  readonly meta: object;
}

const STOPPED = Int32Array.of(1);

export function cellRuntime(setting: {
  readonly exports: object;
  readonly bind: (made: readonly Binding[]) => void;
  readonly modules: CellModules;
  readonly folder: string;
  /** Shared by all cells: an interrupt has come and is not dealt with. */
  readonly stopFlag: Int32Array;
  /** This run's own. */
  readonly signal: AbortSignal;
  /** Whether the code that runs now belongs to an interrupted cell; a function may be called by a later one. */
  readonly callerIsStopped: () => boolean;
}): CellRuntime {
  const { exports, bind, modules, folder, stopFlag, signal, callerIsStopped } = setting;
  const runtime: CellRuntime = {
    exports,
    bind,
    result: undefined,
    stop: stopFlag,
    interrupted() {
      if (stopFlag[0] !== 0 || callerIsStopped()) throw new InterruptedError();
    },
    resumed(value) {
      if (runtime.stop[0] !== 0) runtime.interrupted();
      return value;
    },
    import: (specifier) => modules.import(String(specifier)),
    meta: importMeta(folder, modules),
  };
  const stopForGood = () => {
    runtime.stop = STOPPED;
  };
  if (signal.aborted) stopForGood();
  else signal.addEventListener("abort", stopForGood, { once: true });
  return runtime;
}

function importMeta(folder: string, modules: CellModules): object {
  const filename = join(folder, "cell.ts");
  return {
    url: pathToFileURL(filename).href,
    filename,
    dirname: folder,
    resolve: (specifier: string) => pathToFileURL(modules.require.resolve(specifier)).href,
  };
}
