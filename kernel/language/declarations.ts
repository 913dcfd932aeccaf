/**
 * The types of everything that earlier cells have declared, as the later ones see them: a chain of small files of
 * declarations, one a cell, each looked at when the names in front of it are not enough. A cell adds a file and changes
 * none, so that the thousandth costs what the first did. Files whose names nobody can reach any more are given up.
 * Owns texts and their order; the compiler reads them.
 */
import type typescript from "typescript";
import { importedNames, type TypeScript } from "./cell-source.js";

/** Files there are from the start; the compiler looks anew at all it has when there is one more. */
const FILES_FIRST = 32;
const NO_DECLARATIONS = "export {};\n";

/** An import with a path in it: its types are in a file of the user's own. */
const FROM_FILE = /\b(?:from|import|require)\s*\(?\s*["'][./]/;

export function leadsToFile(code: string): boolean {
  return FROM_FILE.test(code);
}

interface Entry {
  readonly file: string;
  readonly text: string;
  /** `value:x`, `type:X` for each name it declares. */
  readonly keys: ReadonlySet<string>;
  /** Every identifier in it. */
  readonly mentions: ReadonlySet<string>;
}

export class Declarations {
  readonly #ts: TypeScript;
  readonly #nameOf: (index: number) => string;
  readonly #texts = new Map<string, { text: string; version: number }>();
  #chain: Entry[] = [];
  #free: string[] = [];
  /** Changes whenever a later cell may see something else. */
  version = 0;

  constructor(ts: TypeScript, nameOf: (index: number) => string) {
    this.#ts = ts;
    this.#nameOf = nameOf;
    this.#makeFiles(FILES_FIRST);
  }

  /** All files, also those that hold nothing at present. */
  get files(): Iterable<string> {
    return this.#texts.keys();
  }

  /** The files in use, oldest first. */
  get chain(): readonly string[] {
    return this.#chain.map((entry) => entry.file);
  }

  textOf(file: string): string | undefined {
    return this.#texts.get(file)?.text;
  }

  versionOf(file: string): number | undefined {
    return this.#texts.get(file)?.version;
  }

  get leadToFiles(): boolean {
    return this.#chain.some((entry) => leadsToFile(entry.text));
  }

  /** @param unreached names whose declaration the cell has not reached; their values are left out, types are kept. */
  add(declarations: string, unreached: ReadonlySet<string> = new Set()): void {
    const text = unreached.size === 0 ? declarations : withoutValues(this.#ts, declarations, unreached);
    const { keys, mentions } = read(this.#ts, text);
    if (keys.size === 0 || this.#isSaid(text, mentions)) return;
    this.version += 1;
    if (this.#free.length === 0) this.#makeFiles(this.#texts.size);
    const file = this.#free.pop();
    if (file === undefined) throw new Error("There is no file for the declarations of a cell.");
    this.#write(file, `${text}\n${NO_DECLARATIONS}`);
    const hides = this.#chain.some((earlier) => overlap(keys, earlier.keys));
    this.#chain.push({ file, text, keys, mentions });
    if (hides) this.#giveUpHidden();
  }

  /** The same again, and nothing came between that would make it mean something else: a cell that was run twice. */
  #isSaid(text: string, mentions: ReadonlySet<string>): boolean {
    const at = this.#chain.findLastIndex((entry) => entry.text === text);
    if (at < 0) return false;
    return this.#chain.slice(at + 1).every(({ keys }) => {
      for (const key of keys) if (mentions.has(nameOf(key))) return false;
      return true;
    });
  }

  /** Gives up each file all of whose names are declared again behind it, where nothing in between speaks of them. */
  #giveUpHidden(): void {
    const declaredBehind = new Set<string>();
    /** Spoken of behind, and not declared between here and there. */
    const meantBehind = new Set<string>();
    const texts: string[] = [];
    const kept: Entry[] = [];
    for (const entry of this.#chain.toReversed()) {
      const hidden = [...entry.keys].every((key) => declaredBehind.has(key) && !meantBehind.has(key));
      if (hidden && !texts.some((text) => text.includes(moduleName(entry.file)))) {
        this.#write(entry.file, NO_DECLARATIONS);
        this.#free.push(entry.file);
        continue;
      }
      kept.push(entry);
      texts.push(entry.text);
      for (const key of entry.keys) {
        declaredBehind.add(key);
        meantBehind.delete(key);
      }
      for (const name of entry.mentions) {
        for (const key of [`value:${name}`, `type:${name}`]) if (!entry.keys.has(key)) meantBehind.add(key);
      }
    }
    this.#chain = kept.reverse();
  }

  #makeFiles(count: number): void {
    for (let made = 0; made < count; made++) {
      const file = this.#nameOf(this.#texts.size);
      this.#write(file, NO_DECLARATIONS);
      this.#free.push(file);
    }
  }

  #write(file: string, text: string): void {
    this.#texts.set(file, { text, version: (this.#texts.get(file)?.version ?? 0) + 1 });
  }
}

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const key of some) if (others.has(key)) return true;
  return false;
}

function nameOf(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

function moduleName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1).replace(/\.d\.ts$/, "");
}

function read(ts: TypeScript, text: string): { keys: Set<string>; mentions: Set<string> } {
  const file = parse(ts, text);
  const keys = new Set<string>();
  const add = (name: string, ...kinds: string[]) => {
    for (const kind of kinds) keys.add(`${kind}:${name}`);
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) add(name.text, "value");
    } else if (ts.isImportDeclaration(statement)) {
      for (const name of importedNames(ts, statement)) add(name, "value", "type");
    } else if (ts.isFunctionDeclaration(statement)) {
      if (statement.name !== undefined) add(statement.name.text, "value");
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      add(statement.name.text, "type");
    } else {
      const { name } = statement as typescript.DeclarationStatement;
      if (name !== undefined && ts.isIdentifier(name)) add(name.text, "value", "type");
    }
  }
  const { identifiers } = file as unknown as { readonly identifiers: ReadonlyMap<string, string> };
  return { keys, mentions: new Set(identifiers.keys()) };
}

function withoutValues(ts: TypeScript, declarations: string, names: ReadonlySet<string>): string {
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  const file = parse(ts, declarations);
  const statements = file.statements.flatMap((statement): typescript.Statement[] => {
    if (ts.isVariableStatement(statement)) {
      const list = statement.declarationList;
      const kept = list.declarations.filter(({ name }) => ts.isIdentifier(name) && !names.has(name.text));
      if (kept.length === 0) return [];
      const shorter = ts.factory.updateVariableDeclarationList(list, kept);
      return [ts.factory.updateVariableStatement(statement, statement.modifiers, shorter)];
    }
    if (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement) || ts.isEnumDeclaration(statement)) {
      return statement.name !== undefined && names.has(statement.name.text) ? [] : [statement];
    }
    return [statement];
  });
  return statements.map((node) => `${printer.printNode(ts.EmitHint.Unspecified, node, file)}\n`).join("");
}

function parse(ts: TypeScript, text: string): typescript.SourceFile {
  return ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.Latest, true);
}
