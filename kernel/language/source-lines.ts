/**
 * From a place in compiled JavaScript back to the user's own line, through the source map that a cell's
 * compilation leaves. Lines and columns count from 1.
 */
import { SourceMap, type SourceMapPayload } from "node:module";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Maps of the compilation's stages, last stage first. */
export class SourceLines {
  readonly #stages: readonly SourceMap[];
  readonly #linesBefore: number;

  /** @param linesBefore lines that the compiler put in front of the user's first one */
  constructor(stages: readonly SourceMapPayload[], linesBefore: number) {
    this.#stages = stages.map((payload) => new SourceMap(payload));
    this.#linesBefore = linesBefore;
  }

  /** Undefined for code that the compiler added. */
  original(place: Place): Place | undefined {
    let { line, column } = { line: place.line - 1, column: place.column - 1 };
    for (const stage of this.#stages) {
      const entry = stage.findEntry(line, column);
      if (!("originalLine" in entry)) return undefined;
      line = entry.originalLine;
      column = entry.originalColumn;
    }
    return line < this.#linesBefore ? undefined : { line: line - this.#linesBefore + 1, column: column + 1 };
  }
}
