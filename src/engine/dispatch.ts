/**
 * Answers the requests of a kernel: one method per row of `EngineRequests`. Knows streams, queries and live views by
 * name; knows nothing of processes or channels.
 */
import { TidetableError } from "../errors.js";
import { LiveSchedule } from "../sql/live/schedule.js";
import { SharedQueries } from "../sql/live/shared.js";
import type { LiveViews } from "../sql/live/view.js";
import type { QueryProgress } from "../sql/query-progress.js";
import { RerunQueries } from "../sql/rerun-queries.js";
import type { EngineName } from "./engine-names.js";
import type { HostedEngine, HostedStream } from "./hosted-engine.js";
import { loadCassandraTable } from "./load-cassandra.js";
import { queryBeside } from "./open-engine.js";
import type { EnginePush, EngineRequests, LiveUpdate, RequestName, StreamOptions, StreamStatus } from "./protocol.js";
import { EngineStream, streamNotFound } from "./stream.js";

/** How often retention, checkpoints and the figures of quiet streams are looked after. */
const TICK_MS = 1_000;

type Handlers = {
  readonly [Name in RequestName]: (
    request: EngineRequests[Name]["request"],
  ) => Promise<EngineRequests[Name]["answer"]> | EngineRequests[Name]["answer"];
};

export type Push = (message: EnginePush) => void;

export class EngineDispatch {
  readonly #engine: HostedEngine;
  readonly #shared: SharedQueries;
  readonly #live: LiveViews;
  readonly #reruns: RerunQueries;
  readonly #push: Push;
  readonly #streams = new Map<string, HostedStream>();
  /** Streams that are being opened, so that a second request for one waits instead of opening it twice. */
  readonly #opening = new Map<string, { readonly options: StreamOptions; readonly opened: Promise<HostedStream> }>();
  readonly #queries = new Map<string, { readonly abort: AbortController; readonly done: Promise<unknown> }>();
  readonly #timer: NodeJS.Timeout;
  readonly #sparkRemote: string | undefined;
  #ticking = false;

