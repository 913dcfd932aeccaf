/**
 * Tweeter's store on Cassandra and Kafka: a tweet is written to the outbox and to where it is read from, then it is
 * acknowledged; the outbox brings it to Kafka. Composes; tables, writer, outbox and relay are files of their own.
 */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, types } from "cassandra-driver";
import { TidetableError } from "../errors.js";
import type { KafkaConnection } from "../streaming/kafka/client.js";
import { type CassandraConnection, cassandraClient, cassandraError, closeCassandraClient } from "./cassandra-client.js";
import { CassandraInstances } from "./cassandra-instances.js";
import { CassandraOutbox } from "./cassandra-outbox.js";
import { prepareSchema } from "./cassandra-schema.js";
import { TweetWriter } from "./cassandra-tweet-writer.js";
import { CassandraTweets } from "./cassandra-tweets.js";
import { OutboxRelay, shortReason } from "./outbox-relay.js";
import type { Tweet } from "./tweet.js";
import { keyTimeMs, newTweetId, tweetIdOfKey, tweetIdTimeMs } from "./tweet-id.js";
import type { InstanceReport, PostedTweet, StorePart, TimelineRequest, TweetDraft, TweetStore } from "./tweet-store.js";
import { TweetTopic } from "./tweet-topic.js";

export interface CassandraTweetStoreOptions {
  readonly cassandra: CassandraConnection;
  readonly keyspace: string;
  readonly replicas?: number;
  readonly kafka: KafkaConnection;
  readonly topic: string;
  /** What this instance tells the others of itself. */
  readonly report: () => Omit<InstanceReport, "lanes" | "seenAtMs">;
  readonly log: (line: string) => void;
}

/** A request is answered within this time or refused; a row of the outbox that comes later is not acknowledged. */
const postMaxMs = 5_000;
/** A key of this age or less names the tweet's moment. */
const freshKeyMs = 5 * 60_000;
const clockMarginMs = 60_000;
/** A key younger than this has hardly been sent before. */
const firstTryMs = 1_000;
const connectAgainMs = 1_000;
const heartbeatMs = 2_000;

/** Answers at once; connects in the background, for as long as it takes, and says in `parts()` how that goes. */
export function openCassandraTweetStore(options: CassandraTweetStoreOptions): TweetStore {
  return new CassandraTweetStore(options);
}

class CassandraTweetStore implements TweetStore {
  readonly #options: CassandraTweetStoreOptions;
  readonly #client: Client;
  readonly #tweets: CassandraTweets;
  readonly #outbox: CassandraOutbox;
  readonly #writer: TweetWriter;
  readonly #instances: CassandraInstances;
  readonly #relay: OutboxRelay;
  readonly #stopping = new AbortController();
  readonly #connecting: Promise<void>;
  #connected = false;
  /** What Cassandra's last answer was: undefined for a good one. */
  #cassandraTrouble: string | undefined = "not connected yet";
  #heartbeat: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #known: readonly InstanceReport[] = [];

