/** How often a wrong token was tried of late: ten a minute, then nobody is asked any more for a while. Reads the clock it is given. */
const windowMs = 60_000;
const attemptsMax = 10;

export class WrongTokens {
  readonly #nowMs: () => number;
  #atMs: number[] = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** True while so many were wrong that a further one is not even looked at. */
  get tooMany(): boolean {
    const since = this.#nowMs() - windowMs;
    this.#atMs = this.#atMs.filter((at) => at > since);
    return this.#atMs.length >= attemptsMax;
  }

  note(): void {
    this.#atMs.push(this.#nowMs());
    if (this.#atMs.length > attemptsMax) this.#atMs.shift();
  }
}
