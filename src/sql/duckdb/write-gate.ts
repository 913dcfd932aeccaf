/**
 * Lets writers in side by side and one owner in alone: batches are written under `shared`; what must not meet a batch
 * half-way (a new generation, a checkpoint) runs under `exclusive`. An owner who waits goes before new writers.
 */
export class WriteGate {
  #writers = 0;
  #owned = false;
  readonly #waitingOwners: Array<() => void> = [];
  readonly #waitingWriters: Array<() => void> = [];

  async shared<T>(work: () => Promise<T>): Promise<T> {
    if (this.#owned || this.#waitingOwners.length > 0) {
      await new Promise<void>((enter) => this.#waitingWriters.push(enter));
    } else {
      this.#writers++;
    }
    try {
      return await work();
    } finally {
      this.#writers--;
      this.#admit();
    }
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#owned || this.#writers > 0) {
      await new Promise<void>((enter) => this.#waitingOwners.push(enter));
    } else {
      this.#owned = true;
    }
    try {
      return await work();
    } finally {
      this.#owned = false;
      this.#admit();
    }
  }

  /** Counts on behalf of whoever it lets in, so that nobody slips in between. */
  #admit(): void {
    if (this.#owned) return;
    const owner = this.#writers === 0 ? this.#waitingOwners.shift() : undefined;
    if (owner !== undefined) {
      this.#owned = true;
      owner();
      return;
    }
    if (this.#waitingOwners.length > 0) return;
    for (const enter of this.#waitingWriters.splice(0)) {
      this.#writers++;
      enter();
    }
  }
}
