/** Posts generated tweets to a topic at a steady rate, as the original post-tweets did, and counts them by speaker. */
import type { KafkaConnection } from "../streaming/kafka/client.js";
import {
  type ProductionOutcome,
  type ProductionProgress,
  produceSteadily,
} from "../streaming/kafka/steady-producer.js";
import { encodeTweet } from "./tweet.js";
import { generateTweet } from "./tweet-generator.js";

/** One record as it is sent; its key, the speaker's handle, keeps one speaker's tweets in order, on one partition. */
interface TweetRecord {
  readonly key: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly timestampMs: number;
}

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
  readonly onProgress?: (progress: ProductionProgress) => void;
}

export interface PostOutcome extends ProductionOutcome {
  /** Acknowledged tweets by speaker. */
  readonly perHandle: ReadonlyMap<string, number>;
}

/** @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, PRODUCE_FAILED before the first tweet; failed tweets are counted. */
export async function postTweets(options: PostTweetsOptions): Promise<PostOutcome> {
  const { brokers, connection, seed, ...production } = options;
  const perHandle = new Map<string, number>();
  let made = 0;
  const outcome = await produceSteadily<TweetRecord>({
    ...production,
    connection: { ...connection, brokers },
    next: (countMax) => {
      const count = Math.min(countMax, options.count - made);
      made += count;
      return tweets(seed, made - count, count, Date.now());
    },
    onAcknowledged: (records) => {
      for (const { key } of records) perHandle.set(key, (perHandle.get(key) ?? 0) + 1);
    },
  });
  return { ...outcome, perHandle };
}

function tweets(seed: number, first: number, count: number, createdAtMs: number): TweetRecord[] {
  return Array.from({ length: count }, (_, position) => {
    const tweet = generateTweet(seed, first + position, createdAtMs);
    return { key: tweet.handle, value: encodeTweet(tweet), timestampMs: createdAtMs };
  });
}
