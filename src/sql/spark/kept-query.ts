/**
 * A grouped result that Spark maintains: a streaming query in complete mode over a stream's stored rows, whose last step
 * is in the driver's memory. Owns that query's life and says of which stored rows an answer is: each row of the sink
 * carries its batch's moment, which the batch's report has beside how many rows it read.
 */
import { randomUUID } from "node:crypto";
import { TidetableError } from "../../errors.js";
import type { QueryResult, SqlValue } from "../schema.js";
import { cellValue } from "../schema.js";
import { SparkError } from "../spark-connect/errors.js";
import { countedRelation, type Relation, sqlRelation } from "../spark-connect/plans.js";
import type { SparkSession } from "../spark-connect/session.js";
import type { StreamEvent, StreamingQuery } from "../spark-connect/streaming-query.js";

/** Rows of the result that the driver's memory is trusted with, and that are written there with each batch. */
export const KEPT_ROWS_MAX = 100_000;
/** Without a report for so long, the answer is computed anew instead. */
const SILENCE_MS = 20_000;
const MOMENTS_KEPT = 64;
/** Each look lists the stored files, which a table that has grown for days has many of. */
const LOOK_EVERY_MS = 250;
const SOURCE_METRICS = "source";
const RESULT_METRICS = "result";
const MOMENT = "unix_millis(current_timestamp())";

export interface KeptStart {
  readonly session: SparkSession;
  /** The stream's stored rows, as a streaming source. */
  readonly source: Relation;
  /** The query over them; `view` is what SQL calls the source. */
  readonly text: (view: string) => string;
  readonly parameters: readonly SqlValue[];
  /** Where Spark keeps the state; undefined: in a folder of its own choice, which goes with the query. */
  readonly checkpoint: string | undefined;
}

interface Moment {
  readonly rowsRead: number;
  readonly resultRows: number;
}

export interface KeptAnswer {
  readonly result: QueryResult;
  /** Stored rows that are in it. */
  readonly rowsRead: number;
}

export class KeptQuery {
  readonly session: SparkSession;
  readonly #name: string;
  readonly #view: string;
  readonly #moments = new Map<string, Moment>();
  readonly #waiting = new Set<() => void>();
  readonly #early: StreamEvent[] = [];
  #query: StreamingQuery | undefined;
  #rowsRead = 0;
  #resultRows = 0;
  #heardAtMs = performance.now();
  #end: string | undefined;

  private constructor(session: SparkSession, id: string) {
    this.session = session;
    this.#name = `tidetable_kept_${id}`;
    this.#view = `tidetable_kept_source_${id}`;
  }

  /**
   * @param listen hands over where the session's events go, before the first of them can come
   * @throws SparkError where Spark cannot keep such a query up to date; it says why.
   */
  static async start(
    { session, source, text, parameters, checkpoint }: KeptStart,
    listen: (kept: KeptQuery) => void,
  ): Promise<KeptQuery> {
    const id = randomUUID().replaceAll("-", "");
    const kept = new KeptQuery(session, id);
    listen(kept);
    const counted = countedRelation(source, SOURCE_METRICS, ["count(*) AS rows_read", `max(${MOMENT}) AS moment`]);
    const over = `SELECT kept.*, ${MOMENT} AS moment FROM (${text(kept.#view)}) AS kept`;
    try {
      await session.createView(kept.#view, counted);
      const whole = countedRelation(sqlRelation(over, parameters), RESULT_METRICS, ["count(*) AS result_rows"]);
      kept.#query = await session.startStream(whole, {
        format: "memory",
        outputMode: "complete",
        name: kept.#name,
        trigger: { everyMs: LOOK_EVERY_MS },
        ...(checkpoint === undefined ? {} : { options: { checkpointLocation: `${checkpoint}/${id}` } }),
      });
    } catch (error) {
      await kept.stop("it could not be started");
      throw error;
    }
    for (const event of kept.#early.splice(0)) kept.onEvent(event);
    return kept;
  }

  /** Stored rows that it has read. */
  get rowsRead(): number {
    return this.#rowsRead;
  }

  get resultRows(): number {
    return this.#resultRows;
  }

