/**
 * One lane of the outbox, on its way to Kafka: reads what was written, sends what was not sent, in the order of writing.
 * Runs only while its instance holds the lane; whoever takes it over begins where the last one is known to have been and
 * reads the topic to see what is in it already. Owns the rule that a tweet is on the topic once.
 */
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../errors.js";
import type { TransactionalProducer } from "../streaming/kafka/transactions.js";
import type { CassandraOutbox, OutboxRow } from "./cassandra-outbox.js";
import type { CassandraTweets } from "./cassandra-tweets.js";
import type { Tweet } from "./tweet.js";
import { type TweetTopic, tweetRecord } from "./tweet-topic.js";

/** A writer gives up on a row after this time (`outboxWriteMaxMs`), so an older row will not appear any more. */
export const settledAfterMs = 8_000;
/** Rows written this long before the newest one seen are looked at again at each turn; a slower writer writes anew. */
export const quickWriteMs = 1_000;
/** A sweep reads from the mark on, which is then `settledAfterMs` old: twice as often would read each row half as often again. */
const sweepEveryMs = 8_000;
const restMs = 120;
/** While nothing comes: other instances' tweets wait for so long at the most, our own are told of at once. */
const idleRestMs = 480;
const busyRestMs = 800;
const busyTweets = 100;
const wokenRestMs = 20;
/** A turn costs both clusters about the same for one tweet as for hundreds, so it is rested for so many times its length. */
const restPerTurn = 5;
/** Of several tweets each. */
const readRowsMax = 500;
const sendTweetsMax = 500;
/** Writers' clocks may be this much behind: so far back is looked although nothing new was seen for long. */
const clockLagMs = 3_000;
/** After a failure: soon, then ever later. */
const retryAfterMs = [300, 600, 1_200, 2_500, 5_000];
/** Ids are remembered so long after they were sent: a request that is sent again may write its row again. */
const rememberMs = 3 * 60_000;

export interface LanePorts {
  readonly lane: number;
  readonly outbox: CassandraOutbox;
  readonly tweets: CassandraTweets;
  readonly topic: TweetTopic;
  readonly transactionalId: string;
  /** Writes down how far all is relayed; false when the lane is another's by now. */
  readonly advance: (relayedUntilMs: number) => Promise<boolean>;
  /** Kafka answers, and the lane is this instance's there too. */
  readonly onOpen: () => void;
  readonly onSent: (count: number) => void;
  /** Undefined: all is well again. */
  readonly onTrouble: (message: string | undefined) => void;
}

export class OutboxLane {
  readonly #ports: LanePorts;
  readonly #stopping = new AbortController();
  readonly #sentAtMs = new Map<string, number>();
  readonly #running: Promise<void>;
  /** Everything written before is relayed, and in the timeline. */
  #relayedUntilMs: number;
  #newestSeenMs: number;
  #readAtMs = 0;
  #sweptAtMs = 0;
  #producer: TransactionalProducer | undefined;
  #wake: (() => void) | undefined;
  #waiting = 0;

  /** Runs from now on. */
  constructor(relayedUntilMs: number, ports: LanePorts) {
    this.#ports = ports;
    this.#relayedUntilMs = relayedUntilMs;
    this.#newestSeenMs = relayedUntilMs;
    this.#running = this.#run();
  }

  /** Tweets that were read and not sent. */
  get waiting(): number {
    return this.#waiting;
  }

  get relayedUntilMs(): number {
    return this.#relayedUntilMs;
  }

  /** Something was written to this lane. */
  nudge(): void {
    this.#wake?.();
  }

