/**
 * One chart on the page: draws a specification and keeps the view when only its data is new, so that zoom, selection and
 * hover stay. Follows the light or dark of the system. Knows nothing of outputs.
 */
import type { Changeset, View } from "vega";
import { darkQuery, inDark } from "./chart-theme.js";
import { pressButton } from "./dom.js";
import { ownTask } from "./own-task.js";
import { type Row, rowChange, sameValue } from "./vega-rows.js";

/** How often charts were built and moved since the page was loaded; read by tests and by the curious. */
export const chartCounters = { embeds: 0, moves: 0 };

/** Moves of a chart after which it is looked through for what is gone. */
const forgetEvery = 100;

const drawings = new Set<ChartDrawing>();

darkQuery.addEventListener("change", () => {
  for (const drawing of drawings) void drawing.redraw();
});

/** The charts that are drawn. */
export function chartViews(): View[] {
  return [...drawings].flatMap((drawing) => drawing.view ?? []);
}

interface DrawingSettings {
  readonly mode?: "vega" | "vega-lite";
  /** Why a chart should not be drawn; absent: every one is. Its reader may want it drawn nevertheless. */
  readonly refusal?: (spec: object) => Promise<string | undefined>;
}

interface Shown {
  readonly view: View;
  readonly finalize: () => void;
  /** The specification without its rows, as text: what must be equal for the view to be kept. */
  readonly frame: string;
  readonly dataName: string | undefined;
  /** Rows as they came; Vega works on copies, because it writes into what it is given. */
  rows: readonly Row[];
  moves: number;
}

export class ChartDrawing {
  readonly node: HTMLElement;
  readonly #mode: "vega" | "vega-lite";
  #refusal: DrawingSettings["refusal"];
  #shown: Shown | undefined;
  #spec: unknown;
  /** Specifications are worked off one after the other; only the newest one that waits is drawn. */
  #newest = 0;
  #work: Promise<void> = Promise.resolve();
  #isDisposed = false;

  constructor(node: HTMLElement, { mode = "vega-lite", refusal }: DrawingSettings = {}) {
    this.node = node;
    this.#mode = mode;
    this.#refusal = refusal;
    node.classList.add("tt-chart");
    drawings.add(this);
  }

  get view(): View | undefined {
    return this.#shown?.view;
  }

