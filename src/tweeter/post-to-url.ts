/**
 * Posts tweets to a Tweeter over HTTP: so many at once on connections that stay open, at a steady rate, each with a key so
 * that one which was sent again is still one. Owns retries and the account of what became of each; says nothing itself.
 */
import { setMaxListeners } from "node:events";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createHistogram } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, TidetableError } from "../errors.js";
import { newIdempotencyKey } from "./tweet-id.js";
import type { Line } from "./tweet-lines.js";

export interface PostToUrlOptions {
  /** Of the Tweeter or the balancer before it; `/tweets` is appended. */
  readonly url: string;
  readonly count: number;
  /** 0: as fast as it goes. */
  readonly ratePerSecond: number;
  /** At once. */
  readonly concurrency: number;
  readonly lineAt: (index: number) => Line;
  /** Aborted: what is under way is finished, nothing new is sent. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UrlProgress) => void;
}

export interface UrlProgress {
  readonly count: number;
  /** Tweets that are through, one way or another. */
  readonly done: number;
  readonly stored: number;
  readonly refused: number;
  readonly failed: number;
  /** Requests that were sent again. */
  readonly retried: number;
  readonly ratePerSecond: number;
  readonly remainingMs: number;
}

export interface UrlOutcome {
  readonly sent: number;
  readonly stored: number;
  /** Of the stored: the answer said that an earlier try had done it. */
  readonly repeated: number;
  readonly retried: number;
  /** The server will not have them, ever. */
  readonly refused: number;
  /** Given up: not known to be stored. */
  readonly failed: number;
  readonly elapsedMs: number;
  /** Of requests that were answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The last reason of a refusal or failure. */
  readonly reason: string | undefined;
}

const requestTimeoutMs = 10_000;
/** A tweet is given up after so long. */
const patienceMs = 120_000;
const pauseMinMs = 100;
const pauseMaxMs = 3_000;
const progressEveryMs = 500;

/** @throws TidetableError CONFIG_INVALID for what is no address, BROKER_UNREACHABLE when nobody answers there at all. */
export async function postToUrl(options: PostToUrlOptions): Promise<UrlOutcome> {
  const target = tweetsAddress(options.url);
  const poster = new Poster(target, options);
  try {
    await poster.requireAnswer();
    return await poster.run();
  } finally {
    poster.close();
  }
}

function tweetsAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    return new URL(`${url.pathname.replace(/\/(tweets\/?)?$/, "")}/tweets`, url);
  }
  throw new TidetableError(
    "CONFIG_INVALID",
    `"${text}" is no address of a Tweeter. Write for example http://127.0.0.1:8080`,
  );
}

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

class Poster {
  readonly #target: URL;
  readonly #options: PostToUrlOptions;
  readonly #agent: HttpAgent;
  readonly #latencyUs = createHistogram();
  readonly #startedMs = performance.now();
  #next = 0;
  #stored = 0;
  #repeated = 0;
  #retried = 0;
  #refused = 0;
  #failed = 0;
  #reason: string | undefined;

  constructor(target: URL, options: PostToUrlOptions) {
    this.#target = target;
    this.#options = options;
    // Each sender waits on it; Node takes more than ten for a leak, and says so in the middle of the bar.
    setMaxListeners(options.concurrency + 10, options.signal);
    const agentOptions = { keepAlive: true, maxSockets: options.concurrency };
    this.#agent = target.protocol === "https:" ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  }

  /** Said at once rather than a hundred thousand times. */
  async requireAnswer(): Promise<void> {
    try {
      await this.#request("GET", new URL("health", this.#target));
    } catch (error) {
      throw new TidetableError(
        "BROKER_UNREACHABLE",
        `No Tweeter answers at ${this.#target.origin} (${errorMessage(error)}). Start one with \`npx tidetable tweeter\`, or check --url.`,
        { retryable: true, cause: error },
      );
    }
  }

  async run(): Promise<UrlOutcome> {
    const telling = setInterval(() => this.#tell(), progressEveryMs);
    try {
      await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#send()));
    } finally {
      clearInterval(telling);
    }
    this.#tell();
    return {
      sent: this.#next,
      stored: this.#stored,
      repeated: this.#repeated,
      retried: this.#retried,
      refused: this.#refused,
      failed: this.#failed,
      elapsedMs: performance.now() - this.#startedMs,
      p50Ms: this.#latencyUs.percentile(50) / 1000,
      p99Ms: this.#latencyUs.percentile(99) / 1000,
      reason: this.#reason,
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    const { count, signal, ratePerSecond, lineAt } = this.#options;
    while (this.#next < count && !signal.aborted) {
      const index = this.#next;
      this.#next += 1;
      if (ratePerSecond > 0) {
        const waitMs = this.#startedMs + (index / ratePerSecond) * 1000 - performance.now();
        if (waitMs > 1) await delay(waitMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) {
          // This one was not begun.
          this.#next -= 1;
          return;
        }
      }
      await this.#sendUntilKnown(lineAt(index));
    }
  }

  async #sendUntilKnown(line: Line): Promise<void> {
    const body = JSON.stringify({ handle: line.handle, content: line.content });
    const key = newIdempotencyKey(Date.now());
    const deadlineMs = performance.now() + patienceMs;
    for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
      const sentAtMs = performance.now();
      let askedPauseMs: number | undefined;
      try {
        const answer = await this.#request("POST", this.#target, body, key);
        this.#latencyUs.record(Math.max(1, Math.round((performance.now() - sentAtMs) * 1000)));
        if (this.#settle(answer)) return;
        askedPauseMs = answer.retryAfterMs;
      } catch (error) {
        this.#reason = errorMessage(error);
      }
      if (performance.now() > deadlineMs || this.#options.signal.aborted) {
        this.#failed += 1;
        return;
      }
      this.#retried += 1;
      // Not all at the same moment.
      await delay(Math.min(askedPauseMs ?? pauseMs, pauseMaxMs) * (0.5 + Math.random()));
    }
  }

  /** True: nothing is left to do for this tweet. */
  #settle({ status, body }: Answer): boolean {
    if (status === 200 || status === 201) {
      this.#stored += 1;
      if (status === 200) this.#repeated += 1;
      return true;
    }
    this.#reason = `${status} ${body.slice(0, 200)}`;
    if (status >= 500 || status === 429 || status === 408) return false;
    this.#refused += 1;
    return true;
  }

  async #request(method: "GET" | "POST", url: URL, body = "", key = ""): Promise<Answer> {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return await new Promise((resolve, reject) => {
      const request = send(
        url,
        {
          method,
          agent: this.#agent,
          headers:
            method === "GET"
              ? {}
              : {
                  "content-type": "application/json",
                  "content-length": Buffer.byteLength(body),
                  accept: "application/json",
                  "idempotency-key": key,
                },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
          response.on("error", reject);
          response.on("end", () => {
            const seconds = Number(response.headers["retry-after"]);
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
              body: text,
            });
          });
        },
      );
      request.setTimeout(requestTimeoutMs, () =>
        request.destroy(new Error(`no answer within ${requestTimeoutMs / 1000} s`)),
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  #tell(): void {
    const done = this.#stored + this.#refused + this.#failed;
    const ratePerSecond = done / Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    this.#options.onProgress?.({
      count: this.#options.count,
      done,
      stored: this.#stored,
      refused: this.#refused,
      failed: this.#failed,
      retried: this.#retried,
      ratePerSecond,
      remainingMs: ratePerSecond > 0 ? ((this.#options.count - done) / ratePerSecond) * 1000 : 0,
    });
  }
}
