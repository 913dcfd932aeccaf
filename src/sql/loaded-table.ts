/** A table that is filled from elsewhere at once, in pages: what its columns are, and values of the forms in schema.ts. Shapes only. */
import type { Column, QueryResult } from "./schema.js";

/** One piece of a table. Every page has the same columns; the first may have no rows. */
export type TablePage = Pick<QueryResult, "columns" | "rowCount">;

export interface LoadedTable {
  readonly rows: number;
  readonly columns: ReadonlyArray<Pick<Column, "name" | "sqlType">>;
}
