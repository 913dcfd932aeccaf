/**
 * SQL text as tokens: where literals, comments and identifiers begin and end, which statements a cell holds, and where
 * a `${expression}` stands. Everything that looks into SQL text on the kernel's side goes through here. Knows no
 * grammar, never runs anything. Pure.
 */
import { TidetableError } from "../errors.js";
import type { SqlValue } from "./schema.js";

export interface SqlToken {
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol" | "comment" | "space" | "expression";
  /** UTF-16 range in the text. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** False for a literal, comment or expression that the text ends inside of. */
  readonly closed: boolean;
}

/** One statement of a cell: `?` stands in `text` where each expression stood. */
export interface SqlStatement {
  readonly text: string;
  /** TypeScript expressions in the order of their `?`. */
  readonly expressions: readonly string[];
}

/** A statement with its values: what an engine runs. */
export interface BoundStatement {
  readonly text: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * The statements of a cell. An expression in code becomes a `?`; in a comment it stays as it is.
 * @throws TidetableError SQL_INVALID for an expression inside quotes (it could only be pasted), one that does not end,
 *   and a bare `?` (nothing would be bound to it).
 */
export function readStatements(text: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let parts: string[] = [];
  let expressions: string[] = [];
  let hasCode = false;
  const finish = () => {
    if (hasCode) statements.push({ text: parts.join("").trim(), expressions });
    parts = [];
    expressions = [];
    hasCode = false;
  };
  for (const token of tokenizeSql(text)) {
    if (token.kind === "symbol" && token.text === ";") {
      finish();
      continue;
    }
    if (token.kind === "expression") {
      expressions.push(expressionText(token));
      parts.push("?");
    } else {
      refuseUnbound(token);
      parts.push(token.text);
    }
    if (token.kind !== "space" && token.kind !== "comment") hasCode = true;
  }
  finish();
  return statements;
}

/**
 * The text of a tagged template, with `?` between its parts; a final `;` is dropped.
 * @throws TidetableError SQL_INVALID where a value stands inside quotes or a comment, for a bare `?`, and for more than
 *   one statement.
 */
export function templateText(parts: readonly string[]): string {
  const text = parts.join("?");
  const placeholders = new Set(
    tokenizeSql(text)
      .filter((token) => token.kind === "symbol" && token.text === "?")
      .map((token) => token.start),
  );
  let end = 0;
  for (const part of parts.slice(0, -1)) {
    end += part.length;
    if (!placeholders.delete(end)) throw valueInsideQuotes();
    end += 1;
  }
  if (placeholders.size > 0) throw unboundPlaceholder();
  return onlyStatement(text);
}

function onlyStatement(text: string): string {
  const code = tokenizeSql(text).filter((token) => token.kind !== "space" && token.kind !== "comment");
  const firstEnd = code.findIndex((token) => token.text === ";");
  if (firstEnd === -1) return text.trim();
  if (code.slice(firstEnd).some((token) => token.text !== ";")) {
    throw new TidetableError("SQL_INVALID", "sql`…` runs one statement; run the others in calls of their own.");
  }
  return text.slice(0, code[firstEnd]?.start).trim();
}

export function tokenizeSql(text: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  let start = 0;
  while (start < text.length) {
    const { kind, end, closed } = readToken(text, start);
    tokens.push({ kind, start, end, text: text.slice(start, end), closed });
    start = end;
  }
  return tokens;
}

interface Extent {
  readonly kind: SqlToken["kind"];
  readonly end: number;
  readonly closed: boolean;
}

const word = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const number = /(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const space = /\s+/y;
const dollarTag = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

function readToken(text: string, start: number): Extent {
  const pair = text.slice(start, start + 2);
  if (pair === "--") return lineComment(text, start);
  if (pair === "/*") return blockComment(text, start);
  if (pair === "${") return expression(text, start);
  const first = text[start];
  if (first === "'") return quotedBy(text, start, start, "'", "string", false);
  if (first === '"') return quotedBy(text, start, start, '"', "quoted", false);
  if (first === "$") {
    const tag = match(dollarTag, text, start);
    if (tag !== undefined) return untilText(text, start + tag.length, tag, "string");
  }
  if (/^[eE]'$/.test(pair)) return quotedBy(text, start, start + 1, "'", "string", true);
  for (const [kind, pattern] of [
    ["space", space],
    ["word", word],
    ["number", number],
  ] as const) {
    const found = match(pattern, text, start);
    if (found !== undefined) return { kind, end: start + found.length, closed: true };
  }
  return { kind: "symbol", end: start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1), closed: true };
}

function match(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

function lineComment(text: string, start: number): Extent {
  const end = text.indexOf("\n", start);
  return end === -1
    ? { kind: "comment", end: text.length, closed: false }
    : { kind: "comment", end: end + 1, closed: true };
}

/** Block comments nest, as in the engine's own lexer. */
function blockComment(text: string, start: number): Extent {
  let depth = 0;
  let position = start;
  while (position < text.length) {
    const pair = text.slice(position, position + 2);
    if (pair === "/*") depth += 1;
    if (pair === "*/") depth -= 1;
    if (pair === "/*" || pair === "*/") {
      position += 2;
      if (depth === 0) return { kind: "comment", end: position, closed: true };
    } else {
      position += 1;
    }
  }
  return { kind: "comment", end: text.length, closed: false };
}

/** A doubled quote stands for itself; a backslash escapes only in E'…'. */
function quotedBy(
  text: string,
  start: number,
  quoteAt: number,
  quote: string,
  kind: "string" | "quoted",
  backslash: boolean,
): Extent {
  let position = quoteAt + 1;
  while (position < text.length) {
    if (backslash && text[position] === "\\") {
      position += 2;
    } else if (text[position] !== quote) {
      position += 1;
    } else if (text[position + 1] === quote) {
      position += 2;
    } else {
      return { kind, end: position + 1, closed: true };
    }
  }
  return { kind, end: Math.max(text.length, start + 1), closed: false };
}

function untilText(text: string, from: number, ending: string, kind: "string"): Extent {
  const at = text.indexOf(ending, from);
  return at === -1 ? { kind, end: text.length, closed: false } : { kind, end: at + ending.length, closed: true };
}

function expression(text: string, start: number): Extent {
  const end = expressionEnd(text, start + 2);
  return end === -1
    ? { kind: "expression", end: text.length, closed: false }
    : { kind: "expression", end: end + 1, closed: true };
}

/** Where the `}` stands that ends a TypeScript expression, past its own braces, strings, templates and comments; -1 if none does. */
function expressionEnd(text: string, from: number): number {
  let depth = 0;
  let position = from;
  while (position < text.length) {
    const character = text[position];
    if (character === "'" || character === '"') {
      position = scriptStringEnd(text, position, character);
    } else if (character === "`") {
      position = scriptTemplateEnd(text, position);
    } else if (text.startsWith("/*", position)) {
      const end = text.indexOf("*/", position + 2);
      position = end === -1 ? text.length : end + 1;
    } else if (character === "{") {
      depth += 1;
    } else if (character === "}") {
      if (depth === 0) return position;
      depth -= 1;
    }
    position += 1;
  }
  return -1;
}

function scriptStringEnd(text: string, start: number, quote: string): number {
  let position = start + 1;
  while (position < text.length && text[position] !== quote) position += text[position] === "\\" ? 2 : 1;
  return position;
}

function scriptTemplateEnd(text: string, start: number): number {
  let position = start + 1;
  while (position < text.length && text[position] !== "`") {
    if (text[position] === "\\") {
      position += 2;
    } else if (text.startsWith("${", position)) {
      const end = expressionEnd(text, position + 2);
      position = end === -1 ? text.length : end + 1;
    } else {
      position += 1;
    }
  }
  return position;
}

function expressionText(token: SqlToken): string {
  if (!token.closed) {
    throw new TidetableError("SQL_INVALID", `${shorten(token.text)} has no closing }.`);
  }
  const expression = token.text.slice(2, -1).trim();
  if (expression === "")
    throw new TidetableError("SQL_INVALID", `\${} is empty; write an expression in it, as \${word}.`);
  return expression;
}

function refuseUnbound(token: SqlToken): void {
  if (token.kind === "symbol" && token.text === "?") throw unboundPlaceholder();
  if (token.kind !== "string" && token.kind !== "quoted") return;
  const at = token.text.indexOf("${");
  if (at === -1) return;
  const inside = shorten(token.text.slice(at));
  throw new TidetableError(
    "SQL_INVALID",
    token.kind === "quoted"
      ? `${inside} stands inside a quoted name; a name cannot be bound as a value. Write the name itself.`
      : `${inside} stands inside quotes, where it would be plain text. Write it outside them, for example '%' || \${word} || '%'.`,
  );
}

function valueInsideQuotes(): TidetableError {
  return new TidetableError(
    "SQL_INVALID",
    `a value stands inside quotes or a comment, where it cannot be bound. Write it outside, for example '%' || \${word} || '%'.`,
  );
}

function unboundPlaceholder(): TidetableError {
  return new TidetableError("SQL_INVALID", `nothing is bound to ? here; write \${expression} in its place.`);
}

function shorten(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}
