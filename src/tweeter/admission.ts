/**
 * How much work this instance takes on at once. What is above it is refused at once, so that what is taken on is answered
 * in time: a client that is told to come back does, one that waits in a queue gives up and comes back as well. Pure but
 * for the event loop's delay.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

export type WorkKind = "read" | "write" | "listen";

/**
 * At once. Writes wait for Cassandra: where that takes 5 ms, so many are more than a loop can do; where it takes half a
 * second, more would only wait longer. Reads of the newest page cost next to nothing.
 */
const atOnceMax: Readonly<Record<WorkKind, number>> = { read: 400, write: 64, listen: 1_000 };
/** A loop that is this late has more to do than it can. */
const loopDelayMaxMs = 400;
const loopLookMs = 500;

export class Admission {
  readonly #atOnceMax: Readonly<Record<WorkKind, number>>;
  readonly #atOnce: Record<WorkKind, number> = { read: 0, write: 0, listen: 0 };
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  readonly #timer: NodeJS.Timeout;
  #loopIsLate = false;

  constructor(limits: Partial<Readonly<Record<WorkKind, number>>> = {}) {
    this.#atOnceMax = { ...atOnceMax, ...limits };
    this.#delay.enable();
    this.#timer = setInterval(() => {
      this.#loopIsLate = this.#delay.percentile(50) / 1e6 > loopDelayMaxMs;
      this.#delay.reset();
    }, loopLookMs);
    this.#timer.unref();
  }

  /** The way to say that it is done; undefined: refused, come back later. */
  enter(kind: WorkKind): (() => void) | undefined {
    if (this.#atOnce[kind] >= this.#atOnceMax[kind]) return undefined;
    // An eighth goes on, so that a late loop catches up instead of standing idle.
    if (this.#loopIsLate && this.#atOnce[kind] >= this.#atOnceMax[kind] / 8) return undefined;
    this.#atOnce[kind] += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#atOnce[kind] -= 1;
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }
}
