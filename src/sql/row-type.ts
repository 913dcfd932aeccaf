/** The TypeScript type of a result's rows, so that completion and type errors know the columns. Pure. */
import { distinctNames } from "./result-rows.js";
import type { Column, QueryResult } from "./schema.js";

/** For example `{ handle: string; count: bigint }`. */
export function rowTypeText(result: QueryResult): string {
  const names = distinctNames(result.columns.map((column) => column.name));
  const fields = result.columns.map((column, index) => {
    const orNull = column.nulls?.some((isNull) => isNull !== 0) ? " | null" : "";
    return `${propertyName(names[index] ?? column.name)}: ${valueType(column)}${orNull}`;
  });
  return `{ ${fields.join("; ")} }`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function valueType(column: Column): string {
  switch (column.type) {
    case "boolean":
      return "boolean";
    case "integer":
    case "double":
    case "time":
      return "number";
    case "bigint":
      return "bigint";
    case "decimal":
    case "text":
    case "interval":
      return "string";
    case "date":
    case "timestamp":
      return "Date";
    case "blob":
      return "Uint8Array";
    case "nested":
      return "any";
  }
}
