/**
 * When live queries are refreshed: only when their tables have changed, at most once per their own interval, a few at a
 * time, with a rest after each. Queries that are computed anew take turns of their own, at most a quarter of the time, so
 * that one of them never keeps those waiting that cost a millisecond. How a query is refreshed, and who shares it, is
 * decided elsewhere.
 */

import type { LiveUpdate } from "../../engine/protocol.js";
import { serializeError } from "../../errors.js";
import { limitRows } from "../result-limit.js";
import type { LiveEngine, SharedQueries, SharedQuery } from "./shared.js";
import type { LiveRequest, LiveViews } from "./view.js";

type Mode = LiveUpdate["plan"]["mode"];

/** After a run, this many times its cost passes before the next one: computed anew, a quarter of the time at the most. */
const REST_PER_COST: Readonly<Record<Mode, number>> = { recomputed: 3, incremental: 1 / 3 };
/**
 * Who refreshes side by side; as many from new rows as the database has threads. How a query is refreshed is known once it
 * has been: new ones, which may take for ever, leave one turn to the others.
 */
const TURNS: ReadonlyArray<{ readonly mode: Mode; readonly takesNew: boolean }> = [
  { mode: "incremental", takesNew: false },
  { mode: "incremental", takesNew: true },
  { mode: "recomputed", takesNew: true },
];
/** How often a query is looked at that nothing has changed under. */
const IDLE_POLL_MS = 20;

interface Listener {
  readonly everyMs: number;
  readonly rowLimit: number;
  readonly publish: (update: LiveUpdate) => void;
  version: number;
}

/** One query that is refreshed for all of its listeners. */
interface LiveQuery {
  readonly query: SharedQuery;
  readonly listeners: Map<string, Listener>;
  refreshedAtMs: number;
  refreshedVersion: number;
  last: Outcome | undefined;
  running: boolean;
  /** Aborted when the last listener has gone: nobody waits for what is running then. */
  readonly abandoned: AbortController;
}

/** Refreshes queries of one mode, one after the other. */
interface Turn {
  readonly mode: Mode;
  readonly takesNew: boolean;
  running: Promise<void> | undefined;
  restUntilMs: number;
}

type Outcome = Pick<LiveUpdate, "result" | "error" | "plan" | "refreshMs">;

export class LiveSchedule implements LiveViews {
  readonly #engine: LiveEngine;
  readonly #shared: SharedQueries;
  readonly #queries = new Map<SharedQuery, LiveQuery>();
  #closed = false;
  readonly #turns: readonly Turn[] = TURNS.map((turn) => ({ ...turn, running: undefined, restUntilMs: 0 }));
  #timer: NodeJS.Timeout | undefined;

  constructor(engine: LiveEngine, shared: SharedQueries) {
    this.#engine = engine;
    this.#shared = shared;
  }

  async start(viewId: string, request: LiveRequest, publish: (update: LiveUpdate) => void): Promise<void> {
    this.stop(viewId);
    const live = this.#liveQuery(await this.#shared.shared(request));
    const { everyMs, rowLimit } = request;
    const listener: Listener = { everyMs, rowLimit, publish, version: 0 };
    live.listeners.set(viewId, listener);
    const held = live.last?.result;
    if (held !== undefined && held.rowCount < Math.min(rowLimit, held.totalRowCount)) {
      // It asks for more rows than the last version holds.
      live.refreshedVersion = Number.NaN;
    } else if (live.last !== undefined) {
      publishTo(viewId, listener, live.last);
    }
    this.#schedule();
  }

