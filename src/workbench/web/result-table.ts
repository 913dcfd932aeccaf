/** The table of a result: sorted by a click on a column's head, filtered, a page at a time. Cells are text nodes. */
import { caretDownEmptyThinIcon, caretUpEmptyThinIcon } from "@jupyterlab/ui-components";
import type { ResultJson } from "../../sql/result-json.js";
import { element, pressButton } from "./dom.js";
import { type PageRequest, pageRows, type ResultPage } from "./result-rows-source.js";
import { valueText } from "./value-text.js";

const filterWaitMs = 200;

export class ResultTable {
  readonly node = element("div", "tt-scroll tt-result-table");
  /** Buttons to the pages before and after. */
  readonly pager = element("span", "tt-pager");
  readonly #load: (request: PageRequest) => Promise<void>;
  readonly #head = element("thead", "");
  readonly #body = element("tbody", "");
  readonly #before: HTMLButtonElement;
  readonly #after: HTMLButtonElement;
  #order: PageRequest = { offset: 0 };
  #columns = "";
  #timer: number | undefined;

  constructor(load: (request: PageRequest) => Promise<void>) {
    this.#load = load;
    this.#before = pressButton({ label: "‹ Before" }, () =>
      this.#go({ offset: Math.max(0, this.#order.offset - pageRows) }),
    );
    this.#after = pressButton({ label: "Next ›" }, () => this.#go({ offset: this.#order.offset + pageRows }));
    this.pager.append(this.#before, this.#after);
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Rows");
    this.node.append(element("table", "", this.#head, this.#body));
  }

  /** What the reader wants to see; further versions of a live result are shown so too. */
  get order(): PageRequest {
    return this.#order;
  }

  filter(words: string): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#go({ filter: words, offset: 0 }), filterWaitMs);
  }

  show(page: ResultPage): void {
    this.#showHead(page);
    this.#showRows(page);
    const hasPages = page.offset > 0 || page.totalRows > page.rows.length;
    this.#before.hidden = this.#after.hidden = !hasPages;
    this.#before.disabled = page.offset === 0;
    this.#after.disabled = page.offset + page.rows.length >= page.totalRows;
  }

  async #go(change: Partial<PageRequest>): Promise<void> {
    this.#order = { ...this.#order, ...change };
    await this.#load(this.#order);
  }

  #showHead(page: ResultPage): void {
    const { sort, descending } = this.#order;
    const columns = JSON.stringify([page.columns, sort, descending]);
    if (columns === this.#columns) return;
    this.#columns = columns;
    const cells = page.columns.map((column, index) => {
      const isSorted = index === sort;
      const button = pressButton({ label: column.name, className: "tt-sort" }, () => this.#sortBy(index));
      if (isSorted) {
        const arrow = element("span", "tt-icon");
        (descending === true ? caretDownEmptyThinIcon : caretUpEmptyThinIcon).render(arrow);
        button.append(arrow);
      }
      const cell = element("th", isNumeric(column.type) ? "tt-number" : "", button);
      cell.scope = "col";
      cell.title = `${column.sqlType}; a click sorts`;
      cell.setAttribute("aria-sort", isSorted ? (descending === true ? "descending" : "ascending") : "none");
      return cell;
    });
    this.#head.replaceChildren(element("tr", "", ...cells));
  }

  /** First numbers large to small, words from a to z; then the other way; then as the query has them. */
  #sortBy(index: number): Promise<void> {
    const { sort, descending, filter } = this.#order;
    const kept = filter === undefined ? {} : { filter };
    if (sort !== index) this.#order = { ...kept, offset: 0, sort: index, descending: this.#startsDescending(index) };
    else if (descending === this.#startsDescending(index))
      this.#order = { ...kept, offset: 0, sort: index, descending: descending !== true };
    else this.#order = { ...kept, offset: 0 };
    return this.#load(this.#order);
  }

  #startsDescending(index: number): boolean {
    return this.#head.querySelectorAll("th")[index]?.classList.contains("tt-number") ?? false;
  }

  /** Cells are written over, not exchanged, so that a live table costs little and a selection in it stays. */
  #showRows({ columns, rows }: ResultPage): void {
    while (this.#body.rows.length > rows.length) this.#body.lastElementChild?.remove();
    rows.forEach((row, at) => {
      const line = this.#body.rows[at] ?? this.#body.insertRow();
      while (line.cells.length > columns.length) line.lastElementChild?.remove();
      columns.forEach((column, index) => {
        const cell = line.cells[index] ?? line.insertCell();
        const value = row[index] ?? null;
        const text = valueText(column.type, value);
        if (cell.textContent !== text) cell.textContent = text;
        const look = `${isNumeric(column.type) ? "tt-number" : ""}${value === null ? " tt-null" : ""}`.trim();
        if (cell.className !== look) cell.className = look;
      });
    });
  }
}

export function isNumeric(type: ResultJson["columns"][number]["type"]): boolean {
  return type === "integer" || type === "bigint" || type === "double" || type === "decimal";
}
