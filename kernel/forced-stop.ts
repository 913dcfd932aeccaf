/**
 * What the main thread does around a forced stop. Node checks its bookkeeping of asynchronous calls whenever an
 * AsyncLocalStorage is in use, and ends the process when calls are left open, which is just what a forced stop does.
 * So: attribution pauses before the stop, and no request is served until Node has forgotten the open calls.
 */
import { pauseAttribution } from "./cell.js";
import { BEFORE_FORCED_STOP } from "./socket/protocol.js";

class CleanUp extends Error {}

export class ForcedStops {
  #stopped = false;
  #signalListeners: NodeJS.SignalsListener[] = [];
  #waiting: Array<() => void> = [];

  /** Makes the hook that the socket worker calls on this thread before it stops it. After SIGINT has its listener. */
  prepare(): void {
    this.#signalListeners = process.listeners("SIGINT");
    const value = () => {
      this.#stopped = true;
      pauseAttribution();
    };
    Object.defineProperty(globalThis, Symbol.for(BEFORE_FORCED_STOP), { value });
  }

  /** Acts at once, or after a forced stop as soon as its traces are gone. */
  whenClean(act: () => void): void {
    if (!this.#stopped) {
      act();
      return;
    }
    this.#waiting.push(act);
    if (this.#waiting.length === 1) setImmediate(() => this.#cleanUp());
  }

  isCleanUp(thrown: unknown): boolean {
    return thrown instanceof CleanUp;
  }

  /** An exception that reaches the top makes Node forget the calls that were left open. */
  #cleanUp(): never {
    setImmediate(() => {
      this.#stopped = false;
      // A script that a signal may break runs without these; one that is stopped by force does not give them back.
      if (process.listenerCount("SIGINT") === 0)
        for (const listener of this.#signalListeners) process.on("SIGINT", listener);
      for (const act of this.#waiting.splice(0)) act();
    });
    throw new CleanUp();
  }
}
