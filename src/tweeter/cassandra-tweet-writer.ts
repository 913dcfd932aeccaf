/**
 * Writes tweets to Cassandra, those of a lane that come at one time together: outbox, timeline and handle are in one
 * partition, so a group is one write for each replica, all of it or nothing. After a write comes a rest by how long it took
 * and how much came, so groups are as large as Cassandra is slow. Owns the queues; tables are their own files' affair.
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
/**
 * A write costs Cassandra about as much for one tweet as for four, so while there is much to do the next ones are waited
 * for: as long as the write took, for so long at the most, and so many times as long where that many tweets came together.
 * Who posts when nothing was written just before waits for nothing.
 */
const restMaxMs = 25;
const restTimesMax = 3;
/** A group that is answered later than this does not hold up others, of its lane so many. */
const slowGroupMs = 400;
const groupsOfLaneMax = 4;
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
  readonly #restMaxMs: number;
  readonly #lanes = Array.from({ length: laneCount }, () => new LaneQueue());
  readonly #underWay = new Set<{ readonly lane: LaneQueue; isSlow: boolean }>();
  /** No group begins before. */
  #restUntilMs = 0;
  #isPlanned = false;

  constructor(client: Client, tweets: CassandraTweets, outbox: CassandraOutbox, pace = { restMaxMs }) {
    this.#restMaxMs = pace.restMaxMs;
    this.#client = client;
    this.#tweets = tweets;
    this.#outbox = outbox;
  }

  /** Resolves when the tweet is wherever it is read from, and on its way to the topic. What waits longer is not written. */
  async write(tweet: Tweet, timeoutMs: number): Promise<void> {
    await new Promise<void>((written, failed) => {
      this.#lanes[laneOf(tweet.handle)]?.add({ tweet, untilMs: performance.now() + timeoutMs, written, failed });
      this.#plan();
    });
  }

  /** Not at once: requests that came in together go out together, and all lanes do, so that answers come together too. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const begin = () => {
      this.#isPlanned = false;
      if (performance.now() < this.#restUntilMs) return this.#plan();
      for (const lane of this.#lanes) if (this.#mayGo(lane)) this.#begin(lane);
    };
    const restMs = this.#restUntilMs - performance.now();
    if (restMs <= 0) setImmediate(begin);
    else setTimeout(begin, Math.ceil(restMs));
  }

  #mayGo(lane: LaneQueue): boolean {
    if (!lane.isWaiting) return false;
    const groups = [...this.#underWay].filter((group) => group.lane === lane);
    return groups.length < groupsOfLaneMax && groups.every(({ isSlow }) => isSlow);
  }

  #begin(lane: LaneQueue): void {
    const group = lane.take();
    if (group.length === 0) return;
    const beganMs = performance.now();
    const underWay = { lane, isSlow: false };
    this.#underWay.add(underWay);
    const timer = setTimeout(() => {
      underWay.isSlow = true;
      this.#plan();
    }, slowGroupMs);
    void this.#writeGroup(group).finally(() => {
      clearTimeout(timer);
      this.#underWay.delete(underWay);
      const endedMs = performance.now();
      if (!underWay.isSlow) {
        const times = Math.min(group.length, restTimesMax);
        this.#restUntilMs = endedMs + times * Math.min(endedMs - beganMs, this.#restMaxMs);
      }
      this.#plan();
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

/** What waits in a lane, in the order of coming. */
class LaneQueue {
  #waiting: Waiting[] = [];

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(one: Waiting): void {
    this.#waiting.push(one);
  }

  /** The next group; whoever has waited too long is told, and is none of it. */
  take(): readonly Waiting[] {
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
