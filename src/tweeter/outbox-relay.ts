/**
 * Which lanes of the outbox this instance relays: its fair share of those that nobody holds, taken over from instances
 * that are gone, given up to those that come. Owns leases; what happens in a lane is outbox-lane.ts's.
 */
import { errorMessage } from "../errors.js";
import { type CassandraOutbox, leaseSeconds } from "./cassandra-outbox.js";
import type { CassandraTweets } from "./cassandra-tweets.js";
import { laneCount, laneOf } from "./lanes.js";
import { OutboxLane } from "./outbox-lane.js";
import type { TweetTopic } from "./tweet-topic.js";

const tickMs = 2_000;
/** A lease is renewed at the first tick after so long: each renewal is a vote of Cassandra's nodes, four messages to each. */
const renewAfterMs = 3_500;
/** Later than this after its last renewal a lane is not ours any more, whether we have heard of it or not. */
const leaseMs = (leaseSeconds - 2) * 1_000;

export interface RelayPorts {
  readonly keyspace: string;
  /** Of this process; another one of the same instance's name has another. */
  readonly holder: string;
  readonly outbox: CassandraOutbox;
  readonly tweets: CassandraTweets;
  readonly topic: TweetTopic;
  /** How many instances share the lanes, this one among them. */
  readonly instanceCount: () => number;
  readonly onSent: (count: number) => void;
}

export class OutboxRelay {
  readonly #ports: RelayPorts;
  readonly #held = new Map<number, { readonly lane: OutboxLane; renewedAtMs: number }>();
  readonly #troubles = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> | undefined;
  #closed = false;
  #kafkaSeen = false;

  constructor(ports: RelayPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tickSoon(), tickMs);
    this.#tickSoon();
  }

  get lanes(): readonly number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  get waiting(): number {
    return [...this.#held.values()].reduce((sum, { lane }) => sum + lane.waiting, 0);
  }

  /** Of the lane that is furthest behind; undefined where this instance holds none. */
  get relayedUntilMs(): number | undefined {
    const moments = [...this.#held.values()].map(({ lane }) => lane.relayedUntilMs);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  /** What is wrong with Kafka, as far as this instance's lanes show it. */
  get trouble(): string | undefined {
    return [...this.#troubles.values()][0];
  }

  get kafkaSeen(): boolean {
    return this.#kafkaSeen;
  }

  /** A tweet of this handle was written. */
  nudge(handle: string): void {
    this.#held.get(laneOf(handle))?.lane.nudge();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#ticking;
    await Promise.all(this.lanes.map((lane) => this.#giveUp(lane)));
  }

  #tickSoon(): void {
    if (this.#ticking !== undefined || this.#closed) return;
    this.#ticking = this.#tick()
      // Cassandra is away; the lanes say so themselves, and the next tick tries again.
      .catch(() => undefined)
      .finally(() => {
        this.#ticking = undefined;
      });
  }

  async #tick(): Promise<void> {
    await this.#renew();
    const share = Math.ceil(laneCount / Math.max(1, this.#ports.instanceCount()));
    const [surplus] = this.lanes.slice(share);
    if (surplus !== undefined) await this.#giveUp(surplus);
    if (this.#held.size >= share) return;
    for (const { lane, holder, relayedUntilMs } of await this.#ports.outbox.lanes()) {
      if (this.#held.size >= share || this.#closed) return;
      if (holder !== undefined || this.#held.has(lane)) continue;
      const askedAtMs = performance.now();
      if (await this.#ports.outbox.acquire(lane, this.#ports.holder)) this.#begin(lane, relayedUntilMs, askedAtMs);
    }
  }

  async #renew(): Promise<void> {
    await Promise.all(
      [...this.#held].map(async ([lane, held]) => {
        const askedAtMs = performance.now();
        if (askedAtMs - held.renewedAtMs < renewAfterMs) return;
        const kept = await this.#ports.outbox.renew(lane, this.#ports.holder).catch(() => undefined);
        if (kept === true) held.renewedAtMs = askedAtMs;
        if (kept === false || askedAtMs - held.renewedAtMs > leaseMs) await this.#drop(lane);
      }),
    );
  }

  #begin(lane: number, relayedUntilMs: number | undefined, askedAtMs: number): void {
    const { keyspace, holder, outbox, tweets, topic, onSent } = this.#ports;
    const running = new OutboxLane(relayedUntilMs ?? Date.now() - 60_000, {
      lane,
      outbox,
      tweets,
      topic,
      // The same name for whoever holds the lane: opening it shuts the one before out.
      transactionalId: `tidetable-tweeter-${keyspace}-${topic.name}-${lane}`,
      advance: (untilMs) => outbox.advance(lane, holder, untilMs),
      onSent,
      onTrouble: (message) => {
        if (message === undefined) this.#troubles.delete(lane);
        else this.#troubles.set(lane, message);
      },
      onOpen: () => {
        this.#kafkaSeen = true;
      },
    });
    this.#held.set(lane, { lane: running, renewedAtMs: askedAtMs });
  }

  async #giveUp(lane: number): Promise<void> {
    await this.#drop(lane);
    // Where this fails, the lease runs out by itself.
    await this.#ports.outbox.release(lane, this.#ports.holder).catch(() => undefined);
  }

  async #drop(lane: number): Promise<void> {
    const held = this.#held.get(lane);
    this.#held.delete(lane);
    this.#troubles.delete(lane);
    await held?.lane.stop();
  }
}

/** For a status line: the reason without the advice that follows it. */
export function shortReason(error: unknown): string {
  return errorMessage(error).split(". ")[0] ?? "";
}
