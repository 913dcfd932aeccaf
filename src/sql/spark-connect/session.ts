/**
 * A session with a Spark Connect server: what a program opens, asks and closes. Owns the session's identity and the
 * version gate; an operation's life is execution.ts, bytes are channel.ts, columns are arrow-columns.ts.
 */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import type { QueryResult } from "../schema.js";
import { tokenizeSql } from "../sql-text.js";
import { describeAddress, parseSparkAddress, type SparkAddress } from "./address.js";
import { ResultColumns } from "./arrow-columns.js";
import type { CallError } from "./call.js";
import { Channel, type ChannelTls, type Input, type Output } from "./channel.js";
import type { DataType, ExecutePlanResponse, ExecutePlanResponse_ExecutionProgress } from "./connect_pb.js";
import {
  errorInfoOf,
  isServiceError,
  isSessionGone,
  malformed,
  SparkError,
  sessionLost,
  toSparkError,
} from "./errors.js";
import { type ExecuteOptions, type ExecutionContext, execute, type SessionPart } from "./execution.js";
import {
  type Command,
  commandPlan,
  type Plan,
  type Relation,
  rootPlan,
  type SqlArguments,
  sqlRelation,
  viewCommand,
} from "./plans.js";
import {
  activeStreams,
  removeListener,
  type StreamEvent,
  type StreamingQuery,
  type StreamOptions,
  startStream,
  streamEvents,
} from "./streaming-query.js";

export interface ConnectOptions {
  readonly tls?: ChannelTls;
  /** A session that is there already (of the same user), or the id for a new one: a UUID. */
  readonly sessionId?: string;
  /** What the address is called in messages. Default "The address". */
  readonly addressName?: string;
  /** Settings of the session, such as `spark.sql.session.timeZone`. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface SqlOptions extends ExecuteOptions {
  /** Rows to carry back at the most; the rest is counted. Default: all. */
  readonly rowLimit?: number;
  readonly onProgress?: (progress: SparkProgress) => void;
}

/** Tasks of the stages that are known so far. */
export interface SparkProgress {
  readonly stages: number;
  readonly tasks: number;
  readonly tasksDone: number;
}

/** The versions that the tests run on; what lies between speaks the same protocol. */
const VERSION_MIN = [4, 0] as const;
const CALL_TIMEOUT_MS = 10_000;
/** A server that has just begun to listen takes its time for the first session; one that is not there says so at once. */
const CONNECT_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 8_000;
const RELEASE_TIMEOUT_MS = 3_000;

/**
 * Connects, and asks the server for its version.
 * @throws TidetableError CONFIG_INVALID (the address), SparkError SPARK_UNREACHABLE, SPARK_REFUSED (token, version).
 */
export async function connect(address: string | SparkAddress, options: ConnectOptions = {}): Promise<SparkSession> {
  const parsed = typeof address === "string" ? parseSparkAddress(address, options.addressName) : address;
  const session = new SparkSession(parsed, options);
  try {
    await session.open(options.config ?? {});
    return session;
  } catch (error) {
    session.disconnect();
    throw error;
  }
}

export class SparkSession {
  /** `sc://host:port`, for messages. */
  readonly server: string;
  readonly sessionId: string;
  readonly #channel: Channel;
  readonly #user: SessionPart["userContext"];
  readonly #context: ExecutionContext;
  #version = "";
  #observed: string | undefined;
  #lost = false;

