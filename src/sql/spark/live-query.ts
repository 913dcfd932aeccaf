/**
 * One live query on Spark: read anew with each batch while that is quick; kept by Spark itself (kept-query.ts) once it is
 * not, where it groups one stream. Owns which of the two it is now, and says so.
 */
import { errorMessage } from "../../errors.js";
import type { LiveAnswer, LivePlanReport, Refreshable } from "../live/shared.js";
import type { QueryResult } from "../schema.js";
import type { SparkSession } from "../spark-connect/session.js";
import type { StreamEvent } from "../spark-connect/streaming-query.js";
import type { BoundStatement } from "../sql-text.js";
import { KeptQuery, refusalOf } from "./kept-query.js";
import { type KeptText, keptText } from "./live-text.js";
import type { SparkStream } from "./stream.js";

export interface LiveQueryHost {
  session(): Promise<SparkSession>;
  /** The query as a whole. */
  query(rowLimit: number, signal: AbortSignal): Promise<QueryResult>;
  /** The stream whose table has this name, in lower case. */
  stream(table: string): SparkStream | undefined;
  /** Events of the session, until what it answers with is called. */
  listen(listener: (event: StreamEvent) => void): () => void;
  /** Queries that Spark keeps, of all live ones. */
  readonly kept: Set<object>;
  /** The next refresh may come about in another way. */
  changed(): void;
  /** Read anew for longer than this, a query is worth keeping. */
  readonly keepAboveMs: number;
}

/** Each is a query that runs on the server, with a thread and a state of its own. */
const KEPT_MAX = 12;
/** So many refreshes in a row take too long before it is kept: the first ones are slow on any server. */
const SLOW_REFRESHES = 3;
const FAILURES_MAX = 3;

interface Run {
  readonly query: KeptQuery;
  readonly stream: SparkStream;
  /** Where the rows are that it reads. */
  readonly folder: string;
  /** Rows that were stored when it was started: until it has read them, reading anew answers sooner. */
  readonly rowsBefore: number;
}

type Keepable = Exclude<KeptText, { readonly reason: string }>;

export class SparkLiveQuery implements Refreshable {
  readonly #host: LiveQueryHost;
  readonly #statement: BoundStatement | undefined;
  readonly #text: KeptText;
  /** Why it is not kept now; undefined while it is quick enough. */
  #reason: string | undefined;
  #slow = 0;
  #failures = 0;
  #run: Run | undefined;
  #isReady = false;
  #starting: Promise<void> | undefined;
  #unlisten: () => void = () => undefined;
  #closed = false;

  /** @param statement in Spark's words; undefined where it has none, which running it then says */
  constructor(host: LiveQueryHost, statement: BoundStatement | undefined) {
    this.#host = host;
    this.#statement = statement;
    this.#text =
      statement === undefined
        ? { reason: "it cannot be read" }
        : keptText(statement.text, (name) => host.stream(name) !== undefined);
  }

  get reason(): string {
    const why = "reason" in this.#text ? this.#text.reason : this.#reason;
    return `Spark reads the rows anew${why === undefined ? "" : `: ${why}`}`;
  }

