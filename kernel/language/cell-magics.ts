/**
 * Cells that begin with `%%name` (or `%name`) go to a handler instead of the compiler. Owns the registry and the
 * reading of a cell's first line; knows no handler but `%help`.
 */
import type { CellOutput, Completions, MimeBundle } from "./executor.js";

/** A cell in which a magic runs: its output, and the notebook's TypeScript scope. */
export interface MagicCell extends CellOutput {
  evaluate(expression: string): Promise<unknown>;
  define(name: string, value: unknown, typeText: string): void;
  /** Type and documentation of a name, or undefined. */
  inspect(name: string): Promise<MimeBundle | undefined>;
  onDispose(dispose: () => void): void;
  readonly cellId: string | undefined;
}

export interface CellMagic {
  readonly name: string;
  /** One line for `%help`. */
  readonly summary: string;
  /** @throws Error whose message is shown as the cell's error, without a stack. */
  run(argumentLine: string, body: string, cell: MagicCell): Promise<void>;
  /** `cursor` and the answer's range count UTF-16 units in `body`. */
  complete?(body: string, cursor: number): Promise<Completions>;
}

export interface MagicCall {
  readonly name: string;
  readonly argumentLine: string;
  readonly body: string;
  /** UTF-16 index of the body in the cell. */
  readonly bodyStart: number;
}

/** The call that a cell makes, or undefined for code, which never begins with a `%`. Empty lines before it are skipped. */
export function parseMagicCall(code: string): MagicCall | undefined {
  const match = /^\s*%%?([A-Za-z]\S*)(?:[ \t]+([^\r\n]*))?(?:\r?\n|$)/.exec(code);
  if (match === null) return undefined;
  const [firstLine, name = "", argumentLine = ""] = match;
  return { name, argumentLine: argumentLine.trim(), body: code.slice(firstLine.length), bodyStart: firstLine.length };
}

export class CellMagics {
  readonly #byName = new Map<string, CellMagic>();

  constructor(magics: readonly CellMagic[]) {
    for (const magic of [...magics, this.#help(), ABOUT]) this.#byName.set(magic.name, magic);
  }

  /** @throws Error that lists what there is. */
  get(name: string): CellMagic {
    const magic = this.#byName.get(name);
    if (magic === undefined) {
      const known = [...this.#byName.keys()].sort().map((other) => `%%${other}`);
      throw new UnknownMagicError(`There is no cell command %%${name}. This kernel has ${known.join(", ")}.`);
    }
    return magic;
  }

  find(name: string): CellMagic | undefined {
    return this.#byName.get(name);
  }

  /** Commands that go on as the cell's first word, up to the cursor, begins. */
  completeName(code: string, cursor: number): Completions | undefined {
    const typed = /^\s*%%?(\S*)$/.exec(code.slice(0, cursor))?.[1];
    if (typed === undefined) return undefined;
    const names = this.names().filter((name) => name.startsWith(typed));
    const matches = names.map((text) => ({ text, type: "magic", signature: this.get(text).summary }));
    return { start: cursor - typed.length, end: cursor, matches };
  }

  names(): string[] {
    return [...this.#byName.keys()].sort();
  }

  #help(): CellMagic {
    return {
      name: "help",
      summary: "lists the cell commands",
      run: async (_argumentLine, _body, cell) => {
        const width = Math.max(...this.names().map((name) => name.length));
        for (const [name, { summary }] of [...this.#byName].sort()) {
          cell.write("stdout", `%%${name.padEnd(width)}  ${summary}\n`);
        }
      },
    };
  }
}

/** For consoles, which have no Shift-Tab. */
const ABOUT: CellMagic = {
  name: "about",
  summary: "NAME shows the type and the documentation of a name in the pager",
  run: async (argumentLine, _body, cell) => {
    const found = argumentLine === "" ? undefined : await cell.inspect(argumentLine);
    if (found === undefined) {
      throw new UnknownMagicError(`%about knows nothing of "${argumentLine}". Give it a name: %about console.log`);
    }
    cell.page(found);
  },
};

class UnknownMagicError extends Error {
  override readonly name = "UnknownCommand";
}