  stop(viewId: string): void {
    for (const [query, live] of this.#queries) {
      if (!live.listeners.delete(viewId) || live.listeners.size > 0) continue;
      this.#queries.delete(query);
      live.abandoned.abort();
      query.readers -= 1;
      query.usedAtMs = performance.now();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const live of this.#queries.values()) live.abandoned.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#turns.map((turn) => turn.running));
    this.#queries.clear();
  }

  #liveQuery(query: SharedQuery): LiveQuery {
    const known = this.#queries.get(query);
    if (known !== undefined) return known;
    const live: LiveQuery = {
      query,
      listeners: new Map(),
      refreshedAtMs: Number.NEGATIVE_INFINITY,
      refreshedVersion: Number.NaN,
      last: undefined,
      running: false,
      abandoned: new AbortController(),
    };
    query.readers += 1;
    this.#queries.set(query, live);
    return live;
  }

  #schedule(): void {
    if (this.#closed || this.#queries.size === 0) return;
    clearTimeout(this.#timer);
    let waitMs = IDLE_POLL_MS;
    for (const turn of this.#turns) {
      if (turn.running !== undefined) continue;
      const due = this.#nextDue(turn);
      if (due === undefined) continue;
      const untilMs = Math.max(due.atMs, turn.restUntilMs) - performance.now();
      if (untilMs <= 0) this.#start(turn, due.live);
      else waitMs = Math.min(waitMs, untilMs);
    }
    this.#timer = setTimeout(() => this.#schedule(), waitMs);
  }

  #start(turn: Turn, live: LiveQuery): void {
    live.running = true;
    turn.running = this.#refresh(live).then(({ mode, costMs }) => {
      live.running = false;
      turn.running = undefined;
      // What turned out to be computed anew is charged to those that are.
      const charged = turn.mode === mode ? turn : this.#turns.find((other) => other.mode === mode);
      if (charged !== undefined) charged.restUntilMs = performance.now() + costMs * REST_PER_COST[mode];
      this.#schedule();
    });
  }

  /** The query that has waited longest past its time, among those whose answer may have changed. */
  #nextDue({ mode, takesNew }: Turn): { readonly live: LiveQuery; readonly atMs: number } | undefined {
    let next: { live: LiveQuery; atMs: number } | undefined;
    for (const live of this.#queries.values()) {
      const takes = live.last === undefined ? takesNew : live.last.plan.mode === mode;
      if (live.running || !takes) continue;
      const { query } = live;
      const changed = query.volatile || this.#engine.dataVersion(query.tables) !== live.refreshedVersion;
      if (!changed) continue;
      const everyMs = Math.min(...[...live.listeners.values()].map((listener) => listener.everyMs));
      const atMs = live.refreshedAtMs + everyMs;
      if (next === undefined || atMs < next.atMs) next = { live, atMs };
    }
    return next;
  }

  async #refresh(live: LiveQuery): Promise<{ readonly mode: Mode; readonly costMs: number }> {
    const startedMs = performance.now();
    live.refreshedAtMs = startedMs;
    // Read before the query runs: what is committed meanwhile counts as a change afterwards.
    live.refreshedVersion = this.#engine.dataVersion(live.query.tables);
    const outcome = await this.#run(live);
    const refreshMs = performance.now() - startedMs;
    if (!live.abandoned.signal.aborted) {
      live.last = { ...outcome, refreshMs };
      for (const [viewId, listener] of live.listeners) publishTo(viewId, listener, live.last);
    }
    return { mode: outcome.plan.mode, costMs: refreshMs };
  }

  async #run({ query, listeners, abandoned }: LiveQuery): Promise<Omit<Outcome, "refreshMs">> {
    const rowLimit = Math.max(...[...listeners.values()].map((listener) => listener.rowLimit));
    try {
      return await query.answer(rowLimit, abandoned.signal);
    } catch (error) {
      return { error: serializeError(error, "SQL_FAILED"), plan: { mode: "recomputed", reason: "it failed" } };
    }
  }
}

function publishTo(viewId: string, listener: Listener, { result, ...last }: Outcome): void {
  listener.version += 1;
  const limited = result === undefined ? {} : { result: limitRows(result, listener.rowLimit) };
  listener.publish({ viewId, version: listener.version, ...last, ...limited });
}
