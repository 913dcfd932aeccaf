/**
 * What a view-only link shows: the texts and outputs of one notebook, live. Asks the workbench for what may be looked at
 * and sends it nothing. Outputs are as untrusted here as in any notebook that was just opened.
 */
import "./styles.js";
import { PageConfig } from "@jupyterlab/coreutils";
import { rendererFactory as jsonRendererFactory } from "@jupyterlab/json-extension";
import { createMarkdownParser } from "@jupyterlab/markedparser-extension";
import type * as nbformat from "@jupyterlab/nbformat";
import { OutputArea, OutputAreaModel, SimplifiedOutputArea } from "@jupyterlab/outputarea";
import { MimeModel, RenderMimeRegistry, standardRendererFactories } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import type { ViewCell, ViewEvent } from "../view-messages.js";
import { element, messageOf } from "./dom.js";
import { createLanguages } from "./languages.js";
import { liveVegaFactory } from "./live-vega.js";
import { type DisplayContent, updateDisplay } from "./reattach.js";
import { resultFactory } from "./result-view.js";
import { StrictSanitizer } from "./strict-sanitizer.js";

interface ShownCell {
  /** What was shown, but for what moves by itself: a saved notebook changes only cells that differ in this. */
  readonly text: string;
  readonly widget: Widget;
  readonly outputs: OutputAreaModel | undefined;
}

const lookAgainMs = 3000;

const path = PageConfig.getOption("viewPath");
const address = (what: string) => `/view/${what}?${new URLSearchParams({ notebook: path })}`;

const place = element("main", "tt-view-cells");
const said = element("p", "tt-view-said");
const rendermime = new RenderMimeRegistry({
  initialFactories: standardRendererFactories,
  markdownParser: createMarkdownParser(createLanguages()),
  sanitizer: new StrictSanitizer(),
});
for (const factory of [liveVegaFactory, resultFactory, jsonRendererFactory]) rendermime.addFactory(factory);

let shown: ShownCell[] = [];
/** The newest of each display, for cells that are shown later. */
const displays = new Map<string, DisplayContent>();

function begin(): void {
  document.body.dataset.viewOnly = "true";
  document.body.dataset.dashboard = "true";
  const heading = element("header", "tt-view-header", element("h1", "", document.title), said);
  said.setAttribute("role", "status");
  document.getElementById("opening")?.remove();
  document.body.append(heading, place);
  follow();
}

function follow(): void {
  const source = new EventSource(address("events"));
  source.addEventListener("open", () => {
    say("");
    void refresh();
  });
  source.addEventListener("message", (event: MessageEvent<string>) => receive(JSON.parse(event.data) as ViewEvent));
  source.addEventListener("error", () => {
    say("The workbench does not answer; what is below is as it was. Connecting again …");
    // The browser tries again by itself after a loss, but not after a refusal.
    if (source.readyState === EventSource.CLOSED) void askWhy();
  });
}

async function askWhy(): Promise<void> {
  const answer = await fetch(address("content")).catch(() => undefined);
  if (answer?.status === 401) {
    say("This link was withdrawn; what is below is as it was.");
    document.body.dataset.withdrawn = "true";
    return;
  }
  window.setTimeout(follow, lookAgainMs);
}

function receive(event: ViewEvent): void {
  if (event.kind === "saved") void refresh();
  if (event.kind !== "display") return;
  const content = { data: event.data, metadata: event.metadata ?? {} } as DisplayContent;
  displays.set(event.id, content);
  for (const { outputs } of shown) if (outputs !== undefined) updateDisplay(outputs, event.id, content);
}

async function refresh(): Promise<void> {
  try {
    const answer = await fetch(address("content"));
    const { cells, message } = (await answer.json()) as { cells?: readonly ViewCell[]; message?: string };
    if (cells === undefined) say(message ?? "The notebook cannot be shown now.");
    else await show(cells);
  } catch (error) {
    say(`The workbench does not answer: ${messageOf(error)}`);
  }
}

async function show(cells: readonly ViewCell[]): Promise<void> {
  const before = new Map(shown.map((cell) => [cell.text, cell]));
  const next: ShownCell[] = [];
  for (const cell of cells) {
    const text = stillText(cell);
    const kept = before.get(text);
    before.delete(text);
    next.push(kept ?? (await showCell(cell, text)));
  }
  for (const { widget } of before.values()) widget.dispose();
  for (const [index, { widget }] of next.entries()) {
    const there = place.children[index];
    if (there === widget.node) continue;
    if (widget.isAttached) place.insertBefore(widget.node, there ?? null);
    else Widget.attach(widget, place, (there as HTMLElement | undefined) ?? null);
  }
  shown = next;
  for (const [id, content] of displays) {
    for (const { outputs } of shown) if (outputs !== undefined) updateDisplay(outputs, id, content);
  }
  document.body.dataset.ready = "true";
}

/** A live output is told by its events; that it was saved as it was then is no change. */
function stillText(cell: ViewCell): string {
  return JSON.stringify(cell, (_, part: unknown) =>
    isLive(part) ? { metadata: (part as { metadata: unknown }).metadata } : part,
  );
}

function isLive(part: unknown): boolean {
  const metadata = (part as { metadata?: unknown } | null)?.metadata;
  return typeof metadata === "object" && metadata !== null && JSON.stringify(metadata).includes('"display_id"');
}

async function showCell(cell: ViewCell, text: string): Promise<ShownCell> {
  if (cell.kind === "text") {
    const widget = rendermime.createRenderer("text/markdown");
    await widget.renderModel(new MimeModel({ data: { "text/markdown": cell.source }, trusted: false }));
    return { text, widget, outputs: undefined };
  }
  const outputs = new OutputAreaModel({ values: [...cell.outputs] as nbformat.IOutput[], trusted: false });
  const contentFactory = OutputArea.defaultContentFactory;
  const widget = new SimplifiedOutputArea({ model: outputs, rendermime, contentFactory });
  widget.addClass("tt-view-outputs");
  return { text, widget, outputs };
}

function say(text: string): void {
  said.textContent = text;
}

begin();