  async refreshIncrementally(rowLimit: number, signal: AbortSignal): Promise<LiveAnswer> {
    const kept = "reason" in this.#text ? undefined : await this.#keptAnswer(this.#text, rowLimit, signal);
    if (kept !== undefined) return kept;
    const startedMs = performance.now();
    const result = await this.#host.query(rowLimit, signal);
    const tookMs = performance.now() - startedMs;
    this.#slow = tookMs > this.#host.keepAboveMs ? this.#slow + 1 : 0;
    return { result, plan: { mode: "recomputed", reason: this.#withTimes(this.reason, tookMs) } };
  }

  async report(): Promise<LivePlanReport> {
    if (this.#run === undefined || this.#statement === undefined || "reason" in this.#text)
      return { reason: this.reason };
    return {
      kept: "a complete-mode query on Spark",
      size: this.#run.query.resultRows,
      isMade: this.#isReady,
      blocks: [{ stream: this.#text.table, delta: this.#statement.text, merges: ["Spark"], carries: false }],
      final: undefined,
    };
  }

  close(): void {
    this.#closed = true;
    void this.#end();
  }

  async #keptAnswer(text: Keepable, rowLimit: number, signal: AbortSignal): Promise<LiveAnswer | undefined> {
    const stream = this.#host.stream(text.table);
    if (stream === undefined) return undefined;
    const run = this.#run;
    if (run === undefined || !(await this.#isCurrent(run, stream))) {
      this.#begin(stream, text);
      return undefined;
    }
    if (!this.#isReady) return undefined;
    const startedMs = performance.now();
    const { rows } = await stream.settled();
    const answer = await run.query.answer(rows, rowLimit, signal);
    if (answer === undefined) {
      this.#reason = run.query.end ?? "its kept result has no rows, or is late";
      return undefined;
    }
    const stored = await stream.settled(answer.rowsRead);
    if (stored.rows < answer.rowsRead) {
      // A part of a batch that Spark had to do again is counted twice: what is in the answer is not known.
      await run.query.stop("it has read other rows than are stored");
      return undefined;
    }
    this.#failures = 0;
    const offsets = stored.offsetsAt(answer.rowsRead);
    const kept = this.#withTimes("Spark keeps its groups", performance.now() - startedMs, stream);
    return {
      result: answer.result,
      plan: { mode: "incremental", kept, ...(offsets === undefined ? {} : { offsets }) },
    };
  }

  /** How old a record is about when its answer is here: the batch that stores it, and this. */
  #withTimes(what: string, tookMs: number, stream = this.#anyStream()): string {
    if (stream === undefined || stream.batchMs === 0) return what;
    return `${what}; ${Math.round(stream.batchMs + tookMs)} ms from record to answer, ${Math.round(stream.batchMs)} of them its batch`;
  }

  #anyStream(): SparkStream | undefined {
    return "reason" in this.#text ? undefined : this.#host.stream(this.#text.table);
  }

  async #isCurrent({ query, stream, folder }: Run, now: SparkStream): Promise<boolean> {
    if (query.end !== undefined || stream !== now) return false;
    const session = await this.#host.session();
    return query.session === session && (await now.folder(session)) === folder;
  }

  #begin(stream: SparkStream, text: Keepable): void {
    if (this.#starting !== undefined || this.#slow < SLOW_REFRESHES) return;
    const ended = this.#run?.query;
    if (ended !== undefined) {
      this.#reason = ended.end;
      this.#failures = ended.isTooLarge ? FAILURES_MAX : this.#failures + 1;
    }
    if (this.#failures >= FAILURES_MAX) return;
    if (this.#host.kept.size >= KEPT_MAX) {
      this.#reason = `Spark keeps ${KEPT_MAX} queries already`;
      return;
    }
    this.#reason = "Spark begins to keep it, and groups what is stored";
    this.#host.kept.add(this);
    this.#starting = this.#start(stream, text)
      .catch(async (error: unknown) => {
        const refusal = refusalOf(error);
        // What Spark refuses it will refuse again.
        this.#failures = refusal === undefined ? this.#failures + 1 : FAILURES_MAX;
        this.#reason = refusal ?? errorMessage(error);
        await this.#end();
      })
      .finally(() => {
        this.#starting = undefined;
        if (this.#closed) void this.#end();
      });
  }

  async #start(stream: SparkStream, { table, over }: Keepable): Promise<void> {
    await this.#end();
    this.#host.kept.add(this);
    const session = await this.#host.session();
    const source = await stream.storedSource(session, table);
    if ("reason" in source) {
      this.#reason = source.reason;
      await this.#end();
      return;
    }
    const { rows: rowsBefore } = await stream.settled();
    const query = await KeptQuery.start(
      {
        session,
        source: source.relation,
        text: (view) => over(source.select(view)),
        parameters: this.#statement?.parameters ?? [],
        checkpoint: source.checkpoint,
      },
      (starting) => {
        this.#unlisten = this.#host.listen((event) => {
          starting.onEvent(event);
          this.#look();
        });
      },
    );
    this.#run = { query, stream, folder: source.folder, rowsBefore };
    this.#look();
  }

  /** Once it has read what was stored, answers come from it. */
  #look(): void {
    const run = this.#run;
    if (this.#isReady || run === undefined || run.query.rowsRead < run.rowsBefore) return;
    this.#isReady = true;
    this.#host.changed();
  }

  async #end(): Promise<void> {
    this.#unlisten();
    this.#host.kept.delete(this);
    const run = this.#run;
    this.#run = undefined;
    this.#isReady = false;
    await run?.query.stop();
  }
}
