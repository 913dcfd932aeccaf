/**
 * What a cell shows while a statement runs for long: how far it has come, in the place where its answer will be. A query
 * that answers soon shows nothing of it.
 */
import { randomUUID } from "node:crypto";
import type { CellOutput, MimeBundle } from "../cell-output.js";
import { CoalescedDisplay } from "../cells/coalesced-display.js";
import { progressBundle, type QueryProgress } from "./query-progress.js";

const shownAfterMs = 1_000;

export class StatementProgress {
  readonly #cell: CellOutput;
  readonly #displayId = randomUUID();
  readonly #startedMs = performance.now();
  #display: CoalescedDisplay | undefined;
  #last: QueryProgress = {};

  constructor(cell: CellOutput) {
    this.#cell = cell;
  }

  update(progress: QueryProgress): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (elapsedMs < shownAfterMs) return;
    this.#last = progress;
    this.#display ??= new CoalescedDisplay(this.#cell, this.#displayId);
    this.#display.show(progressBundle(progress, elapsedMs, "running"));
  }

  /** The answer's first output: where the progress stood, if that was shown. */
  answer(bundle: MimeBundle): void {
    if (!this.#replace(bundle)) this.#cell.display(bundle);
  }

  /** There will be no answer: how far it came stays. */
  stopped(): void {
    this.#replace(progressBundle(this.#last, performance.now() - this.#startedMs, "stopped"));
  }

  /** False where no progress was shown. */
  #replace(bundle: MimeBundle): boolean {
    if (this.#display === undefined) return false;
    this.#display.dispose();
    this.#display = undefined;
    this.#cell.updateDisplay(this.#displayId, bundle);
    return true;
  }
}
