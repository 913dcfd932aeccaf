/** Looking into the tree of AlaSQL's parser without trusting it: a node is plain data, known by its fields. Pure. */

import type { Join } from "./syntax.js";

export type Node = Readonly<Record<string, unknown>>;

/** Bookkeeping of the parser that says nothing about the statement. */
const bookkeeping = new Set(["queries", "queriesidx", "exists", "existsidx", "as"]);

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fieldsOf(node: Node): string[] {
  return Object.keys(node).filter((field) => node[field] !== undefined && !bookkeeping.has(field));
}

export function hasExactly(node: Node, needed: readonly string[], optional: readonly string[]): boolean {
  const fields = fieldsOf(node);
  return (
    needed.every((field) => fields.includes(field)) && fields.every((field) => [...needed, ...optional].includes(field))
  );
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export const setOperators = [
  ["union", "UNION"],
  ["unionall", "UNION ALL"],
  ["except", "EXCEPT"],
  ["intersect", "INTERSECT"],
] as const;

export const joinModes: ReadonlyMap<string, Join["mode"]> = new Map([
  ["INNER", "INNER"],
  ["LEFT", "LEFT"],
  ["RIGHT", "RIGHT"],
  ["OUTER", "FULL"],
  ["CROSS", "CROSS"],
]);

export const binaryOperators = new Set([
  ...["OR", "AND", "=", "!=", "<", "<=", ">", ">=", "IS", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"],
  ...["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "||", "+", "-", "*", "/", "//", "%", "::", "FILTER"],
]);
