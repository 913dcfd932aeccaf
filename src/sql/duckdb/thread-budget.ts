/**
 * How many threads DuckDB has for tasks. Two, but one while as many batches are being written as the machine has cores: each batch
 * has a thread of its own already, and where DuckDB's other thread takes over its work, that one waits for it without sleeping
 * (ClientContext::ExecuteTaskInternal), on a core that the next batch, the records' scanner and the broker need.
 */
import { availableParallelism } from "node:os";

/** For queries; more are no faster at writing, and cores are left to what else runs on a notebook's machine. */
export const THREADS = 2;
const THREADS_WHILE_BUSY = 1;
/** Between two batches of a backlog is no rest. */
const REST_MS = 250;

export class ThreadBudget {
  readonly #set: (threads: number) => Promise<void>;
  readonly #cores: number;
  #writing = 0;
  #wanted = THREADS;
  #applied = THREADS;
  #applying: Promise<void> | undefined;
  #rest: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param set may take as long as a task that the thread to go is at; failures are its own to tell */
  constructor(set: (threads: number) => Promise<void>, cores = availableParallelism()) {
    this.#set = set;
    this.#cores = cores;
  }

  /** While a batch is being written. */
  async during<T>(write: () => Promise<T>): Promise<T> {
    this.#writing += 1;
    if (this.#writing >= this.#cores) {
      clearTimeout(this.#rest);
      this.#rest = undefined;
      this.#want(THREADS_WHILE_BUSY);
    }
    try {
      return await write();
    } finally {
      if (this.#writing === this.#cores) {
        this.#rest = setTimeout(() => this.#want(THREADS), REST_MS);
        this.#rest.unref();
      }
      this.#writing -= 1;
    }
  }

  /** Resolves when no change is on its way any more; none begins afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#rest);
    await this.#applying;
  }

  #want(threads: number): void {
    if (this.#isClosed) return;
    this.#wanted = threads;
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  async #apply(): Promise<void> {
    while (this.#applied !== this.#wanted && !this.#isClosed) {
      const threads = this.#wanted;
      await this.#set(threads);
      this.#applied = threads;
    }
  }
}
