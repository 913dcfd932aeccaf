/**
 * A stream that Spark reads by itself: the query on the cluster, the views over its rows, and the status that its progress
 * reports make. Owns one stream; sessions come and go (spark/engine.ts), the checkpoint and the rows stay.
 * Longer than most because status, counts and phase move together with each report.
 */
import { createHash } from "node:crypto";
import type { HostedStream } from "../../engine/hosted-engine.js";
import type { RetryOutcome, StreamOptions, StreamPhase, StreamStatus } from "../../engine/protocol.js";
import { errorMessage, TidetableError } from "../../errors.js";
import type { Field } from "../../streaming/json/fields.js";
import { RateMeter } from "../../streaming/lag.js";
import type { RecordSource, TopicChoice } from "../../streaming/record-source.js";
import { cellValue, type OffsetPosition, type QueryResult } from "../schema.js";
import { SparkError } from "../spark-connect/errors.js";
import { countedRelation, type Relation, sourceRelation, sqlRelation } from "../spark-connect/plans.js";
import type { SparkSession } from "../spark-connect/session.js";
import type { StreamEvent, StreamingQuery, StreamProgress } from "../spark-connect/streaming-query.js";
import { backQuoted, sparkText } from "./dialect.js";
import { kafkaOptions, notKafka } from "./kafka-options.js";
import { sampleTopics } from "./sample.js";
import { StoredCounts, type StoredRows } from "./stored-counts.js";
import type { StoredSparkStreams } from "./stored-streams.js";
import { StreamPositions } from "./stream-positions.js";
import { emptyTable, refuseUnsupported, storedRows, storedSchema, streamMetrics, streamViews } from "./stream-sql.js";
import { firstLine, isBrokerTrouble, readableTrouble } from "./stream-trouble.js";

export interface SparkStreamHome {
  /** The session of now; a new one when the server was started again. */
  session(): Promise<SparkSession>;
  readonly stored: StoredSparkStreams;
  /** Folder for rows and checkpoints, as the server sees it. */
  root(session: SparkSession): Promise<string>;
  source(options: StreamOptions): RecordSource;
  origin(options: StreamOptions): string;
  /** Rows have come: whatever was asked may answer otherwise. */
  changed(): void;
}

/** What is stored of a stream, as a streaming source of its own. */
export interface StoredSource {
  readonly relation: Relation;
  /** The rows of the table, over what SQL calls that source. */
  select(view: string): string;
  readonly folder: string;
  /** For the state of queries over it; undefined where Spark had better choose. */
  readonly checkpoint: string | undefined;
}

const RATE_WINDOW_MS = 5_000;
const PUSH_EVERY_MS = 250;
/** Rows that the driver's memory is trusted with, when asked for. */
const MEMORY_ROWS_MAX = 1_000_000;
/** Spark reports every ten seconds even when nothing happens; without a word for longer, the brokers are looked at. */
const SILENCE_MS = 13_000;
const PROBE_TIMEOUT_MS = 3_000;
const RESTART_WAITS_MS = [500, 1_000, 2_000, 5_000];
const CAUGHT_UP_POLL_MS = 30;
const CAUGHT_UP_SILENCE_MS = 120_000;
/** While a topic is empty nobody knows its columns; it is looked at this often. */
const LOOK_AGAIN_MS = 1_000;
const METRICS = "records";
/**
 * A batch does not wait for its entries in the log, which nobody reads: what the driver's memory held is read again after a
 * restart.
 */
const WITHOUT_LOG = { asyncProgressTrackingEnabled: "true" };
/** Rows can be read from the files before the report of their batch is here, by so much at the most. */
const REPORT_MS = 5_000;

