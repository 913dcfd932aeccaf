/**
 * Streaming queries of a session: started, listed, asked, stopped, and their events as the server pushes them. Owns the
 * commands and the shape of a progress report; what a query's rows mean is its starter's.
 */

import type { ExecutePlanResponse } from "./connect_pb.js";
import { malformed } from "./errors.js";
import type { ExecuteOptions } from "./execution.js";
import { type Command, commandPlan, type Plan, type Relation } from "./plans.js";

/** What of a session these commands need. */
export interface CommandRunner {
  run(plan: Plan, options?: ExecuteOptions): AsyncGenerator<ExecutePlanResponse, void, void>;
}

export interface StreamOptions {
  readonly format: "memory" | "kafka" | "parquet" | "console" | "noop" | (string & {});
  readonly outputMode: "append" | "complete" | "update";
  readonly options?: Readonly<Record<string, string>>;
  readonly name?: string;
  /** Default: the next batch as soon as the one before is done. */
  readonly trigger?: { readonly everyMs: number } | "availableNow";
  /** For sinks with files; for the memory sink the name is what SQL calls it. */
  readonly path?: string;
}

/** A progress report, of which these fields are read; the JSON is the server's. */
export interface StreamProgress {
  readonly id: string;
  readonly runId: string;
  readonly name: string | null;
  readonly batchId: number;
  readonly timestamp: string;
  readonly durationMs: Readonly<Record<string, number>>;
  readonly sources: ReadonlyArray<{
    readonly description: string;
    readonly numInputRows: number;
    readonly endOffset: unknown;
    readonly latestOffset: unknown;
    readonly metrics?: Readonly<Record<string, string>>;
  }>;
  readonly observedMetrics?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export type StreamEvent =
  | { readonly kind: "progress"; readonly progress: StreamProgress }
  | { readonly kind: "idle"; readonly id: string; readonly runId: string }
  | { readonly kind: "terminated"; readonly id: string; readonly runId: string; readonly error: string | undefined };

export class StreamingQuery {
  /** Stays the same when a query is started again from its checkpoint. */
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly #session: CommandRunner;

  constructor(session: CommandRunner, id: string, runId: string, name: string) {
    this.#session = session;
    this.id = id;
    this.runId = runId;
    this.name = name;
  }

  async status(): Promise<{ readonly message: string; readonly isActive: boolean; readonly isDataAvailable: boolean }> {
    const result = await this.#ask({ case: "status", value: true }, "status");
    return { message: result.statusMessage, isActive: result.isActive, isDataAvailable: result.isDataAvailable };
  }

  /** The newest report; undefined before the first batch. */
  async lastProgress(): Promise<StreamProgress | undefined> {
    const { recentProgressJson } = await this.#ask({ case: "lastProgress", value: true }, "recentProgress");
    const newest = recentProgressJson.at(-1);
    return newest === undefined ? undefined : parseProgress(newest);
  }

  async recentProgress(): Promise<readonly StreamProgress[]> {
    const { recentProgressJson } = await this.#ask({ case: "recentProgress", value: true }, "recentProgress");
    return recentProgressJson.map(parseProgress);
  }

  /** Why it ended; undefined while it runs, or when it was stopped. */
  async exception(): Promise<string | undefined> {
    // Without one the server answers nothing at all.
    const result = await this.#command({ case: "exception", value: true });
    const message = result?.case === "exception" ? result.value.exceptionMessage : undefined;
    return message === "" ? undefined : message;
  }

