/**
 * Asks front-ends, on stdin. A front-end may send its first cell before its stdin socket is connected, and ZeroMQ throws
 * away what is for nobody it knows; the socket is set to say so, and the question is asked again for a while.
 */

const RETRY_MS = 50;
const ASK_MS_MAX = 5000;

/** How ZeroMQ says that nobody of that identity is connected. */
const NOBODY_THERE = "EHOSTUNREACH";

export class Questioner {
  readonly #send: (frames: Uint8Array[]) => Promise<void>;
  readonly #withdrawn = new Set<number>();
  readonly #open = new Set<number>();

  constructor(send: (frames: Uint8Array[]) => Promise<void>) {
    this.#send = send;
  }

  /** Undefined once the question is out or withdrawn, else why it cannot be asked. */
  async ask(id: number, frames: Uint8Array[]): Promise<string | undefined> {
    const deadlineMs = performance.now() + ASK_MS_MAX;
    this.#open.add(id);
    try {
      while (!this.#withdrawn.has(id)) {
        const failure = await this.#send(frames).then(
          () => undefined,
          (error: unknown) => error as NodeJS.ErrnoException,
        );
        if (failure === undefined) return undefined;
        if (failure.code !== NOBODY_THERE) return failure.message;
        if (performance.now() > deadlineMs) return `its stdin channel was not open after ${ASK_MS_MAX / 1000} seconds`;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      return undefined;
    } finally {
      this.#open.delete(id);
      this.#withdrawn.delete(id);
    }
  }

  /** Nobody waits for its answer any more. */
  withdraw(id: number): void {
    if (this.#open.has(id)) this.#withdrawn.add(id);
  }
}
