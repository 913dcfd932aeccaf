/**
 * What the notebook's own tsconfig.json says about types: how strict, which libraries, which paths. How code is emitted
 * is the kernel's affair. Owns no defaults; runs nothing.
 */
import { join } from "node:path";
import type typescript from "typescript";
import type { TypeScript } from "./cell-source.js";

const RESPECTED = [
  "strict",
  "strictNullChecks",
  "strictFunctionTypes",
  "strictBindCallApply",
  "strictPropertyInitialization",
  "noImplicitAny",
  "noImplicitThis",
  "useUnknownInCatchVariables",
  "noImplicitReturns",
  "noFallthroughCasesInSwitch",
  "noUncheckedIndexedAccess",
  "exactOptionalPropertyTypes",
  "experimentalDecorators",
  "emitDecoratorMetadata",
  "lib",
] as const;

export interface FolderOptions {
  readonly options: typescript.CompilerOptions;
  /** Pattern with at most one `*` → absolute paths to try, each with the same `*`. */
  readonly paths: Readonly<Record<string, string[]>>;
  /** What is wrong with the file, for the user. */
  readonly problem: string | undefined;
}

export function folderOptions(ts: TypeScript, folder: string): FolderOptions {
  const file = join(folder, "tsconfig.json");
  if (!ts.sys.fileExists(file)) return { options: {}, paths: {}, problem: undefined };
  const read = ts.readConfigFile(file, (path) => ts.sys.readFile(path));
  // Which files the project is made of says nothing to a notebook, and looking for them may take long.
  const host = { ...ts.sys, readDirectory: () => [] };
  const parsed = ts.parseJsonConfigFileContent(read.config ?? {}, host, folder);
  const NO_INPUTS = 18003;
  const wrong = read.error ?? parsed.errors.find(({ code }) => code !== NO_INPUTS);
  const base = parsed.options.baseUrl ?? String(parsed.options.pathsBasePath ?? folder);
  return {
    options: Object.fromEntries(
      RESPECTED.flatMap((name) => (parsed.options[name] === undefined ? [] : [[name, parsed.options[name]]])),
    ),
    paths: Object.fromEntries(
      Object.entries(parsed.options.paths ?? {}).map(([pattern, places]) => [
        pattern,
        places.map((place) => ts.sys.resolvePath(join(base, place))),
      ]),
    ),
    problem:
      wrong === undefined ? undefined : `tsconfig.json: ${ts.flattenDiagnosticMessageText(wrong.messageText, "\n")}`,
  };
}

/** The absolute paths that `specifier` may stand for. */
export function pathsOf(specifier: string, paths: FolderOptions["paths"]): string[] {
  return Object.entries(paths).flatMap(([pattern, places]) => {
    const [before = "", after] = pattern.split("*");
    if (after === undefined) return pattern === specifier ? places : [];
    const fits =
      specifier.startsWith(before) && specifier.endsWith(after) && specifier.length >= before.length + after.length;
    if (!fits) return [];
    const middle = specifier.slice(before.length, specifier.length - after.length);
    return places.map((place) => place.replace("*", () => middle));
  });
}
