/**
 * One socket's send queue. A ZeroMQ socket refuses a second `send` while one is pending (EBUSY), and a message lost
 * that way may be the `idle` a front-end waits for; so sends go one after the other, in the order they were asked for.
 */

interface Sender {
  send(frames: Uint8Array[]): Promise<void>;
}

interface Waiting {
  readonly frames: Uint8Array[];
  readonly sent: () => void;
  readonly failed: (error: unknown) => void;
}

export class SendQueue {
  readonly #sender: Sender;
  readonly #onFailure: (error: unknown) => void;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  constructor(sender: Sender, onFailure: (error: unknown) => void) {
    this.#sender = sender;
    this.#onFailure = onFailure;
  }

  push(frames: Uint8Array[]): void {
    this.#add({ frames, sent: () => {}, failed: this.#onFailure });
  }

  /** Resolves once ZeroMQ has it. @throws what ZeroMQ throws */
  send(frames: Uint8Array[]): Promise<void> {
    return new Promise((sent, failed) => this.#add({ frames, sent, failed }));
  }

  /** Resolves once everything pushed so far has been handed to ZeroMQ. */
  async drained(): Promise<void> {
    await this.#draining;
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const { frames, sent, failed } of batch) {
        try {
          await this.#sender.send(frames);
          sent();
        } catch (error) {
          // A peer that has left makes its own reply undeliverable; the messages behind it still go out.
          failed(error);
        }
      }
    }
    this.#draining = undefined;
  }
}
