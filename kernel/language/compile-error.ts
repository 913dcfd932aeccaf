/** The compiler's problems as the error of a cell. Pure. */
import { codeFrame } from "./code-frame.js";
import type { CompileProblem } from "./compiler.js";
import type { CellError } from "./executor.js";

const PROBLEMS_SHOWN_MAX = 10;

export function missingPackages(problems: readonly CompileProblem[]): string[] {
  const CANNOT_FIND_MODULE = 2307;
  return problems.flatMap(({ code, message }) =>
    code === CANNOT_FIND_MODULE ? (/'([^']+)'/.exec(message)?.[1] ?? []) : [],
  );
}

export function compileError(title: string, code: string, problems: readonly CompileProblem[]): CellError {
  const [first] = problems;
  const syntax = first !== undefined && first.code >= 1000 && first.code < 2000;
  const name = syntax ? "SyntaxError" : "TypeScriptError";
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const lines = shown.flatMap((problem, index) => {
    const install = installHint(missingPackages([problem]));
    const where = `${problem.file ?? title}, line ${problem.line}, column ${problem.column}`;
    const frame = problem.file === undefined ? ["", ...codeFrame(code, problem, problem.length)] : [];
    return [
      ...(index === 0 ? [] : [""]),
      ...`${name}: ${problem.message} (TS${problem.code})`.split("\n"),
      `    at ${where}`,
      ...frame,
      ...install,
    ];
  });
  if (problems.length > shown.length) lines.push("", `… ${problems.length - shown.length} more errors in this cell`);
  return { name, message: first === undefined ? "" : `${first.message} (TS${first.code})`, traceback: lines };
}

/** How to get the packages that are missing; nothing for files, and for what Node itself would have. */
export function installHint(specifiers: readonly string[]): string[] {
  const packages = specifiers
    .filter((specifier) => !/^[./]|^[a-z]+:/i.test(specifier))
    .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0])
    .filter((name) => name !== undefined);
  return packages.length === 0
    ? []
    : ["", `To install it, in a terminal in the notebook's folder: npm install ${packages.join(" ")}`];
}
