/**
 * The rows of one result, in the order and with the filter that the reader wants: from what was sent, where that is
 * everything, else asked of the kernel, which reads the statement again.
 */
import type { ResultJson, ResultValue } from "../../sql/result-json.js";
import type { PanelClient } from "./panel-client.js";
import { valueText } from "./value-text.js";

export interface PageRequest {
  readonly offset: number;
  /** Index of a column. */
  readonly sort?: number;
  readonly descending?: boolean;
  readonly filter?: string;
}

export interface ResultPage extends ResultJson {
  readonly offset: number;
}

export const pageRows = 100;
const everyRowMax = 50_000;

let client: PanelClient | undefined;

export class ResultRowsSource {
  readonly #result: ResultJson;

  static connect(panel: PanelClient): void {
    client = panel;
  }

  constructor(result: ResultJson) {
    this.#result = result;
  }

  get first(): ResultPage {
    return { ...this.#result, offset: 0 };
  }

  /** @throws Error in words, where the kernel cannot answer */
  async read(request: PageRequest): Promise<ResultPage> {
    const { sort, filter, offset } = request;
    const isPlain = sort === undefined && (filter ?? "") === "";
    if (this.#isWhole) return paged(ordered(this.#result, request), offset, pageRows);
    if (isPlain && offset + pageRows <= this.#result.rows.length) return paged(this.#result, offset, pageRows);
    return this.#ask(request, pageRows);
  }

  /** For a file: every row, values uncut. */
  async everyRow(request: PageRequest): Promise<ResultPage> {
    if (this.#isWhole && this.#result.id === undefined) return { ...ordered(this.#result, request), offset: 0 };
    try {
      return await this.#ask({ ...request, offset: 0 }, everyRowMax, true);
    } catch (error) {
      if (this.#isWhole) return { ...ordered(this.#result, request), offset: 0 };
      throw error;
    }
  }

  get #isWhole(): boolean {
    return this.#result.rows.length >= this.#result.totalRows;
  }

  async #ask(
    { offset, sort, descending, filter = "" }: PageRequest,
    limit: number,
    whole = false,
  ): Promise<ResultPage> {
    const { id, columns, footer } = this.#result;
    if (client === undefined || id === undefined) {
      throw new Error("only these rows are here; run the cell again to read on.");
    }
    const sortName = sort === undefined ? undefined : columns[sort]?.name;
    const page = await client.rows({
      result: id,
      ...{ offset, limit, whole, filter, descending: descending === true },
      columns: columns.map(({ name }) => name),
      ...(sortName === undefined ? {} : { sort: sortName }),
    });
    return { ...page, footer };
  }
}

function paged(result: ResultJson, offset: number, limit: number): ResultPage {
  return { ...result, rows: result.rows.slice(offset, offset + limit), offset };
}

function ordered(result: ResultJson, { sort, descending = false, filter = "" }: PageRequest): ResultJson {
  const wanted = filter.trim().toLowerCase();
  const rows = wanted === "" ? [...result.rows] : result.rows.filter((row) => rowText(result, row).includes(wanted));
  if (sort !== undefined) {
    const type = result.columns[sort]?.type;
    const isNumber = type === "bigint" || type === "decimal" || type === "integer" || type === "double";
    rows.sort((a, b) => compare(a[sort] ?? null, b[sort] ?? null, isNumber) * (descending ? -1 : 1));
    // Nulls last, whatever the direction.
    rows.sort((a, b) => Number(a[sort] === null) - Number(b[sort] === null));
  }
  return { ...result, rows, totalRows: rows.length };
}

function rowText({ columns }: ResultJson, row: readonly ResultValue[]): string {
  return columns
    .map(({ type }, index) => valueText(type, row[index] ?? null))
    .join(" ")
    .toLowerCase();
}

function compare(a: ResultValue, b: ResultValue, isNumber: boolean): number {
  if (isNumber) return Number(a) - Number(b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return Number(a) - Number(b);
}
