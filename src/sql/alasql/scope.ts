/** Which columns an expression may name, and where in a row each stands. Pure. */

import { nearestFirst, probablyMeant } from "../identifiers.js";
import type { Bound } from "./bound.js";
import { shownIdentifier } from "./names.js";
import type { ColumnReference } from "./syntax.js";
import { invalidSql, notInEngine, type SqlType, type Value } from "./types.js";

export interface ScopeColumn {
  /** The table's alias, or its name. */
  readonly table: string | undefined;
  /** Undefined: a column that nothing can name. */
  readonly name: string | undefined;
  readonly type: SqlType;
  /** Places in the row; the first that is not NULL counts. Two for the column that a FULL JOIN joins by. */
  readonly places: readonly number[];
  /** The other half of a USING: only its table's name reaches it. */
  readonly merged: boolean;
}

export class Scope {
  readonly columns: readonly ScopeColumn[];
  /** Length of a row. */
  readonly width: number;

  constructor(columns: readonly ScopeColumn[], width: number) {
    this.columns = columns;
    this.width = width;
  }

  static of(
    table: string | undefined,
    columns: ReadonlyArray<{ readonly name: string | undefined; readonly type: SqlType }>,
  ): Scope {
    return new Scope(
      columns.map(({ name, type }, index) => ({ table, name, type, places: [index], merged: false })),
      columns.length,
    );
  }

  /** Columns of both, the other's after these. */
  with(other: Scope): Scope {
    const moved = other.columns.map((column) => ({
      ...column,
      places: column.places.map((place) => place + this.width),
    }));
    return new Scope([...this.columns, ...moved], this.width + other.width);
  }

  /** Whether a name without a table stands for some column. */
  has(name: string): boolean {
    return this.columns.some((column) => !column.merged && sameName(column.name, name));
  }

  knows({ table, name }: ColumnReference): boolean {
    return table === undefined ? this.has(name) : this.columns.some((column) => sameName(column.table, table));
  }

  /** @throws TidetableError SQL_INVALID for a name that is unknown or stands for several. */
  resolve({ table, name }: ColumnReference): ScopeColumn {
    const found = this.columns.filter((column) =>
      table === undefined
        ? !column.merged && sameName(column.name, name)
        : sameName(column.table, table) && sameName(column.name, name),
    );
    const [column] = found;
    if (column === undefined) throw this.#unknown(table, name);
    if (found.length > 1 && table === undefined) {
      const spelled = found.map((entry) => `${entry.table ?? "?"}.${name}`).join(" or ");
      throw invalidSql(`The column ${name} is ambiguous here; write ${spelled}.`);
    }
    if (found.length > 1)
      throw invalidSql(`The column ${table}.${name} stands for several; give each table a name of its own.`);
    return column;
  }

  /** The columns of `*`, or of `table.*`. */
  expand(table: string | undefined): readonly ScopeColumn[] {
    const columns = this.columns.filter((column) =>
      table === undefined ? !column.merged : sameName(column.table, table),
    );
    if (columns.length === 0) throw table === undefined ? invalidSql("* needs a FROM.") : this.#unknownTable(table);
    return columns;
  }

  bind(reference: ColumnReference): Bound {
    return boundColumn(this.resolve(reference), reference.table);
  }

  #unknown(table: string | undefined, name: string): Error {
    const tables = [...new Set(this.columns.map((column) => column.table))];
    if (table !== undefined && !tables.some((known) => sameName(known, table))) return this.#unknownTable(table);
    if (table === undefined && tables.some((entry) => sameName(entry, name)))
      throw notInEngine(`The whole row ${name} as one value`);
    const known = this.columns.flatMap((column) =>
      table === undefined || sameName(column.table, table) ? [column.name ?? ""] : [],
    );
    const meant = probablyMeant(name, known);
    const suggestion = meant === undefined ? "" : ` Did you mean "${meant}"?`;
    const listed = tables
      .map((entry) => {
        const names = this.columns.flatMap((column) => (column.table === entry ? [column.name ?? ""] : []));
        return ` ${entry === undefined ? "The query" : `Table ${entry}`} has ${nearestFirst(name, names).slice(0, 30).join(", ")}.`;
      })
      .join("");
    return invalidSql(`unknown column: ${name}.${suggestion}${listed}`);
  }

  #unknownTable(table: string): Error {
    const tables = [...new Set(this.columns.flatMap((column) => column.table ?? []))];
    return invalidSql(`unknown table: ${table}. The query reads ${tables.join(", ") || "no table"}.`);
  }
}

export function boundColumn(column: ScopeColumn, table?: string): Bound {
  const { places, type, name } = column;
  const [place = -1, other] = places;
  const shown = name === undefined ? undefined : shownIdentifier(name);
  return {
    type,
    key: `#${places.join("/")}`,
    shown: table === undefined || shown === undefined ? shown : `${shownIdentifier(table)}.${shown}`,
    isText: false,
    isFixed: false,
    evaluate: (row): Value => row[place] ?? (other === undefined ? null : (row[other] ?? null)),
  };
}

export function sameName(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}
