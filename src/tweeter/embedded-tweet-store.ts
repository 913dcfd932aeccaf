/**
 * Tweeter's store without any server: the append-only log that streams tail. Keeps the newest tweets in memory for the
 * pages; what is acknowledged is in the file. Owns the index, not the file.
 */
import { readFile } from "node:fs/promises";
import type { EmbeddedLog } from "../embedded/log.js";
import { decodeLogLines } from "../streaming/log/format.js";
import { valueAt } from "../streaming/record.js";
import { encodeTweet, refusalReason, type Tweet } from "./tweet.js";
import { keyTimeMs, newTweetId, tweetIdOfKey } from "./tweet-id.js";
import type { InstanceReport, PostedTweet, StorePart, TimelineRequest, TweetDraft, TweetStore } from "./tweet-store.js";

/** In memory; when half as many again have come, the oldest go. The log itself keeps about 250,000. */
const keptMax = 100_000;

export interface EmbeddedTweetStoreOptions {
  readonly log: EmbeddedLog;
  readonly report: () => Omit<InstanceReport, "lanes" | "seenAtMs">;
}

export async function openEmbeddedTweetStore(options: EmbeddedTweetStoreOptions): Promise<TweetStore> {
  const store = new EmbeddedTweetStore(options);
  await store.readLog();
  return store;
}

class EmbeddedTweetStore implements TweetStore {
  readonly #log: EmbeddedLog;
  readonly #report: EmbeddedTweetStoreOptions["report"];
  /** In the order of the file. */
  #tweets: Tweet[] = [];
  /** Place of a tweet in all that were ever indexed. */
  readonly #places = new Map<string, number>();
  #firstPlace = 0;
  readonly #posting = new Map<string, Promise<Tweet>>();

  constructor({ log, report }: EmbeddedTweetStoreOptions) {
    this.#log = log;
    this.#report = report;
    log.onAppend((records) => {
      for (const { value } of records) this.#index(value);
    });
  }

  /** What was there before. What is appended meanwhile comes in twice, and counts once. */
  async readLog(): Promise<void> {
    const bytes = await readFile(this.#log.path);
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    const batch = decodeLogLines({ topic: "tweets", bytes: whole, firstOffset: 0n, highWatermark: 0n });
    const since = this.#tweets;
    this.#tweets = [];
    this.#places.clear();
    for (let index = 0; index < batch.count; index += 1) this.#index(valueAt(batch, index)?.toString() ?? "");
    for (const tweet of since) this.#add(tweet);
  }

  async post(draft: TweetDraft): Promise<PostedTweet> {
    const nowMs = Date.now();
    const { key, handle, content } = draft;
    const id = key === undefined ? newTweetId(nowMs, handle) : tweetIdOfKey(key, handle, content);
    const known = this.#find(id) ?? (await this.#posting.get(id));
    if (known !== undefined) return { tweet: known, repeated: true };
    const sentAtMs = key === undefined ? undefined : keyTimeMs(key);
    const tweet: Tweet = { id, handle, content, createdAtMs: Math.min(sentAtMs ?? nowMs, nowMs) };
    const writing = this.#log
      .append([{ key: handle, value: encodeTweet(tweet), timestampMs: nowMs }])
      .then(() => tweet);
    this.#posting.set(id, writing);
    try {
      return { tweet: await writing, repeated: false };
    } finally {
      this.#posting.delete(id);
    }
  }

  async timeline({ before, handle, limit }: TimelineRequest): Promise<readonly Tweet[]> {
    const found: Tweet[] = [];
    const end =
      before === undefined ? this.#tweets.length : (this.#places.get(before) ?? this.#firstPlace) - this.#firstPlace;
    for (let at = end - 1; at >= 0 && found.length < limit; at -= 1) {
      const tweet = this.#tweets[at];
      if (tweet !== undefined && (handle === undefined || tweet.handle === handle)) found.push(tweet);
    }
    return found;
  }

  async tweet(id: string): Promise<Tweet | undefined> {
    return this.#find(id);
  }

  parts(): readonly StorePart[] {
    return [
      { name: "file", up: true, seen: true, detail: `${this.#log.nextOffset.toLocaleString("en")} records so far` },
    ];
  }

  waiting(): number {
    return 0;
  }

  relayDelaySeconds(): undefined {
    return undefined;
  }

  async instances(): Promise<readonly InstanceReport[]> {
    return [{ ...this.#report(), seenAtMs: Date.now(), lanes: [] }];
  }

  /** The log is closed by whoever opened it. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#posting.values());
  }

  #find(id: string): Tweet | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#tweets[place - this.#firstPlace];
  }

  #index(value: string): void {
    const tweet = parseTweet(value);
    if (tweet !== undefined) this.#add(tweet);
  }

  #add(tweet: Tweet): void {
    if (this.#places.has(tweet.id)) return;
    this.#places.set(tweet.id, this.#firstPlace + this.#tweets.length);
    this.#tweets.push(tweet);
    if (this.#tweets.length < keptMax * 1.5) return;
    const gone = this.#tweets.splice(0, this.#tweets.length - keptMax);
    for (const { id } of gone) this.#places.delete(id);
    this.#firstPlace += gone.length;
  }
}

/** Undefined for what is no tweet: the log holds a few of those on purpose. */
function parseTweet(value: string): Tweet | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (typeof fields !== "object" || fields === null) return undefined;
  const { id, handle, content, created_at: createdAt } = fields as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || typeof handle !== "string" || typeof content !== "string") return undefined;
  const createdAtMs = typeof createdAt === "string" ? Date.parse(createdAt) : Number.NaN;
  if (Number.isNaN(createdAtMs) || refusalReason({ handle, content }) !== undefined) return undefined;
  return { id, handle, content, createdAtMs };
}
