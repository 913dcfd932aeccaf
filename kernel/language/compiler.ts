/**
 * From a cell's TypeScript to JavaScript, types and problems, in one pass over one program. Knows no output and runs
 * nothing.
 */
import type { SourceMapPayload } from "node:module";
import { relative } from "node:path";
import type typescript from "typescript";
import {
  cellRewrites,
  configurableImports,
  earlierNames,
  exportedOneByOne,
  type IsEarlier,
  resultAndImports,
} from "./cell-rewrites.js";
import { type CellSource, PARSED_FILE, readCellSource, type TypeScript } from "./cell-source.js";
import type { Declarations } from "./declarations.js";
import type { FolderOptions } from "./folder-options.js";
import { CellLanguageService, type CellProgram, type Library } from "./language-service.js";
import { SourceLines } from "./source-lines.js";

export interface CompiledCell {
  /** CommonJS-shaped: uses `exports`, `require` and the names of `CELL_PARAMETER`. */
  readonly javascript: string;
  readonly lines: SourceLines;
  readonly awaits: boolean;
  /** Types of what later cells may use of this one. */
  readonly declarations: string;
  readonly names: readonly string[];
  readonly constants: ReadonlySet<string>;
  /** What the cell imports statically, types left out. */
  readonly imports: readonly string[];
  /** JavaScript of the user's own files that the cell imports, where it is not what it was. */
  readonly emitted: ReadonlyArray<{ readonly path: string; readonly code: string }>;
}

export interface CompileProblem {
  readonly message: string;
  readonly code: number;
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** Absent in the cell itself. */
  readonly file: string | undefined;
}

export type Compilation =
  | { readonly ok: true; readonly cell: CompiledCell }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

export class Compiler {
  readonly languageService: CellLanguageService;
  readonly #ts: TypeScript;
  readonly #folder: string;
  /** Version of each of the user's files that was emitted last. */
  readonly #emittedVersions = new Map<string, string>();

  constructor(ts: TypeScript, folder: string, libraries: Readonly<Record<string, Library>>, own: FolderOptions) {
    this.#ts = ts;
    this.#folder = folder;
    this.languageService = new CellLanguageService(ts, folder, libraries, own);
  }

  get declarations(): Declarations {
    return this.languageService.declarations;
  }

  /** Looks at the disk anew for packages that were not there. */
  refresh(): void {
    this.languageService.lookAgain();
  }

