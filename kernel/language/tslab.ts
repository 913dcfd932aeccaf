/**
 * What is tslab's own: its judgement whether code in a console is complete, and its `display`, so that notebooks written
 * for tslab run here as they are. Its compiler is not loaded; ours is put in its place. The build puts the few files of
 * tslab that this needs beside the kernel; from source they are read where npm has them.
 */
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { TypeScript } from "./cell-source.js";
import type { Completeness, MimeBundle } from "./executor.js";
import type { Library } from "./language-service.js";

const require = createRequire(import.meta.url);

/** What tslab writes when a cell displays something. */
interface TslabDisplay {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id?: string };
}

interface TslabParts {
  readonly converter: { isCompleteCode(code: string): { completed: boolean; indent?: string } };
  readonly jupyter: { lastWriteDisplayData: (shown: TslabDisplay, update: boolean | undefined) => void };
  readonly library: Readonly<Record<string, unknown>>;
}

const isBundled = process.env.TIDETABLE_BUNDLED === "1";

export class Tslab {
  readonly #ts: TypeScript;
  #loaded: TslabParts | undefined;

  constructor(ts: TypeScript) {
    this.#ts = ts;
  }

  isComplete(code: string): Completeness {
    const { completed, indent } = this.#parts.converter.isCompleteCode(code);
    if (!completed) return { status: "incomplete", indent: indent ?? "" };
    const [first] = this.#syntaxProblems(code);
    if (first === undefined) return { status: "complete" };
    return UNTERMINATED.has(first.code) ? { status: "incomplete", indent: "" } : { status: "invalid" };
  }

  /**
   * `import { display } from "tslab"`: as tslab has it, shown by this kernel.
   *
   * @param show displays, or replaces what has the same id when `update` is set
   */
  library(show: (bundle: MimeBundle, displayId: string | undefined, update: boolean) => void): Library {
    const load = () => {
      const { jupyter, library } = this.#parts;
      jupyter.lastWriteDisplayData = ({ data, transient }, update) => show(data, transient.display_id, update ?? false);
      return library;
    };
    const exports: Record<string, unknown> = {};
    // Read when a cell imports it; most never do.
    for (const name of ["display", "newDisplay", "versions"]) {
      Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });
    }
    const declarations = isBundled
      ? require.resolve("./tslab.d.ts")
      : join(dirname(require.resolve("tslab/package.json")), "dist/public.d.ts");
    return { exports, declarationFile: declarations.replaceAll("\\", "/") };
  }

  get #parts(): TslabParts {
    this.#loaded ??= isBundled ? (require("./tslab.cjs") as TslabParts) : this.#partsOfPackage();
    return this.#loaded;
  }

  /** Puts our compiler where tslab looks for its fork of it: one in memory is enough. */
  #partsOfPackage(): TslabParts {
    const ofTslab = createRequire(require.resolve("tslab/package.json"));
    const path = ofTslab.resolve("@tslab/typescript-for-tslab");
    if (ofTslab.cache[path] === undefined) {
      const module = new Module(path);
      module.filename = path;
      module.loaded = true;
      module.exports = this.#ts;
      ofTslab.cache[path] = module;
    }
    return {
      converter: ofTslab("tslab/dist/converter") as TslabParts["converter"],
      jupyter: ofTslab("tslab/dist/jupyter") as TslabParts["jupyter"],
      library: ofTslab("tslab") as TslabParts["library"],
    };
  }

  #syntaxProblems(code: string): readonly { readonly code: number }[] {
    const ts = this.#ts;
    const { diagnostics } = ts.transpileModule(code, {
      reportDiagnostics: true,
      compilerOptions: { target: ts.ScriptTarget.ES2022 },
    });
    return diagnostics ?? [];
  }
}

/** An unterminated string is wrong on its line; a template or a comment may go on. */
const UNTERMINATED = new Set([1160, 1010]);
