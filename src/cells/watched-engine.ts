/**
 * An engine that is watched: every call goes on to the engine behind it, and what is open stays noted: streams with
 * what they said last, live queries with their newest cost, and the queries whose results cells show. The page's panel
 * reads these; nothing here speaks to a page.
 */
import { randomUUID } from "node:crypto";
import type { EngineClient, QueryOptions } from "../engine/engine-client.js";
import type { LiveUpdate, StreamStatus } from "../engine/protocol.js";
import { noteResultId } from "../sql/result-ids.js";
import type { SqlValue } from "../sql/schema.js";

export interface LiveQuery {
  readonly id: string;
  readonly text: string;
  readonly everyMs: number;
  /** The newest version, without its rows; undefined before the first. */
  readonly last: Omit<LiveUpdate, "result"> | undefined;
  readonly rows: number;
  stop(): void;
}

/** The statement behind a result, so that the rest of its rows can be read. */
export interface ShownQuery {
  readonly text: string;
  readonly parameters: readonly SqlValue[];
  readonly engine?: QueryOptions["engine"];
}

/** Results whose statements are kept; the oldest is forgotten. */
const shownQueriesMax = 200;

export class WatchedEngine implements EngineClient {
  readonly #engine: EngineClient;
  readonly #streams = new Map<string, StreamStatus>();
  readonly #live = new Map<string, LiveQuery>();
  readonly #shown = new Map<string, ShownQuery>();
  readonly #following = new Set<string>();

  constructor(engine: EngineClient) {
    this.#engine = engine;
  }

  get streams(): readonly StreamStatus[] {
    return [...this.#streams.values()];
  }

  get liveQueries(): readonly LiveQuery[] {
    return [...this.#live.values()];
  }

  shownQuery(resultId: string): ShownQuery | undefined {
    return this.#shown.get(resultId);
  }

  async openStream(options: Parameters<EngineClient["openStream"]>[0]): Promise<StreamStatus> {
    if (!this.#following.has(options.name)) {
      this.#following.add(options.name);
      this.#engine.onStreamStatus(options.name, (status) => this.#note(status));
    }
    return this.#note(await this.#engine.openStream(options));
  }

  async streamStatus(name: string): Promise<StreamStatus> {
    return this.#note(await this.#engine.streamStatus(name));
  }

  async pauseStream(name: string): Promise<StreamStatus> {
    return this.#note(await this.#engine.pauseStream(name));
  }

  async resumeStream(name: string): Promise<StreamStatus> {
    return this.#note(await this.#engine.resumeStream(name));
  }

  async stopStream(name: string): Promise<StreamStatus> {
    return this.#note(await this.#engine.stopStream(name));
  }

  async streamCaughtUp(name: string): Promise<StreamStatus> {
    return this.#note(await this.#engine.streamCaughtUp(name));
  }

  retryStreamErrors(name: string): ReturnType<EngineClient["retryStreamErrors"]> {
    return this.#engine.retryStreamErrors(name);
  }

  onStreamStatus(name: string, listener: (status: StreamStatus) => void): () => void {
    return this.#engine.onStreamStatus(name, listener);
  }

  async query(text: string, options: QueryOptions = {}): ReturnType<EngineClient["query"]> {
    const result = await this.#engine.query(text, options);
    const id = randomUUID();
    noteResultId(result, id);
    this.#keepShown(id, text, options);
    return result;
  }

  /** For what the page itself asks: nothing of it is kept. */
  queryUnnoted(text: string, options: QueryOptions): ReturnType<EngineClient["query"]> {
    return this.#engine.query(text, options);
  }

  live(...[text, options, listener]: Parameters<EngineClient["live"]>): () => void {
    const id = randomUUID();
    this.#keepShown(id, text, options);
    const end = this.#engine.live(text, options, (update) => {
      const { result, ...last } = update;
      if (result !== undefined) noteResultId(result, id);
      const known = this.#live.get(id);
      if (known !== undefined) this.#live.set(id, { ...known, last, rows: result?.totalRowCount ?? known.rows });
      listener(update);
    });
    const stop = () => {
      this.#live.delete(id);
      end();
    };
    this.#live.set(id, { id, text, everyMs: options.everyMs, last: undefined, rows: 0, stop });
    return stop;
  }

  createView(...parameters: Parameters<EngineClient["createView"]>): Promise<void> {
    return this.#engine.createView(...parameters);
  }

  loadCassandra(...request: Parameters<EngineClient["loadCassandra"]>): ReturnType<EngineClient["loadCassandra"]> {
    return this.#engine.loadCassandra(...request);
  }

  catalog(): ReturnType<EngineClient["catalog"]> {
    return this.#engine.catalog();
  }

  onRestart(listener: (message: string) => void): () => void {
    return this.#engine.onRestart(listener);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #note(status: StreamStatus): StreamStatus {
    this.#streams.set(status.name, status);
    return status;
  }

  #keepShown(id: string, text: string, { parameters = [], engine }: QueryOptions): void {
    this.#shown.set(id, { text, parameters, ...(engine === undefined ? {} : { engine }) });
    const oldest = this.#shown.keys().next().value;
    if (this.#shown.size > shownQueriesMax && oldest !== undefined) this.#shown.delete(oldest);
  }
}