  /** @param sparkRemote where a cell with `--engine spark` runs. */
  constructor(engine: HostedEngine, push: Push, reportFailure: (error: unknown) => void, sparkRemote?: string) {
    this.#engine = engine;
    this.#sparkRemote = sparkRemote;
    this.#shared = new SharedQueries(engine);
    this.#live = new LiveSchedule(engine, this.#shared);
    this.#reruns = new RerunQueries(engine, this.#shared);
    this.#push = push;
    this.#timer = setInterval(() => {
      this.#tick().catch(reportFailure);
    }, TICK_MS);
  }

  async handle<Name extends RequestName>(
    name: Name,
    request: EngineRequests[Name]["request"],
  ): Promise<EngineRequests[Name]["answer"]> {
    return this.#handlers[name](request);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const query of this.#queries.values()) query.abort.abort();
    await this.#live.close();
    // A database is not closed under a query that still runs.
    await Promise.allSettled([...this.#queries.values()].map((query) => query.done));
    this.#shared.close();
    await Promise.allSettled([...this.#streams.values()].map((stream) => stream.close()));
    await this.#engine.close();
  }

  readonly #handlers: Handlers = {
    hello: async () => {
      const { notice } = this.#engine;
      return {
        engine: this.#engine.name,
        version: await this.#engine.version(),
        store: this.#engine.store,
        ...(notice === undefined ? {} : { notice }),
      };
    },
    "stream.open": (options) => this.#openStream(options),
    "stream.status": ({ name }) => this.#stream(name).status(),
    "stream.pause": async ({ name }) => {
      const stream = this.#stream(name);
      await stream.pause();
      return stream.status();
    },
    "stream.resume": async ({ name }) => {
      const stream = this.#stream(name);
      await stream.resume();
      return stream.status();
    },
    "stream.stop": async ({ name }) => {
      const stream = this.#stream(name);
      this.#streams.delete(name);
      await stream.close();
      return stream.status();
    },
    "stream.caughtUp": async ({ name }) => {
      const stream = this.#stream(name);
      await stream.caughtUp();
      return stream.status();
    },
    "stream.retryErrors": ({ name }) => this.#stream(name).retryErrors(),
    query: async ({ queryId, engine, progress: wanted, ...request }) => {
      const abort = new AbortController();
      const onProgress = wanted
        ? (progress: QueryProgress) => this.#push({ kind: "queryProgress", queryId, progress })
        : undefined;
      const done = this.#isOwn(engine)
        ? this.#reruns.query(request, abort.signal, onProgress)
        : queryBeside(
            this.#engine,
            { name: engine, sparkRemote: this.#sparkRemote },
            request,
            abort.signal,
            onProgress,
          );
      this.#queries.set(queryId, { abort, done });
      try {
        return await done;
      } finally {
        this.#queries.delete(queryId);
      }
    },
    "query.cancel": ({ queryId }) => {
      this.#queries.get(queryId)?.abort.abort();
      return {};
    },
    "live.start": async ({ viewId, engine, ...request }) => {
      if (!this.#isOwn(engine)) {
        throw new TidetableError(
          "SQL_INVALID",
          `--live --engine ${engine}: live queries run on the notebook's own engine, ${this.#engine.name}. Leave one of the two options out.`,
        );
      }
      await this.#live.start(viewId, request, (update: LiveUpdate) => this.#push({ kind: "liveUpdate", update }));
      return {};
    },
    "live.stop": ({ viewId }) => {
      this.#live.stop(viewId);
      return {};
    },
    "view.create": async ({ name, text, parameters }) => {
      await this.#engine.createResult(name, text, parameters);
      return {};
    },
    "cassandra.load": async ({ queryId, name, ...request }) => {
      const abort = new AbortController();
      const done = loadCassandraTable(this.#engine, name, request, abort.signal);
      this.#queries.set(queryId, { abort, done });
      try {
        return await done;
      } finally {
        this.#queries.delete(queryId);
      }
    },
    catalog: () => this.#engine.catalog(),
    close: async () => {
      await this.close();
      return {};
    },
  };

  async #openStream(options: StreamOptions): Promise<StreamStatus> {
    const running = this.#streams.get(options.name);
    if (running !== undefined) {
      const { phase } = running.status();
      if (phase !== "failed" && phase !== "finished") return this.#sameStream(running.options, options, running);
      // What has failed, or has read all that it was to read, is opened anew, with the options of now.
      this.#streams.delete(options.name);
      await running.close();
    }
    const opening = this.#opening.get(options.name);
    if (opening !== undefined) return this.#sameStream(opening.options, options, await opening.opened);
    const push = (status: StreamStatus) => this.#push({ kind: "streamStatus", status });
    const opened = this.#engine.openStream?.(options, push) ?? EngineStream.open(options, this.#engine, push);
    this.#opening.set(options.name, { options, opened });
    try {
      const stream = await opened;
      this.#streams.set(options.name, stream);
      return stream.status();
    } finally {
      this.#opening.delete(options.name);
    }
  }

  #sameStream(running: StreamOptions, wanted: StreamOptions, stream: HostedStream): StreamStatus {
    if (optionsKey(running) === optionsKey(wanted)) return stream.status();
    throw new TidetableError(
      "STREAM_EXISTS",
      `Stream ${wanted.name} is open already with other options. Stop it first (await ${wanted.name}.stop()), or give this one another name.`,
    );
  }

  #isOwn(engine: EngineName | undefined): engine is undefined {
    return engine === undefined || engine === this.#engine.name;
  }

  #stream(name: string): HostedStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw streamNotFound(name, [...this.#streams.keys()]);
    return stream;
  }

  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      await this.#engine.maintain(Date.now());
      this.#shared.dropUnused(performance.now());
      for (const stream of this.#streams.values()) await stream.tick();
    } finally {
      this.#ticking = false;
    }
  }
}

function optionsKey(options: StreamOptions): string {
  return JSON.stringify(options, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
