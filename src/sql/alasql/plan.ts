/** What a query becomes before it runs, and the tables that it may read. Shapes only. */
import type { BoundSubquery } from "./binder.js";
import type { Bound } from "./bound.js";
import type { Scope } from "./scope.js";
import type { Query } from "./syntax.js";
import type { Row, SqlType } from "./types.js";
import type { Work } from "./work.js";

export interface PlannedColumn {
  /** Undefined: an expression that this engine cannot name as DuckDB does. */
  readonly name: string | undefined;
  readonly type: SqlType;
}

export interface Plan {
  readonly columns: readonly PlannedColumn[];
  run(work: Work): Promise<readonly Row[]>;
}

/** A table as it is at one moment; rows that are written later do not appear in it. */
export interface TableSnapshot {
  readonly name: string;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>;
  /** In pieces, so that no table is copied to be read. */
  readonly parts: ReadonlyArray<readonly Row[]>;
}

/** What planning needs to know of the world outside one query. */
export interface PlanningContext {
  /** @throws TidetableError SQL_INVALID for a table that is not there. */
  table(name: string): Plan & { readonly name: string };
  parameter(index: number): Bound;
  plan(query: Query, context: PlanningContext): Plan;
  /** A subquery, noted to be run before the query that holds it. `around`: what that query may name. */
  subquery(query: Query, around: Scope): BoundSubquery;
  /** Columns of the queries around this one, which it cannot read. */
  readonly outer: readonly Scope[];
}
