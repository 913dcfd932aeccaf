/**
 * Runs TypeScript cells in one lasting scope: compile against the declarations of the earlier cells, run as a script
 * of its own, settle the names it declared. Owns the scope and its types; the compiler's own ways are in compiler.ts.
 */
import { type CellMagic, CellMagics, type MagicCall, type MagicCell, parseMagicCall } from "./cell-magics.js";
import { cellRuntime, InterruptedError } from "./cell-runtime.js";
import { provideGlobals, runScript } from "./cell-script.js";
import type { TypeScript } from "./cell-source.js";
import { CompilationCache } from "./compilation-cache.js";
import { compileError, missingPackages } from "./compile-error.js";
import { type Compilation, Compiler } from "./compiler.js";
import { loadCompiler } from "./compiler-package.js";
import { bundleOf } from "./echo.js";
import { complete, inspect } from "./editor-answers.js";
import type {
  CellError,
  CellOutcome,
  Completeness,
  Completions,
  Executor,
  InterruptGate,
  MimeBundle,
  RunningCell,
} from "./executor.js";
import { folderOptions } from "./folder-options.js";
import type { Library } from "./language-service.js";
import { CellModules } from "./modules.js";
import { type Binding, Namespace } from "./namespace.js";
import { describeMessage, describeThrown, type RunSource } from "./traceback.js";
import { Tslab } from "./tslab.js";

/** A traceback may reach back to functions of old cells; beyond this many, their lines are no longer shown. */
const SOURCES_KEPT_MAX = 2000;

export interface TypeScriptSetting {
  /** The notebook's folder: imports start here. */
  readonly folder: string;
  readonly gate: InterruptGate;
  /** Whether the cell whose code runs now was interrupted. */
  readonly callerIsStopped: () => boolean;
  /** Shows what a cell displays through tslab's own functions. */
  readonly showTslab: (bundle: MimeBundle, displayId: string | undefined, update: boolean) => void;
  /** What the kernel carries for its cells; asked for once, in `prepare`. */
  readonly load: () => Promise<{
    readonly magics: readonly CellMagic[];
    readonly libraries: Readonly<Record<string, Library>>;
  }>;
}

interface Source {
  readonly code: string;
  /** Lines of `code` that are not the user's. */
  readonly linesBefore: number;
  /** What an error shows of it. */
  readonly shown: string;
  /** Whether what it declares is there for later cells. */
  readonly keepsNames: boolean;
}

interface Loaded {
  readonly ts: TypeScript;
  readonly tslab: Tslab;
  readonly compiler: Compiler;
  readonly modules: CellModules;
  readonly magics: CellMagics;
}

export class TypeScriptExecutor implements Executor {
  readonly #setting: TypeScriptSetting;
  readonly #namespace = new Namespace();
  readonly #sources = new Map<string, RunSource>();
  readonly #compilations = new CompilationCache();
  #scriptNumber = 0;
  #notice: string | undefined;
  #preparing: Promise<Loaded> | undefined;
  #interrupts = new Set<(reason: InterruptedError) => void>();
  /** Packages that are there and that no compiler finds. */
  readonly #withoutTypes = new Set<string>();

  constructor(setting: TypeScriptSetting) {
    this.#setting = setting;
  }

  async prepare(): Promise<void> {
    await this.#loaded();
  }

