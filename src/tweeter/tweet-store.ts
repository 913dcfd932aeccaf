/**
 * The port of where Tweeter keeps tweets. Adapters: cassandra-tweet-store.ts (Cassandra, and Kafka behind it) and
 * embedded-tweet-store.ts (an append-only file).
 */
import type { Tweet } from "./tweet.js";

export interface TweetDraft {
  readonly handle: string;
  readonly content: string;
  /** The same key, handle and content again are the same tweet. */
  readonly key?: string;
}

export interface PostedTweet {
  readonly tweet: Tweet;
  /** True: it was there already, so this request is one that was sent again. */
  readonly repeated: boolean;
}

export interface TimelineRequest {
  /** Only tweets older than the one with this id. */
  readonly before?: string;
  readonly handle?: string;
  readonly limit: number;
}

/** One thing the store stands on. */
export interface StorePart {
  readonly name: "cassandra" | "kafka" | "file";
  readonly up: boolean;
  /** False while it has not been seen since this instance started. */
  readonly seen: boolean;
  /** What is known of it, in a few words. */
  readonly detail: string;
}

/** Another Tweeter on the same store, or this one. */
export interface InstanceReport {
  readonly name: string;
  readonly url: string;
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  readonly requests: number;
  readonly posts: number;
  /** Shares of the outbox that it relays to Kafka. */
  readonly lanes: readonly number[];
}

export interface TweetStore {
  /**
   * Resolves when the tweet is safe: it will be in every timeline and on the topic, once.
   * @throws TidetableError STORE_UNAVAILABLE (retryable): it is not known whether it is stored; the same key settles it.
   */
  post(draft: TweetDraft): Promise<PostedTweet>;
  /** Newest first. @throws TidetableError STORE_UNAVAILABLE */
  timeline(request: TimelineRequest): Promise<readonly Tweet[]>;
  tweet(id: string): Promise<Tweet | undefined>;
  parts(): readonly StorePart[];
  /** Tweets that this instance has read from the outbox and not sent on yet. */
  waiting(): number;
  /** Age of what may still wait in this instance's lanes; undefined where it has none. */
  relayDelaySeconds(): number | undefined;
  /** All that serve this store, this one among them. */
  instances(): Promise<readonly InstanceReport[]>;
  /** Lets go of what others can take over, then ends. */
  close(): Promise<void>;
}
