/** The first rows of a result: one refresh serves readers who carry differently many. Pure. */
import type { Column, ColumnValues, QueryResult } from "./schema.js";

export function limitRows(result: QueryResult, rowLimit: number): QueryResult {
  if (result.rowCount <= rowLimit) return result;
  return { ...result, rowCount: rowLimit, columns: result.columns.map((column) => limitColumn(column, rowLimit)) };
}

function limitColumn(column: Column, rowLimit: number): Column {
  const nulls = column.nulls === undefined ? {} : { nulls: column.nulls.slice(0, rowLimit) };
  return { ...column, data: limitValues(column.data, rowLimit), ...nulls };
}

function limitValues(data: ColumnValues, rowLimit: number): ColumnValues {
  switch (data.kind) {
    case "numbers":
      return { kind: "numbers", values: data.values.slice(0, rowLimit) };
    case "bigints":
      return { kind: "bigints", values: data.values.slice(0, rowLimit) };
    case "values":
      return { kind: "values", values: data.values.slice(0, rowLimit) };
    case "dictionary": {
      const codes = data.codes.slice(0, rowLimit);
      // Only the texts that are left cross to the reader.
      const kept = new Map<number, number>();
      for (const code of codes) if (!kept.has(code)) kept.set(code, kept.size);
      return {
        kind: "dictionary",
        codes: codes.map((code) => kept.get(code) ?? 0),
        dictionary: [...kept.keys()].map((code) => data.dictionary[code] ?? ""),
      };
    }
  }
}
