/**
 * AlaSQL binds operators otherwise than DuckDB: it reads `a = b IS NULL` as `a = (b IS NULL)`, `-a * b` as `-(a * b)`,
 * `NOT a BETWEEN b AND c` as `(NOT a) BETWEEN …`. Its tree keeps the order of what was written and every parenthesis, so the
 * operands and operators are taken from it in order and bound anew, by DuckDB's grammar. Pure.
 */
import type { BinaryOperator, Expression, Literal, Query } from "./syntax.js";
import { integerTypeOf, isInteger, notInEngine, type SqlType } from "./types.js";

/** What stands in an expression, in order. A parenthesis and everything in it is one operand. */
export type Item =
  | { readonly kind: "operand"; readonly expression: Expression }
  | { readonly kind: "operator"; readonly operator: string }
  | { readonly kind: "in"; readonly negated: boolean; readonly items: readonly Expression[] | Query }
  | { readonly kind: "type"; readonly type: SqlType };

/** Tighter is higher. Those of one level that may not follow each other have no associativity. */
const levels: ReadonlyMap<string, { readonly level: number; readonly chains: boolean }> = new Map([
  ["OR", { level: 1, chains: true }],
  ["AND", { level: 2, chains: true }],
  ["IS", { level: 4, chains: true }],
  ["IS DISTINCT FROM", { level: 4, chains: false }],
  ["IS NOT DISTINCT FROM", { level: 4, chains: false }],
  ...["=", "!=", "<", "<=", ">", ">="].map((operator) => [operator, { level: 5, chains: false }] as const),
  ...["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "BETWEEN", "NOT BETWEEN", "IN"].map(
    (operator) => [operator, { level: 6, chains: false }] as const,
  ),
  ["||", { level: 7, chains: true }],
  ["+", { level: 8, chains: true }],
  ["-", { level: 8, chains: true }],
  ...["*", "/", "//", "%"].map((operator) => [operator, { level: 9, chains: true }] as const),
  ["::", { level: 11, chains: true }],
  ["FILTER", { level: 12, chains: true }],
]);
const NOT_LEVEL = 3;
const OPERAND_OF_BETWEEN = 7;
const SIGN_LEVEL = 10;

export function bindOperators(items: readonly Item[]): Expression {
  const reader = new Reader(items);
  const expression = reader.expression(0);
  if (!reader.atEnd) throw unreadable();
  return expression;
}

class Reader {
  readonly #items: readonly Item[];
  #at = 0;

  constructor(items: readonly Item[]) {
    this.#items = items;
  }

  get atEnd(): boolean {
    return this.#at >= this.#items.length;
  }

  /** An expression whose operators all bind tighter than `minimum`. */
  expression(minimum: number): Expression {
    let left = this.#prefixed(minimum);
    let lastUnchained = Number.POSITIVE_INFINITY;
    for (;;) {
      const item = this.#items[this.#at];
      const operator = item === undefined ? undefined : operatorOf(item);
      const binding = operator === undefined ? undefined : levels.get(operator);
      if (item === undefined || operator === undefined || binding === undefined || binding.level <= minimum)
        return left;
      if (binding.level === lastUnchained)
        throw notInEngine(`${operator} after an operator of its kind, without parentheses,`);
      lastUnchained = binding.chains ? Number.POSITIVE_INFINITY : binding.level;
      this.#at += 1;
      left = this.#continued(left, item, operator, binding.level);
    }
  }

  #prefixed(minimum: number): Expression {
    const item = this.#items[this.#at];
    this.#at += 1;
    if (item?.kind === "operand") return item.expression;
    if (item?.kind !== "operator") throw unreadable();
    if (item.operator === "NOT" && minimum > NOT_LEVEL) throw notInEngine("NOT behind an operator that binds tighter");
    if (item.operator === "NOT") return { kind: "unary", operator: "NOT", operand: this.expression(NOT_LEVEL) };
    if (item.operator === "-" || item.operator === "+") return this.#signed(item.operator);
    throw unreadable();
  }

  /** A minus before a number belongs to the number. */
  #signed(operator: "-" | "+"): Expression {
    const operand = this.expression(SIGN_LEVEL);
    const isNumber =
      operand.kind === "literal" && (typeof operand.value === "bigint" || typeof operand.value === "number");
    return operator === "-" && isNumber && operand.type.id !== "DATE" && operand.type.id !== "TIMESTAMP"
      ? negated(operand)
      : { kind: "unary", operator, operand };
  }

  #continued(left: Expression, item: Item, operator: string, level: number): Expression {
    switch (operator) {
      case "IS":
        return this.#is(left);
      case "IN":
        if (item.kind !== "in") throw unreadable();
        return { kind: "in", negated: item.negated, operand: left, items: item.items };
      case "BETWEEN":
      case "NOT BETWEEN":
        return this.#between(left, operator === "NOT BETWEEN");
      case "::":
        return this.#cast(left);
      case "FILTER":
        return this.#filter(left);
      default:
        return { kind: "binary", operator: operator as BinaryOperator, left, right: this.expression(level) };
    }
  }

  #is(operand: Expression): Expression {
    const next = this.#items[this.#at];
    const negation = next?.kind === "operator" && next.operator === "NOT";
    if (negation) this.#at += 1;
    const value = this.#items[this.#at];
    this.#at += 1;
    if (value?.kind !== "operand" || value.expression.kind !== "literal")
      throw notInEngine("IS with this on its right side");
    const what = new Map<unknown, "NULL" | "TRUE" | "FALSE">([
      [null, "NULL"],
      [true, "TRUE"],
      [false, "FALSE"],
    ]).get(value.expression.value);
    if (what === undefined) throw notInEngine("IS with this on its right side");
    return { kind: "is", negated: negation, what, operand };
  }

  #between(operand: Expression, negation: boolean): Expression {
    const low = this.expression(OPERAND_OF_BETWEEN - 1);
    const and = this.#items[this.#at];
    this.#at += 1;
    if (and?.kind !== "operator" || and.operator !== "AND") throw unreadable();
    return { kind: "between", negated: negation, operand, low, high: this.expression(OPERAND_OF_BETWEEN - 1) };
  }

  #cast(operand: Expression): Expression {
    const item = this.#items[this.#at];
    this.#at += 1;
    if (item?.kind !== "type") throw unreadable();
    return { kind: "cast", operand, type: item.type, tolerant: false };
  }

  #filter(call: Expression): Expression {
    const condition = this.#items[this.#at];
    this.#at += 1;
    if (call.kind !== "call" || condition?.kind !== "operand") throw unreadable();
    return { ...call, filter: condition.expression };
  }
}

function operatorOf(item: Item): string | undefined {
  if (item.kind === "operator") return item.operator;
  return item.kind === "in" ? "IN" : undefined;
}

function negated(literal: Literal): Literal {
  const { value, type, shown } = literal;
  const opposite = shown?.startsWith("-") ? shown.slice(1) : value === 0n ? shown : `-${shown}`;
  const negative = typeof value === "bigint" || typeof value === "number" ? -value : value;
  return {
    ...literal,
    value: negative,
    type: typeof negative === "bigint" && isInteger(type) ? integerTypeOf(negative) : type,
    shown: shown === undefined ? undefined : opposite,
  };
}

function unreadable(): Error {
  return notInEngine("An expression of this form (put parentheses around its parts)");
}
