/**
 * More rows of a result that a page shows: the statement is asked again, sorted, filtered and from where the page
 * stands. Names are quoted, the words of the filter bound.
 */
import type { CommData } from "../cell-output.js";
import { TidetableError } from "../errors.js";
import { quoteIdentifier } from "../sql/identifiers.js";
import { type ResultJson, resultJson } from "../sql/result-json.js";
import type { WatchedEngine } from "./watched-engine.js";

/** A whole file's worth, for a download. */
const rowsMax = 50_000;
const charactersMax = 20_000_000;

export interface PagedRows extends ResultJson {
  readonly offset: number;
}

/** @param asked `result`, `columns`, `offset`, `limit`, and where wanted `sort`, `descending`, `filter` */
export async function readShownRows(engine: WatchedEngine, asked: CommData): Promise<PagedRows> {
  const shown = typeof asked.result === "string" ? engine.shownQuery(asked.result) : undefined;
  if (shown === undefined) {
    throw new TidetableError("SQL_FAILED", "the kernel no longer knows this result; run its cell again.");
  }
  const offset = wholeNumber(asked.offset, 0, Number.MAX_SAFE_INTEGER);
  const limit = wholeNumber(asked.limit, 1, rowsMax);
  const filter = typeof asked.filter === "string" ? asked.filter.trim() : "";
  const text = [
    `SELECT * FROM (\n${shown.text.replace(/[\s;]+$/, "")}\n) AS shown`,
    ...(filter === "" ? [] : [filterClause(asked.columns)]),
    ...(typeof asked.sort === "string"
      ? [`ORDER BY ${quoteIdentifier(asked.sort)} ${asked.descending === true ? "DESC" : "ASC"} NULLS LAST`]
      : []),
    ...(offset === 0 ? [] : [`OFFSET ${offset}`]),
  ].join("\n");
  const parameters = filter === "" ? shown.parameters : [...shown.parameters, filter];
  const engineName = shown.engine === undefined ? {} : { engine: shown.engine };
  const result = await engine.queryUnnoted(text, { parameters, rowLimit: limit, ...engineName });
  const bounds = {
    rows: limit,
    characters: charactersMax,
    ...(asked.whole === true ? { valueCharacters: charactersMax } : {}),
  };
  const page = resultJson(result, "", bounds);
  return { ...page, offset, totalRows: offset + page.totalRows };
}

function filterClause(columns: unknown): string {
  const names = Array.isArray(columns) ? columns.filter((name): name is string => typeof name === "string") : [];
  const texts = names.map((name) => `CAST(${quoteIdentifier(name)} AS VARCHAR)`);
  return `WHERE contains(lower(concat_ws(' ', ${texts.join(", ")})), lower(CAST(? AS VARCHAR)))`;
}

function wholeNumber(value: unknown, min: number, max: number): number {
  return typeof value === "number" && Number.isInteger(value) ? Math.min(Math.max(value, min), max) : min;
}
