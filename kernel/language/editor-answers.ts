/** What an editor asks about a cell's code: how it may go on, what a name is. Runs nothing. */
import type typescript from "typescript";
import type { TypeScript } from "./cell-source.js";
import type { Completions } from "./executor.js";
import type { CellLanguageService } from "./language-service.js";

/** A front-end shows what a function takes for the first of its matches; working it out for thousands takes long. */
const SIGNATURES_MAX = 50;
const SIGNATURE_LENGTH_MAX = 200;

export function complete(ts: TypeScript, language: CellLanguageService, code: string, cursor: number): Completions {
  const { program, file } = language.open(asModule(code));
  const options = { includeSymbol: true };
  const found = language.service.getCompletionsAtPosition(language.cellFile, cursor, options);
  const word = wordAt(code, cursor);
  const entries = found?.entries ?? [];
  const span = entries[0]?.replacementSpan ?? found?.optionalReplacementSpan;
  const start = span?.start ?? word.start;
  const end = span === undefined ? word.end : span.start + span.length;
  const typed = code.slice(start, cursor);
  const ranked = entries
    .map((entry, index) => ({ entry, index, rank: rankOf(entry.name, typed) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => compare(`${a.rank}${a.entry.sortText}`, `${b.rank}${b.entry.sortText}`) || a.index - b.index);
  const checker = program.getTypeChecker();
  const matches = ranked.map(({ entry }, index) => {
    const signature = index < SIGNATURES_MAX ? signatureOf(ts, checker, file, entry) : undefined;
    return { text: entry.name, type: completionType(entry.kind), ...(signature !== undefined && { signature }) };
  });
  return { start, end, matches };
}

/** The type and the documentation of what stands at `cursor`, or undefined. */
export function inspect(
  ts: TypeScript,
  language: CellLanguageService,
  code: string,
  cursor: number,
): { type: string; documentation: string } | undefined {
  language.open(asModule(code));
  const info = language.service.getQuickInfoAtPosition(language.cellFile, cursor);
  if (info === undefined) return undefined;
  const type = ts.displayPartsToString(info.displayParts);
  // What the compiler says of a name it does not know.
  if (type === "" || type === "any") return undefined;
  const documentation = [
    ts.displayPartsToString(info.documentation),
    ...(info.tags ?? []).map((tag) => `@${tag.name} ${ts.displayPartsToString(tag.text)}`.trim()),
  ];
  return { type, documentation: documentation.filter((part) => part !== "").join("\n") };
}

function asModule(code: string): string {
  return `${code}\nexport {};`;
}

function wordAt(code: string, cursor: number): { start: number; end: number } {
  const before = /[\p{ID_Continue}$\u200c\u200d]*$/u.exec(code.slice(0, cursor))?.[0].length ?? 0;
  const after = /^[\p{ID_Continue}$\u200c\u200d]*/u.exec(code.slice(cursor))?.[0].length ?? 0;
  return { start: cursor - before, end: cursor + after };
}

/** Names that begin with what was typed come first, then those that hold it; others are no match. */
function rankOf(name: string, typed: string): number | undefined {
  if (name.startsWith(typed)) return 0;
  const at = name.toLowerCase().indexOf(typed.toLowerCase());
  return at < 0 ? undefined : Math.min(at, 1) + 1;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function signatureOf(
  ts: TypeScript,
  checker: typescript.TypeChecker,
  file: typescript.SourceFile,
  entry: typescript.CompletionEntry,
): string | undefined {
  const CALLABLE = new Set<string>(["function", "local function", "method"]);
  if (entry.symbol === undefined || !CALLABLE.has(entry.kind)) return undefined;
  const [signature] = checker.getSignaturesOfType(
    checker.getTypeOfSymbolAtLocation(entry.symbol, file),
    ts.SignatureKind.Call,
  );
  if (signature === undefined) return undefined;
  const text = checker.signatureToString(signature);
  return text.length <= SIGNATURE_LENGTH_MAX ? text : `${text.slice(0, SIGNATURE_LENGTH_MAX)}…`;
}

function completionType(kind: string): string {
  switch (kind) {
    case "function":
    case "local function":
      return "function";
    case "const":
    case "let":
    case "var":
    case "local var":
    case "parameter":
      return "instance";
    case "getter":
    case "setter":
    case "property":
      return "property";
    case "module":
    case "external module name":
    case "alias":
      return "module";
    case "type":
    case "interface":
    case "type parameter":
      return "interface";
    case "":
      return "text";
    default:
      return kind;
  }
}
