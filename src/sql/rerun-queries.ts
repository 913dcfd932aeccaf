/**
 * Queries as cells run them: the first run is plain, a second one of the same normalised query and values makes a view
 * of it that later runs only bring up to date. Keeps what was run, never what came out.
 */

import { explainedQuery, explainRows } from "./live/explain.js";
import { type LiveEngine, queryKey, type SharedQueries, type SharedQuery } from "./live/shared.js";
import type { LiveRequest } from "./live/view.js";
import type { ProgressListener } from "./query-progress.js";
import type { QueryResult } from "./schema.js";
import type { QueryRequest } from "./sql-engine.js";

/** Queries remembered as having run once. */
const REMEMBERED_MAX = 500;
/** A query whose normal form is longer is not remembered: such texts are made by programs, and differ each time. */
const KEY_CHARACTERS_MAX = 100_000;

export class RerunQueries {
  readonly #engine: LiveEngine;
  readonly #shared: SharedQueries;
  readonly #seen = new Set<string>();

  constructor(engine: LiveEngine, shared: SharedQueries) {
    this.#engine = engine;
    this.#shared = shared;
  }

  async query(request: QueryRequest, signal: AbortSignal, onProgress?: ProgressListener): Promise<QueryResult> {
    const startedMs = performance.now();
    const live = { ...request, everyMs: 0 };
    const explained = explainedQuery(request.text);
    if (explained !== undefined) return this.#explain({ ...live, text: explained }, signal);
    const query = await this.#maintained(request);
    if (query === undefined) return this.#engine.query(live, signal, onProgress);
    const { result, plan } = await query.answer(request.rowLimit, signal);
    return { ...result, plan, elapsedMs: performance.now() - startedMs };
  }

  async #explain(request: LiveRequest, signal: AbortSignal): Promise<QueryResult> {
    const startedMs = performance.now();
    // One that cannot run at all says so as it would in a cell.
    await this.#engine.query({ ...request, text: `EXPLAIN ${request.text}` }, signal);
    const query = await this.#shared.shared(request);
    const { report, plan } = await query.explain(signal);
    return explainRows(report, plan?.offsets ?? [], performance.now() - startedMs);
  }

  /** The query's view, where it has run before; undefined for what runs for the first time, or is not one SELECT. */
  async #maintained(request: QueryRequest): Promise<SharedQuery | undefined> {
    const syntax = await this.#engine.syntax(request.text);
    if (syntax === undefined) return undefined;
    const key = queryKey(syntax.key, request.parameters);
    const known = this.#shared.known(key);
    if (known !== undefined || key.length > KEY_CHARACTERS_MAX) return known;
    if (this.#seen.has(key)) return this.#shared.shared({ ...request, everyMs: 0 });
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED_MAX && oldest !== undefined) this.#seen.delete(oldest);
    return undefined;
  }
}
