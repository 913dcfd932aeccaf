/**
 * How much work this instance takes on at once. What is above it is refused at once, so that what is taken on is answered
 * in time: a client that is told to come back does, one that waits in a queue gives up and comes back as well. How much is
 * too much is said by time rather than by number: by how long the oldest has been waiting, and by the event loop's delay.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

export type WorkKind = "read" | "write" | "listen";

/**
 * At once. Writes wait for Cassandra: where that takes 5 ms, so many are more than a loop can do; where it takes half a
 * second, more would only wait longer. Reads of the newest page cost next to nothing.
 */
const atOnceMax: Readonly<Record<WorkKind, number>> = { read: 400, write: 64, listen: 1_000 };
/** What comes behind one that has been under way for so long would be at least as long. */
const oldestMaxMs = 2_000;
/** A loop that is this late, half of the time, has more to do than it can. */
const loopDelayMaxMs = 250;
const loopLookMs = 250;
/** Of what may go on at once: so much does all the same, so that a late instance catches up instead of standing idle. */
const shareWhenLate = 1 / 8;

export class Admission {
  readonly #atOnceMax: Readonly<Record<WorkKind, number>>;
  /** When each began that is under way, the oldest first. */
  readonly #underWay: Readonly<Record<WorkKind, Set<{ readonly beganMs: number }>>> = {
    read: new Set(),
    write: new Set(),
    listen: new Set(),
  };
  readonly #now: () => number;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  readonly #timer: NodeJS.Timeout;
  #loopIsLate = false;

  constructor(limits: Partial<Readonly<Record<WorkKind, number>>> = {}, now: () => number = () => performance.now()) {
    this.#atOnceMax = { ...atOnceMax, ...limits };
    this.#now = now;
    this.#delay.enable();
    this.#timer = setInterval(() => {
      this.#loopIsLate = this.#delay.percentile(50) / 1e6 > loopDelayMaxMs;
      this.#delay.reset();
    }, loopLookMs);
    this.#timer.unref();
  }

  /** The way to say that it is done; undefined: refused, come back later. */
  enter(kind: WorkKind): (() => void) | undefined {
    const underWay = this.#underWay[kind];
    const most = this.#atOnceMax[kind];
    if (underWay.size >= (this.#isLate(kind) ? Math.max(1, most * shareWhenLate) : most)) return undefined;
    const one = { beganMs: this.#now() };
    underWay.add(one);
    return () => underWay.delete(one);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #isLate(kind: WorkKind): boolean {
    if (this.#loopIsLate) return true;
    // A page that listens does so for hours.
    if (kind === "listen") return false;
    const [oldest] = this.#underWay[kind];
    return oldest !== undefined && this.#now() - oldest.beganMs > oldestMaxMs;
  }
}
