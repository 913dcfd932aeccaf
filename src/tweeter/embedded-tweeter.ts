/**
 * The sample app without a broker: appends generated tweets to the embedded log at a rate that can be changed, after a
 * few minutes' worth of past ones so that a chart has something to show at once. Owns the clock; the tweets are
 * tweet-generator.ts's, the file embedded-tweet-log.ts's.
 */
import type { TidetableError } from "../errors.js";
import { EmbeddedTweetLog } from "./embedded-tweet-log.js";
import { encodeTweet } from "./tweet.js";
import { generateBadValue, generateTweet, isBad } from "./tweet-generator.js";
import type { TweetRecord } from "./tweet-log.js";

export interface EmbeddedTweeterOptions {
  /** The log file; made if it is not there. */
  readonly path: string;
  /** Tweets a second on average; the rate breathes around it, as a crowd does. Default 20. */
  readonly ratePerSecond?: number;
  /** The same seed tells the same tweets. Default 1. */
  readonly seed?: number;
  /** One record in so many is no tweet, so that the rejected records have something to show. Default 500; 0 for none. */
  readonly badEvery?: number;
  /** Past tweets reach back at most so far. Default five minutes. */
  readonly historyMs?: number;
  /** A write failed, the feed goes on trying. */
  readonly onError?: (error: TidetableError) => void;
}

export interface EmbeddedTweeter {
  /** What it writes to; others may as well. */
  readonly log: EmbeddedTweetLog;
  setRate(ratePerSecond: number): void;
  stop(): Promise<void>;
}

const tickMs = 100;
const historyRateMin = 5;
const historyCountMax = 10_000;

/** @throws TidetableError LOG_UNREADABLE when the log cannot be opened for writing. */
export async function startEmbeddedTweeter(options: EmbeddedTweeterOptions): Promise<EmbeddedTweeter> {
  const log = await EmbeddedTweetLog.open(options.path);
  const feed = new Feed(log, options);
  await feed.appendHistory(Date.now());
  feed.start();
  return feed;
}

class Feed implements EmbeddedTweeter {
  readonly log: EmbeddedTweetLog;
  readonly #options: EmbeddedTweeterOptions;
  #ratePerSecond: number;
  /** Fractions of a tweet that are due. */
  #due = 0;
  #lastTickMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(log: EmbeddedTweetLog, options: EmbeddedTweeterOptions) {
    this.log = log;
    this.#options = options;
    this.#ratePerSecond = options.ratePerSecond ?? 20;
  }

  /** Fills the time before now, as far as the log does not hold it already. */
  async appendHistory(nowMs: number): Promise<void> {
    const ratePerSecond = Math.max(this.#ratePerSecond, historyRateMin);
    const reachMs = Math.min(this.#options.historyMs ?? 5 * 60_000, (historyCountMax / ratePerSecond) * 1000);
    const fromMs = Math.max(nowMs - reachMs, this.log.lastTimestampMs);
    const timestamps: number[] = [];
    let due = 0;
    for (let timeMs = fromMs + tickMs; timeMs <= nowMs; timeMs += tickMs) {
      due += ratePerSecond * breath(timeMs) * (tickMs / 1000);
      for (; due >= 1; due -= 1) timestamps.push(Math.round(timeMs));
    }
    await this.#append(timestamps);
  }

  start(): void {
    this.#lastTickMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  setRate(ratePerSecond: number): void {
    this.#ratePerSecond = Math.max(0, ratePerSecond);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    await this.log.close();
  }

  #tick(): void {
    const nowMs = performance.now();
    // A machine that slept does not post a night's worth at once.
    const elapsedMs = Math.min(nowMs - this.#lastTickMs, 1_000);
    this.#lastTickMs = nowMs;
    const timestampMs = Date.now();
    this.#due += this.#ratePerSecond * breath(timestampMs) * (elapsedMs / 1000);
    if (this.#writing !== undefined || this.#due < 1) return;
    const count = Math.floor(this.#due);
    this.#due -= count;
    this.#writing = this.#append(Array.from({ length: count }, () => timestampMs)).then(
      () => {
        this.#writing = undefined;
      },
      (error: TidetableError) => {
        this.#writing = undefined;
        this.#options.onError?.(error);
      },
    );
  }

  async #append(timestamps: readonly number[]): Promise<void> {
    const first = Number(this.log.nextOffset);
    await this.log.append(timestamps.map((timestampMs, position) => this.#record(first + position, timestampMs)));
  }

  #record(index: number, timestampMs: number): TweetRecord {
    const seed = this.#options.seed ?? 1;
    const tweet = generateTweet(seed, index, timestampMs);
    const value = isBad(seed, index, this.#options.badEvery ?? 500)
      ? generateBadValue(seed, index)
      : encodeTweet(tweet);
    return { key: tweet.handle, value, timestampMs };
  }
}

/** Swings between 0.5 and 1.5, about once in a minute and a half: a line over time has a shape to show. */
function breath(timeMs: number): number {
  return 1 + 0.35 * Math.sin((timeMs / 90_000) * 2 * Math.PI) + 0.15 * Math.sin((timeMs / 17_000) * 2 * Math.PI);
}
