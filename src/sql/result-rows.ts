/**
 * A result as a program reads it: an iterable of row objects over the columns that crossed from the engine. Rows are
 * made as they are read, so a large result costs no objects until it is used.
 */
import { inspect } from "node:util";
import type { MimeBundle } from "../cell-output.js";
import type { LooseRow, QueryRows, ResultColumn } from "../cells/library.js";
import { type Column, cellValue, type QueryPlan, type QueryResult } from "./schema.js";
import { tableBundle } from "./table-bundle.js";
import { tableText } from "./table-text.js";

/** Front-ends that know this symbol (ours, Deno's) show what it returns. */
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display");

export class ResultRows<Row extends object = LooseRow> implements QueryRows<Row> {
  #result: QueryResult;
  #columns: readonly ResultColumn[];

  constructor(result: QueryResult) {
    this.#result = result;
    this.#columns = columnsOf(result);
  }

  /** The columns as they came, for charts and tables. */
  get result(): QueryResult {
    return this.#result;
  }

  /** A newer version of the same query takes this one's place; loops that run keep the rows they began with. */
  replace(result: QueryResult): void {
    this.#result = result;
    this.#columns = columnsOf(result);
  }

  get columns(): readonly ResultColumn[] {
    return this.#columns;
  }

  get length(): number {
    return this.result.rowCount;
  }

  get totalRowCount(): number {
    return this.result.totalRowCount;
  }

  get elapsedMs(): number {
    return this.result.elapsedMs;
  }

  get plan(): QueryPlan | undefined {
    return this.#result.plan;
  }

  at(index: number): Row | undefined {
    const row = index < 0 ? this.length + index : index;
    return row >= 0 && row < this.length ? rowOf<Row>(this.#result, this.#columns, row) : undefined;
  }

  toArray(): Row[] {
    return [...this];
  }

  map<Value>(toValue: (row: Row, index: number) => Value): Value[] {
    return this.toArray().map(toValue);
  }

  column(name: string): unknown[] {
    const index = this.columns.findIndex((column) => column.name === name);
    const column = this.result.columns[index];
    if (column === undefined) {
      throw new RangeError(`no column "${name}" in the result; it has ${this.columns.map((c) => c.name).join(", ")}`);
    }
    return Array.from({ length: this.length }, (_, row) => cellValue(column, row));
  }

  *[Symbol.iterator](): IterableIterator<Row> {
    const result = this.#result;
    const columns = this.#columns;
    for (let row = 0; row < result.rowCount; row += 1) yield rowOf<Row>(result, columns, row);
  }

  [displaySymbol](): MimeBundle {
    return tableBundle(this.result, { insideZeppelin: false });
  }

  [inspect.custom](): string {
    return tableText(this.result);
  }
}

function columnsOf(result: QueryResult): readonly ResultColumn[] {
  const names = distinctNames(result.columns.map((column) => column.name));
  return result.columns.map(({ type, sqlType }, index) => ({ name: names[index] ?? "", type, sqlType }));
}

function rowOf<Row extends object>(result: QueryResult, columns: readonly ResultColumn[], index: number): Row {
  const row: LooseRow = {};
  result.columns.forEach((column, at) => {
    const name = columns[at]?.name ?? column.name;
    // Plain assignment to __proto__ would change the row's prototype instead of making a field.
    if (name === "__proto__") {
      Object.defineProperty(row, name, { value: rowValue(column, index), enumerable: true });
    } else {
      row[name] = rowValue(column, index);
    }
  });
  return row as Row;
}

function rowValue(column: Column, row: number): unknown {
  const value = cellValue(column, row);
  if ((column.type === "timestamp" || column.type === "date") && typeof value === "number") return new Date(value);
  return value;
}

/** `SELECT a, a` has one name twice; an object needs two. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let copy = 1; taken.has(distinct); copy += 1) distinct = `${name}_${copy}`;
    taken.add(distinct);
    return distinct;
  });
}
