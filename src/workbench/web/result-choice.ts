/**
 * What the reader chose for each result, kept in the metadata of its cell, and so in the notebook: `tidetable.views`,
 * one entry a result in the order in which they stand. Also which cells are paused, which no file keeps.
 */
import type { Cell } from "@jupyterlab/cells";
import type { Notebook } from "@jupyterlab/notebook";
import { type Mark, marks } from "../../charts/chart.js";

export interface ViewChoice {
  readonly view: Mark | "table";
  /** Column names by role; left out: the shape decides. */
  readonly x?: string;
  readonly y?: string;
  readonly color?: string;
}

const key = "tidetable";
const asTable: ViewChoice = { view: "table" };

let notebook: Notebook | undefined;
const held = new Map<Element, Map<HTMLElement, () => Promise<void>>>();

export const ResultChoices = {
  connect(open: Notebook): void {
    notebook = open;
  },

  /** @param node of a result that stands in its cell */
  of(node: HTMLElement): ViewChoice {
    const cell = cellOf(node);
    const choice = cell === undefined ? undefined : viewsOf(cell)[indexOf(cell, node)];
    markCell(cell);
    return choice ?? asTable;
  },

  keep(node: HTMLElement, choice: ViewChoice): void {
    const cell = cellOf(node);
    if (cell === undefined) return;
    const views = [...viewsOf(cell)];
    const index = indexOf(cell, node);
    while (views.length < index) views.push(asTable);
    views[index] = choice;
    const isPlain = views.every(({ view }) => view === "table");
    if (isPlain) cell.model.deleteMetadata(key);
    else cell.model.setMetadata(key, { views: views.map((view) => ({ ...view })) });
    markCell(cell);
  },

  /** Holds the charts of the same cell, or lets them go on with what came meanwhile. */
  pause(node: HTMLElement, paused: boolean): void {
    const place = node.closest(".jp-Cell");
    if (place === null) return;
    const waiting = held.get(place);
    if (paused) held.set(place, waiting ?? new Map());
    else held.delete(place);
    if (!paused) for (const draw of waiting?.values() ?? []) void draw();
  },

  /** Undefined where nothing is paused, and drawing is for now. */
  whenGoingOn(node: HTMLElement, draw: () => Promise<void>): Promise<void> | undefined {
    const place = node.closest(".jp-Cell");
    const waiting = place === null ? undefined : held.get(place);
    waiting?.set(node, draw);
    return waiting === undefined ? undefined : Promise.resolve();
  },
};

/** Where a chart was chosen, the one that the cell drew by itself steps aside. */
function markCell(cell: Cell | undefined): void {
  cell?.toggleClass(
    "tt-chosen-chart",
    viewsOf(cell).some(({ view }) => view !== "table"),
  );
}

function cellOf(node: HTMLElement): Cell | undefined {
  const place = node.closest(".jp-Cell");
  return place === null ? undefined : notebook?.widgets.find((cell) => cell.node === place);
}

function indexOf(cell: Cell, node: HTMLElement): number {
  return [...cell.node.querySelectorAll(".tt-result")].indexOf(node);
}

/** A file may hold anything here. */
function viewsOf(cell: Cell): readonly ViewChoice[] {
  const kept = cell.model.getMetadata(key) as { views?: unknown } | undefined;
  if (!Array.isArray(kept?.views)) return [];
  return kept.views.map((value: unknown) => {
    const { view, x, y, color } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
    const known = [...marks, "table" as const].find((one) => one === view) ?? "table";
    const roles = Object.entries({ x, y, color }).filter(([, name]) => typeof name === "string" && name !== "");
    return { view: known, ...Object.fromEntries(roles) };
  });
}
