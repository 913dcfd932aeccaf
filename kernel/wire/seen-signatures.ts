/**
 * Signatures of the newest messages. A message that was overheard and is sent again has one that was seen before; it
 * is correctly signed and still nobody asked for it. Pure.
 */

const KEPT_MAX = 65_536;

export class SeenSignatures {
  /** In the order in which they came. */
  readonly #seen = new Set<string>();

  /** Whether this one has not come before, as far as is remembered. */
  isNew(signature: string): boolean {
    if (this.#seen.has(signature)) return false;
    this.#seen.add(signature);
    const [oldest] = this.#seen;
    if (this.#seen.size > KEPT_MAX && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