export class SparkStream implements HostedStream {
  readonly options: StreamOptions;
  readonly #home: SparkStreamHome;
  readonly #push: (status: StreamStatus) => void;
  readonly #topics: TopicChoice;
  readonly #rate = new RateMeter(RATE_WINDOW_MS);
  readonly #positions: StreamPositions;
  readonly #stored = new StoredCounts();
  #notices: string[] = [];
  #fields: readonly Field[] = [];
  #generation = 1;
  #query: StreamingQuery | undefined;
  /** Events that came while the query was being started, before its name was known. */
  #early: StreamEvent[] | undefined;
  #phase: StreamPhase = "connecting";
  #cause: string | undefined;
  #backlog: { readonly target: number } | undefined;
  #processed = 0;
  /** Files may hold a batch that is reported once more after a restart: then they are counted, not the report. */
  #recount = false;
  #batchMs = 0;
  #hasRows = false;
  #heardAtMs = performance.now();
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #lookedAtMs = 0;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  #pushTimer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: StreamOptions, home: SparkStreamHome, push: (status: StreamStatus) => void) {
    this.options = options;
    this.#home = home;
    this.#push = push;
    this.#positions = new StreamPositions(options.from === "latest" ? "latest" : "earlier");
    this.#topics = options.topics ?? { names: [options.topic] };
  }

  /** @throws TidetableError CONFIG_INVALID, BROKER_UNREACHABLE, TOPIC_NOT_FOUND, SPARK_UNREACHABLE. */
  static async open(
    options: StreamOptions,
    home: SparkStreamHome,
    push: (status: StreamStatus) => void,
  ): Promise<SparkStream> {
    if (options.source.kind !== "kafka") throw notKafka(options);
    if (options.until !== undefined && options.until !== "latest") {
      throw new TidetableError(
        "CONFIG_INVALID",
        `Stream ${options.name}: Spark ends a stream only at what is there when it begins, until: "latest"; leave until out, or select up to an offset in SQL.`,
      );
    }
    refuseUnsupported(options);
    const stream = new SparkStream(options, home, push);
    const session = await home.session();
    await stream.#settleFields();
    await stream.restore(session);
    if (stream.#phase === "failed") throw new TidetableError("STREAM_FAILED", stream.#cause ?? "it failed");
    return stream;
  }

  get tableNames(): readonly string[] {
    return [this.options.name, `${this.options.name}_errors`];
  }

  get runId(): string | undefined {
    return this.#query?.runId;
  }

  status(): StreamStatus {
    const { source } = this.options;
    const notice = [this.#keepNotice(), ...this.#notices].join("; ");
    return {
      name: this.options.name,
      topic: this.options.topic,
      source: source.kind === "kafka" ? source.brokers.join(", ") : source.path,
      phase: this.#phase,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...this.#stored.counts,
      retired: 0,
      rowsPerSecond: this.#rate.perSecond(performance.now()),
      lag: this.#positions.lag,
      partitions: this.#positions.partitions(this.options.topics !== undefined),
      ...(this.#phase === "loading" && this.#backlog !== undefined
        ? { backlog: { loaded: Math.min(this.#processed, this.#backlog.target), target: this.#backlog.target } }
        : {}),
      keep: this.options.keep,
      store: this.#inMemory ? "memory" : "Spark's files",
      notice,
    };
  }

  /** Made again in a session that has nothing of it. What fails is the stream's state, not the session's. */
  async restore(session: SparkSession): Promise<void> {
    if (this.#closed || this.#phase === "stopped" || this.#phase === "finished") return;
    try {
      await this.#makeViews(session);
      if (this.#phase === "paused") return;
      if (this.#needsFields) this.#setPhase("live");
      else await this.#start(session);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** The server is gone; the engine looks for it. */
  disconnected(cause: string): void {
    this.#query = undefined;
    if (this.#phase === "loading" || this.#phase === "live" || this.#phase === "connecting") {
      this.#setPhase("reconnecting", cause);
    }
  }

  /** How long the newest batch with records took, from its beginning to its report. */
  get batchMs(): number {
    return this.#batchMs;
  }

  /** Where its rows are. */
  folder(session: SparkSession): Promise<string> {
    return this.#path(session);
  }

  /** Once what was reported is counted. Who has read more already waits a little for the report of it: `atLeast`. */
  async settled(atLeast = 0): Promise<StoredRows> {
    await this.#work;
    return await this.#stored.settled(atLeast, REPORT_MS);
  }

  /** The rows of `table`, in lower case, as they are stored and come; or why Spark cannot read them so. */
  async storedSource(session: SparkSession, table: string): Promise<StoredSource | { readonly reason: string }> {
    if (this.#inMemory) return { reason: "its rows are in the driver's memory" };
    if (!this.#hasRows) return { reason: "nothing is stored yet" };
    const folder = await this.#path(session);
    const schema = storedSchema(this.options.format, this.#fields);
    const master = (await session.config("spark.master")) ?? "";
    return {
      folder,
      relation: sourceRelation({ format: "parquet", streaming: true, schema, options: {}, paths: [`${folder}/rows`] }),
      select: (view) => {
        const views = streamViews(this.options.name, view, this.#fields);
        return (views.find(({ name }) => name.toLowerCase() === table) ?? views[0])?.text ?? "";
      },
      // On one machine Spark's own temporary folder will do, and goes with the query; executors elsewhere cannot see it.
      checkpoint: /^local\b/.test(master) ? undefined : `${folder}/kept`,
    };
  }

  onEvent(event: StreamEvent): void {
    this.#early?.push(event);
    const runId = event.kind === "progress" ? event.progress.runId : event.runId;
    if (runId !== this.#query?.runId || this.#closed) return;
    this.#heardAtMs = performance.now();
    if (event.kind === "progress") this.#onProgress(event.progress);
    else if (event.kind === "idle") this.#onIdle();
    else this.#onEnd(event.error);
  }

  async pause(): Promise<void> {
    if (this.#phase === "failed" || this.#phase === "finished") return;
    this.#setPhase("paused");
    await this.#stopQuery();
  }

  async resume(): Promise<void> {
    if (this.#phase !== "paused" && this.#phase !== "failed" && this.#phase !== "stopped") return;
    this.#setPhase("connecting");
    this.#restarts = 0;
    await this.#start(await this.#home.session());
  }

  async caughtUp(): Promise<void> {
    const { watermarks } = await this.#sample(false);
    const target = watermarks.filter(({ low, high }) => high > low);
    const startedMs = performance.now();
    for (;;) {
      const behind = target.some((watermarks) => !this.#positions.hasReached(watermarks));
      if (!behind || this.#phase === "finished") {
        // The views and the counts follow the report.
        await this.#work;
        return;
      }
      if (this.#phase === "failed" || this.#phase === "stopped" || this.#phase === "paused") {
        const why = this.#cause === undefined ? "call resume() first" : this.#cause;
        throw new TidetableError("STREAM_FAILED", `Reading ${this.options.topic} is ${this.#phase}: ${why}`);
      }
      if (performance.now() - Math.max(startedMs, this.#heardAtMs) > CAUGHT_UP_SILENCE_MS) {
        throw new TidetableError("STREAM_FAILED", `Spark has said nothing of ${this.options.name} for two minutes.`);
      }
      await new Promise((resolve) => setTimeout(resolve, CAUGHT_UP_POLL_MS));
    }
  }

  async retryErrors(): Promise<RetryOutcome> {
    throw new TidetableError(
      "CONFIG_INVALID",
      `Stream ${this.options.name}: on Spark what was rejected stays so; open it with a schema that fits (it is then read anew).`,
    );
  }

  /** Stops reading; the rows, and the views over them, stay. */
  async close(): Promise<void> {
    if (this.#phase !== "failed" && this.#phase !== "finished") this.#setPhase("stopped");
    this.#closed = true;
    clearTimeout(this.#pushTimer);
    clearTimeout(this.#restartTimer);
    await this.#work;
    await this.#stopQuery();
  }

  async tick(): Promise<void> {
    if (this.#closed) return;
    this.#rate.record(performance.now(), this.#stored.counts.rows);
    this.#pushSoon();
    const now = performance.now();
    if (this.#needsFields && this.#phase === "live" && now - this.#lookedAtMs > LOOK_AGAIN_MS) {
      this.#lookedAtMs = now;
      await this.#lookForFields();
    }
    const quiet = this.#phase === "live" || this.#phase === "loading";
    if (quiet && this.#query !== undefined && now - this.#heardAtMs > SILENCE_MS) await this.#probeBrokers();
  }

  // ---- columns and views ----

  get #inMemory(): boolean {
    return this.options.store === "memory";
  }

  get #needsFields(): boolean {
    return this.options.format === "json" && this.options.schema === undefined && this.#fields.length === 0;
  }

  #sample(wantsFields: boolean, timeoutMs?: number) {
    return sampleTopics(this.#home.source(this.options), this.#topics, wantsFields, timeoutMs);
  }

  /** Those of the last time where the rows are still there; else the declared ones, or those of the first records. */
  async #settleFields(): Promise<void> {
    const { name, format, schema } = this.options;
    const origin = `${this.#home.origin(this.options)} as ${JSON.stringify(format)}`;
    const known = this.#home.stored.get(name);
    const { fields: seen, watermarks } = await this.#sample(format === "json" && schema === undefined);
    this.#positions.noteWatermarks(watermarks);
    this.#backlog = { target: watermarks.reduce((sum, { low, high }) => sum + Number(high - low), 0) };
    const whole: readonly Field[] = [{ key: "value", column: "value", kind: format === "raw" ? "blob" : "text" }];
    const wanted = format === "json" ? (schema ?? seen) : whole;
    const keeps =
      known !== undefined && known.origin === origin && (schema === undefined || same(known.fields, schema));
    if (keeps && !this.#inMemory) {
      this.#fields = known.fields;
      this.#generation = known.generation;
      const later = wanted.filter((field) => !known.fields.some((one) => one.key === field.key));
      if (later.length > 0) this.#notices.push(laterFields(later));
      return;
    }
    this.#fields = wanted;
    this.#generation = (known?.generation ?? 0) + 1;
    if (known !== undefined && !this.#inMemory)
      this.#notices.push("it is read anew, because its topic or its schema is another one");
    if (wanted.length > 0 && !this.#inMemory) {
      await this.#home.stored.set(name, { origin, generation: this.#generation, fields: wanted });
    }
  }

  async #lookForFields(): Promise<void> {
    try {
      await this.#settleFields();
      if (this.#needsFields) return;
      this.#generation = this.#home.stored.get(this.options.name)?.generation ?? this.#generation;
      const session = await this.#home.session();
      await this.restore(session);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** Names of the tables where nothing is yet, too: a query then answers with no rows instead of failing. */
  async #makeViews(session: SparkSession): Promise<void> {
    this.#hasRows = !this.#inMemory && (await this.#viewsOver(session, await this.#storedTable(session)));
    if (this.#hasRows) await this.#countRows(session);
    else await this.#viewsOver(session, undefined);
  }

  /** @param stored undefined: nothing is. Answers false where its files are not there yet. */
  async #viewsOver(session: SparkSession, stored: string | undefined): Promise<boolean> {
    const source = stored ?? emptyTable(storedSchema(this.options.format, this.#fields));
    try {
      for (const { name, text } of streamViews(this.options.name, source, this.#fields)) {
        await session.prepare(`CREATE OR REPLACE TEMPORARY VIEW ${backQuoted(name)} AS ${text}`);
      }
      return true;
    } catch (error) {
      const missing =
        error instanceof SparkError && /PATH_NOT_FOUND|UNABLE_TO_INFER_SCHEMA/.test(error.errorClass ?? "");
      if (missing) return false;
      throw error;
    }
  }

  /** @param ends only what comes before them: files may hold more by now, of which a report is still to come */
  async #countRows(session: SparkSession, ends: readonly OffsetPosition[] = []): Promise<void> {
    const later = ends.map(
      ({ topic, partition, nextOffset }) =>
        `(_topic = ${sparkText(topic)} AND _partition = ${partition} AND _offset >= ${nextOffset})`,
    );
    const where = later.length === 0 ? "" : ` WHERE NOT (${later.join(" OR ")})`;
    const source = await this.#storedTable(session);
    const result = await session.sql(`SELECT ${Object.values(streamMetrics).join(", ")} FROM ${source}${where}`);
    this.#stored.set({ rows: numberAt(result, 0), rejected: numberAt(result, 1), tombstones: numberAt(result, 2) });
  }

  async #storedTable(session: SparkSession): Promise<string> {
    return this.#inMemory
      ? backQuoted(this.#memoryTable)
      : `parquet.${backQuoted(`${await this.#path(session)}/rows`)}`;
  }

  async #path(session: SparkSession): Promise<string> {
    const { name } = this.options;
    const readable = name.replace(/[^\w-]/g, "_").slice(0, 40);
    const folder =
      readable === name ? name : `${readable}-${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
    return `${await this.#home.root(session)}/${folder}/${this.#generation}`;
  }

  get #memoryTable(): string {
    return `tidetable_${createHash("sha256").update(this.options.name).digest("hex").slice(0, 16)}`;
  }

  // ---- the query ----

  async #start(session: SparkSession): Promise<void> {
    const { name, format, until } = this.options;
    const raw = `tidetable_raw_${this.#memoryTable}`;
    await session.createView(
      raw,
      sourceRelation({
        format: "kafka",
        streaming: true,
        options: kafkaOptions(this.options, this.#positions.watermarks()),
      }),
    );
    const rows = sqlRelation(storedRows(raw, format, this.#fields));
    const counted = countedRelation(rows, METRICS, Object.values(streamMetrics));
    const path = await this.#path(session);
    this.#processed = 0;
    this.#recount = !this.#inMemory && this.#hasRows;
    const trigger = until === "latest" ? { trigger: "availableNow" as const } : {};
    this.#query = undefined;
    const early: StreamEvent[] = [];
    this.#early = early;
    const query = await session.startStream(counted, {
      outputMode: "append",
      ...trigger,
      ...(this.#inMemory
        ? { format: "memory", name: this.#memoryTable, options: until === undefined ? WITHOUT_LOG : {} }
        : { format: "parquet", name, path: `${path}/rows`, options: { checkpointLocation: `${path}/checkpoint` } }),
    });
    this.#early = undefined;
    this.#query = query;
    this.#heardAtMs = performance.now();
    if (this.#inMemory) {
      this.#stored.clear();
      await this.#viewsOver(session, backQuoted(this.#memoryTable));
    }
    const empty = this.#backlog === undefined || this.#backlog.target === 0 || this.options.from === "latest";
    this.#setPhase(empty && until === undefined ? "live" : "loading");
    for (const event of early) this.onEvent(event);
  }

  async #stopQuery(): Promise<void> {
    const query = this.#query;
    this.#query = undefined;
    // A server that is gone has stopped it.
    await query?.stop().catch(() => undefined);
  }

  #onProgress(progress: StreamProgress): void {
    this.#restarts = 0;
    const [source] = progress.sources;
    if (source === undefined) return;
    const reached = this.#positions.noteReport(source.endOffset, source.latestOffset);
    this.#processed += source.numInputRows;
    if (source.numInputRows > 0) {
      this.#batchMs = progress.durationMs.triggerExecution ?? 0;
      this.#afterWork(() => this.#onRows(progress, reached));
    }
    if (this.#phase === "reconnecting" || this.#phase === "connecting") this.#setPhase("loading");
    const isLive = this.#positions.lag === 0 && this.#phase === "loading" && this.options.until === undefined;
    if (isLive) this.#afterWork(() => this.#setPhase("live"));
    this.#pushSoon();
  }

  /** Reports are counted one after the other. */
  async #onRows(progress: StreamProgress, reached: readonly OffsetPosition[]): Promise<void> {
    const metrics = progress.observedMetrics?.[METRICS];
    const isFirst = !this.#hasRows;
    this.#hasRows = true;
    if (this.#recount || metrics === undefined) {
      this.#recount = false;
      await this.#countRows(await this.#home.session(), reached);
    } else {
      const { rows, rejected, tombstones } = metrics;
      this.#stored.add({ rows: Number(rows), rejected: Number(rejected), tombstones: Number(tombstones) });
    }
    this.#rate.record(performance.now(), this.#stored.counts.rows);
    this.#stored.reached(reached);
    if (isFirst && !this.#inMemory) {
      const session = await this.#home.session();
      await this.#viewsOver(session, await this.#storedTable(session));
    }
    this.#stored.wake();
    this.#home.changed();
    if (this.#inMemory && this.#stored.counts.rows > MEMORY_ROWS_MAX) {
      this.#fail(
        `its rows are in the memory of Spark's driver, which is trusted with ${MEMORY_ROWS_MAX.toLocaleString("en-US")}; open it without store: "memory"`,
      );
      void this.#stopQuery();
    }
  }

  /** What follows from reports, in their order. */
  #afterWork(step: () => void | Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => this.#onTrouble(error));
  }

  #onIdle(): void {
    this.#positions.noteIdle();
    if (this.#phase === "loading" || this.#phase === "reconnecting") this.#setPhase("live");
  }

  #onEnd(error: string | undefined): void {
    this.#query = undefined;
    if (this.#phase === "paused" || this.#phase === "stopped" || this.#closed) return;
    if (error !== undefined) this.#onTrouble(new Error(error));
    else if (this.options.until === "latest") this.#afterWork(() => this.#setPhase("finished"));
    else
      this.#fail(
        "it was stopped on the server, or another notebook with the same data folder has taken it over; call resume() to take it back",
      );
  }

  /** Brokers come back; a query that ended because of them begins again at its checkpoint. */
  #onTrouble(error: unknown): void {
    if (this.#closed) return;
    const text = errorMessage(error);
    if (error instanceof SparkError && (error.code === "SPARK_UNREACHABLE" || error.code === "SPARK_SESSION_LOST")) {
      this.disconnected(text); // The engine looks for the server.
      return;
    }
    const waitMs = RESTART_WAITS_MS[Math.min(this.#restarts, RESTART_WAITS_MS.length - 1)] ?? 0;
    if (!isBrokerTrouble(text)) {
      this.#fail(readableTrouble(text));
      return;
    }
    this.#restarts += 1;
    this.#setPhase(
      "reconnecting",
      `the brokers do not answer Spark (${firstLine(text)}); it begins again at its checkpoint`,
    );
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => {
      this.#afterWork(async () => {
        if (this.#phase === "reconnecting") await this.#start(await this.#home.session());
      });
    }, waitMs);
  }

  async #probeBrokers(): Promise<void> {
    try {
      this.#positions.noteWatermarks((await this.#sample(false, PROBE_TIMEOUT_MS)).watermarks);
      this.#heardAtMs = performance.now();
      if (this.#phase === "reconnecting") this.#setPhase("live");
    } catch (error) {
      this.#setPhase("reconnecting", errorMessage(error));
      this.#heardAtMs = performance.now();
    }
  }

  // ---- status ----

  #keepNotice(): string {
    return this.#inMemory
      ? "Spark keeps its rows in the driver's memory, all of them, and reads them again after a restart"
      : "Spark keeps every row, in Parquet files: keep is not applied";
  }

  #fail(cause: string): void {
    this.#setPhase("failed", cause);
  }

  #setPhase(phase: StreamPhase, cause?: string): void {
    const changed = phase !== this.#phase || cause !== this.#cause;
    this.#phase = phase;
    this.#cause = cause;
    if (changed) this.#pushNow();
  }

  #pushSoon(): void {
    const waitMs = this.#pushedAtMs + PUSH_EVERY_MS - performance.now();
    if (waitMs <= 0) this.#pushNow();
    else this.#pushTimer ??= setTimeout(() => this.#pushNow(), waitMs);
  }

  #pushNow(): void {
    clearTimeout(this.#pushTimer);
    this.#pushTimer = undefined;
    if (this.#closed) return;
    this.#pushedAtMs = performance.now();
    this.#push(this.status());
  }
}

function same(a: readonly Field[], b: readonly Field[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function laterFields(fields: readonly Field[]): string {
  const names = fields.map((field) => field.column).join(", ");
  return `records have ${names} too, which came after Spark began to read and so are no columns; declare a schema to have them`;
}

function numberAt(result: QueryResult, column: number): number {
  const found = result.columns[column];
  return found === undefined ? 0 : Number(cellValue(found, 0));
}
