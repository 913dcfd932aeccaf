/**
 * The kernel's side of the engine process: starts it at once, brings it back when it dies, re-opens its streams and live
 * views, and says so. Holds no data; a request that was under way when the engine died fails and can be made again.
 */
import type { CassandraTableRequest } from "../cassandra/cassandra-table.js";
import { errorMessage, TidetableError } from "../errors.js";
import type { ProgressListener } from "../sql/query-progress.js";
import type { SqlValue } from "../sql/schema.js";
import { type ChildEnd, EngineChild } from "./engine-child.js";
import type { EngineClient } from "./engine-client.js";
import type { EngineName } from "./engine-names.js";
import type {
  CassandraLoaded,
  EngineRequests,
  LiveUpdate,
  RequestName,
  RetryOutcome,
  StreamOptions,
  StreamStatus,
} from "./protocol.js";

export interface EngineProcessOptions {
  readonly dataDirectory: string;
  /** Default `file`: rows outlive the kernel. */
  readonly store?: "file" | "memory";
  /** Default `duckdb`. */
  readonly engine?: EngineName;
  /** Of the engine `spark`: where it is. */
  readonly sparkRemote?: string;
}

const ROW_LIMIT = 10_000;
/** Waits before starts after a death: the first is at once. */
const RESTART_DELAYS_MS = [0, 250, 500, 1_000, 2_000];
/** More deaths than that within the window end the attempts. */
const DEATHS_MAX = 5;
const DEATHS_WINDOW_MS = 60_000;
/** A cancelled query whose engine does not answer is given up after this long. */
const CANCEL_GRACE_MS = 2_000;

export interface EngineProcessClient extends EngineClient {
  /** Engine, version, store, and what there is to know about the store. */
  hello(): Promise<EngineRequests["hello"]["answer"]>;
  /** The child's process id, while there is a child. */
  readonly pid: number | undefined;
}

/** Forks the engine at once, so that it is warm when the first cell asks. */
export function startEngineProcess(options: EngineProcessOptions): EngineProcessClient {
  return new SupervisedEngine(options);
}

interface LiveView {
  readonly request: Omit<EngineRequests["live.start"]["request"], "viewId">;
  readonly listener: (update: LiveUpdate) => void;
  /** Versions go on counting across a restart. */
  versionBase: number;
  version: number;
}

class SupervisedEngine implements EngineProcessClient {
  readonly #options: EngineProcessOptions;
  #child: EngineChild;
  /** The engine that requests go to; replaced while it is being restarted. */
  #ready: Promise<EngineChild>;
  #closed = false;
  #givenUp: TidetableError | undefined;
  #deathsAtMs: number[] = [];
  #nextQuery = 1;
  #nextView = 1;
  readonly #streams = new Map<string, { readonly options: StreamOptions; paused: boolean; last: StreamStatus }>();
  readonly #views = new Map<string, LiveView>();
  readonly #progressListeners = new Map<string, ProgressListener>();
  readonly #statusListeners = new Map<string, Set<(status: StreamStatus) => void>>();
  readonly #restartListeners = new Set<(message: string) => void>();

  constructor(options: EngineProcessOptions) {
    this.#options = options;
    this.#child = this.#fork();
    this.#ready = Promise.resolve(this.#child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  hello(): Promise<EngineRequests["hello"]["answer"]> {
    return this.#request("hello", {});
  }

  async openStream(options: StreamOptions): Promise<StreamStatus> {
    const status = await this.#request("stream.open", options);
    this.#streams.set(options.name, { options, paused: status.phase === "paused", last: status });
    return status;
  }

  streamStatus(name: string): Promise<StreamStatus> {
    return this.#request("stream.status", { name });
  }

  async pauseStream(name: string): Promise<StreamStatus> {
    const status = await this.#request("stream.pause", { name });
    this.#notePaused(name, true);
    return status;
  }

  async resumeStream(name: string): Promise<StreamStatus> {
    const status = await this.#request("stream.resume", { name });
    this.#notePaused(name, false);
    return status;
  }

  async stopStream(name: string): Promise<StreamStatus> {
    const status = await this.#request("stream.stop", { name });
    this.#streams.delete(name);
    this.#tell(status);
    return status;
  }

  streamCaughtUp(name: string): Promise<StreamStatus> {
    return this.#request("stream.caughtUp", { name });
  }

