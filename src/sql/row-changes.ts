/**
 * What leads from one answer of a query to a later one: rows that came and rows that went, each with how many of it. Rows
 * are compared by their exact values, wherever they stand: their order is not a change. Pure.
 */
import { type Column, cellValue, type QueryResult } from "./schema.js";

export interface RowChange {
  /** Which answer holds the row, and where. */
  readonly of: "before" | "after";
  readonly row: number;
  /** How many more there are of it; never 0. */
  readonly diff: number;
}

/** Undefined where no change leads there, because the columns are others. */
export function rowChanges(before: QueryResult, after: QueryResult): readonly RowChange[] | undefined {
  if (columnsKey(before) !== columnsKey(after)) return undefined;
  const changes = new Map<string, { of: RowChange["of"]; row: number; diff: number }>();
  count(before, -1, "before", changes);
  count(after, 1, "after", changes);
  return [...changes.values()].filter(({ diff }) => diff !== 0);
}

/** All rows of an answer, as they lead there from nothing. */
export function allRows(answer: QueryResult): readonly RowChange[] {
  const changes = new Map<string, { of: RowChange["of"]; row: number; diff: number }>();
  count(answer, 1, "after", changes);
  return [...changes.values()];
}

function count(
  { columns, rowCount }: QueryResult,
  step: 1 | -1,
  of: RowChange["of"],
  changes: Map<string, { of: RowChange["of"]; row: number; diff: number }>,
): void {
  for (let row = 0; row < rowCount; row++) {
    const key = rowKey(columns, row);
    const known = changes.get(key);
    if (known === undefined) changes.set(key, { of, row, diff: step });
    else known.diff += step;
  }
}

function columnsKey({ columns }: QueryResult): string {
  return JSON.stringify(columns.map(({ name, type, sqlType }) => [name, type, sqlType]));
}

/** Equal for rows of equal values; within a column values are of one type, so kinds need a mark only where they mix. */
function rowKey(columns: readonly Column[], row: number): string {
  let key = "";
  for (const column of columns) {
    const text = valueKey(cellValue(column, row));
    key += `${text.length}:${text}`;
  }
  return key;
}

function valueKey(value: unknown): string {
  if (typeof value === "string") return `"${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("base64")}`;
  const parts = Array.isArray(value)
    ? value.map(valueKey)
    : Object.entries(value).flatMap(([k, v]) => [k, valueKey(v)]);
  return `[${parts.map((part) => `${part.length}:${part}`).join("")}]`;
}