  constructor(address: SparkAddress, { tls, sessionId }: ConnectOptions = {}) {
    this.server = describeAddress(address);
    this.sessionId = sessionId ?? address.sessionId ?? randomUUID();
    this.#channel = new Channel(address, tls);
    const userId = address.userId ?? userName();
    this.#user = { userId, userName: userId };
    this.#context = {
      channel: this.#channel,
      server: this.server,
      part: () => this.#part(),
      observed: () => this.#observed,
      observe: (id) => this.#observe(id),
      probe: () => this.#probe(),
      describe: (error) => this.#describe(error),
    };
  }

  /** Of the server: `4.1.1`. */
  get version(): string {
    return this.#version;
  }

  /** The server was started again, or closed the session: nothing of it is there any more. */
  get isLost(): boolean {
    return this.#lost;
  }

  async open(config: Readonly<Record<string, string>>): Promise<void> {
    const answer = await this.#ask("analyzePlan", { analyze: { case: "sparkVersion", value: {} } }, CONNECT_TIMEOUT_MS);
    if (answer.result.case !== "sparkVersion") throw malformed("it does not tell its version");
    this.#version = answer.result.value.version;
    this.#observe(answer.serverSideSessionId);
    checkVersion(this.server, this.#version);
    if (Object.keys(config).length > 0) await this.setConfig(config);
  }

  /** Rows of a query, or of a statement that has none. Values are bound to `?` or `:name`, never pasted. */
  async sql(text: string, values: SqlArguments = [], options: SqlOptions = {}): Promise<QueryResult> {
    const relation = isQuery(text) ? sqlRelation(text, values) : await this.prepare(text, values, options);
    return this.collect(relation, options);
  }

  /**
   * Runs a statement that is a command (CREATE, SET, …) and answers with the relation of its result; a query comes back
   * unrun, to be collected or put under a name.
   */
  async prepare(text: string, values: SqlArguments = [], options: ExecuteOptions = {}): Promise<Relation> {
    const input = sqlRelation(text, values);
    for await (const { responseType } of this.command(
      { commandType: { case: "sqlCommand", value: { input } } },
      options,
    )) {
      if (responseType.case === "sqlCommandResult" && responseType.value.relation !== undefined) {
        return responseType.value.relation;
      }
    }
    return input;
  }

  async collect(
    relation: Relation,
    { rowLimit = Number.POSITIVE_INFINITY, onProgress, ...options }: SqlOptions = {},
  ): Promise<QueryResult> {
    const startedMs = performance.now();
    const columns = new ResultColumns(rowLimit);
    for await (const { responseType } of this.run(rootPlan(relation), options)) {
      if (responseType.case === "executionProgress") onProgress?.(summarise(responseType.value));
      if (responseType.case !== "arrowBatch") continue;
      const { data, rowCount, startOffset } = responseType.value;
      columns.append(data, Number(rowCount), startOffset === undefined ? undefined : Number(startOffset));
    }
    return columns.finish(performance.now() - startedMs);
  }

  /** The rows batch by batch, for results that no memory holds. */
  async *batches(relation: Relation, options: ExecuteOptions = {}): AsyncGenerator<QueryResult, void, void> {
    const startedMs = performance.now();
    let next = 0;
    for await (const { responseType } of this.run(rootPlan(relation), options)) {
      if (responseType.case !== "arrowBatch") continue;
      const { data, rowCount, startOffset } = responseType.value;
      if (startOffset !== undefined && Number(startOffset) !== next)
        throw malformed(`it sends row ${startOffset} after row ${next}`);
      const columns = new ResultColumns(Number.POSITIVE_INFINITY);
      columns.append(data, Number(rowCount), undefined);
      next += Number(rowCount);
      yield columns.finish(performance.now() - startedMs);
    }
  }

  /** The columns of a plan, without running it. */
  async schema(relation: Relation): Promise<DataType> {
    const plan = { plan: rootPlan(relation) };
    const { result } = await this.#ask("analyzePlan", { analyze: { case: "schema", value: plan } }, CALL_TIMEOUT_MS);
    if (result.case !== "schema" || result.value.schema === undefined) throw malformed("it does not tell the columns");
    return result.value.schema;
  }

  async explain(relation: Relation): Promise<string> {
    const value = { plan: rootPlan(relation), explainMode: 1 };
    const { result } = await this.#ask("analyzePlan", { analyze: { case: "explain", value } }, CALL_TIMEOUT_MS);
    return result.case === "explain" ? result.value.explainString : "";
  }

  async isStreaming(relation: Relation): Promise<boolean> {
    const plan = { plan: rootPlan(relation) };
    const { result } = await this.#ask(
      "analyzePlan",
      { analyze: { case: "isStreaming", value: plan } },
      CALL_TIMEOUT_MS,
    );
    return result.case === "isStreaming" && result.value.isStreaming;
  }

  /** What SQL calls a plan from now on; `global`: in every session, as `global_temp.<name>`. */
  async createView(name: string, relation: Relation, options: { readonly global?: boolean } = {}): Promise<void> {
    for await (const _ of this.command(viewCommand(name, relation, options)));
  }

  async setConfig(pairs: Readonly<Record<string, string>>): Promise<void> {
    const set = { pairs: Object.entries(pairs).map(([key, value]) => ({ key, value })) };
    await this.#ask("config", { operation: { opType: { case: "set", value: set } } }, CALL_TIMEOUT_MS);
  }

  /** Undefined where it is not set and has no default. */
  async config(key: string): Promise<string | undefined> {
    const operation = { opType: { case: "getOption" as const, value: { keys: [key] } } };
    const { pairs } = await this.#ask("config", { operation }, CALL_TIMEOUT_MS);
    return pairs.find((pair) => pair.key === key)?.value;
  }

  startStream(input: Relation, options: StreamOptions): Promise<StreamingQuery> {
    return startStream(this, input, options);
  }

  /** Streaming queries that run in this session, whoever started them. */
  streams(): Promise<readonly StreamingQuery[]> {
    return activeStreams(this);
  }

  /** Events of the session's streams as the server pushes them. */
  events(options: ExecuteOptions = {}, onReady?: () => void): AsyncGenerator<StreamEvent, void, void> {
    return streamEvents(this, options, onReady);
  }

  endEvents(): Promise<void> {
    return removeListener(this);
  }

  /** Stops everything that runs in this session; or what carries a tag. Answers with the operations' ids. */
  async interrupt(tag?: string): Promise<readonly string[]> {
    const what =
      tag === undefined
        ? { interruptType: 1 }
        : { interruptType: 2, interrupt: { case: "operationTag" as const, value: tag } };
    return (await this.#ask("interrupt", what, CALL_TIMEOUT_MS)).interruptedIds;
  }

  /** Responses of any plan, in order. */
  async *run(plan: Plan, options: ExecuteOptions = {}): AsyncGenerator<ExecutePlanResponse, void, void> {
    if (this.#lost) throw sessionLost(this.server);
    try {
      yield* execute(this.#context, plan, options);
    } catch (error) {
      if (error instanceof SparkError && error.code === "SPARK_SESSION_LOST") this.#lost = true;
      throw error;
    }
  }

  command(command: Command, options: ExecuteOptions = {}): AsyncGenerator<ExecutePlanResponse, void, void> {
    return this.run(commandPlan(command), options);
  }

  /** Ends the session on the server, its views and streams with it, and the connection. */
  async close(): Promise<void> {
    if (!this.#lost) {
      // A server that does not answer forgets the session by itself, after its own time.
      await this.#channel.unary("releaseSession", this.#part(), RELEASE_TIMEOUT_MS).catch(() => undefined);
    }
    this.disconnect();
  }

  /** Ends the connection; the session stays on the server until its time is over, or somebody takes it up. */
  disconnect(): void {
    this.#channel.close();
  }

  #part(): SessionPart {
    return { sessionId: this.sessionId, userContext: this.#user, clientType: "tidetable" };
  }

  #observe(serverSideSessionId: string): void {
    if (serverSideSessionId === "") return;
    if (this.#observed !== undefined && this.#observed !== serverSideSessionId) {
      this.#lost = true;
      throw sessionLost(this.server);
    }
    this.#observed = serverSideSessionId;
  }

  async #ask<Name extends "analyzePlan" | "config" | "interrupt">(
    name: Name,
    request: Omit<Input<Name>, keyof SessionPart | "$typeName" | "$unknown">,
    timeoutMs: number,
  ): Promise<Output<Name>> {
    if (this.#lost) throw sessionLost(this.server);
    try {
      return await this.#channel.unary(name, { ...request, ...this.#part() } as Input<Name>, timeoutMs);
    } catch (error) {
      if (!isServiceError(error)) throw error;
      if (isSessionGone(errorInfoOf(error))) this.#lost = true;
      throw await this.#describe(error);
    }
  }

  async #probe(): Promise<void> {
    const operation = { opType: { case: "getOption" as const, value: { keys: [] } } };
    await this.#channel.unary("config", { ...this.#part(), operation }, PROBE_TIMEOUT_MS);
  }

  async #describe(error: CallError): Promise<SparkError> {
    const info = errorInfoOf(error);
    if (info.errorId === undefined) return toSparkError(this.server, error, info);
    const details = await this.#channel
      .unary("fetchErrorDetails", { ...this.#part(), errorId: info.errorId }, CALL_TIMEOUT_MS)
      // Without the details the shorter text of the call itself is said.
      .catch(() => undefined);
    return toSparkError(this.server, error, info, details);
  }
}

/** Surely a query and no command: asked at once, which saves the way there and back that tells them apart. */
function isQuery(text: string): boolean {
  const words = tokenizeSql(text).filter(({ kind }) => kind !== "space" && kind !== "comment");
  const first = words[0]?.kind === "word" ? words[0].text.toLowerCase() : "";
  if (first === "select" || first === "values") return true;
  return (
    first === "with" &&
    !words.some(({ kind, text: word }) => kind === "word" && /^(insert|merge|update|delete)$/i.test(word))
  );
}

function checkVersion(server: string, version: string): void {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) > VERSION_MIN[0] || (Number(major) === VERSION_MIN[0] && Number(minor) >= VERSION_MIN[1])) return;
  throw new SparkError(
    "SPARK_REFUSED",
    `Spark at ${server} is version ${version}; Tidetable needs ${VERSION_MIN.join(".")} or later: before that, a session cannot be kept across connections and streams cannot push their progress. Start a newer one: npm run spark.`,
  );
}

function summarise({ stages }: ExecutePlanResponse_ExecutionProgress): SparkProgress {
  const sum = (pick: (stage: (typeof stages)[number]) => bigint) =>
    Number(stages.reduce((total, stage) => total + pick(stage), 0n));
  return {
    stages: stages.length,
    tasks: sum((stage) => stage.numTasks),
    tasksDone: sum((stage) => stage.numCompletedTasks),
  };
}

/** Part of the session's key on the server. */
function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    // A user id without a name, as in some containers.
    if (error instanceof Error) return "tidetable";
    throw error;
  }
}
