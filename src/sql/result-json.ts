/**
 * A result as the page's own tables and charts read it: columns with their types, and the first rows as JSON. Beside it
 * stands the HTML table, which every other front-end shows. Pure.
 */
import { resultIdOf } from "./result-ids.js";
import { cellValue, type LogicalType, type QueryResult } from "./schema.js";
import { cellText } from "./table-values.js";

export const resultMime = "application/vnd.tidetable.result.v1+json";

export type ResultValue = string | number | boolean | null;

export interface ResultJson {
  /** By which the kernel knows the statement, while it runs; absent where there is none. */
  readonly id?: string;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: LogicalType; readonly sqlType: string }>;
  /** The first rows. Times are epoch milliseconds; what JSON has no number for is text. */
  readonly rows: ReadonlyArray<readonly ResultValue[]>;
  readonly totalRows: number;
  /** What is said below: duration, plan, what was left out. */
  readonly footer: string;
}

export interface ResultBounds {
  readonly rows: number;
  /** Few rows, where the values are long: a display is sent again at each update. Default 200,000. */
  readonly characters?: number;
  /** Default 400, as in the HTML table. */
  readonly valueCharacters?: number;
}

/** @param footer said below the rows, without their count */
export function resultJson(result: QueryResult, footer: string, bounds: ResultBounds): ResultJson {
  const id = resultIdOf(result);
  return {
    ...(id === undefined ? {} : { id }),
    columns: result.columns.map(({ name, type, sqlType }) => ({ name, type, sqlType })),
    rows: firstRows(result, bounds),
    totalRows: result.totalRowCount,
    footer,
  };
}

function firstRows(
  result: QueryResult,
  { rows: rowsMax, characters: charactersMax = 200_000, valueCharacters = 400 }: ResultBounds,
): ResultValue[][] {
  const rows: ResultValue[][] = [];
  let characters = 0;
  for (let row = 0; row < Math.min(result.rowCount, rowsMax) && characters < charactersMax; row++) {
    const values = result.columns.map((column) => {
      const value = jsonValue(column, row, valueCharacters);
      characters += typeof value === "string" ? value.length + 3 : 8;
      return value;
    });
    rows.push(values);
  }
  return rows;
}

function jsonValue(column: QueryResult["columns"][number], row: number, charactersMax: number): ResultValue {
  const value = cellValue(column, row);
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  const text = typeof value === "string" ? value : (cellText(column, row) ?? "");
  if (text.length <= charactersMax) return text;
  return `${text.slice(0, charactersMax)}… (${text.length.toLocaleString("en-US")} characters)`;
}