  /** Whether it would end the same way once more. */
  get isTooLarge(): boolean {
    return this.#resultRows > KEPT_ROWS_MAX;
  }

  /** Why it has ended; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  onEvent(event: StreamEvent): void {
    const runId = event.kind === "progress" ? event.progress.runId : event.runId;
    if (this.#query === undefined) {
      this.#early.push(event);
      return;
    }
    if (runId !== this.#query.runId) return;
    this.#heardAtMs = performance.now();
    if (event.kind === "terminated") this.#finish(event.error ?? "it was stopped on the server");
    if (event.kind === "progress") this.#onMetrics(event.progress.observedMetrics ?? {});
    for (const wake of this.#waiting) wake();
  }

  /**
   * The result with at least these stored rows in it; undefined where it takes too long, or its moment cannot be told,
   * as of a result without rows.
   */
  async answer(rowsRead: number, rowLimit: number, signal: AbortSignal): Promise<KeptAnswer | undefined> {
    if (!(await this.#until(() => this.#rowsRead >= rowsRead, signal))) return undefined;
    const limit = Math.max(1, rowLimit);
    const cut = this.#resultRows > limit ? ` LIMIT ${limit}` : "";
    const whole = await this.session.collect(sqlRelation(`SELECT * FROM ${this.#name}${cut}`), {
      signal,
      rowLimit: limit,
    });
    const stamps = whole.columns.at(-1);
    if (stamps === undefined || whole.rowCount === 0) return undefined;
    const stamp = String(cellValue(stamps, 0));
    // The rows of a batch can be read a little before its report comes.
    if (!(await this.#until(() => this.#moments.has(stamp), signal))) return undefined;
    const moment = this.#moments.get(stamp);
    if (moment === undefined) return undefined;
    return {
      rowsRead: moment.rowsRead,
      result: { ...whole, columns: whole.columns.slice(0, -1), totalRowCount: moment.resultRows },
    };
  }

  async stop(reason = "it was closed"): Promise<void> {
    this.#finish(reason);
    if (this.session.isLost) return;
    // A server that is gone has stopped it.
    await this.#query?.stop().catch(() => undefined);
    for (const view of [this.#name, this.#view]) {
      await this.session.prepare(`DROP VIEW IF EXISTS ${view}`).catch(() => undefined);
    }
  }

  #onMetrics(metrics: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void {
    const { rows_read: read, moment } = metrics[SOURCE_METRICS] ?? {};
    const { result_rows: rows } = metrics[RESULT_METRICS] ?? {};
    // A report in which nothing was read.
    if (typeof read !== "number" || typeof rows !== "number" || moment === null || moment === undefined) return;
    this.#rowsRead += read;
    this.#resultRows = rows;
    this.#moments.set(String(moment), { rowsRead: this.#rowsRead, resultRows: rows });
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > MOMENTS_KEPT && oldest !== undefined) this.#moments.delete(oldest);
    if (rows > KEPT_ROWS_MAX) {
      const [found, most] = [rows, KEPT_ROWS_MAX].map((count) => count.toLocaleString("en-US"));
      void this.stop(`its result has ${found} rows; Spark keeps one of up to ${most}`);
    }
  }

  #finish(reason: string): void {
    this.#end ??= reason;
    for (const wake of this.#waiting) wake();
  }

  /** False when it has ended, or says nothing for too long. */
  async #until(holds: () => boolean, signal: AbortSignal): Promise<boolean> {
    const startedMs = performance.now();
    for (;;) {
      if (signal.aborted) throw new TidetableError("QUERY_INTERRUPTED", "The query was interrupted.");
      if (holds()) return true;
      const silentMs = performance.now() - Math.max(startedMs, this.#heardAtMs);
      if (this.#end !== undefined || silentMs >= SILENCE_MS) return false;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, SILENCE_MS - silentMs);
        this.#waiting.add(done);
        signal.addEventListener("abort", done, { once: true });
      });
    }
  }
}

/** Of an error that Spark gave when such a query was started: its first sentence. */
export function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof SparkError) || error.retryable) return undefined;
  return error.message.trim().split("\n", 1)[0];
}
