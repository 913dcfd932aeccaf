/**
 * Questions to the user that wait for an answer. Front-ends answer in the order in which they were asked; one whose
 * cell was interrupted waits no longer.
 */

export class Questions {
  #waiting: Array<(value: string) => void> = [];

  /** @param send asks the front-end. @throws Error when that fails, or `signal` is aborted first. */
  ask(send: () => Promise<void>, signal: AbortSignal): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      const settle = () => {
        signal.removeEventListener("abort", stop);
        this.#waiting = this.#waiting.filter((other) => other !== answer);
      };
      const answer = (value: string) => {
        settle();
        resolve(value);
      };
      const stop = () => {
        settle();
        reject(new Error("The question was interrupted."));
      };
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop, { once: true });
      this.#waiting.push(answer);
      send().catch((error: unknown) => {
        settle();
        reject(error);
      });
    });
  }

  /** An answer that nobody waits for is dropped. */
  answer(value: string): void {
    this.#waiting[0]?.(value);
  }
}
