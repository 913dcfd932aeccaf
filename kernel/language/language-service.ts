/**
 * The compiler over a notebook: one cell at a time, the declarations of the earlier ones, the user's own files, and
 * everything they import. Owns what the compiler sees of the disk and which options hold; knows nothing of how a cell is
 * run.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type typescript from "typescript";
import type { TypeScript } from "./cell-source.js";
import { Declarations } from "./declarations.js";
import type { FolderOptions } from "./folder-options.js";

export interface Library {
  readonly exports: Readonly<Record<string, unknown>>;
  /** A `.d.ts` file with the library's types; without one, every export is `any`. */
  readonly declarationFile?: string;
}

/** A program that holds a cell, ready to be asked. */
export interface CellProgram {
  readonly program: typescript.Program;
  readonly file: typescript.SourceFile;
}

export class CellLanguageService {
  readonly declarations: Declarations;
  readonly options: typescript.CompilerOptions;
  readonly service: typescript.LanguageService;
  readonly cellFile: string;
  readonly #ts: TypeScript;
  readonly #virtual: ReadonlyMap<string, string>;
  /** Texts of files that do not change while a kernel runs. */
  readonly #snapshots = new Map<string, typescript.IScriptSnapshot>();
  /** What the package.json files say that decide about the files beside them; read anew by `lookAgain`. */
  readonly #packages: typescript.PackageJsonInfoCache;
  #resolutions: typescript.ModuleResolutionCache;
  #cell = { text: "", version: 0 };

  constructor(ts: TypeScript, folder: string, libraries: Readonly<Record<string, Library>>, own: FolderOptions) {
    this.#ts = ts;
    const inFolder = (name: string) => join(folder, name).replaceAll("\\", "/");
    this.cellFile = inFolder("tidetable-cell.ts");
    this.declarations = new Declarations(ts, (index) => inFolder(`tidetable-names-${index}.d.ts`));
    const { paths, virtualFiles } = libraryPaths(folder, libraries);
    this.#virtual = virtualFiles;
    this.options = {
      target: ts.ScriptTarget.ES2022,
      // For the checks: a cell may await at its top. It is written out as CommonJS, see `asCommonJs`.
      module: ts.ModuleKind.ESNext,
      // Packages that name their types in "exports" only are found, too.
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      esModuleInterop: true,
      resolveJsonModule: true,
      allowJs: true,
      jsx: ts.JsxEmit.React,
      skipLibCheck: true,
      lib: librariesOfNode(),
      ...own.options,
      declaration: true,
      newLine: ts.NewLineKind.LineFeed,
      sourceMap: true,
      // Node's types are the ones Tidetable brings, wherever the notebook lies; no others are global by accident.
      typeRoots: [nodeTypesRoot()],
      types: ["node"],
      // `import "./file.ts"`; what is emitted goes through our own require, which knows the ending.
      allowImportingTsExtensions: true,
      paths: { ...own.paths, ...paths },
      pathsBasePath: folder,
    };
    const resolutions = ts.createModuleResolutionCache(folder, (file) => this.#canonical(file), this.options);
    this.#packages = resolutions.getPackageJsonInfoCache();
    this.#resolutions = resolutions;
    this.service = ts.createLanguageService(this.#host(folder), ts.createDocumentRegistry(true, folder));
  }

  /** Makes this the cell's text. */
  open(text: string): CellProgram {
    if (text !== this.#cell.text) {
      this.#cell = { text, version: this.#cell.version + 1 };
      this.#resolutions = this.#newResolutions();
    }
    const program = this.service.getProgram();
    const file = program?.getSourceFile(this.cellFile);
    if (program === undefined || file === undefined) throw new Error("The compiler has no program for the cell.");
    this.#chain(program, file);
    return { program, file };
  }

  /** Has the next `open` look at the disk again for what was not found. */
  lookAgain(): void {
    this.#cell = { text: "", version: this.#cell.version + 1 };
    this.#packages.clear();
  }

  /** A user's own file: one that may change, and is compiled. */
  isUsersFile(program: typescript.Program, file: typescript.SourceFile): boolean {
    return !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file) && file.fileName !== this.cellFile;
  }

  versionOf(file: string): string {
    if (file === this.cellFile) return String(this.#cell.version);
    const declared = this.declarations.versionOf(file);
    if (declared !== undefined) return String(declared);
    if (this.#isLasting(file)) return "1";
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? "none" : `${stats.mtimeMs} ${stats.size}`;
  }

  /** Emits as CommonJS while `work` runs; to the checker, code is a module all the time. */
  asCommonJs<T>(work: () => T): T {
    const { module } = this.options;
    this.options.module = this.#ts.ModuleKind.CommonJS;
    try {
      return work();
    } finally {
      this.options.module = module;
    }
  }

  /** Where imports lead is looked up for each cell; a file may have come or gone. */
  #newResolutions(): typescript.ModuleResolutionCache {
    const folder = dirname(this.cellFile);
    return this.#ts.createModuleResolutionCache(folder, (file) => this.#canonical(file), this.options, this.#packages);
  }

  #canonical(file: string): string {
    return this.#ts.sys.useCaseSensitiveFileNames ? file : file.toLowerCase();
  }

  /**
   * A name that a file does not have is looked for in what stands around it. Nothing stands around a file; so each file
   * of declarations is given the one before it, and the cell the newest.
   */
  #chain(program: typescript.Program, cell: typescript.SourceFile): void {
    let around: typescript.SourceFile | undefined;
    for (const fileName of this.declarations.chain) {
      const file = program.getSourceFile(fileName);
      if (file === undefined) continue;
      Object.assign(file, { parent: around });
      around = file;
    }
    Object.assign(cell, { parent: around });
  }