  /** @param linesBefore lines of `code` that are not the user's and count for no place */
  compile(code: string, linesBefore: number): Compilation {
    const source = readCellSource(this.#ts, code);
    if (source.syntaxErrors.length > 0) {
      return { ok: false, problems: this.#problems(source.syntaxErrors, code, linesBefore) };
    }
    const cell = this.languageService.open(source.text);
    const { program, file } = cell;
    const usersFiles = this.#usersFiles(cell);
    const diagnostics = [file, ...usersFiles].flatMap((checked) => [
      ...(checked === file ? [] : program.getSyntacticDiagnostics(checked)),
      ...program.getSemanticDiagnostics(checked),
    ]);
    const errors = diagnostics.filter(
      ({ category, code: number }) => category === this.#ts.DiagnosticCategory.Error && number !== IMPORT_ASSIGNMENT,
    );
    if (errors.length > 0) return { ok: false, problems: this.#problems(errors, code, linesBefore) };
    return { ok: true, cell: this.#emit(cell, source, usersFiles, linesBefore) };
  }

  #emit(
    { program, file }: CellProgram,
    source: CellSource,
    usersFiles: readonly typescript.SourceFile[],
    linesBefore: number,
  ): CompiledCell {
    const ts = this.#ts;
    const checker = program.getTypeChecker();
    const names = new Set(this.declarations.chain);
    const isEarlier: IsEarlier = ({ fileName }) => names.has(fileName);
    const transformers: typescript.CustomTransformers = {
      before: [cellRewrites(ts, checker, isEarlier), resultAndImports(ts)],
      after: [earlierNames(ts, checker, isEarlier), configurableImports(ts)],
      afterDeclarations: [exportedOneByOne(ts)],
    };
    const written = this.languageService.asCommonJs(() => ({
      cell: emitted(program, file, transformers),
      files: this.#emitUsersFiles(program, usersFiles),
    }));
    return {
      javascript: written.cell.javascript,
      lines: new SourceLines(written.cell.map === undefined ? [] : [written.cell.map], linesBefore),
      awaits: source.awaits,
      declarations: written.cell.declarations + this.#inBlocks(checker, file, source),
      names: source.names,
      constants: source.constants,
      imports: this.#imports(checker, file),
      emitted: written.files,
    };
  }

  /** Types of what `var` declares in a block, which the compiler does not write down. */
  #inBlocks(checker: typescript.TypeChecker, file: typescript.SourceFile, { inBlocks }: CellSource): string {
    if (inBlocks.length === 0) return "";
    const { SymbolFlags, TypeFormatFlags } = this.#ts;
    const symbols = checker.getSymbolsInScope(file.endOfFileToken, SymbolFlags.Variable);
    return symbols
      .filter(({ name }) => inBlocks.includes(name))
      .map((symbol) => {
        const type = checker.getTypeOfSymbolAtLocation(symbol, file);
        return `export declare let ${symbol.name}: ${checker.typeToString(type, file, TypeFormatFlags.NoTruncation)};\n`;
      })
      .join("");
  }

  #emitUsersFiles(program: typescript.Program, files: readonly typescript.SourceFile[]): CompiledCell["emitted"] {
    return files.flatMap((file) => {
      const version = this.languageService.versionOf(file.fileName);
      if (this.#emittedVersions.get(file.fileName) === version) return [];
      this.#emittedVersions.set(file.fileName, version);
      const code = emitted(program, file, {}).javascript;
      return [{ path: file.fileName.replace(/\.[cm]?[jt]sx?$/, ".js"), code }];
    });
  }

  /** Those that the cell imports, and those import. */
  #usersFiles({ program, file }: CellProgram): typescript.SourceFile[] {
    const checker = program.getTypeChecker();
    const found = new Set<typescript.SourceFile>();
    const visit = (source: typescript.SourceFile): void => {
      // The parser's own list: static imports, `import()`, `export … from`.
      const { imports = [] } = source as { readonly imports?: readonly typescript.StringLiteralLike[] };
      for (const specifier of imports) {
        for (const declaration of checker.getSymbolAtLocation(specifier)?.declarations ?? []) {
          const target = declaration.getSourceFile();
          if (
            found.has(target) ||
            target.fileName.endsWith(".json") ||
            !this.languageService.isUsersFile(program, target)
          )
            continue;
          found.add(target);
          visit(target);
        }
      }
    };
    visit(file);
    return [...found];
  }

  #imports(checker: typescript.TypeChecker, file: typescript.SourceFile): string[] {
    const ts = this.#ts;
    const hasValue = (name: typescript.Identifier) => {
      const symbol = checker.getSymbolAtLocation(name);
      if (symbol === undefined) return true;
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return target.declarations === undefined || (target.flags & ts.SymbolFlags.Value) !== 0;
    };
    return file.statements.flatMap((statement) => {
      if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return [];
      const clause = statement.importClause;
      if (clause === undefined) return statement.moduleSpecifier.text;
      if (clause.isTypeOnly) return [];
      const bindings = clause.namedBindings;
      const names = [
        ...(clause.name === undefined ? [] : [clause.name]),
        ...(bindings === undefined
          ? []
          : ts.isNamespaceImport(bindings)
            ? [bindings.name]
            : bindings.elements.filter((element) => !element.isTypeOnly).map((element) => element.name)),
      ];
      return names.some(hasValue) ? statement.moduleSpecifier.text : [];
    });
  }

  /** One problem a place: what follows at the same place explains the first. */
  #problems(diagnostics: readonly typescript.Diagnostic[], code: string, linesBefore: number): CompileProblem[] {
    const problems: CompileProblem[] = [];
    for (const { file, start = 0, length = 1, messageText, code: number } of diagnostics) {
      const message = this.#ts.flattenDiagnosticMessageText(messageText, "\n");
      const inCell =
        file === undefined || file.fileName === PARSED_FILE || file.fileName === this.languageService.cellFile;
      const { line: row, column } = placeIn(inCell ? code : file.text, start);
      const line = Math.max(1, row - (inCell ? linesBefore : 0));
      const shownFile = inCell ? undefined : relative(this.#folder, file.fileName);
      const last = problems.at(-1);
      if (last !== undefined && last.line === line && last.column === column && last.file === shownFile) {
        problems[problems.length - 1] = { ...last, message: `${last.message}\n  ${message}` };
      } else {
        problems.push({ message, code: number, line, column, length: Math.max(1, length), file: shownFile });
      }
    }
    return problems;
  }
}

/** `import x = require("y")` is for CommonJS only, which is what a cell becomes. */
const IMPORT_ASSIGNMENT = 1202;

/** Lines and columns count from 1; what stands behind the user's text is its end. */
function placeIn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r?\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

interface Emitted {
  readonly javascript: string;
  readonly declarations: string;
  readonly map: SourceMapPayload | undefined;
}

function emitted(
  program: typescript.Program,
  file: typescript.SourceFile,
  transformers: typescript.CustomTransformers,
): Emitted {
  let [javascript, declarations, map] = ["", "", ""];
  const write = (name: string, text: string) => {
    if (name.endsWith(".d.ts")) declarations = text;
    else if (name.endsWith(".map")) map = text;
    else javascript = text.replace(MAP_COMMENT, "");
  };
  // A type that cannot be written down exactly must not keep the other names from later cells.
  const emit = program.emit as (
    ...parameters: [...Parameters<typeof program.emit>, forceDeclarations: boolean]
  ) => void;
  emit(file, write, undefined, undefined, transformers, true);
  return { javascript, declarations, map: map === "" ? undefined : (JSON.parse(map) as SourceMapPayload) };
}

const MAP_COMMENT = /\n?\/\/# sourceMappingURL=\S+\s*$/;
