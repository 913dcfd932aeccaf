/**
 * One operation on the server, from its plan to its last response: sent once, read as it comes, taken up again where it
 * was when the connection breaks or the server ends a long call, released at the end. Never runs a plan twice.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../errors.js";
import type { CallError, CallStream } from "./call.js";
import type { Channel, Input } from "./channel.js";
import type { ExecutePlanResponse } from "./connect_pb.js";
import {
  errorInfoOf,
  isOperationGone,
  isServiceError,
  isSessionGone,
  isUnreachable,
  malformed,
  SparkError,
  sessionLost,
  unreachable,
} from "./errors.js";

/** What every request of a session carries. */
export interface SessionPart {
  readonly sessionId: string;
  readonly userContext: { readonly userId: string; readonly userName: string };
  readonly clientType: string;
}

export interface ExecutionContext {
  readonly channel: Channel;
  readonly server: string;
  part(): SessionPart;
  /** The server's own mark of the session, once it is known: another one means another server process. */
  observed(): string | undefined;
  observe(serverSideSessionId: string): void;
  /** Asks whether the server lives, within its own deadline; rejects when it does not. */
  probe(): Promise<void>;
  /** The words of a failed call; fetches what the trailer left out. */
  describe(error: CallError): Promise<SparkError>;
}

export interface ExecuteOptions {
  readonly signal?: AbortSignal;
  readonly tags?: readonly string[];
}

/** Without a word for so long, the server is asked whether it lives. */
const SILENCE_MS = 3_000;
/** A broken connection is tried again this often; with the waits between, within the five seconds that a user gets. */
const ATTEMPT_WAITS_MS = [0, 200, 500, 1_000];
/** The server may forget what it has sent, so many responses at a time. */
const RELEASE_EVERY = 16;
const RELEASE_TIMEOUT_MS = 5_000;
const INTERRUPT_TIMEOUT_MS = 2_000;

/**
 * The responses of a plan, in order, each once. Stopping early cancels it on the server.
 * @throws SparkError SPARK_UNREACHABLE, SPARK_SESSION_LOST, QUERY_INTERRUPTED, and what the plan itself fails with.
 */
export async function* execute(
  context: ExecutionContext,
  plan: Input<"executePlan">["plan"],
  options: ExecuteOptions = {},
): AsyncGenerator<ExecutePlanResponse, void, void> {
  if (options.signal?.aborted) throw interrupted();
  const execution = new Execution(context, options.signal);
  try {
    yield* execution.run(plan, options.tags ?? []);
  } finally {
    await execution.end();
  }
}

class Execution {
  readonly #context: ExecutionContext;
  readonly #signal: AbortSignal | undefined;
  readonly #operationId = randomUUID();
  readonly #onAbort = () => this.#interrupt();
  #call: CallStream<ExecutePlanResponse> | undefined;
  #lastResponseId: string | undefined;
  #unreleased = 0;
  #state: "running" | "complete" | "failed" | "gone" = "running";
  #interrupted = false;
  #dead: unknown;

