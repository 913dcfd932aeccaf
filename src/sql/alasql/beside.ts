/**
 * AlaSQL's engine over the tables of another one: each table that a query names is read from there as it is at that
 * moment. For comparing two engines on one stream; no place for large tables, and that is said.
 */

import { quoteIdentifier } from "../identifiers.js";
import type { QueryResult } from "../schema.js";
import type { QueryRequest, SqlEngine } from "../sql-engine.js";
import { toRows } from "./results.js";
import { runQuery, type TableProvider } from "./run.js";
import { failed } from "./types.js";
import type { Work } from "./work.js";

/** Rows of one table that are carried over. */
const ROWS_CARRIED_MAX = 200_000;

export function queryTablesOf(engine: SqlEngine, request: QueryRequest, signal: AbortSignal): Promise<QueryResult> {
  const catalog = engine.catalog();
  const provider: TableProvider = {
    names: async () => (await catalog).map((table) => table.name),
    async snapshot(name: string, work: Work) {
      const table = (await catalog).find((entry) => entry.name.toLowerCase() === name.toLowerCase());
      if (table === undefined) return undefined;
      const text = `SELECT * FROM ${quoteIdentifier(table.name)}`;
      const result = await engine.query({ text, parameters: [], rowLimit: ROWS_CARRIED_MAX }, signal);
      work.throwIfAborted();
      if (result.totalRowCount > result.rowCount) throw tooLarge(table.name, result.totalRowCount);
      const { types, rows } = toRows(result);
      const columns = result.columns.map((column, index) => ({
        name: column.name,
        type: types[index] ?? ({ id: "NULL" } as const),
      }));
      return { name: table.name, columns, parts: [rows] };
    },
  };
  return runQuery(request, provider, signal);
}

function tooLarge(name: string, rows: number): Error {
  return failed(
    `${name} has ${rows.toLocaleString("en-US")} rows; beside another engine AlaSQL reads tables of up to ${ROWS_CARRIED_MAX.toLocaleString("en-US")}. Leave a part of it under a name first: %%sql part, then SELECT … FROM ${name} WHERE ….`,
  );
}
