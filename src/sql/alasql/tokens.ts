/** Tokens of SQL text as the AlaSQL engine reads them: operators whole, strings as values. Pure. */

import { quoteText } from "../identifiers.js";
import type { SqlToken } from "../sql-text.js";
import type { Literal } from "./syntax.js";
import { notInEngine, VARCHAR } from "./types.js";

const longSymbols = ["<=", ">=", "<>", "!=", "==", "||", "::", "//", "->", "=>"];

/** The tokenizer gives single characters; DuckDB's lexer takes the longest operator. */
export function mergeSymbols(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const merged: SqlToken[] = [];
  for (const token of tokens) {
    const last = merged.at(-1);
    const joined = last === undefined ? "" : last.text + token.text;
    if (last?.kind === "symbol" && last.end === token.start && longSymbols.includes(joined)) {
      merged[merged.length - 1] = { ...last, end: token.end, text: joined };
    } else {
      merged.push(token);
    }
  }
  return merged;
}

export function textLiteral(token: SqlToken): Literal {
  if (/^[eE]'/.test(token.text)) throw notInEngine("A string of the form E'…'");
  return literalText(textOf(token));
}

export function literalText(value: string): Literal {
  return { kind: "literal", value, type: VARCHAR, isText: true, shown: quoteText(value) };
}

export function textOf(token: SqlToken): string {
  if (token.text.startsWith("'")) return token.text.slice(1, -1).replaceAll("''", "'");
  const tag = /^\$[^$]*\$/.exec(token.text)?.[0] ?? "";
  return token.text.slice(tag.length, token.text.length - tag.length);
}

export function shown(token: SqlToken): string {
  return token.text.length > 40 ? `${token.text.slice(0, 39)}…` : token.text;
}
