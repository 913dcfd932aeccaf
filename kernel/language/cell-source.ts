/**
 * What can be read from a cell's text alone: its syntax errors, the names it declares at its top, and the text that the
 * compiler is given: the user's own, every place unchanged, and one line behind it that exports those names, so that the
 * compiler writes down their types. Pure.
 */
import type typescript from "typescript";

export type TypeScript = typeof typescript;

export interface CellSource {
  /** For the compiler. */
  readonly text: string;
  /** `await`, `for await` or `await using` outside of any function. */
  readonly awaits: boolean;
  /** Declared names that have a value when the cell runs; imported ones left out. */
  readonly names: readonly string[];
  readonly constants: ReadonlySet<string>;
  /** What `var` declares below the top. */
  readonly inBlocks: readonly string[];
  readonly syntaxErrors: readonly typescript.Diagnostic[];
}

export function readCellSource(ts: TypeScript, code: string): CellSource {
  const text = code.includes("export") ? withoutExports(ts, code) : code;
  const file = parseModule(ts, text);
  const found = new DeclaredNames(ts);
  for (const statement of file.statements) found.addStatement(statement);
  const exported = [...found.all].join(", ");
  const { parseDiagnostics } = file as unknown as { readonly parseDiagnostics: readonly typescript.Diagnostic[] };
  return {
    text: `${text}\nexport { ${exported} };`,
    awaits: code.includes("await") && awaitsAtTop(ts, file),
    names: [...found.values],
    constants: found.constants,
    inBlocks: [...found.inBlocks],
    syntaxErrors: parseDiagnostics,
  };
}

/** What the parsed text is called in its diagnostics. */
export const PARSED_FILE = "cell.ts";

/** As a module, which is what a cell is: there, `await` is no name. */
export function parseModule(ts: TypeScript, text: string): typescript.SourceFile {
  const setExternalModuleIndicator = (file: typescript.SourceFile) => {
    Object.assign(file, { externalModuleIndicator: true });
  };
  return ts.createSourceFile(
    PARSED_FILE,
    text,
    { languageVersion: ts.ScriptTarget.Latest, setExternalModuleIndicator },
    true,
  );
}

/** A cell's names are shared anyway. Blanks in place of `export`, so that columns stay. */
function withoutExports(ts: TypeScript, code: string): string {
  const file = parseModule(ts, code);
  let text = code;
  const blank = (start: number, end: number) => {
    text = text.slice(0, start) + text.slice(start, end).replace(/[^\r\n]/g, " ") + text.slice(end);
  };
  for (const statement of file.statements) {
    if (ts.isExportAssignment(statement)) blank(statement.getStart(file), statement.expression.getStart(file));
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined)
      blank(statement.getStart(file), statement.end);
    if (!ts.canHaveModifiers(statement)) continue;
    for (const modifier of statement.modifiers ?? []) {
      if (modifier.kind === ts.SyntaxKind.ExportKeyword || modifier.kind === ts.SyntaxKind.DefaultKeyword) {
        blank(modifier.getStart(file), modifier.end);
      }
    }
  }
  return text;
}

function awaitsAtTop(ts: TypeScript, node: typescript.Node): boolean {
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)) return true;
  if (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing)
    return true;
  if (ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node)) return false;
  return ts.forEachChild(node, (child) => awaitsAtTop(ts, child) || undefined) ?? false;
}

class DeclaredNames {
  readonly #ts: TypeScript;
  /** Types and imported names, too. */
  readonly all = new Set<string>();
  readonly values = new Set<string>();
  readonly constants = new Set<string>();
  readonly inBlocks = new Set<string>();

  constructor(ts: TypeScript) {
    this.#ts = ts;
  }

  addStatement(statement: typescript.Statement): void {
    const ts = this.#ts;
    const ambient =
      ts.canHaveModifiers(statement) &&
      statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) === true;
    if (ts.isVariableStatement(statement)) {
      this.#addVariables(statement.declarationList, ambient);
    } else if (ts.isImportDeclaration(statement)) {
      for (const name of importedNames(ts, statement)) this.all.add(name);
    } else if (ts.isImportEqualsDeclaration(statement)) {
      this.#add(statement.name.text, !statement.isTypeOnly);
    } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      if (statement.name !== undefined) this.#add(statement.name.text, !ambient);
    } else if (ts.isEnumDeclaration(statement)) {
      const inlined = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ConstKeyword) ?? false;
      this.#add(statement.name.text, !ambient && !inlined);
    } else if (ts.isModuleDeclaration(statement)) {
      if (ts.isIdentifier(statement.name) && !isGlobalScope(ts, statement))
        this.#add(statement.name.text, !ambient && hasValues(ts, statement));
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      this.all.add(statement.name.text);
    }
    if (!ts.isVariableStatement(statement)) this.#addHoisted(statement);
  }

  /** What `var` declares in a block is the cell's. */
  #addHoisted(node: typescript.Node): void {
    const ts = this.#ts;
    if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isModuleDeclaration(node)) return;
    if (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) === 0) this.#addInBlock(node);
    ts.forEachChild(node, (child) => this.#addHoisted(child));
  }

  #addInBlock(list: typescript.VariableDeclarationList): void {
    const ts = this.#ts;
    for (const name of list.declarations.flatMap((declaration) => boundNames(ts, declaration.name))) {
      if (this.values.has(name)) continue;
      this.inBlocks.add(name);
      this.values.add(name);
    }
  }

  #addVariables(list: typescript.VariableDeclarationList, ambient: boolean): void {
    const ts = this.#ts;
    const kind = list.flags & ts.NodeFlags.BlockScoped;
    // What `using` declares ends with its cell.
    if (kind === ts.NodeFlags.Using || kind === ts.NodeFlags.AwaitUsing) return;
    for (const { name } of list.declarations) {
      for (const declared of boundNames(ts, name)) {
        this.#add(declared, !ambient);
        if (kind === ts.NodeFlags.Const && !ambient) this.constants.add(declared);
      }
    }
  }

  #add(name: string, hasValue: boolean): void {
    if (name === "") return;
    this.all.add(name);
    if (hasValue) this.values.add(name);
  }
}

function isGlobalScope(ts: TypeScript, statement: typescript.ModuleDeclaration): boolean {
  return (statement.flags & ts.NodeFlags.GlobalAugmentation) !== 0;
}

function hasValues(ts: TypeScript, { body }: typescript.ModuleDeclaration): boolean {
  if (body === undefined) return false;
  if (!ts.isModuleBlock(body)) return true;
  return body.statements.some((inner) => !ts.isInterfaceDeclaration(inner) && !ts.isTypeAliasDeclaration(inner));
}

function boundNames(ts: TypeScript, name: typescript.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : boundNames(ts, element.name)));
}

/** The names that an import declaration brings. */
export function importedNames(ts: TypeScript, statement: typescript.ImportDeclaration): string[] {
  const clause = statement.importClause;
  const names = clause?.name === undefined ? [] : [clause.name.text];
  if (clause?.namedBindings === undefined) return names;
  if (ts.isNamespaceImport(clause.namedBindings)) return [...names, clause.namedBindings.name.text];
  return [...names, ...clause.namedBindings.elements.map((element) => element.name.text)];
}
