/**
 * Writes dist/types/: the declarations of what a cell or a program imports from "tidetable", and of the files these
 * name. Each file is translated by itself, without a type check (`npm run types` is that), so it takes a moment only.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist/types");

const compilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  declaration: true,
  emitDeclarationOnly: true,
  isolatedDeclarations: true,
  strict: true,
};

/** @throws Error naming file and place, where an export has no written type. */
export async function buildTypes(entries = ["src/index.ts", "src/spark.ts"]) {
  await rm(out, { recursive: true, force: true });
  const waiting = entries.map((entry) => resolve(root, entry));
  const seen = new Set(waiting);
  for (const file of waiting) {
    const declarations = declarationsOf(file, await readFile(file, "utf8"));
    const target = join(out, relative(root, file)).replace(/\.ts$/, ".d.ts");
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, declarations);
    for (const next of importedFiles(file, declarations)) {
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
}

function declarationsOf(file, text) {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, {
    fileName: file,
    compilerOptions,
    reportDiagnostics: true,
  });
  const [problem] = diagnostics;
  if (problem !== undefined) {
    const { line } = problem.file.getLineAndCharacterOfPosition(problem.start);
    const message = ts.flattenDiagnosticMessageText(problem.messageText, " ");
    throw new Error(`${relative(root, file)}:${line + 1}: ${message}`);
  }
  return outputText;
}

function importedFiles(file, declarations) {
  return ts
    .preProcessFile(declarations)
    .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => resolve(dirname(file), fileName).replace(/\.js$/, ".ts"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildTypes();
