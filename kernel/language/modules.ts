/**
 * What a cell's imports resolve to: libraries that the kernel carries (the same instance the kernel itself uses),
 * TypeScript files of the notebook's folder as the compiler emitted them, and everything Node finds from that folder.
 */
import Module, { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { constants, Script } from "node:vm";

import { type FolderOptions, pathsOf } from "./folder-options.js";

export interface EmittedModule {
  readonly path: string;
  readonly code: string;
}

/** How `require` says that only `import` can load a package. */
const IMPORT_ONLY: ReadonlySet<string | undefined> = new Set([
  "ERR_REQUIRE_ASYNC_MODULE",
  "ERR_REQUIRE_ESM",
  "ERR_PACKAGE_PATH_NOT_EXPORTED",
]);

type Require = (specifier: string) => unknown;

export class CellModules {
  readonly #folder: string;
  readonly #libraries: ReadonlyMap<string, unknown>;
  readonly #emitted = new Map<string, string>();
  readonly #loaded = new Map<string, Module>();
  /** Packages that can only be loaded asynchronously (top-level await), by specifier. */
  readonly #preloaded = new Map<string, unknown>();
  readonly #nodeImport: (specifier: string) => Promise<unknown>;
  #paths: FolderOptions["paths"] = {};
  readonly require: NodeJS.Require;

  constructor(folder: string, libraries: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
    this.#folder = folder;
    this.#libraries = new Map(Object.entries(libraries).map(([name, exports]) => [name, asEsModule(exports)] as const));
    this.#nodeImport = importerFrom(folder);
    this.require = this.#hooked(createRequire(join(folder, "cell.js")), folder);
  }

  /** Names for files of the user's own, as tsconfig.json gives them. */
  setPaths(paths: FolderOptions["paths"]): void {
    this.#paths = paths;
  }

  /** Takes over what the compiler made of the user's own files; a changed file is loaded anew. */
  addEmitted(modules: readonly EmittedModule[]): void {
    for (const { path, code } of modules) {
      this.#emitted.set(path, code);
      this.#loaded.clear();
    }
  }

  /** Loads what `require` cannot load by itself, so that a static import of it works. */
  async preload(specifiers: readonly string[]): Promise<void> {
    for (const specifier of specifiers) {
      try {
        this.require(specifier);
      } catch (error) {
        // Any other failure comes again where the cell itself imports it, and is shown there.
        if (!IMPORT_ONLY.has((error as NodeJS.ErrnoException | undefined)?.code)) continue;
        this.#preloaded.set(specifier, await this.#nodeImport(specifier));
      }
    }
  }

  /** `import()` of a cell. */
  async import(specifier: string): Promise<unknown> {
    const library = this.#libraries.get(specifier);
    if (library !== undefined) return library;
    return this.#emittedModule(this.#folder, specifier)?.exports ?? this.#nodeImport(specifier);
  }

  canResolve(specifier: string): boolean {
    try {
      this.require.resolve(specifier);
      return true;
    } catch (error) {
      return IMPORT_ONLY.has((error as NodeJS.ErrnoException | undefined)?.code);
    }
  }

  #hooked(nodeRequire: NodeJS.Require, folder: string): NodeJS.Require {
    const hooked: Require = (specifier) =>
      this.#libraries.get(specifier) ??
      this.#preloaded.get(specifier) ??
      this.#emittedModule(folder, specifier)?.exports ??
      nodeRequire(specifier);
    return Object.assign(hooked, {
      resolve: nodeRequire.resolve,
      cache: nodeRequire.cache,
      extensions: nodeRequire.extensions,
      main: nodeRequire.main,
    });
  }

  #emittedModule(folder: string, specifier: string): Module | undefined {
    if (!specifier.startsWith(".") && !specifier.startsWith("/")) {
      for (const path of pathsOf(specifier, this.#paths)) {
        const module = this.#emittedModule(folder, path);
        if (module !== undefined) return module;
      }
      return undefined;
    }
    const target = join(specifier.startsWith("/") ? "/" : folder, specifier).replaceAll("\\", "/");
    const named = target.replace(/\.tsx?$/, ".js");
    const path = [named, `${target}.js`, `${target}/index.js`].find(
      (candidate) => extname(candidate) !== "" && this.#emitted.has(candidate),
    );
    if (path === undefined) return undefined;
    const loaded = this.#loaded.get(path);
    if (loaded !== undefined) return loaded;
    const module = new Module(path);
    module.filename = path;
    module.require = this.#hooked(createRequire(path), dirname(path));
    // Before it runs, as Node does it: two files may import each other.
    this.#loaded.set(path, module);
    compileInto(module, this.#emitted.get(path) ?? "", path);
    return module;
  }
}

function asEsModule(exports: Readonly<Record<string, unknown>>): unknown {
  // Getters, so that what the library exports later is seen too.
  const copy: Record<string, unknown> = Object.create(null, { __esModule: { value: true } });
  for (const name of Object.keys(exports)) {
    Object.defineProperty(copy, name, { enumerable: true, get: () => exports[name] });
  }
  return Object.freeze(copy);
}

/** Node's own `import()`, resolving from the notebook's folder. */
function importerFrom(folder: string): (specifier: string) => Promise<unknown> {
  const script = new Script("(specifier) => import(specifier)", {
    filename: pathToFileURL(join(folder, "cell.js")).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.runInThisContext();
}

function compileInto(module: Module, code: string, path: string): void {
  const compiled: unknown = new Script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`, {
    filename: path,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext();
  if (typeof compiled === "function") {
    compiled.call(module.exports, module.exports, module.require, module, path, dirname(path));
  }
}
