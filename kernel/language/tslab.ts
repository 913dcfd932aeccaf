/**
 * What is tslab's own: its judgement whether code in a console is complete, and its `display`, so that notebooks written
 * for tslab run here as they are. Its compiler is not loaded; ours is put in its place.
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

export class Tslab {
  readonly #ts: TypeScript;
  readonly #require: NodeJS.Require;
  #isCompleteCode: ((code: string) => { completed: boolean; indent?: string }) | undefined;

  constructor(ts: TypeScript) {
    this.#ts = ts;
    this.#require = createRequire(require.resolve("tslab/package.json"));
  }

  isComplete(code: string): Completeness {
    const { completed, indent } = this.#completeness(code);
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
      this.#standIn();
      const jupyter = this.#require("tslab/dist/jupyter") as {
        lastWriteDisplayData: (shown: TslabDisplay, update: boolean | undefined) => void;
      };
      jupyter.lastWriteDisplayData = ({ data, transient }, update) => show(data, transient.display_id, update ?? false);
      return this.#require("tslab") as Readonly<Record<string, unknown>>;
    };
    const exports: Record<string, unknown> = {};
    // Read when a cell imports it; most never do.
    for (const name of ["display", "newDisplay", "versions"]) {
      Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });
    }
    const folder = dirname(require.resolve("tslab/package.json"));
    return { exports, declarationFile: join(folder, "dist/public.d.ts").replaceAll("\\", "/") };
  }

  #completeness(code: string): { completed: boolean; indent?: string } {
    if (this.#isCompleteCode === undefined) {
      this.#standIn();
      const { isCompleteCode } = this.#require("tslab/dist/converter");
      this.#isCompleteCode = isCompleteCode as (code: string) => { completed: boolean; indent?: string };
    }
    return this.#isCompleteCode(code);
  }

  /** Puts our compiler where tslab looks for its fork of it: one in memory is enough. */
  #standIn(): void {
    const path = this.#require.resolve("@tslab/typescript-for-tslab");
    if (this.#require.cache[path] !== undefined) return;
    const module = new Module(path);
    module.filename = path;
    module.loaded = true;
    module.exports = this.#ts;
    this.#require.cache[path] = module;
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
