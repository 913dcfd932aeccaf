/**
 * Stops what the main thread computes, from the worker, in three steps. A number in shared memory stops the loops of
 * cells (they are compiled to look at it); the message ends an `await` and aborts the cell's signal. A main thread that
 * has still not read that message after a quarter of a second (a package's own loop) is stopped through the inspector,
 * which leaves the notebook's state as it was.
 *
 * Not by a signal: around a script that a signal may break, Node has moments in which SIGINT ends the process.
 */
import { Session } from "node:inspector";
import { BEFORE_FORCED_STOP, SHARED } from "./protocol.js";

const FORCE_AFTER_MS = 250;
/**
 * On a machine with too much to do, that time may pass without the main thread having run at all. Once it has answered the
 * inspector it runs: now its loops get this long to stop by themselves, so that `finally` blocks are run.
 */
const RUNNING_MS = 150;
const RECHECK_MS = 50;
/** After a forced stop the main thread gets this long before the next one. */
const FORCE_AGAIN_MS = 1000;

export class Interrupter {
  readonly #shared: Int32Array;
  readonly #tellMain: (number: number) => void;
  #number = 0;
  #seen = 0;
  #session: Session | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastChance: NodeJS.Timeout | undefined;

  constructor(sharedState: SharedArrayBuffer, tellMain: (number: number) => void) {
    this.#shared = new Int32Array(sharedState);
    this.#tellMain = tellMain;
  }

  interrupt(): void {
    this.#number += 1;
    Atomics.store(this.#shared, SHARED.interruptPending, this.#number);
    this.#tellMain(this.#number);
    this.#forceAfter(FORCE_AFTER_MS);
  }

  /** The main thread is back at its event loop and has dealt with this interrupt. */
  seen(number: number): void {
    this.#seen = Math.max(this.#seen, number);
    if (this.#seen >= this.#number) this.close();
  }

  /** The main thread has sent a reply: it is not stuck, and will come to the interrupt behind what else waits there. */
  progress(): void {
    if (!this.#isSeen() && this.#session === undefined) this.#forceAfter(FORCE_AFTER_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#lastChance);
    this.#session?.disconnect();
    this.#session = undefined;
  }

  /**
   * The main thread's word for it may still be on its way to a worker that was kept from running: the number in shared memory
   * is zero from the moment on. A stop after that would hit whatever comes next, such as the request of the next cell.
   */
  #isSeen(): boolean {
    return this.#seen >= this.#number || Atomics.load(this.#shared, SHARED.interruptPending) === 0;
  }

  #force(): void {
    if (this.#isSeen()) return;
    if (Atomics.load(this.#shared, SHARED.compiling) === 1) {
      this.#forceAfter(RECHECK_MS);
      return;
    }
    if (this.#session === undefined) {
      this.#session = new Session();
      this.#session.connectToMainThread();
    }
    const session = this.#session;
    // Answered as soon as the main thread runs.
    session.post("Runtime.evaluate", { expression: "0" }, () => {
      clearTimeout(this.#lastChance);
      this.#lastChance = setTimeout(() => this.#terminate(session), RUNNING_MS);
    });
    this.#forceAfter(FORCE_AGAIN_MS);
  }

  #terminate(session: Session): void {
    if (this.#isSeen() || this.#session !== session) return;
    if (Atomics.load(this.#shared, SHARED.compiling) === 1) {
      this.#forceAfter(RECHECK_MS);
      return;
    }
    session.post(
      "Runtime.evaluate",
      { expression: `globalThis[Symbol.for("${BEFORE_FORCED_STOP}")]?.()` },
      () => !this.#isSeen() && session.post("Runtime.terminateExecution"),
    );
  }

  #forceAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#force(), delayMs);
  }
}
