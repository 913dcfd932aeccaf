/**
 * Compilations of the newest cells, for code that is run again in the same surroundings: a cell run twice, the
 * expressions of a SQL cell, what a front-end asks beside every cell. Only what depends on nothing but the code and the
 * declarations is kept; a file that is imported may change. Pure.
 */
import type { Compilation } from "./compiler.js";
import { leadsToFile } from "./declarations.js";

const KEPT_MAX = 50;

/** What earlier cells have declared. */
interface Surroundings {
  /** Another one whenever they say something else. */
  readonly version: number;
  readonly leadToFiles: boolean;
}

export class CompilationCache {
  readonly #kept = new Map<string, Compilation>();

  /** What `compile` gave for the same texts before, or gives now. */
  get(surroundings: Surroundings, code: string, linesBefore: number, compile: () => Compilation): Compilation {
    const key = `${surroundings.version} ${linesBefore}\n${code}`;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#keep(key, known);
      return known;
    }
    const compilation = compile();
    const lasting = compilation.ok && compilation.cell.imports.length === 0 && compilation.cell.emitted.length === 0;
    if (lasting && !leadsToFile(code) && !surroundings.leadToFiles) this.#keep(key, compilation);
    return compilation;
  }

  /** As the newest. */
  #keep(key: string, compilation: Compilation): void {
    this.#kept.delete(key);
    this.#kept.set(key, compilation);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }
}
