/** Lets one loop sleep until something happens; a wake-up that comes early is kept, so none is missed. */
export class WakeUp {
  #pending = false;
  #resume: (() => void) | undefined;

  /** Resolves at the next `call()`, at once when one came since the last `wait()`. */
  wait(): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resume) => {
      this.#resume = resume;
    });
  }

  call(): void {
    if (this.#resume === undefined) {
      this.#pending = true;
      return;
    }
    const resume = this.#resume;
    this.#resume = undefined;
    resume();
  }
}
