/**
 * The maintained queries of an engine: one for each normalised query and its values, whoever reads it (a live cell, a
 * program, a cell that is run again). Refreshes of one query never overlap, and askers who come during one share the
 * next. A query without a reader stays for a while and is dropped. When live cells are refreshed is not decided here.
 */
import { TidetableError } from "../../errors.js";
import type { ProgressListener } from "../query-progress.js";
import { limitRows } from "../result-limit.js";
import type { OffsetPosition, QueryPlan, QueryResult, SqlValue } from "../schema.js";
import type { LiveRequest } from "./view.js";

/** What is kept for cells that may be run again; the one unused for longest goes first. */
const IDLE_QUERIES_MAX = 32;
const IDLE_MS = 5 * 60_000;

export interface LiveAnswer {
  readonly result: QueryResult;
  readonly plan: QueryPlan;
}

/** One query that can be brought up to date. */
export interface Refreshable {
  /** Carries `rowLimit` rows at the most. Undefined, with `reason` telling why, where it cannot be kept up to date. */
  refreshIncrementally(rowLimit: number, signal: AbortSignal): Promise<LiveAnswer | undefined>;
  readonly reason: string | undefined;
  /** How it is kept, or would be; absent where nothing is ever kept. */
  report?(): Promise<LivePlanReport>;
  close(): void;
}

export type LivePlanReport =
  | { readonly reason: string }
  | {
      readonly kept: string;
      readonly size: number;
      readonly isMade: boolean;
      /** Each part that is kept: what is asked of new rows, and how that joins what is kept. */
      readonly blocks: ReadonlyArray<{
        readonly stream: string;
        readonly delta: string;
        readonly merges: readonly string[];
        /** Of a window whose edges move. */
        readonly paneMs?: number;
        /** Whether the newest moments are carried on, for how late rows are. */
        readonly carries: boolean;
      }>;
      /** What is asked of the kept parts; undefined where they are only picked and ordered. */
      readonly final: string | undefined;
    };

/** An answer of one moment, and that moment. */
export interface AnswerAtOffsets {
  readonly result: QueryResult;
  readonly offsets: readonly OffsetPosition[];
}

/** What maintained queries need of an engine. */
export interface LiveEngine {
  query(request: LiveRequest, signal: AbortSignal, onProgress?: ProgressListener): Promise<QueryResult>;
  /** The same with the records the answer holds, where the engine stores both together. */
  queryWithOffsets?(
    request: LiveRequest,
    tables: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<AnswerAtOffsets>;
  openLiveQuery(request: LiveRequest): Refreshable;
  syntax(text: string): Promise<LiveSyntax | undefined>;
  dataVersion(tables: readonly string[] | undefined): number;
}

export interface LiveSyntax {
  readonly key: string;
  readonly tables: readonly string[];
  readonly volatile: boolean;
}

interface Ask {
  readonly rowLimit: number;
  readonly signal: AbortSignal;
}

/** One query for all of its readers. */
export class SharedQuery {
  readonly key: string;
  readonly tables: readonly string[] | undefined;
  readonly volatile: boolean;
  /** Live readers; a query with one is not dropped. */
  readers = 0;
  usedAtMs = performance.now();
  readonly #request: LiveRequest;
  readonly #engine: LiveEngine;
  readonly #query: Refreshable;
  #running: Promise<LiveAnswer | undefined> | undefined;
  #next: { readonly asks: Ask[]; readonly answer: Promise<LiveAnswer | undefined> } | undefined;
  #closed = false;

  constructor(key: string, syntax: LiveSyntax | undefined, engine: LiveEngine, request: LiveRequest) {
    this.key = key;
    this.tables = syntax?.tables;
    this.volatile = syntax?.volatile ?? true;
    this.#request = request;
    this.#engine = engine;
    this.#query = engine.openLiveQuery(request);
  }

