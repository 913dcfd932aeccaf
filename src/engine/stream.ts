/**
 * One stream of the engine process: its source, pipeline and table, and the status that tells where it stands. Status
 * pushes go out at each change of phase at once, and at most four times a second while rows arrive.
 */
import { TidetableError } from "../errors.js";
import { backlogOf, partitionLag, RateMeter, totalLag } from "../streaming/lag.js";
import { Pipeline } from "../streaming/pipeline.js";
import type { RecordSource } from "../streaming/record-source.js";
import type { HostedEngine, HostedStream, HostedStreamTable } from "./hosted-engine.js";
import type { RetryOutcome, StreamOptions, StreamPhase, StreamStatus } from "./protocol.js";
import { createRecordSource, identifiedOrigin } from "./record-sources.js";

const PUSH_EVERY_MS = 250;
const RATE_WINDOW_MS = 5_000;
const NOTICES_SHOWN = 5;
const IDENTITY_TIMEOUT_MS = 9_000;

export class EngineStream implements HostedStream {
  readonly options: StreamOptions;
  readonly #engine: HostedEngine;
  readonly #table: HostedStreamTable;
  readonly #pipeline: Pipeline;
  readonly #sourceDescription: string;
  readonly #push: (status: StreamStatus) => void;
  readonly #rate = new RateMeter(RATE_WINDOW_MS);
  #caughtUpOnce = false;
  #pushedPhase: StreamPhase | undefined;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  #pushTimer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(
    options: StreamOptions,
    source: RecordSource,
    engine: HostedEngine,
    table: HostedStreamTable,
    push: (status: StreamStatus) => void,
  ) {
    this.options = options;
    this.#engine = engine;
    this.#table = table;
    this.#push = push;
    this.#sourceDescription = source.description;
    this.#pipeline = new Pipeline(source, table, options, () => this.#onChange());
  }

  static async open(
    options: StreamOptions,
    engine: HostedEngine,
    push: (status: StreamStatus) => void,
  ): Promise<EngineStream> {
    const source = createRecordSource(options.source);
    // Before the table is touched: what is stored of another cluster goes, and a cluster that does not answer costs nothing.
    const { signal } = new AbortController();
    const origin = await identifiedOrigin(source, options, { timeoutMs: IDENTITY_TIMEOUT_MS, signal });
    const table = await engine.openStreamTable({ ...options, origin });
    let stream: EngineStream | undefined;
    try {
      stream = new EngineStream(options, source, engine, table, push);
      await stream.#pipeline.start();
      return stream;
    } catch (error) {
      if (stream !== undefined) await stream.#stop();
      await engine.discardStreamTable(options.name);
      throw error;
    }
  }

  status(): StreamStatus {
    const state = this.#pipeline.state;
    const partitions = this.#pipeline.progress();
    const counts = this.#table.counts();
    const backlog = backlogOf(partitions);
    if (backlog === undefined && partitions.length > 0) this.#caughtUpOnce = true;
    const cause =
      state.kind === "failed" ? state.error.message : state.kind === "reconnecting" ? state.cause : undefined;
    const notice = this.#notice();
    return {
      name: this.options.name,
      topic: this.options.topic,
      source: this.#sourceDescription,
      phase: this.#phase(),
      ...(cause === undefined ? {} : { cause }),
      ...counts,
      rowsPerSecond: this.#rate.perSecond(performance.now()),
      lag: totalLag(partitions),
      partitions: partitions.map((progress) => ({
        ...(this.options.topics === undefined ? {} : { topic: progress.topic }),
        partition: progress.partition,
        nextOffset: progress.nextOffset,
        highWatermark: progress.highWatermark,
        lag: partitionLag(progress),
      })),
      ...(this.#caughtUpOnce || backlog === undefined ? {} : { backlog }),
      keep: this.options.keep,
      store: this.#table.store ?? this.#engine.store,
      ...(notice === undefined ? {} : { notice }),
    };
  }

  pause(): void {
    this.#pipeline.pause();
  }

  async resume(): Promise<void> {
    await this.#pipeline.resume();
  }

  async caughtUp(): Promise<void> {
    await this.#pipeline.caughtUp();
  }

  async retryErrors(): Promise<RetryOutcome> {
    const outcome = await this.#table.retryErrors();
    this.#onChange();
    return outcome;
  }

  /** Stops reading; the table and what is in it stay. */
  async close(): Promise<void> {
    await this.#stop();
    await this.#engine.closeStreamTable(this.options.name);
  }

  async #stop(): Promise<void> {
    await this.#pipeline.stop();
    this.#closed = true;
    clearTimeout(this.#pushTimer);
  }

  /** Keeps rate and lag of a quiet stream current, and ends one whose time has come. */
  async tick(): Promise<void> {
    await this.#pipeline.tick();
    this.#onChange();
  }

  #phase(): StreamPhase {
    const { kind } = this.#pipeline.state;
    switch (kind) {
      case "idle":
        return "connecting";
      case "reading":
        return this.#caughtUpOnce ? "live" : "loading";
      default:
        return kind;
    }
  }

  #notice(): string | undefined {
    const notices = [...this.#table.notices, ...this.#pipeline.losses()];
    const earlier = notices.length - NOTICES_SHOWN;
    const texts = [
      this.#engine.notice,
      ...(earlier > 0 ? [`${earlier} earlier changes of the columns`] : []),
      ...notices.slice(-NOTICES_SHOWN),
    ].filter((text) => text !== undefined);
    return texts.length === 0 ? undefined : texts.join("; ");
  }

  #onChange(): void {
    const counts = this.#table.counts();
    this.#rate.record(performance.now(), counts.rows + counts.retired);
    const waitMs = this.#pushedAtMs + PUSH_EVERY_MS - performance.now();
    if (waitMs <= 0 || this.#phase() !== this.#pushedPhase) this.#pushNow();
    else this.#pushTimer ??= setTimeout(() => this.#pushNow(), waitMs);
  }

  #pushNow(): void {
    clearTimeout(this.#pushTimer);
    this.#pushTimer = undefined;
    if (this.#closed) return;
    const status = this.status();
    this.#pushedAtMs = performance.now();
    this.#pushedPhase = status.phase;
    this.#push(status);
  }
}

export function streamNotFound(name: string, open: readonly string[]): TidetableError {
  const known = open.length === 0 ? "no stream is open" : `open: ${open.join(", ")}`;
  return new TidetableError(
    "STREAM_NOT_FOUND",
    `There is no stream ${name} (${known}). Open it with: await stream("${name}").`,
  );
}
