/**
 * Writes tweets to Cassandra, those of a lane that come at one time together: outbox, timeline and handle are in one
 * partition, so a group is one write for each replica, all of it or nothing. A group goes out when the one before it is
 * answered, so it is as large as Cassandra is slow. Owns the queues; tables are their own files' affair.
 */
import type { Client } from "cassandra-driver";
import { TidetableError } from "../errors.js";
import type { CassandraOutbox } from "./cassandra-outbox.js";
import type { CassandraTweets } from "./cassandra-tweets.js";
import { laneCount, laneOf } from "./lanes.js";
import { quickWriteMs } from "./outbox-lane.js";
import type { Tweet } from "./tweet.js";

/** More than an instance takes on at once hardly ever; a group stays well below what one request may hold. */
const groupMax = 64;
/** A group that is answered later than this does not hold up the next. */
const slowGroupMs = 400;
const groupsAtOnceMax = 4;
/** Readers look only a little way back for rows that took long. */
const lateMs = quickWriteMs * 0.7;

interface Waiting {
  readonly tweet: Tweet;
  readonly untilMs: number;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

export class TweetWriter {
  readonly #client: Client;
  readonly #tweets: CassandraTweets;
  readonly #outbox: CassandraOutbox;
  readonly #lanes = Array.from({ length: laneCount }, () => new LaneQueue((group) => this.#writeGroup(group)));

  constructor(client: Client, tweets: CassandraTweets, outbox: CassandraOutbox) {
    this.#client = client;
    this.#tweets = tweets;
    this.#outbox = outbox;
  }

  /** Resolves when the tweet is wherever it is read from, and on its way to the topic. What waits longer is not written. */
  async write(tweet: Tweet, timeoutMs: number): Promise<void> {
    await new Promise<void>((written, failed) => {
      this.#lanes[laneOf(tweet.handle)]?.add({ tweet, untilMs: performance.now() + timeoutMs, written, failed });
    });
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(group.map(({ tweet }) => tweet));
      for (const { written } of group) written();
    } catch (error) {
      const [first] = group;
      if (group.length === 1) return first?.failed(error);
      // What one of them cannot do should not be the others' failure.
      await Promise.all(group.map((one) => this.#writeGroup([one])));
    }
  }

  async #write(tweets: readonly Tweet[]): Promise<void> {
    const startedMs = performance.now();
    const rows = [...this.#outbox.rows(tweets, Date.now()), ...tweets.flatMap((tweet) => this.#tweets.rows(tweet))];
    await Promise.all([
      this.#client.batch(rows, { logged: false }),
      ...tweets.map((tweet) => this.#tweets.writeDays(tweet)),
    ]);
    let tookMs = performance.now() - startedMs;
    // A row that came late is written again: its id is sent once.
    while (tookMs > lateMs) {
      const againMs = performance.now();
      await this.#client.batch([...this.#outbox.rows(tweets, Date.now())], { logged: false });
      tookMs = performance.now() - againMs;
    }
  }
}

/** What waits in a lane, and the groups of it that are under way: one at a time, and one more for each that is slow. */
class LaneQueue {
  readonly #write: (group: readonly Waiting[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #slow = 0;
  #isPlanned = false;

  constructor(write: (group: readonly Waiting[]) => Promise<void>) {
    this.#write = write;
  }

  add(one: Waiting): void {
    this.#waiting.push(one);
    this.#plan();
  }

  /** Not at once: requests that came in together go out together. */
  #plan(): void {
    if (this.#isPlanned || this.#waiting.length === 0) return;
    if (this.#underWay > this.#slow || this.#underWay >= groupsAtOnceMax) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#begin();
    });
  }

  #begin(): void {
    const group = this.#take();
    if (group.length === 0) return;
    this.#underWay += 1;
    let isSlow = false;
    const timer = setTimeout(() => {
      isSlow = true;
      this.#slow += 1;
      this.#plan();
    }, slowGroupMs);
    void this.#write(group).finally(() => {
      clearTimeout(timer);
      this.#underWay -= 1;
      if (isSlow) this.#slow -= 1;
      this.#plan();
    });
  }

  /** The next group; whoever has waited too long is told, and is none of it. */
  #take(): readonly Waiting[] {
    const nowMs = performance.now();
    const group: Waiting[] = [];
    let taken = 0;
    for (const one of this.#waiting) {
      if (group.length >= groupMax) break;
      taken += 1;
      if (one.untilMs > nowMs) group.push(one);
      else one.failed(new TidetableError("STORE_UNAVAILABLE", "Cassandra is too slow just now.", { retryable: true }));
    }
    this.#waiting = this.#waiting.slice(taken);
    return group;
  }
}