  /** An answer with every row that is stored when asked, kept up to date where that can be, computed anew otherwise. */
  async answer(rowLimit: number, signal: AbortSignal): Promise<LiveAnswer> {
    this.usedAtMs = performance.now();
    const kept = await abandoned(this.#refresh({ rowLimit, signal }), signal);
    if (kept !== undefined) return { ...kept, result: limitRows(kept.result, rowLimit) };
    const whole = { ...this.#request, rowLimit };
    const plan = { mode: "recomputed", reason: this.#query.reason ?? "its table keeps changing" } as const;
    if (this.#engine.queryWithOffsets === undefined) {
      return { result: await this.#engine.query(whole, signal), plan };
    }
    const { result, offsets } = await this.#engine.queryWithOffsets(whole, this.tables, signal);
    return { result, plan: { ...plan, offsets } };
  }

  /** Its plan, and where it stands; brings it up to date where that can be. */
  async explain(
    signal: AbortSignal,
  ): Promise<{ readonly report: LivePlanReport; readonly plan: QueryPlan | undefined }> {
    const kept = await abandoned(this.#refresh({ rowLimit: 0, signal }), signal);
    const report = (await this.#query.report?.()) ?? { reason: this.#query.reason ?? "" };
    return { report, plan: kept?.plan };
  }

  close(): void {
    this.#closed = true;
    // One that is being refreshed is closed when that ends.
    if (this.#running === undefined) this.#query.close();
  }

  /** What is running now may have begun before a row came that the asker knows of: he gets the one after. */
  #refresh(ask: Ask): Promise<LiveAnswer | undefined> {
    if (this.#next !== undefined) {
      this.#next.asks.push(ask);
      return this.#next.answer;
    }
    const asks = [ask];
    if (this.#running === undefined) return this.#start(asks);
    const answer = this.#running.then(
      () => this.#startNext(asks),
      () => this.#startNext(asks),
    );
    this.#next = { asks, answer };
    return answer;
  }

  #startNext(asks: readonly Ask[]): Promise<LiveAnswer | undefined> {
    this.#next = undefined;
    return this.#start(asks);
  }

  #start(asks: readonly Ask[]): Promise<LiveAnswer | undefined> {
    if (this.#closed) return Promise.reject(interrupted());
    const rowLimit = Math.max(...asks.map((ask) => ask.rowLimit));
    const { signal, release } = whenAllAborted(asks.map((ask) => ask.signal));
    const running = this.#query.refreshIncrementally(rowLimit, signal).finally(() => {
      release();
      this.#running = undefined;
      if (this.#closed) this.#query.close();
    });
    this.#running = running;
    return running;
  }
}

export class SharedQueries {
  readonly #engine: LiveEngine;
  readonly #queries = new Map<string, SharedQuery>();

  constructor(engine: LiveEngine) {
    this.#engine = engine;
  }

  [Symbol.iterator](): Iterator<SharedQuery> {
    return this.#queries.values();
  }

  known(key: string): SharedQuery | undefined {
    return this.#queries.get(key);
  }

  async shared(request: LiveRequest): Promise<SharedQuery> {
    const syntax = await this.#engine.syntax(request.text);
    const key = queryKey(syntax?.key ?? request.text, request.parameters);
    const query = this.#queries.get(key) ?? new SharedQuery(key, syntax, this.#engine, request);
    this.#queries.set(key, query);
    return query;
  }

  /** Drops what nobody has read for long; called by a slow clock. */
  dropUnused(nowMs: number): void {
    const idle = [...this.#queries.values()].filter((query) => query.readers === 0);
    idle.sort((a, b) => b.usedAtMs - a.usedAtMs);
    idle.forEach((query, index) => {
      if (index < IDLE_QUERIES_MAX && nowMs - query.usedAtMs < IDLE_MS) return;
      this.#queries.delete(query.key);
      query.close();
    });
  }

  close(): void {
    for (const query of this.#queries.values()) query.close();
    this.#queries.clear();
  }
}

/** Equal for queries that ask the same, with the same values. */
export function queryKey(normalised: string, parameters: readonly SqlValue[]): string {
  return `${normalised}\u0000${parameterKey(parameters)}`;
}

function parameterKey(parameters: readonly SqlValue[]): string {
  return JSON.stringify(parameters, (_, value: unknown) => {
    if (typeof value === "bigint") return `bigint ${value}`;
    if (typeof value === "number" && !Number.isFinite(value)) return `number ${value}`;
    return value instanceof Uint8Array ? `bytes ${Buffer.from(value).toString("base64")}` : value;
  });
}

/** Whoever has gone does not wait for a refresh that others still want. */
async function abandoned<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw interrupted();
  let stop: (() => void) | undefined;
  const gone = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted());
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([answer, gone]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}

/** Aborts once the last of those who wait has gone. */
function whenAllAborted(signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const abort = new AbortController();
  const check = () => {
    if (signals.every((signal) => signal.aborted)) abort.abort();
  };
  for (const signal of signals) signal.addEventListener("abort", check);
  check();
  return {
    signal: abort.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener("abort", check);
    },
  };
}

function interrupted(): TidetableError {
  return new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
}