  #host(folder: string): typescript.LanguageServiceHost {
    const { sys } = this.#ts;
    const own = (file: string): string | undefined =>
      file === this.cellFile ? this.#cell.text : (this.declarations.textOf(file) ?? this.#virtual.get(file));
    const readFile = (file: string, encoding?: string) => own(file) ?? sys.readFile(file, encoding);
    const host: typescript.LanguageServiceHost & { getModuleResolutionCache(): typescript.ModuleResolutionCache } = {
      getModuleResolutionCache: () => this.#resolutions,
      resolveModuleNameLiterals: (literals, containingFile, redirected, options, source) =>
        literals.map((literal) => {
          const mode = this.#ts.getModeForUsageLocation(source, literal, options);
          return this.#ts.resolveModuleName(
            literal.text,
            containingFile,
            options,
            host,
            this.#resolutions,
            redirected,
            mode,
          );
        }),
      getCompilationSettings: () => this.options,
      getScriptFileNames: () => [this.cellFile, ...this.declarations.files],
      getScriptVersion: (file) => this.versionOf(file),
      getScriptSnapshot: (file) => this.#snapshot(file, readFile),
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: (options) => this.#ts.getDefaultLibFilePath(options),
      useCaseSensitiveFileNames: () => sys.useCaseSensitiveFileNames,
      fileExists: (file) => own(file) !== undefined || sys.fileExists(file),
      readFile,
      readDirectory: sys.readDirectory,
      directoryExists: sys.directoryExists,
      getDirectories: sys.getDirectories,
      ...(sys.realpath && { realpath: sys.realpath }),
    };
    return host;
  }

  #snapshot(file: string, readFile: (file: string) => string | undefined): typescript.IScriptSnapshot | undefined {
    const known = this.#snapshots.get(file);
    if (known !== undefined) return known;
    const text = readFile(file);
    if (text === undefined) return undefined;
    const snapshot = this.#ts.ScriptSnapshot.fromString(text);
    if (this.#isLasting(file)) this.#snapshots.set(file, snapshot);
    return snapshot;
  }

  #isLasting(file: string): boolean {
    if (file === this.cellFile || this.declarations.versionOf(file) !== undefined) return false;
    return file.includes("/node_modules/") || file.endsWith(".d.ts");
  }
}

/** The newest that the running Node has. */
function librariesOfNode(): string[] {
  const [major = 0] = process.versions.node.split(".").map(Number);
  const newest = major >= 22 ? ["es2024", "esnext.iterator", "esnext.collection"] : ["es2023"];
  return [...newest, "esnext.disposable"].map((name) => `lib.${name}.d.ts`);
}

function nodeTypesRoot(): string {
  const require = createRequire(import.meta.url);
  return resolve(dirname(require.resolve("@types/node/package.json")), "..");
}

function libraryPaths(folder: string, libraries: Readonly<Record<string, Library>>) {
  const paths: Record<string, string[]> = {};
  const virtualFiles = new Map<string, string>();
  for (const [name, library] of Object.entries(libraries)) {
    const file = library.declarationFile ?? join(folder, `__library_${name}__.d.ts`).replaceAll("\\", "/");
    if (library.declarationFile === undefined) {
      const names = Object.keys(library.exports).map((exported) => `export declare const ${exported}: any;\n`);
      virtualFiles.set(file, `export {};\n${names.join("")}`);
    }
    paths[name] = [file];
  }
  return { paths, virtualFiles };
}