  retryStreamErrors(name: string): Promise<RetryOutcome> {
    return this.#request("stream.retryErrors", { name });
  }

  onStreamStatus(name: string, listener: (status: StreamStatus) => void): () => void {
    const listeners = this.#statusListeners.get(name) ?? new Set();
    this.#statusListeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async query(...[text, options = {}]: Parameters<EngineClient["query"]>): ReturnType<EngineClient["query"]> {
    const { parameters = [], rowLimit = ROW_LIMIT, signal, engine, onProgress } = options;
    if (signal?.aborted) throw interrupted();
    const queryId = `q${this.#nextQuery++}`;
    const request = { queryId, text, parameters, rowLimit, ...onEngine(engine) };
    if (onProgress === undefined) return this.#asked(this.#request("query", request), queryId, signal);
    this.#progressListeners.set(queryId, onProgress);
    try {
      return await this.#asked(this.#request("query", { ...request, progress: true }), queryId, signal);
    } finally {
      this.#progressListeners.delete(queryId);
    }
  }

  live(...[text, options, listener]: Parameters<EngineClient["live"]>): () => void {
    const { parameters = [], rowLimit = ROW_LIMIT, everyMs, engine } = options;
    const viewId = `v${this.#nextView++}`;
    const request = { text, parameters, rowLimit, everyMs, ...onEngine(engine) };
    const view: LiveView = { request, listener, versionBase: 0, version: 0 };
    this.#views.set(viewId, view);
    this.#startView(viewId, view);
    return () => {
      if (!this.#views.delete(viewId)) return;
      // An engine that is gone has stopped it already.
      this.#request("live.stop", { viewId }).catch(() => undefined);
    };
  }

  async createView(name: string, text: string, parameters: readonly SqlValue[]): Promise<void> {
    await this.#request("view.create", { name, text, parameters });
  }

  async loadCassandra(name: string, request: CassandraTableRequest, signal: AbortSignal): Promise<CassandraLoaded> {
    if (signal.aborted) throw interrupted();
    const queryId = `c${this.#nextQuery++}`;
    return await this.#cancellable(this.#request("cassandra.load", { ...request, queryId, name }), queryId, signal);
  }

  catalog(): ReturnType<EngineClient["catalog"]> {
    return this.#request("catalog", {});
  }

  onRestart(listener: (message: string) => void): () => void {
    this.#restartListeners.add(listener);
    return () => this.#restartListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#views.clear();
    await this.#child.close();
    this.#child.rejectPending(new TidetableError("ENGINE_GONE", "The engine was closed."));
  }

  async #request<Name extends RequestName>(
    name: Name,
    request: EngineRequests[Name]["request"],
  ): Promise<EngineRequests[Name]["answer"]> {
    for (;;) {
      if (this.#closed) throw new TidetableError("ENGINE_GONE", "The engine was closed.");
      if (this.#givenUp !== undefined) throw this.#givenUp;
      const child = await this.#ready;
      // An engine that died while it was being started has a successor by now.
      if (child === this.#child) return child.request(name, request);
    }
  }

  #asked<T>(answer: Promise<T>, queryId: string, signal: AbortSignal | undefined): Promise<T> {
    return signal === undefined ? answer : this.#cancellable(answer, queryId, signal);
  }

  async #cancellable<T>(answer: Promise<T>, queryId: string, signal: AbortSignal): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let cancel: (() => void) | undefined;
    const givenUp = new Promise<never>((_, reject) => {
      cancel = () => {
        // If the engine is gone, the query's own promise says so.
        this.#request("query.cancel", { queryId }).catch(() => undefined);
        timer = setTimeout(() => reject(interrupted()), CANCEL_GRACE_MS);
      };
      signal.addEventListener("abort", cancel, { once: true });
    });
    try {
      return await Promise.race([answer, givenUp]);
    } finally {
      clearTimeout(timer);
      if (cancel !== undefined) signal.removeEventListener("abort", cancel);
    }
  }

  #fork(): EngineChild {
    const { dataDirectory, store = "file", engine = "duckdb", sparkRemote } = this.#options;
    const remote = sparkRemote === undefined ? {} : { sparkRemote };
    const child = new EngineChild({ kind: store, dataDirectory, engine, ...remote }, (message) => {
      if (message.kind === "streamStatus") this.#tell(message.status);
      else if (message.kind === "queryProgress") this.#progressListeners.get(message.queryId)?.(message.progress);
      else this.#publish(message.update);
    });
    void child.ended.then((end) => this.#onEnd(child, end));
    return child;
  }

  #onEnd(child: EngineChild, end: ChildEnd): void {
    if (this.#closed || child !== this.#child) return;
    const words = end.lastWords === "" ? "" : `: ${end.lastWords}`;
    const cause = `The engine process ended (${end.how}${words})`;
    const now = performance.now();
    this.#deathsAtMs = [...this.#deathsAtMs.filter((atMs) => now - atMs < DEATHS_WINDOW_MS), now];
    if (this.#deathsAtMs.length > DEATHS_MAX) {
      this.#giveUp(child, cause);
      return;
    }
    const waitMs = RESTART_DELAYS_MS[this.#deathsAtMs.length - 1] ?? 0;
    // From here on requests wait for the new engine; what was under way is told to try again.
    this.#ready = this.#restart(waitMs, cause);
    for (const stream of this.#streams.values()) {
      this.#tell({ ...stream.last, phase: "reconnecting", cause: `${cause}; it is being started again.` });
    }
    child.rejectPending(
      new TidetableError("ENGINE_GONE", `${cause}. It is being started again; run the cell once more.`, {
        retryable: true,
      }),
    );
  }

  #giveUp(child: EngineChild, cause: string): void {
    this.#givenUp = new TidetableError(
      "ENGINE_GONE",
      `${cause}, ${DEATHS_MAX + 1} times within a minute. Restart the kernel.`,
    );
    for (const stream of this.#streams.values()) {
      this.#tell({ ...stream.last, phase: "failed", cause: this.#givenUp.message });
    }
    child.rejectPending(this.#givenUp);
  }

  async #restart(waitMs: number, cause: string): Promise<EngineChild> {
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const child = this.#fork();
    this.#child = child;
    // Streams come back before anything else is asked, so that a query finds its tables.
    const failures = await this.#reopenStreams(child);
    for (const [viewId, view] of this.#views) {
      view.versionBase = view.version;
      this.#startView(viewId, view);
    }
    const streams = this.#streams.size === 0 ? "" : ` ${this.#reopened(failures)}`;
    for (const listener of this.#restartListeners) listener(`${cause} and was started again.${streams}`);
    return child;
  }

  async #reopenStreams(child: EngineChild): Promise<readonly string[]> {
    const failures: string[] = [];
    for (const [name, stream] of this.#streams) {
      try {
        const status = await child.request("stream.open", stream.options);
        this.#tell(stream.paused ? await child.request("stream.pause", { name }) : status);
      } catch (error) {
        failures.push(`${name}: ${errorMessage(error)}`);
        this.#tell({ ...stream.last, phase: "failed", cause: errorMessage(error) });
      }
    }
    return failures;
  }

