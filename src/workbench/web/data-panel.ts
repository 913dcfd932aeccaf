/**
 * The panel of data: stream tables as they fill, live queries and what they cost, tables with their columns. Shows what
 * the kernel says and asks it to act; owns no state of its own but the last minute of rates.
 */
import { addIcon, closeIcon, copyIcon } from "@jupyterlab/ui-components";
import type { ResultJson } from "../../sql/result-json.js";
import { element, messageOf, pressButton } from "./dom.js";
import { KeyedList, type KeyedRow } from "./keyed-list.js";
import type { LiveState, PanelClient, PanelState, StreamState, TableState } from "./panel-client.js";
import { Sparkline } from "./sparkline.js";
import { valueText } from "./value-text.js";

/** A new cell with this text, below the chosen one. */
export interface NewCells {
  insert(source: string): void;
  run(source: string): Promise<void>;
}

export class DataPanel {
  readonly node = element("section", "tt-panel");
  readonly #client: PanelClient;
  readonly #cells: NewCells;
  readonly #empty = element("div", "tt-empty");
  readonly #said = element("p", "tt-panel-said");
  readonly #sections: ReadonlyArray<{ readonly head: HTMLElement; readonly update: (state: PanelState) => number }>;

  constructor(client: PanelClient, cells: NewCells) {
    this.#client = client;
    this.#cells = cells;
    this.node.setAttribute("aria-label", "Streams and tables");
    this.#said.setAttribute("role", "status");
    const streams = new KeyedList<StreamState>(element("ul", "tt-cards"), keyOfName, (item) => this.#stream(item.name));
    const live = new KeyedList<LiveState>(element("ul", "tt-cards"), keyOfId, (item) => this.#live(item));
    const tables = new KeyedList<TableState>(element("ul", "tt-cards"), keyOfName, (item) => this.#table(item));
    const section = <Item>(title: string, list: KeyedList<Item>, pick: (state: PanelState) => readonly Item[]) => ({
      head: element("div", "", element("h3", "", title), list.node),
      update: (state: PanelState) => {
        list.update(pick(state));
        return pick(state).length;
      },
    });
    this.#sections = [
      section("Streams", streams, (state) => state.streams),
      section("Live queries", live, (state) => state.live),
      section("Tables", tables, (state) => state.tables),
    ];
    this.node.append(
      element("div", "tt-panel-head", element("h2", "", "Streams and tables")),
      this.#said,
      this.#empty,
      ...this.#sections.map(({ head }) => head),
    );
    client.changed.connect((_, state) => this.#update(state));
    this.#update(client.state);
  }

  #update(state: PanelState): void {
    let shown = 0;
    for (const { head, update } of this.#sections) {
      const count = update(state);
      head.hidden = count === 0;
      shown += count;
    }
    this.#empty.hidden = shown > 0;
    this.#empty.textContent = state.known
      ? 'No tables yet. A cell with await stream("tweets") makes a topic a table, and it appears here.'
      : "Waiting for the kernel …";
  }

  #stream(name: string): KeyedRow<StreamState> {
    const phase = element("span", "tt-phase");
    const sparkline = new Sparkline();
    const facts = element("dl", "tt-facts");
    const trouble = element("p", "tt-trouble");
    const pause = pressButton({ label: "Pause" }, () => this.#do(`pause ${name}`, "pause", { name }));
    const resume = pressButton({ label: "Resume" }, () => this.#do(`resume ${name}`, "resume", { name }));
    const stop = pressButton({ label: "Stop" }, () => this.#do(`stop ${name}`, "stop", { name }));
    const errors = pressButton({ label: "Show rejected" }, () =>
      this.#cells.run(
        `%%sql\nSELECT reason, raw, _partition, _offset, _timestamp\nFROM ${quoted(`${name}_errors`)}\nORDER BY _timestamp DESC\nLIMIT 100`,
      ),
    );
    for (const [button, label] of [
      [pause, "Pause"],
      [resume, "Resume"],
      [stop, "Stop"],
    ] as const) {
      button.setAttribute("aria-label", `${label} the stream ${name}`);
    }
    const node = element(
      "li",
      "tt-card",
      element("div", "tt-card-head", element("strong", "", name), phase, sparkline.node),
      facts,
      trouble,
      element("div", "tt-panel-buttons", pause, resume, stop, errors),
    );
    return {
      node,
      update: (stream) => {
        const isOver = ["stopped", "finished", "failed"].includes(stream.phase);
        phase.textContent = phaseText(stream);
        phase.dataset.phase = stream.phase;
        sparkline.add(isOver ? 0 : stream.rowsPerSecond);
        sparkline.node.setAttribute("aria-label", `${count(stream.rowsPerSecond)} rows a second`);
        setFacts(facts, [
          ["Rows", count(stream.rows)],
          ["Rows/s", count(stream.rowsPerSecond)],
          ["Lag", lagText(stream)],
          ["Rejected", count(stream.rejected)],
          ["Topic", `${stream.topic} of ${stream.source}`],
          ["Keeps", `the newest ${stream.keep}${stream.retired > 0 ? `, ${count(stream.retired)} dropped` : ""}`],
        ]);
        trouble.textContent = stream.cause ?? stream.notice ?? "";
        trouble.hidden = trouble.textContent === "";
        pause.hidden = isOver || stream.phase === "paused";
        resume.hidden = stream.phase !== "paused";
        stop.hidden = stream.phase === "stopped";
        errors.hidden = stream.rejected === 0;
        errors.querySelector("span:last-child")?.replaceChildren(`Show ${count(stream.rejected)} rejected`);
      },
    };
  }

  #live({ id, text }: LiveState): KeyedRow<LiveState> {
    const how = element("span", "tt-phase");
    const facts = element("dl", "tt-facts");
    const trouble = element("p", "tt-trouble");
    const stop = pressButton({ label: "Stop" }, () => this.#do("stop the live query", "stopLive", { view: id }));
    const node = element(
      "li",
      "tt-card",
      element("div", "tt-card-head", how),
      element("pre", "tt-query", text.trim()),
      facts,
      trouble,
      element("div", "tt-panel-buttons", stop),
    );
    return {
      node,
      update: (live) => {
        how.textContent = live.mode ?? "starting";
        how.dataset.phase = live.error === undefined ? "live" : "failed";
        setFacts(facts, [
          ["Last refresh", live.refreshMs === undefined ? "–" : `${live.refreshMs.toFixed(1)} ms`],
          ["Version", live.version === undefined ? "–" : count(live.version)],
          ["Rows", count(live.rows)],
          ...(live.reason === undefined ? [] : [["Why", live.reason] as const]),
        ]);
        trouble.textContent = live.error ?? "";
        trouble.hidden = live.error === undefined;
      },
    };
  }

  #table({ name, kind }: TableState): KeyedRow<TableState> {
    const columns = element("ul", "tt-columns");
    const sample = element("div", "tt-sample");
    let shown = "";
    const select = () => {
      const names = [...columns.querySelectorAll("li")].map((column) => quoted(column.dataset.name ?? ""));
      return `SELECT ${names.filter((column) => !column.startsWith("_")).join(", ") || "*"}\nFROM ${quoted(name)}\nLIMIT 100`;
    };
    const summary = element("summary", "", element("strong", "", name), element("span", "tt-quiet", kind));
    const node = element(
      "li",
      "tt-card",
      element(
        "details",
        "",
        summary,
        columns,
        element(
          "div",
          "tt-panel-buttons",
          pressButton({ label: "Query", icon: addIcon }, () => this.#cells.insert(`%%sql\n${select()}`)),
          pressButton({ label: "Copy SELECT", icon: copyIcon }, () => this.#copy(select())),
          pressButton({ label: "Sample" }, () => this.#sample(name, sample)),
        ),
        sample,
      ),
    );
    return {
      node,
      update: (table) => {
        const text = JSON.stringify(table.columns);
        if (text === shown) return;
        shown = text;
        columns.replaceChildren(
          ...table.columns.map((column) => {
            const row = element(
              "li",
              "",
              element("code", "", column.name),
              element("span", "tt-quiet", column.sqlType),
            );
            row.dataset.name = column.name;
            return row;
          }),
        );
      },
    };
  }

  async #sample(name: string, place: HTMLElement): Promise<void> {
    place.textContent = "Reading …";
    try {
      const { result } = await this.#client.ask("sample", { name });
      place.replaceChildren(sampleTable(result as unknown as ResultJson));
    } catch (error) {
      place.textContent = messageOf(error);
    }
  }

  async #copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    this.#say("Copied.");
  }

  async #do(words: string, what: string, details: { readonly [key: string]: string }): Promise<void> {
    try {
      await this.#client.ask(what, details);
      this.#said.replaceChildren();
    } catch (error) {
      this.#say(`Could not ${words}: ${messageOf(error)}`);
    }
  }

  #say(text: string): void {
    const dismiss = pressButton({ label: "Dismiss", icon: closeIcon, iconOnly: true, className: "tt-row-button" }, () =>
      this.#said.replaceChildren(),
    );
    this.#said.replaceChildren(element("span", "", text), dismiss);
  }
}

function keyOfName({ name }: { readonly name: string }): string {
  return name;
}

function keyOfId({ id }: { readonly id: string }): string {
  return id;
}

function phaseText({ phase, backlog }: StreamState): string {
  if (phase !== "loading" || backlog === undefined || backlog.target === 0) return phase;
  return `loading ${Math.floor((100 * backlog.loaded) / backlog.target)} %`;
}

const partitionsShownMax = 8;

function lagText({ lag, partitions }: StreamState): string {
  if (partitions.length < 2 || lag === 0) return count(lag);
  const behind = partitions.filter((partition) => partition.lag > 0);
  const shown = behind
    .slice(0, partitionsShownMax)
    .map(({ topic, partition, lag: own }) => `${topic === undefined ? "" : `${topic} `}p${partition} ${count(own)}`);
  const more = behind.length > shown.length ? ` and ${behind.length - shown.length} more` : "";
  return `${count(lag)} (${shown.join(", ")}${more})`;
}

/** Only what differs is written, so that a reader may select text in between. */
function setFacts(list: HTMLElement, facts: ReadonlyArray<readonly [string, string]>): void {
  if (list.childElementCount !== facts.length * 2) {
    list.replaceChildren(...facts.flatMap(() => [element("dt", ""), element("dd", "")]));
  }
  const nodes = [...list.children];
  facts.forEach(([name, value], index) => {
    const [term, detail] = [nodes[2 * index], nodes[2 * index + 1]];
    if (term !== undefined && term.textContent !== name) term.textContent = name;
    if (detail !== undefined && detail.textContent !== value) detail.textContent = value;
  });
}

function sampleTable({ columns, rows }: ResultJson): HTMLElement {
  const head = element("tr", "", ...columns.map(({ name }) => element("th", "", name)));
  const body = rows.map((row) =>
    element("tr", "", ...columns.map((column, index) => element("td", "", valueText(column.type, row[index] ?? null)))),
  );
  if (rows.length === 0) return element("p", "tt-empty", "No rows yet.");
  return element("div", "tt-scroll", element("table", "", element("thead", "", head), element("tbody", "", ...body)));
}

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