  async execute(code: string, cell: RunningCell): Promise<CellOutcome> {
    const call = parseMagicCall(code);
    try {
      if (call !== undefined) {
        await this.#runMagic(call, cell);
        return { kind: "done", result: undefined };
      }
      return {
        kind: "done",
        result: await bundleOf(await this.#run({ code, linesBefore: 0, shown: code, keepsNames: true }, cell)),
      };
    } catch (thrown) {
      return { kind: "failed", error: this.describe(thrown) };
    }
  }

  async evaluate(expression: string, cell: RunningCell): Promise<CellOutcome> {
    try {
      return { kind: "done", result: await bundleOf(await this.#run(expressionSource(expression), cell)) };
    } catch (thrown) {
      return { kind: "failed", error: this.describe(thrown) };
    }
  }

  interrupt(): void {
    const reason = new InterruptedError();
    for (const reject of this.#interrupts) reject(reason);
  }

  async complete(code: string, cursor: number): Promise<Completions> {
    const { ts, compiler, magics } = await this.#loaded();
    const nothing = { start: cursor, end: cursor, matches: [] };
    const call = parseMagicCall(code);
    if (call !== undefined) {
      const onFirstLine = cursor < call.bodyStart || code.at(call.bodyStart - 1) !== "\n";
      if (onFirstLine) return magics.completeName(code, cursor) ?? nothing;
      const found = await magics.find(call.name)?.complete?.(call.body, cursor - call.bodyStart);
      if (found === undefined) return nothing;
      return { ...found, start: found.start + call.bodyStart, end: found.end + call.bodyStart };
    }
    return this.#setting.gate.withoutForce(() => complete(ts, compiler.languageService, code, cursor));
  }

  async inspect(code: string, cursor: number): Promise<MimeBundle | undefined> {
    if (parseMagicCall(code) !== undefined) return undefined;
    const { ts, compiler } = await this.#loaded();
    const found = this.#setting.gate.withoutForce(() => inspect(ts, compiler.languageService, code, cursor));
    if (found === undefined) return undefined;
    const { type, documentation } = found;
    return {
      "text/plain": documentation === "" ? type : `${type}\n\n${documentation}`,
      "text/markdown": `\`\`\`typescript\n${type}\n\`\`\`${documentation === "" ? "" : `\n\n${documentation}`}`,
    };
  }

  async isComplete(code: string): Promise<Completeness> {
    if (parseMagicCall(code) !== undefined) return { status: "complete" };
    const { tslab } = await this.#loaded();
    return this.#setting.gate.withoutForce(() => tslab.isComplete(code));
  }

  #loaded(): Promise<Loaded> {
    this.#preparing ??= this.#load();
    return this.#preparing;
  }

  async #load(): Promise<Loaded> {
    const { folder, gate, load, showTslab } = this.#setting;
    const { magics, libraries: own } = await load();
    return gate.withoutForce(() => {
      const ts = loadCompiler();
      const tslab = new Tslab(ts);
      const libraries = { ...own, tslab: tslab.library(showTslab) };
      const exports = Object.fromEntries(Object.entries(libraries).map(([name, library]) => [name, library.exports]));
      const modules = new CellModules(folder, exports);
      const options = folderOptions(ts, folder);
      const compiler = new Compiler(ts, folder, libraries, options);
      modules.setPaths(options.paths);
      this.#notice = options.problem;
      provideGlobals(folder, modules);
      return { ts, tslab, compiler, modules, magics: new CellMagics(magics) };
    });
  }

  async #runMagic(call: MagicCall, cell: RunningCell): Promise<void> {
    const { magics, compiler } = await this.#loaded();
    const magicCell: MagicCell = {
      signal: cell.signal,
      cellId: cell.cellId,
      display: (bundle, options) => cell.display(bundle, options),
      updateDisplay: (displayId, bundle, metadata) => cell.updateDisplay(displayId, bundle, metadata),
      clearOutput: (wait) => cell.clearOutput(wait),
      page: (bundle) => cell.page(bundle),
      write: (stream, text) => cell.write(stream, text),
      updateIntervalMs: (liveForMs) => cell.updateIntervalMs(liveForMs),
      readLine: (prompt, options) => cell.readLine(prompt, options),
      openComm: (target, data, handler, extra) => cell.openComm(target, data, handler, extra),
      acceptComms: (target, accept) => cell.acceptComms(target, accept),
      onDispose: (dispose) => cell.onDispose(dispose),
      evaluate: (expression) => this.#run(expressionSource(expression), cell),
      inspect: (name) => this.inspect(name, name.length),
      define: (name, value, typeText) => {
        compiler.declarations.add(`declare let ${name}: ${typeText};\n`);
        this.#namespace.define(name, value);
      },
    };
    try {
      await this.#orInterrupted(magics.get(call.name).run(call.argumentLine, call.body, magicCell));
    } catch (thrown) {
      // What has its own words keeps them; of anything else a magic's cell shows the message alone.
      if (thrown instanceof CellFailure || thrown instanceof InterruptedError) throw thrown;
      throw new CellFailure(describeMessage(thrown));
    }
  }

  /** The value of the cell's last expression. Throws what the cell throws, or a CellFailure that is described already. */
  async #run(source: Source, cell: RunningCell): Promise<unknown> {
    const { gate } = this.#setting;
    const loaded = await this.#loaded();
    const { compiler, modules } = loaded;
    this.#showNotice(cell);
    const title = `cell ${cell.executionCount}`;
    const compilation = this.#compile(loaded, source);
    if (!compilation.ok) throw new CellFailure(compileError(title, source.shown, compilation.problems));
    const compiled = compilation.cell;
    modules.addEmitted(compiled.emitted);
    await this.#orInterrupted(modules.preload(compiled.imports));
    if (gate.stopFlag[0] !== 0) throw new InterruptedError();

    const file = this.#registerSource({ title, code: source.shown, lines: compiled.lines });
    let bindings: readonly Binding[] = [];
    try {
      const runtime = cellRuntime({
        exports: this.#namespace.object,
        bind: (made) => {
          bindings = made;
        },
        modules,
        folder: this.#setting.folder,
        stopFlag: gate.stopFlag,
        signal: cell.signal,
        callerIsStopped: this.#setting.callerIsStopped,
      });
      await this.#orInterrupted(runScript(compiled, file, runtime));
      return runtime.result;
    } finally {
      if (source.keepsNames) {
        const unreached = new Set(this.#namespace.settle(compiled.names, bindings));
        compiler.declarations.add(compiled.declarations, unreached);
      }
    }
  }

  /** What is wrong with the notebook's surroundings; said once, below the first cell. */
  #showNotice(cell: RunningCell): void {
    if (this.#notice !== undefined) cell.write("stderr", `${this.#notice}\n`);
    this.#notice = undefined;
  }

  async #orInterrupted<T>(work: Promise<T>): Promise<T> {
    let reject: (reason: InterruptedError) => void = () => {};
    const interrupted = new Promise<never>((_resolve, rejectInterrupted) => {
      reject = rejectInterrupted;
    });
    this.#interrupts.add(reject);
    // Whichever loses may still fail later; nobody waits for it then.
    interrupted.catch(() => {});
    work.catch(() => {});
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      this.#interrupts.delete(reject);
    }
  }

  #registerSource(source: RunSource): string {
    this.#scriptNumber += 1;
    const file = `tidetable-cell-${this.#scriptNumber}.js`;
    this.#sources.set(file, source);
    const oldest = this.#sources.keys().next().value;
    if (this.#sources.size > SOURCES_KEPT_MAX && oldest !== undefined) this.#sources.delete(oldest);
    return file;
  }

  /**
   * Compiles, and once more with a refreshed compiler when a package it cannot find is there: it was installed after the
   * compiler had looked into its folder.
   */
  #compile({ compiler, modules }: Loaded, { code, linesBefore }: Source): Compilation {
    const { gate } = this.#setting;
    const compile = () => gate.withoutForce(() => compiler.compile(code, linesBefore));
    const compilation = this.#compilations.get(compiler.declarations, code, linesBefore, compile);
    if (compilation.ok) return compilation;
    const arrived = missingPackages(compilation.problems).filter(
      (specifier) => !this.#withoutTypes.has(specifier) && modules.canResolve(specifier),
    );
    if (arrived.length === 0) return compilation;
    const again = gate.withoutForce(() => {
      compiler.refresh();
      return compiler.compile(code, linesBefore);
    });
    if (!again.ok) for (const specifier of missingPackages(again.problems)) this.#withoutTypes.add(specifier);
    return again;
  }

  describe(thrown: unknown): CellError {
    if (thrown instanceof CellFailure) return thrown.described;
    if (thrown instanceof InterruptedError || isScriptInterrupted(thrown)) return INTERRUPTED;
    return describeThrown(thrown, this.#sources);
  }
}

const INTERRUPTED: CellError = {
  name: "Interrupted",
  message: "The cell was interrupted. What it had done by then is kept.",
  traceback: ["Interrupted: The cell was interrupted. What it had done by then is kept."],
};

/** A failure that has its words already. */
class CellFailure extends Error {
  readonly described: CellError;

  constructor(described: CellError) {
    super(described.message);
    this.name = described.name;
    this.described = described;
  }
}

function isScriptInterrupted(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException | null | undefined)?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
}

/** The parenthesis stands on a line of its own, so that it moves no column. */
function expressionSource(expression: string): Source {
  return { code: `(\n${expression}\n)`, linesBefore: 1, shown: expression, keepsNames: false };
}