  async explain(): Promise<string> {
    return (await this.#ask({ case: "explain", value: { extended: false } }, "explain")).result;
  }

  /** Until everything that was there when asked has been processed. Of a stream that never rests, this waits for long. */
  async processAllAvailable(options: ExecuteOptions = {}): Promise<void> {
    await this.#command({ case: "processAllAvailable", value: true }, options);
  }

  /** True when it has ended within the time. */
  async awaitTermination(timeoutMs: number, options: ExecuteOptions = {}): Promise<boolean> {
    const command = { case: "awaitTermination" as const, value: { timeoutMs: BigInt(timeoutMs) } };
    return (await this.#ask(command, "awaitTermination", options)).terminated;
  }

  async stop(): Promise<void> {
    await this.#command({ case: "stop", value: true });
  }

  async #ask<Case extends AnswerCase>(
    command: QueryCommand,
    wanted: Case,
    options?: ExecuteOptions,
  ): Promise<Answer<Case>> {
    const result = await this.#command(command, options);
    if (result?.case !== wanted) throw malformed(`it answers ${result?.case ?? "nothing"} to ${wanted}`);
    return result.value as Answer<Case>;
  }

  async #command(command: QueryCommand, options?: ExecuteOptions): Promise<Result | undefined> {
    const queryId = { id: this.id, runId: this.runId };
    const plan = commandPlan({ commandType: { case: "streamingQueryCommand", value: { queryId, command } } });
    let result: Result | undefined;
    for await (const { responseType } of this.#session.run(plan, options)) {
      if (responseType.case === "streamingQueryCommandResult") result = responseType.value.resultType;
    }
    return result;
  }
}

type QueryCommand = Extract<
  Extract<NonNullable<Command["commandType"]>, { case: "streamingQueryCommand" }>["value"],
  { queryId?: unknown }
>["command"];
type Result = Extract<
  ExecutePlanResponse["responseType"],
  { case: "streamingQueryCommandResult" }
>["value"]["resultType"];
type AnswerCase = Exclude<Result["case"], undefined>;
type Answer<Case extends AnswerCase> = Extract<Result, { case: Case }>["value"];

export async function startStream(
  session: CommandRunner,
  input: Relation,
  { format, outputMode, options = {}, name = "", trigger, path }: StreamOptions,
): Promise<StreamingQuery> {
  const plan = commandPlan({
    commandType: {
      case: "writeStreamOperationStart",
      value: {
        input,
        format,
        options: { ...options },
        outputMode,
        queryName: name,
        trigger:
          trigger === "availableNow"
            ? { case: "availableNow", value: true }
            : { case: "processingTimeInterval", value: `${trigger?.everyMs ?? 0} milliseconds` },
        ...(path === undefined ? {} : { sinkDestination: { case: "path" as const, value: path } }),
      },
    },
  });
  let started: StreamingQuery | undefined;
  for await (const { responseType } of session.run(plan)) {
    if (responseType.case !== "writeStreamOperationStartResult") continue;
    const { queryId, name: given } = responseType.value;
    if (queryId !== undefined) started = new StreamingQuery(session, queryId.id, queryId.runId, given);
  }
  if (started === undefined) throw malformed("it started a stream and does not say which");
  return started;
}

export async function activeStreams(session: CommandRunner): Promise<readonly StreamingQuery[]> {
  const plan = commandPlan({
    commandType: { case: "streamingQueryManagerCommand", value: { command: { case: "active", value: true } } },
  });
  const active: StreamingQuery[] = [];
  for await (const { responseType } of session.run(plan)) {
    if (responseType.case !== "streamingQueryManagerCommandResult") continue;
    const { resultType } = responseType.value;
    for (const { id, name } of resultType.value?.activeQueries ?? []) {
      if (id !== undefined) active.push(new StreamingQuery(session, id.id, id.runId, name ?? ""));
    }
  }
  return active;
}

/** Events of all streaming queries of the session, as they happen, until the reader stops. `onReady`: none is missed from then on. */
export async function* streamEvents(
  session: CommandRunner,
  options: ExecuteOptions,
  onReady: () => void = () => undefined,
): AsyncGenerator<StreamEvent, void, void> {
  const plan = listenerPlan({ case: "addListenerBusListener", value: true });
  for await (const { responseType } of session.run(plan, options)) {
    if (responseType.case !== "streamingQueryListenerEventsResult") continue;
    if (responseType.value.listenerBusListenerAdded) onReady();
    for (const { eventJson, eventType } of responseType.value.events) {
      const event = readEvent(eventJson, eventType);
      if (event !== undefined) yield event;
    }
  }
}

/** Ends the event stream of the session on the server. */
export async function removeListener(session: CommandRunner): Promise<void> {
  for await (const _ of session.run(listenerPlan({ case: "removeListenerBusListener", value: true })));
}

function listenerPlan(
  command: Extract<
    NonNullable<Command["commandType"]>,
    { case: "streamingQueryListenerBusCommand" }
  >["value"]["command"],
): Plan {
  return commandPlan({ commandType: { case: "streamingQueryListenerBusCommand", value: { command } } });
}

const eventKinds = { 1: "progress", 2: "terminated", 3: "idle" } as const;

function readEvent(json: string, type: number): StreamEvent | undefined {
  const kind = eventKinds[type as keyof typeof eventKinds];
  if (kind === undefined) return undefined; // Of a newer server.
  const event = parseObject(json);
  if (kind === "progress") {
    const { progress } = event;
    return { kind, progress: checkProgress(typeof progress === "object" && progress !== null ? progress : event) };
  }
  const { id, runId, exception } = event;
  if (typeof id !== "string" || typeof runId !== "string") throw malformed(`an event of kind ${kind} has no id`);
  if (kind === "idle") return { kind, id, runId };
  return { kind, id, runId, error: typeof exception === "string" ? exception : undefined };
}

function parseProgress(json: string): StreamProgress {
  return checkProgress(parseObject(json));
}

function checkProgress(value: object): StreamProgress {
  const progress = value as Partial<StreamProgress>;
  if (typeof progress.runId !== "string" || !Array.isArray(progress.sources))
    throw malformed("a progress report has no run or no sources");
  return progress as StreamProgress;
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw malformed("a report is no JSON", error);
  }
  throw malformed("a report is no object");
}
