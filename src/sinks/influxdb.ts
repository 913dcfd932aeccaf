/**
 * InfluxDB 1.x over HTTP: points in, InfluxQL out. Owns when a write is tried again and what a refusal means; lines are
 * line-protocol.ts's, answers influxdb-answer.ts's. User and password travel in a header, never in an address.
 */
import { TidetableError } from "../errors.js";
import { ask, type Bounds, type HttpAnswer, type HttpRequest, sinkAddress } from "./http.js";
import { droppedOf, errorText, type InfluxdbSeries, type QueryAnswer, readQueryAnswer } from "./influxdb-answer.js";
import { encodePoint, type InfluxdbPoint } from "./line-protocol.js";
import { isWorthAnotherTry, type Patience, retryAfterMs, type Tried, tryUntilDone } from "./retry.js";

export type { InfluxdbSeries } from "./influxdb-answer.js";
export type { InfluxdbPoint } from "./line-protocol.js";

export interface InfluxdbOptions {
  readonly url: string;
  readonly database: string;
  readonly username?: string;
  readonly password?: string;
}

/** What became of a write: InfluxDB can keep a part of it (400 "partial write … dropped=1"). */
export interface WriteOutcome {
  readonly dropped: number;
  readonly reason?: string;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  readonly onRetry?: (cause: string, waitMs: number) => void;
}

/** A server that keeps its sockets and says nothing is given up on after this, and asked anew. */
const writeTimeoutMs = 10_000;
/** InfluxDB recommends five to ten thousand, and takes 25 MB. */
const linesMax = 5_000;
const charactersMax = 4 * 2 ** 20;
const queryTriesMax = 4;

export class Influxdb {
  readonly #address: URL;
  readonly #options: InfluxdbOptions;

  /** @throws TidetableError CONFIG_INVALID */
  constructor(options: InfluxdbOptions) {
    this.#address = sinkAddress("InfluxDB", options.url, "http://127.0.0.1:8086");
    // Names of databases are names of folders on its disk, to older servers without a further look.
    if (!/^[^/\\\p{Cc}]{1,200}$/u.test(options.database) || /^\.+$/.test(options.database)) {
      throw new TidetableError(
        "CONFIG_INVALID",
        `${JSON.stringify(options.database)} is no name of a database: 1 to 200 characters without slashes and control characters.`,
      );
    }
    this.#options = options;
  }