  constructor(options: CassandraTweetStoreOptions) {
    this.#options = options;
    const { keyspace } = options;
    this.#client = cassandraClient(options.cassandra);
    this.#tweets = new CassandraTweets(this.#client, keyspace);
    this.#outbox = new CassandraOutbox(this.#client, keyspace);
    this.#writer = new TweetWriter(this.#client, this.#tweets, this.#outbox);
    this.#instances = new CassandraInstances(this.#client, keyspace);
    this.#relay = new OutboxRelay({
      keyspace,
      holder: `${options.report().name} ${randomUUID().slice(0, 8)}`,
      outbox: this.#outbox,
      tweets: this.#tweets,
      topic: new TweetTopic(options.kafka, options.topic),
      instanceCount: () => this.#known.length,
      onSent: () => {},
    });
    this.#connecting = this.#connect();
  }

  async post(draft: TweetDraft): Promise<PostedTweet> {
    return await this.#asked(async () => {
      const { id, sentBefore } = await this.#identify(draft);
      if (sentBefore) {
        const tweet = await this.#tweets.tweet(id);
        if (tweet !== undefined) return { tweet, repeated: true };
      }
      const tweet: Tweet = { id, handle: draft.handle, content: draft.content, createdAtMs: tweetIdTimeMs(id) };
      await this.#writer.write(tweet, postMaxMs);
      this.#relay.nudge(tweet.handle);
      return { tweet, repeated: false };
    }, postMaxMs);
  }

  async timeline(request: TimelineRequest): Promise<readonly Tweet[]> {
    return await this.#asked(() => this.#tweets.timeline(request), postMaxMs);
  }

  async tweet(id: string): Promise<Tweet | undefined> {
    return await this.#asked(() => this.#tweets.tweet(id), postMaxMs);
  }

  parts(): readonly StorePart[] {
    const trouble = this.#relay.trouble;
    const waiting = this.#relay.waiting === 0 ? "" : `, ${this.#relay.waiting} tweets wait in the outbox`;
    return [
      {
        name: "cassandra",
        up: this.#connected && this.#cassandraTrouble === undefined,
        seen: this.#connected,
        detail: this.#cassandraTrouble ?? "answers",
      },
      {
        name: "kafka",
        up: this.#relay.kafkaSeen && trouble === undefined,
        // An instance without a lane has nothing to say to Kafka: the others see to it.
        seen: this.#relay.kafkaSeen || (this.#connected && this.#known.length > 1 && this.#relay.lanes.length === 0),
        detail:
          trouble === undefined
            ? `relays lanes ${this.#relay.lanes.join(" ") || "none"}`
            : `${shortReason(trouble)}${waiting}`,
      },
    ];
  }

  waiting(): number {
    return this.#relay.waiting;
  }

  relayDelaySeconds(): number | undefined {
    const untilMs = this.#relay.relayedUntilMs;
    return untilMs === undefined ? undefined : Math.max(0, Date.now() - untilMs) / 1000;
  }

  async instances(): Promise<readonly InstanceReport[]> {
    return this.#known;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#heartbeat);
    await this.#connecting;
    await this.#beating;
    if (this.#connected) {
      await this.#relay.close();
      // The others share its lanes at once; without this, when its entry runs out.
      await this.#instances.remove(this.#options.report().name).catch(() => undefined);
    }
    await closeCassandraClient(this.#client);
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopping;
    let told = "";
    while (!signal.aborted) {
      try {
        await this.#client.connect();
        await prepareSchema(this.#client, this.#options);
        this.#cassandraTrouble = undefined;
        this.#connected = true;
        await this.#beat();
        this.#heartbeat = setInterval(() => this.#beatSoon(), heartbeatMs);
        this.#relay.start();
        return;
      } catch (error) {
        const failure = cassandraError(this.#options.cassandra, error);
        this.#cassandraTrouble = shortReason(failure);
        if (told !== failure.message) this.#options.log(`${failure.message} Trying again every second.`);
        told = failure.message;
        await delay(connectAgainMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #beatSoon(): void {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
  }

  /** Says that this instance is here, and hears of the others. */
  async #beat(): Promise<void> {
    try {
      const own: InstanceReport = { ...this.#options.report(), seenAtMs: Date.now(), lanes: this.#relay.lanes };
      await this.#instances.put(own);
      this.#known = await this.#instances.all();
      this.#cassandraTrouble = undefined;
    } catch (error) {
      this.#cassandraTrouble = shortReason(cassandraError(this.#options.cassandra, error));
    }
  }

  /** A tweet's id, and whether the same request may have been here before. */
  async #identify(draft: TweetDraft): Promise<{ readonly id: string; readonly sentBefore: boolean }> {
    const { key, handle, content } = draft;
    const nowMs = Date.now();
    if (key === undefined) return { id: newTweetId(nowMs, handle), sentBefore: false };
    const keyMs = keyTimeMs(key);
    if (keyMs !== undefined && keyMs < nowMs + clockMarginMs) {
      const id = tweetIdOfKey(key, handle, content);
      const ageMs = nowMs - keyMs;
      if (ageMs <= freshKeyMs) return { id, sentBefore: ageMs > firstTryMs };
      // Sent in time the first time: then it is there. Else it is new, and of now.
      if ((await this.#tweets.tweet(id)) !== undefined) return { id, sentBefore: true };
    }
    return await this.#claim(JSON.stringify([key, handle, content]), newTweetId(nowMs, handle));
  }

  /** The first request of a key decides which tweet it is. */
  async #claim(request: string, id: string): Promise<{ readonly id: string; readonly sentBefore: boolean }> {
    const digest = createHash("sha256").update(request).digest("base64url");
    const answer = await this.#client.execute(
      `INSERT INTO ${this.#options.keyspace}.requests (digest, id) VALUES (?, ?) IF NOT EXISTS`,
      [digest, id],
      { isIdempotent: false, serialConsistency: types.consistencies.serial },
    );
    if (answer.wasApplied()) return { id, sentBefore: false };
    return { id: String(answer.first()?.get("id")), sentBefore: true };
  }

  /** Within the time or not at all, and every failure in our words. */
  async #asked<T>(ask: () => Promise<T>, timeoutMs: number): Promise<T> {
    if (!this.#connected) {
      throw new TidetableError("STORE_UNAVAILABLE", `Cassandra is ${this.#cassandraTrouble ?? "away"}.`, {
        retryable: true,
      });
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = ask();
      // Whichever loses the race has nobody left to tell.
      answer.catch(() => undefined);
      // An own timer: one that is cancelled with a signal makes an error, with its stack, for each request.
      const late = new Promise<never>((_, reject) => {
        const message = `Cassandra took longer than ${timeoutMs / 1000} s.`;
        timer = setTimeout(
          () => reject(new TidetableError("STORE_UNAVAILABLE", message, { retryable: true })),
          timeoutMs,
        );
      });
      return await Promise.race([answer, late]);
    } catch (error) {
      throw cassandraError(this.#options.cassandra, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A name that goes into statements as it is. @throws TidetableError CONFIG_INVALID */
export function checkedKeyspace(name: string): string {
  if (/^[a-z][a-z0-9_]{0,47}$/.test(name)) return name;
  throw new TidetableError(
    "CONFIG_INVALID",
    `The keyspace "${name}" is not a name Cassandra takes unquoted: a letter, then up to 47 of a-z, 0-9 and _.`,
  );
}
