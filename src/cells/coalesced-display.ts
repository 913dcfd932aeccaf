/**
 * One output that is updated in place, no faster than its front-end stands: the newest bundle wins, what did not change
 * is not sent again, and the last one always arrives. Owns the timing of updates, nothing of what they show.
 */
import { isDeepStrictEqual } from "node:util";
import type { CellOutput, MimeBundle } from "../cell-output.js";

export class CoalescedDisplay {
  readonly #cell: CellOutput;
  readonly #displayId: string;
  #liveSinceMs = 0;
  #sentAtMs = 0;
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
      this.#remember(bundle);
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
    const nowMs = performance.now();
    const intervalMs = this.#cell.updateIntervalMs(nowMs - this.#liveSinceMs);
    const waitMs = this.#sentAtMs + intervalMs - nowMs;
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
    this.#remember(bundle);
    this.#cell.updateDisplay(this.#displayId, bundle);
  }

  #remember(bundle: MimeBundle): void {
    this.#shown = bundle;
    this.#sentAtMs = performance.now();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
