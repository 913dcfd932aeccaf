/**
 * One output that is updated in place, no faster than its front-end stands: the newest bundle wins, what did not change
 * is not sent again, and the last one always arrives. Owns the timing of updates, nothing of what they show.
 */
import { isDeepStrictEqual } from "node:util";
import type { CellOutput, MimeBundle } from "../cell-output.js";

/**
 * How much of a late update's delay the next one makes good. Without it one version that came late would move the pace for
 * good, and each later one that comes as often as the pace allows would wait nearly a whole interval.
 */
const CAUGHT_UP_MS_MAX = 250;

export class CoalescedDisplay {
  readonly #cell: CellOutput;
  readonly #displayId: string;
  #liveSinceMs = 0;
  /** One interval after this the next update is due. */
  #paceFromMs = 0;
  #shown: MimeBundle | undefined;
  #pending: MimeBundle | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(cell: CellOutput, displayId: string) {
    this.#cell = cell;
    this.#displayId = displayId;
  }

  /** Shows the first bundle at once, later ones at the front-end's pace; `urgent` ones (a change of state) at once. */
  show(bundle: MimeBundle, options: { urgent?: boolean } = {}): void {
    if (this.#ended) return;
    if (this.#shown === undefined) {
      this.#liveSinceMs = performance.now();
      this.#shown = bundle;
      this.#paceFromMs = this.#liveSinceMs;
      this.#cell.display(bundle, { displayId: this.#displayId });
      return;
    }
    this.#pending = bundle;
    if (options.urgent) this.#send();
    else this.#schedule();
  }

  /** Sends what waits, then stops for good. */
  end(): void {
    this.#send();
    this.#ended = true;
  }

  /** Stops at once, because the output is gone. */
  dispose(): void {
    this.#ended = true;
    this.#pending = undefined;
    this.#clearTimer();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#paceFromMs + this.#intervalMs() - performance.now();
    if (waitMs <= 0) {
      this.#send();
      return;
    }
    this.#timer = setTimeout(() => this.#send(), waitMs);
    this.#timer.unref();
  }

  #send(): void {
    this.#clearTimer();
    const bundle = this.#pending;
    if (bundle === undefined || this.#ended) return;
    this.#pending = undefined;
    if (isDeepStrictEqual(bundle, this.#shown)) return;
    const nowMs = performance.now();
    const dueMs = Math.min(this.#paceFromMs + this.#intervalMs(), nowMs);
    this.#paceFromMs = Math.max(dueMs, nowMs - CAUGHT_UP_MS_MAX);
    this.#shown = bundle;
    this.#cell.updateDisplay(this.#displayId, bundle);
  }

  #intervalMs(): number {
    return this.#cell.updateIntervalMs(performance.now() - this.#liveSinceMs);
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