  #reopened(failures: readonly string[]): string {
    if (failures.length > 0) return `Not every stream came back: ${failures.join("; ")}.`;
    const where = [...this.#streams.values()].every(({ last }) => last.store === "memory")
      ? "are read again from where they begin"
      : "continue at their stored offsets";
    return `Its streams ${where}.`;
  }

  #startView(viewId: string, view: LiveView): void {
    this.#request("live.start", { viewId, ...view.request }).catch((error: unknown) => {
      if (!(error instanceof TidetableError) || error.code === "ENGINE_GONE") return; // Started again with the engine.
      this.#publish({
        viewId,
        version: view.version - view.versionBase + 1,
        error: { code: error.code, message: error.message, retryable: error.retryable },
        plan: { mode: "recomputed" },
        refreshMs: 0,
      });
    });
  }

  #publish(update: LiveUpdate): void {
    const view = this.#views.get(update.viewId);
    if (view === undefined) return;
    view.version = view.versionBase + update.version;
    view.listener({ ...update, version: view.version });
  }

  #tell(status: StreamStatus): void {
    const stream = this.#streams.get(status.name);
    if (stream !== undefined) stream.last = status;
    for (const listener of this.#statusListeners.get(status.name) ?? []) listener(status);
  }

  #notePaused(name: string, paused: boolean): void {
    const stream = this.#streams.get(name);
    if (stream !== undefined) stream.paused = paused;
  }
}

function interrupted(): TidetableError {
  return new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
}

function onEngine(engine: EngineName | undefined): { readonly engine?: EngineName } {
  return engine === undefined ? {} : { engine };
}