  /** Finishes what is under way and lets go. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    let emptyRestMs = restMs;
    while (!signal.aborted) {
      try {
        this.#producer ??= await this.#open();
        const beganMs = performance.now();
        const sent = await this.#turn();
        if (failures > 0) this.#ports.onTrouble(undefined);
        failures = 0;
        emptyRestMs = sent === 0 ? Math.min(idleRestMs, emptyRestMs * 2) : restMs;
        const leastMs = Math.min(busyRestMs, sent === 0 ? 0 : restPerTurn * (performance.now() - beganMs));
        await this.#rest(Math.max(sent > busyTweets ? busyRestMs : emptyRestMs, leastMs), leastMs);
      } catch (error) {
        if (signal.aborted) break;
        this.#ports.onTrouble(errorMessage(error));
        // What became of the last send is settled by opening anew, and then read back.
        await this.#closeProducer();
        const pauseMs = retryAfterMs[Math.min(failures, retryAfterMs.length - 1)];
        failures += 1;
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    await this.#closeProducer();
  }

  async #open(): Promise<TransactionalProducer> {
    const { topic, transactionalId } = this.#ports;
    const producer = await topic.open(transactionalId);
    try {
      const sinceMs = Math.min(this.#relayedUntilMs, Date.now() - rememberMs / 3);
      const nowMs = Date.now();
      for (const id of await topic.idsSince(sinceMs, this.#stopping.signal)) this.#sentAtMs.set(id, nowMs);
      this.#ports.onOpen();
      return producer;
    } catch (error) {
      await producer.close();
      throw error;
    }
  }

  async #closeProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close();
  }

  /** Reads and sends until nothing is left; the number of tweets that were sent. */
  async #turn(): Promise<number> {
    const { outbox, lane } = this.#ports;
    const readAtMs = Date.now();
    const sweeping = readAtMs - this.#sweptAtMs >= sweepEveryMs;
    const lookedAtMs = Math.max(this.#newestSeenMs - quickWriteMs, this.#readAtMs - clockLagMs);
    let fromMs = sweeping ? this.#relayedUntilMs : Math.max(this.#relayedUntilMs, lookedAtMs);
    let count = 0;
    for (;;) {
      // Up to the moment of reading and no further: a reader that sees the second of two tweets has then seen the first.
      const rows = await outbox.read(lane, fromMs, readAtMs, readRowsMax);
      count += await this.#send(rows);
      const newestMs = rows.at(-1)?.seqMs ?? 0;
      this.#newestSeenMs = Math.max(this.#newestSeenMs, newestMs);
      const isLast = rows.length < readRowsMax;
      // The backlog of a long outage is worked off, and written down, in parts.
      if (sweeping) await this.#settle(rows, Math.min(readAtMs - settledAfterMs, isLast ? readAtMs : newestMs));
      if (isLast) break;
      fromMs = newestMs;
    }
    this.#readAtMs = readAtMs;
    if (sweeping) this.#sweptAtMs = readAtMs;
    return count;
  }

  async #send(rows: readonly OutboxRow[]): Promise<number> {
    const unsent: Tweet[] = [];
    const chosen = new Set<string>();
    for (const tweet of rows.flatMap(({ tweets }) => tweets)) {
      if (this.#sentAtMs.has(tweet.id) || chosen.has(tweet.id)) continue;
      chosen.add(tweet.id);
      unsent.push(tweet);
    }
    this.#waiting = unsent.length;
    for (let start = 0; start < unsent.length; start += sendTweetsMax) {
      this.#stopping.signal.throwIfAborted();
      const part = unsent.slice(start, start + sendTweetsMax);
      const nowMs = Date.now();
      await this.#producer?.send(part.map((tweet) => tweetRecord(tweet, nowMs)));
      for (const { id } of part) this.#sentAtMs.set(id, nowMs);
      this.#waiting -= part.length;
      this.#ports.onSent(part.length);
    }
    return unsent.length;
  }

  /** Everything up to `untilMs` is sent: sees that it is in the timeline too, and writes it down. */
  async #settle(rows: readonly OutboxRow[], untilMs: number): Promise<void> {
    if (untilMs <= this.#relayedUntilMs) return;
    const { outbox, tweets, lane, advance } = this.#ports;
    const settled = rows.filter(({ seqMs }) => seqMs < untilMs).flatMap(({ tweets: written }) => written);
    if (settled.length > 0) {
      // An instance that died between the outbox and the timeline left these to us.
      const present = await tweets.present(settled.map(({ id }) => id));
      for (const tweet of settled) if (!present.has(tweet.id)) await tweets.write(tweet);
    }
    if (!(await advance(untilMs))) throw new Error(`lane ${lane} is another instance's`);
    const droppedFromMs = this.#relayedUntilMs;
    this.#relayedUntilMs = untilMs;
    this.#forget();
    await outbox.drop(lane, droppedFromMs, untilMs);
  }

  #forget(): void {
    // A row that may still be read again is not forgotten, however long writing down takes.
    const beforeMs = Math.min(Date.now() - rememberMs, this.#relayedUntilMs - rememberMs / 3);
    for (const [id, sentAtMs] of this.#sentAtMs) {
      if (sentAtMs > beforeMs) return;
      this.#sentAtMs.delete(id);
    }
  }

  /** For `ms`, or less when something is written, but never less than `leastMs`. */
  async #rest(ms: number, leastMs: number): Promise<void> {
    const beganMs = performance.now();
    await new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, ms);
      let woken = false;
      this.#wake = () => {
        if (this.#stopping.signal.aborted) return resolve();
        if (woken) return;
        woken = true;
        // Not at once: what is written together is sent together.
        clearTimeout(timer);
        timer = setTimeout(resolve, Math.min(ms, Math.max(wokenRestMs, leastMs - (performance.now() - beganMs))));
      };
    });
    this.#wake = undefined;
  }
}
