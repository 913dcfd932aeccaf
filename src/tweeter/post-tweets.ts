/**
 * Posts generated tweets to a topic at a steady rate, as the original post-tweets did: counts what was acknowledged,
 * stops cleanly when told to. Says nothing itself; progress is handed out.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { KafkaConnection } from "../streaming/kafka/client.js";
import { KafkaTweetLog } from "./kafka-tweet-log.js";
import { encodeTweet } from "./tweet.js";
import { generateTweet } from "./tweet-generator.js";
import type { TweetRecord } from "./tweet-log.js";

export interface PostTweetsOptions {
  readonly brokers: readonly string[];
  /** TLS and SASL, where the brokers want them. */
  readonly connection?: Omit<KafkaConnection, "brokers">;
  /** Made with three partitions if it is not there. */
  readonly topic: string;
  readonly count: number;
  /** Tweets a second; a broker that cannot keep up slows it down. */
  readonly ratePerSecond: number;
  readonly seed: number;
  /** Aborted: what is under way is still acknowledged, nothing new is sent. */
  readonly signal: AbortSignal;
  /** About once a second, and at the end. */
  readonly onProgress?: (progress: PostProgress) => void;
}

export interface PostProgress {
  readonly acknowledged: number;
  readonly failed: number;
  readonly count: number;
  /** Acknowledged a second since the beginning. */
  readonly ratePerSecond: number;
  /** Until the last tweet, at the present rate. */
  readonly remainingMs: number;
}

export interface PostOutcome {
  readonly acknowledged: number;
  readonly failed: number;
  /** Acknowledged tweets by speaker. */
  readonly perHandle: ReadonlyMap<string, number>;
}

/** Sent together; at most this many at once, so that a slow broker is noticed soon. */
const batchCountMax = 2_000;
const tickMs = 100;
const progressEveryMs = 1_000;

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, PRODUCE_FAILED before the first tweet; failed tweets are counted. */
export async function postTweets(options: PostTweetsOptions): Promise<PostOutcome> {
  const log = await KafkaTweetLog.open({ ...options.connection, brokers: options.brokers }, options.topic);
  try {
    return await post(log, options);
  } finally {
    await log.close();
  }
}

async function post(log: KafkaTweetLog, options: PostTweetsOptions): Promise<PostOutcome> {
  const { count, ratePerSecond, signal } = options;
  const perHandle = new Map<string, number>();
  const startedMs = performance.now();
  let sent = 0;
  let failed = 0;
  let toldAtMs = startedMs;
  const tell = () => {
    const acknowledged = sent - failed;
    const rate = acknowledged / Math.max(0.001, (performance.now() - startedMs) / 1000);
    const remainingMs = rate > 0 ? ((count - sent) / rate) * 1000 : 0;
    options.onProgress?.({ acknowledged, failed, count, ratePerSecond: rate, remainingMs });
  };

  while (sent < count && !signal.aborted) {
    const due = Math.floor(((performance.now() - startedMs + tickMs) / 1000) * ratePerSecond);
    const batchCount = Math.min(count, due) - sent;
    if (batchCount <= 0) {
      await delay(tickMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const batch = tweets(options.seed, sent, Math.min(batchCount, batchCountMax), Date.now());
    const outcome = await log.offer(batch);
    sent += batch.length;
    failed += outcome.failed;
    const lost = new Set<object>(outcome.failedMessages);
    for (const record of batch) {
      if (!lost.has(record)) perHandle.set(record.key, (perHandle.get(record.key) ?? 0) + 1);
    }
    if (performance.now() - toldAtMs < progressEveryMs) continue;
    toldAtMs = performance.now();
    tell();
  }
  tell();
  return { acknowledged: sent - failed, failed, perHandle };
}

function tweets(seed: number, first: number, count: number, createdAtMs: number): TweetRecord[] {
  return Array.from({ length: count }, (_, position) => {
    const tweet = generateTweet(seed, first + position, createdAtMs);
    return { key: tweet.handle, value: encodeTweet(tweet), timestampMs: createdAtMs };
  });
}
