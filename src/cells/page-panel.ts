/**
 * What the workbench's page is told about streams, live queries and tables, and what it may ask: the comm target
 * `tidetable.panel`. Pushes what has changed once a second while a page listens; a page that stops saying that it is
 * there is forgotten.
 */
import type { Comm, CommData, CommHandler, CommTarget } from "../cell-output.js";
import type { StreamStatus } from "../engine/protocol.js";
import { errorMessage } from "../errors.js";
import { quoteIdentifier } from "../sql/identifiers.js";
import { resultJson } from "../sql/result-json.js";
import type { TableInfo } from "../sql/sql-engine.js";
import { readShownRows } from "./shown-rows.js";
import { retentionText } from "./status-line.js";
import type { LiveQuery, WatchedEngine } from "./watched-engine.js";

export const panelTarget = "tidetable.panel";

export interface PagePanel {
  readonly target: CommTarget;
  close(): void;
}

const pushEveryMs = 1000;
/** A page says every 20 seconds that it is there. */
const silentMsMax = 70_000;
const sampleRows = 5;

/** @param catalog answers fast, or with what it knows */
export function pagePanel(engine: () => WatchedEngine, catalog: () => Promise<readonly TableInfo[]>): PagePanel {
  const pages = new Map<string, Page>();
  let timer: NodeJS.Timeout | undefined;
  let pushing = false;

  const push = async () => {
    if (pushing) return;
    pushing = true;
    try {
      const parts = partsOf(engine(), await catalog());
      for (const page of pages.values()) page.push(parts);
    } finally {
      pushing = false;
    }
  };
  const forget = (id: string) => {
    pages.delete(id);
    if (pages.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const pushSoon = () => {
    // What cannot be told now is told at the next turn.
    push().catch(() => {});
  };
  const tick = () => {
    const now = performance.now();
    for (const page of [...pages.values()]) {
      if (now - page.heardAtMs <= silentMsMax) continue;
      forget(page.id);
      page.close();
    }
    pushSoon();
  };

  return {
    target: (comm) => {
      const page = new Page(comm, (data) => answerTo(engine(), data).finally(pushSoon));
      pages.set(page.id, page);
      timer ??= setInterval(tick, pushEveryMs).unref();
      pushSoon();
      return { message: (data) => page.receive(data), closed: () => forget(page.id) } satisfies CommHandler;
    },
    close: () => {
      for (const id of [...pages.keys()]) forget(id);
    },
  };
}

type Parts = Readonly<Record<"streams" | "live" | "tables", readonly object[]>>;

/** One page that listens. */
class Page {
  readonly #comm: Comm;
  readonly #answer: (data: CommData) => Promise<object>;
  readonly #sent = new Map<string, string>();
  heardAtMs = performance.now();

  constructor(comm: Comm, answer: (data: CommData) => Promise<object>) {
    this.#comm = comm;
    this.#answer = answer;
  }

  get id(): string {
    return this.#comm.id;
  }

  push(parts: Parts): void {
    const changed = Object.entries(parts).filter(([name, value]) => {
      const text = JSON.stringify(value);
      if (this.#sent.get(name) === text) return false;
      this.#sent.set(name, text);
      return true;
    });
    if (changed.length > 0) this.#comm.send({ kind: "state", ...Object.fromEntries(changed) });
  }

  receive(data: CommData): void {
    this.heardAtMs = performance.now();
    if (data.kind !== "ask") return;
    this.#answer(data).then(
      (answer) => this.#comm.send({ kind: "answer", id: data.id, ...answer }),
      (error: unknown) => this.#comm.send({ kind: "answer", id: data.id, error: errorMessage(error) }),
    );
  }

  close(): void {
    this.#comm.close();
  }
}

function partsOf(engine: WatchedEngine, tables: readonly TableInfo[]): Parts {
  return { streams: engine.streams.map(streamPart), live: engine.liveQueries.map(livePart), tables };
}

/** JSON knows no bigint; offsets fit its numbers for a long time. */
function streamPart(status: StreamStatus): object {
  const { name, topic, source, phase, cause, notice, rows, rejected, retired, rowsPerSecond, lag, backlog } = status;
  return {
    ...{ name, topic, source, phase, cause, notice, rows, rejected, retired, lag, backlog },
    rowsPerSecond: Math.round(rowsPerSecond),
    keep: retentionText(status.keep),
    partitions: status.partitions.map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      next: Number(partition.nextOffset),
      end: Number(partition.highWatermark),
      lag: partition.lag,
    })),
  };
}

function livePart({ id, text, everyMs, last, rows }: LiveQuery): object {
  return {
    ...{ id, text, everyMs, rows },
    mode: last?.plan.mode,
    reason: last?.plan.reason ?? last?.plan.kept,
    refreshMs: last?.refreshMs,
    version: last?.version,
    error: last?.error?.message,
  };
}

async function answerTo(engine: WatchedEngine, data: CommData): Promise<object> {
  const name = typeof data.name === "string" ? data.name : "";
  switch (data.what) {
    case "pause":
      await engine.pauseStream(name);
      return {};
    case "resume":
      await engine.resumeStream(name);
      return {};
    case "stop":
      await engine.stopStream(name);
      return {};
    case "stopLive":
      engine.liveQueries.find(({ id }) => id === data.view)?.stop();
      return {};
    case "sample": {
      const text = `SELECT * FROM ${quoteIdentifier(name)} LIMIT ${sampleRows}`;
      return {
        result: resultJson(await engine.queryUnnoted(text, { rowLimit: sampleRows }), "", { rows: sampleRows }),
      };
    }
    case "rows":
      return { result: await readShownRows(engine, data) };
    default:
      throw new Error(`this kernel does not answer ${JSON.stringify(data.what)}; is the page of another version?`);
  }
}