  /**
   * Waits until it answers, makes the database where it is missing.
   * @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED
   */
  async open({ timeoutMs, signal }: Bounds, onRetry?: Patience["onRetry"]): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    const tried = await tryUntilDone(
      (remainingMs) => this.#tryPing({ timeoutMs: Math.min(remainingMs, 2_000), signal }),
      { signal, timeoutMs, waitMaxMs: 500, onRetry },
    );
    if ("cause" in tried) throw this.#unreachable(`within ${timeoutMs / 1000} s`, tried.cause);
    const bounds = () => ({ timeoutMs: Math.max(1, deadlineMs - performance.now()), signal });
    // Who may only read and write in it may not make one, so it is looked for first.
    const [databases] = await this.#statements("SHOW DATABASES", {}, bounds(), false);
    if (databases?.rows.some(({ name }) => name === this.#options.database) === true) return;
    await this.#statements(`CREATE DATABASE ${quotedName(this.#options.database)}`, {}, bounds(), false);
  }

  /**
   * Resolves once acknowledged. Unreachable, 5xx, 429: tried again with growing waits until `signal` aborts. Idempotent: the
   * same series and timestamp overwrite each other.
   * @throws TidetableError SINK_REFUSED, for a point that InfluxDB cannot keep before anything is sent; SINK_UNREACHABLE
   *   when the signal aborted.
   */
  async write(points: readonly InfluxdbPoint[], options: WriteOptions): Promise<WriteOutcome> {
    const lines = points.map(lineOf);
    let dropped = 0;
    let reason: string | undefined;
    for (const body of bodiesOf(lines)) {
      const outcome = await this.#writeBody(body, options);
      dropped += outcome.dropped;
      reason ??= outcome.reason;
    }
    return reason === undefined ? { dropped } : { dropped, reason };
  }

  /**
   * InfluxQL; values are bound as `$name`, never pasted. The series of all statements, one after the other.
   * @throws TidetableError SINK_UNREACHABLE, SINK_REFUSED with InfluxDB's own text, RESULT_TOO_LARGE
   */
  async query(
    text: string,
    parameters: Readonly<Record<string, string | number | boolean>>,
    options: Bounds,
  ): Promise<readonly InfluxdbSeries[]> {
    return await this.#statements(text, parameters, options, true);
  }

  async #tryPing(bounds: Bounds): Promise<Tried<true>> {
    const answer = await ask({ method: "GET", url: this.#url("ping") }, bounds);
    if ("unanswered" in answer) return { cause: answer.unanswered };
    if (answer.headers.has("x-influxdb-version") && answer.status < 500) return { result: true };
    return { cause: `what answers there, with ${answer.status}, is no InfluxDB` };
  }

  async #writeBody(body: string, { signal, onRetry }: WriteOptions): Promise<WriteOutcome> {
    const url = this.#url("write");
    url.searchParams.set("db", this.#options.database);
    url.searchParams.set("precision", "ns");
    const headers = { ...this.#headers(), "content-type": "text/plain; charset=utf-8" };
    const tried = await tryUntilDone(
      () => this.#try({ method: "POST", url, headers, body }, { timeoutMs: writeTimeoutMs, signal }),
      { signal, onRetry },
    );
    if ("cause" in tried) throw this.#unreachable("until it was stopped", tried.cause);
    const { status, body: answered } = tried.result;
    if (status >= 200 && status < 300) return { dropped: 0 };
    const reason = errorText(answered);
    const dropped = status === 400 ? droppedOf(reason) : undefined;
    if (dropped === undefined) throw this.#refused(status, reason);
    return { dropped, reason };
  }

  async #statements(
    text: string,
    parameters: Readonly<Record<string, string | number | boolean>>,
    { timeoutMs, signal }: Bounds,
    inDatabase: boolean,
  ): Promise<readonly InfluxdbSeries[]> {
    // In parts: otherwise InfluxDB says of ten thousand rows and more that some are missing, whether or not they are.
    const body = new URLSearchParams({ q: text, epoch: "ns", chunked: "true", params: boundParameters(parameters) });
    if (inDatabase) body.set("db", this.#options.database);
    // The body has the statement and its values: addresses end up in logs.
    const request: HttpRequest = { method: "POST", url: this.#url("query"), headers: this.#headers(), body };
    const tried = await tryUntilDone((remainingMs) => this.#try(request, { timeoutMs: remainingMs, signal }), {
      signal,
      timeoutMs,
      triesMax: queryTriesMax,
    });
    if ("cause" in tried) throw this.#unreachable(`within ${timeoutMs / 1000} s`, tried.cause);
    const { status, body: answered } = tried.result;
    if (status === 401 || status === 403) throw this.#refused(status, errorText(answered));
    const answer = readQueryAnswer(Buffer.from(answered).toString("utf8"));
    const wrong = answer === undefined ? `it answers ${status} and no JSON` : wrongWith(answer);
    if (answer !== undefined && wrong === undefined) return answer.series;
    throw new TidetableError("SINK_REFUSED", `InfluxDB does not run "${shortened(text)}": ${shortened(wrong ?? "")}.`);
  }

  async #try(request: HttpRequest, bounds: Bounds): Promise<Tried<HttpAnswer>> {
    const answer = await ask(request, bounds);
    if ("unanswered" in answer) return { cause: answer.unanswered };
    if (!isWorthAnotherTry(answer.status)) return { result: answer };
    return {
      cause: `${answer.status} ${shortened(errorText(answer.body))}`,
      retryAfterMs: retryAfterMs(answer.headers.get("retry-after"), Date.now()),
    };
  }

  #url(path: string): URL {
    const url = new URL(this.#address);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
    return url;
  }

  #headers(): Record<string, string> {
    const { username, password = "" } = this.#options;
    if (username === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  }

  #unreachable(howLong: string, cause: string): TidetableError {
    return new TidetableError(
      "SINK_UNREACHABLE",
      `InfluxDB at ${this.#address.host} did not take it ${howLong}: ${cause}. Start it, or set its address right.`,
      { retryable: true },
    );
  }

  #refused(status: number, text: string): TidetableError {
    const { database, username } = this.#options;
    const who = username === undefined ? "somebody without a name" : `the user "${username}"`;
    const said = `(${status}: ${shortened(text)})`;
    const meaning: Readonly<Record<number, string>> = {
      401: `does not let in ${who} ${said}. Set user and password right.`,
      403: `does not let ${who} do this ${said}. Grant it on the database "${database}".`,
      404: `has no database "${database}" ${said}. Make it, as open() does.`,
      413: `takes no request of this size ${said}. Raise its max-body-size, or shorten the values of a point.`,
    };
    const what = meaning[status] ?? `refuses what is written to "${database}" ${said}.`;
    return new TidetableError("SINK_REFUSED", `InfluxDB at ${this.#address.host} ${what}`);
  }
}

function lineOf(point: InfluxdbPoint): string {
  const encoded = encodePoint(point);
  if ("line" in encoded) return encoded.line;
  throw new TidetableError(
    "SINK_REFUSED",
    `InfluxDB cannot keep a point as it is: ${encoded.fault}. Nothing was sent.`,
  );
}

function* bodiesOf(lines: readonly string[]): Generator<string> {
  let from = 0;
  let characters = 0;
  for (const [index, line] of lines.entries()) {
    if (index > from && (index - from === linesMax || characters + line.length > charactersMax)) {
      yield lines.slice(from, index).join("\n");
      from = index;
      characters = 0;
    }
    characters += line.length;
  }
  if (from < lines.length) yield lines.slice(from).join("\n");
}

function boundParameters(parameters: Readonly<Record<string, string | number | boolean>>): string {
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new TidetableError("SINK_REFUSED", `$${name} is ${value}, no number to InfluxDB.`);
    }
    if (typeof value === "string" && !value.isWellFormed()) {
      throw new TidetableError("SINK_REFUSED", `$${name} has half a character.`);
    }
  }
  return JSON.stringify(parameters);
}

function quotedName(name: string): string {
  return `"${name.replace(/["\\]/g, "\\$&")}"`;
}

function wrongWith({ error, isCut }: QueryAnswer): string | undefined {
  return error ?? (isCut ? "its answer ends before its end" : undefined);
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)} …`;
}