  constructor(context: ExecutionContext, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  async *run(
    plan: Input<"executePlan">["plan"],
    tags: readonly string[],
  ): AsyncGenerator<ExecutePlanResponse, void, void> {
    let attempt = 0;
    for (let isFirst = true; ; isFirst = false) {
      const calledAtMs = performance.now();
      let heard = false;
      try {
        this.#call = isFirst ? this.#start(plan, tags) : this.#reattach();
        for await (const response of this.#responses(this.#call)) {
          heard = true;
          attempt = 0;
          this.#note(response);
          if (this.#state === "complete") throw malformed("it goes on after its end");
          if (response.responseType.case === "resultComplete") this.#state = "complete";
          else yield response;
        }
        if (this.#state === "complete") return;
        // The server ends a call that has lasted long enough, or sent enough; the operation itself goes on. One that
        // ends calls at once and says nothing would keep us here for ever.
        if (!heard && performance.now() - calledAtMs < SILENCE_MS) attempt += 1;
        if (attempt >= ATTEMPT_WAITS_MS.length) throw malformed("it ends before its result is whole");
      } catch (error) {
        // What breaks after the whole result was here takes nothing away.
        if (this.#state === "complete" && isServiceError(error)) return;
        await this.#tellApart(error, attempt);
        attempt += 1;
      }
      await delay(ATTEMPT_WAITS_MS[attempt] ?? 0);
      if (this.#interrupted) throw interrupted();
    }
  }

  /** Gives up what the server still holds of it. */
  async end(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#call?.cancel();
    if (this.#state === "gone" || this.#dead !== undefined) return;
    if (this.#state === "running" && !this.#interrupted) await this.#sendInterrupt();
    const { channel } = this.#context;
    const release = { case: "releaseAll" as const, value: {} };
    // A server that cannot be reached forgets it by itself, after its own time.
    channel
      .unary("releaseExecute", { ...this.#part(), operationId: this.#operationId, release }, RELEASE_TIMEOUT_MS)
      .catch(() => undefined);
  }

  #part() {
    const observed = this.#context.observed();
    const part = this.#context.part();
    return observed === undefined ? part : { ...part, clientObservedServerSideSessionId: observed };
  }

  #start(plan: Input<"executePlan">["plan"], tags: readonly string[]): CallStream<ExecutePlanResponse> {
    return this.#context.channel.stream("executePlan", {
      ...this.#part(),
      ...(plan === undefined ? {} : { plan }),
      operationId: this.#operationId,
      tags: [...tags],
      requestOptions: [{ requestOption: { case: "reattachOptions", value: { reattachable: true } } }],
    });
  }

  #reattach(): CallStream<ExecutePlanResponse> {
    const last = this.#lastResponseId;
    return this.#context.channel.stream("reattachExecute", {
      ...this.#part(),
      operationId: this.#operationId,
      ...(last === undefined ? {} : { lastResponseId: last }),
    });
  }

  /** The call's messages; a long silence is looked into. */
  async *#responses(call: CallStream<ExecutePlanResponse>): AsyncGenerator<ExecutePlanResponse, void, void> {
    let heardAtMs = performance.now();
    let reading = true;
    const watch = setInterval(() => {
      if (!reading || performance.now() - heardAtMs < SILENCE_MS) return;
      heardAtMs = performance.now();
      this.#context.probe().catch((error: unknown) => {
        this.#dead = error;
        call.cancel();
      });
    }, SILENCE_MS / 3);
    try {
      for await (const message of call) {
        heardAtMs = performance.now();
        reading = false; // What comes next is the reader's time, not the server's.
        yield message as ExecutePlanResponse;
        reading = true;
        heardAtMs = performance.now();
      }
    } finally {
      clearInterval(watch);
    }
  }

  #note(response: ExecutePlanResponse): void {
    const { operationId, responseId, serverSideSessionId } = response;
    if (operationId !== "" && operationId !== this.#operationId) throw malformed("it answers another operation");
    this.#context.observe(serverSideSessionId);
    if (responseId === "") return;
    if (responseId === this.#lastResponseId) throw malformed("it sends one response twice");
    this.#lastResponseId = responseId;
    this.#unreleased += 1;
    if (this.#unreleased < RELEASE_EVERY) return;
    this.#unreleased = 0;
    const release = { case: "releaseUntil" as const, value: { responseId } };
    // Only saves the server's memory; the release at the end covers it.
    this.#context.channel
      .unary("releaseExecute", { ...this.#part(), operationId: this.#operationId, release }, RELEASE_TIMEOUT_MS)
      .catch(() => undefined);
  }

  /** Returns where taking it up again may help; throws what is to be said otherwise. */
  async #tellApart(error: unknown, attempt: number): Promise<void> {
    const { server } = this.#context;
    if (this.#interrupted) throw interrupted();
    if (this.#dead !== undefined) throw unreachable(server, this.#dead);
    if (error instanceof SparkError || !isServiceError(error)) {
      this.#state = "failed";
      throw error instanceof SparkError ? error : malformed(errorMessage(error), error);
    }
    if (isUnreachable(error)) {
      if (attempt + 1 < ATTEMPT_WAITS_MS.length) return;
      this.#dead = error;
      throw unreachable(server, error);
    }
    const info = errorInfoOf(error);
    if (isSessionGone(info)) {
      this.#state = "gone";
      throw sessionLost(server);
    }
    if (isOperationGone(info)) {
      this.#state = "gone";
      throw new SparkError(
        "SPARK_UNREACHABLE",
        `The connection to Spark at ${server} broke, and the query is not known there any more. Run the cell once more.`,
        { retryable: true, cause: error },
      );
    }
    this.#state = "failed";
    throw await this.#context.describe(error);
  }

  #interrupt(): void {
    this.#interrupted = true;
    // The cell does not wait for Spark to agree; the call ends now, the operation as soon as the server hears of it.
    void this.#sendInterrupt();
    this.#call?.cancel();
  }

  async #sendInterrupt(): Promise<void> {
    const interrupt = { case: "operationId" as const, value: this.#operationId };
    await this.#context.channel
      .unary("interrupt", { ...this.#context.part(), interruptType: 3, interrupt }, INTERRUPT_TIMEOUT_MS)
      // It has ended by itself, or the server has: nothing is left to stop.
      .catch(() => undefined);
  }
}

function interrupted(): SparkError {
  return new SparkError("QUERY_INTERRUPTED", "The query was interrupted.");
}