  draw(spec: unknown): Promise<void> {
    this.#spec = spec;
    const turn = ++this.#newest;
    this.#work = this.#work
      .then(ownTask)
      .then(() => (turn === this.#newest && !this.#isDisposed ? this.#draw(spec) : undefined));
    return this.#work;
  }

  /** From nothing, for example in other colours. */
  redraw(): Promise<void> {
    this.#work = this.#work.then(() => this.#clear());
    return this.#spec === undefined ? this.#work : this.draw(this.#spec);
  }

  /** As base64 PNG, dark on light whatever the page looks like; undefined while nothing is drawn. */
  async still(): Promise<string | undefined> {
    await this.#work;
    const canvas = await this.#inLight((view) => view.toCanvas(1));
    return canvas?.toDataURL("image/png").split(",", 2)[1];
  }

  async svg(): Promise<string | undefined> {
    await this.#work;
    return this.#inLight((view) => view.toSVG());
  }

  async png(): Promise<Blob | undefined> {
    await this.#work;
    const canvas = await this.#inLight((view) => view.toCanvas(2));
    return new Promise((done) =>
      canvas === undefined ? done(undefined) : canvas.toBlob((blob) => done(blob ?? undefined)),
    );
  }

  /** What is drawn, its rows included. */
  get spec(): unknown {
    return this.#spec;
  }

  dispose(): void {
    this.#isDisposed = true;
    drawings.delete(this);
    this.#clear();
  }

  #clear(): void {
    this.#shown?.finalize();
    this.#shown = undefined;
  }

  async #inLight<Picture>(draw: (view: View) => Promise<Picture>): Promise<Picture | undefined> {
    await ownTask();
    const shown = this.#shown;
    if (shown === undefined) return undefined;
    if (!darkQuery.matches || !isRecord(this.#spec)) return draw(shown.view);
    const { embedChart } = await import("./vega-embed.js");
    const { view, finalize } = await embedChart(document.createElement("div"), structuredClone(this.#spec), this.#mode);
    try {
      await ownTask();
      return await draw(view);
    } finally {
      finalize();
    }
  }

  async #draw(spec: unknown): Promise<void> {
    try {
      if (!isRecord(spec)) throw new Error("the chart's specification is not a JSON object");
      const { frame, dataName, rows } = split(spec);
      const shown = this.#shown;
      // What is moved was tried with as many rows as it had then.
      const isTried = this.#refusal === undefined || rows.length <= (shown?.rows.length ?? 0);
      if (shown?.frame === frame && dataName !== undefined && isTried) await move(shown, rows);
      else await this.#embed(spec, frame, dataName, rows);
    } catch (error) {
      this.#clear();
      this.node.textContent = `This chart cannot be drawn: ${error instanceof Error ? error.message : String(error)}`;
      this.node.classList.add("tt-chart-failed");
    }
  }

  async #embed(spec: Row, frame: string, dataName: string | undefined, rows: readonly Row[]): Promise<void> {
    const refused = await this.#refusal?.(spec);
    if (refused !== undefined) {
      this.#refuse(refused);
      return;
    }
    const { embedChart } = await import("./vega-embed.js");
    const place = document.createElement("div");
    const drawn = darkQuery.matches && this.#mode === "vega-lite" ? inDark(spec) : spec;
    const { view, finalize } = await embedChart(place, structuredClone(drawn), this.#mode);
    place.querySelector("summary")?.setAttribute("aria-label", "Export this chart");
    chartCounters.embeds++;
    this.#shown?.finalize();
    this.node.classList.remove("tt-chart-failed");
    this.node.replaceChildren(place);
    this.#shown = { view, finalize, frame, dataName, rows, moves: 0 };
    this.node.dataset.rows = String(rows.length);
  }

  #refuse(reason: string): void {
    this.#clear();
    const text = `This chart came with the file and is not drawn: ${reason}. Run its cell to draw it anew. `;
    const anyway = pressButton({ label: "Draw it anyway" }, () => {
      this.#refusal = undefined;
      this.node.replaceChildren();
      void this.redraw();
    });
    this.node.classList.add("tt-chart-failed");
    this.node.replaceChildren(text, anyway);
  }
}

async function move(shown: Shown, rows: readonly Row[]): Promise<void> {
  const change = rowChange(shown.rows, rows);
  if (change === undefined || shown.dataName === undefined) return;
  const { vega, forgetGoneRows } = await import("./vega-embed.js");
  const changes = vega.changeset();
  const present: object[] = shown.view.data(shown.dataName);
  const keptEnd = change.keptFrom + change.kept;
  const { added } = change;
  // Rows behind those that stay are written over, not exchanged: Vega's tables of row identities only ever grow.
  const rewritten = Math.min(present.length - keptEnd, added.length);
  for (let index = 0; index < rewritten; index++) {
    rewrite(changes, present[keptEnd + index], shown.rows[keptEnd + index], added[index]);
  }
  changes.remove([...present.slice(0, change.keptFrom), ...present.slice(keptEnd + rewritten)]);
  changes.insert(added.slice(rewritten).map((row) => ({ ...row })));
  shown.view.change(shown.dataName, changes);
  shown.rows = rows;
  await shown.view.runAsync();
  chartCounters.moves++;
  shown.moves++;
  if (shown.moves % forgetEvery === 0) forgetGoneRows(shown.view);
  shown.view.container()?.closest<HTMLElement>(".tt-chart")?.setAttribute("data-rows", String(rows.length));
}

function rewrite(changes: Changeset, tuple: object | undefined, before: Row = {}, after: Row = {}): void {
  if (tuple === undefined) return;
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (field !== "__proto__" && !sameValue(before[field], after[field])) changes.modify(tuple, field, after[field]);
  }
}

/** A specification is live when its data is inline and has a name by which the view can be told to change it. */
function split(spec: Row): { frame: string; dataName: string | undefined; rows: readonly Row[] } {
  const { data } = spec;
  if (!isRecord(data) || typeof data.name !== "string" || !Array.isArray(data.values) || !data.values.every(isRecord)) {
    return { frame: sortedText(spec), dataName: undefined, rows: [] };
  }
  const frame = sortedText({ ...spec, data: { ...data, values: null } });
  return { frame, dataName: data.name, rows: data.values };
}

/** The same text for the same value: a saved notebook has its keys in another order than the kernel's next update. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

function isRecord(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
