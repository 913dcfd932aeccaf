/**
 * The newest page of the timeline, as everybody sees it: read at most a few times a second however many ask, and told to
 * those who listen as it changes. Tweets of other instances arrive the same way as our own. Owns the cache and the
 * listeners; renders nothing.
 */
import type { Tweet } from "./tweet.js";
import type { TweetStore } from "./tweet-store.js";

export const pageLength = 40;

export interface NewestPage {
  /** Another number, another page. */
  readonly version: number;
  readonly tweets: readonly Tweet[];
}

/** Oldest of the new ones first. */
export type TimelineListener = (added: readonly Tweet[]) => void;

/** How old an answer may be. */
const freshMs = 200;
/** How often the store is looked at while somebody listens: for other instances' tweets, our own are told of at once. */
const lookEveryMs = 250;

export class LiveTimeline {
  readonly #store: Pick<TweetStore, "timeline">;
  readonly #lookEveryMs: number;
  /** With what to do when nothing more will come. */
  readonly #listeners = new Map<TimelineListener, () => void>();
  #page: NewestPage = { version: 0, tweets: [] };
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<NewestPage> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Pick<TweetStore, "timeline">, options: { readonly lookEveryMs?: number } = {}) {
    this.#store = store;
    this.#lookEveryMs = options.lookEveryMs ?? lookEveryMs;
  }

  /** @throws TidetableError STORE_UNAVAILABLE */
  async newest(): Promise<NewestPage> {
    if (performance.now() - this.#readAtMs < freshMs) return this.#page;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return await this.#reading;
  }

  /** Tweets of the newest page that came after the one of this id, oldest first; all of them where it is not there any more. */
  async since(id: string): Promise<readonly Tweet[]> {
    const { tweets } = await this.newest();
    const at = tweets.findIndex((tweet) => tweet.id === id);
    return tweets.slice(0, at < 0 ? tweets.length : at).toReversed();
  }

  /** What was read is out of date: who posts sees the own tweet at once. */
  invalidate(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
    // A reading under way may have begun before: whoever asks from now on waits for another.
    this.#reading = undefined;
    if (this.#listeners.size > 0) this.#lookIn(0);
  }

  /** Returns the way to stop. `onClose` is called when this instance ends. */
  listen(listener: TimelineListener, onClose: () => void): () => void {
    this.#listeners.set(listener, onClose);
    if (this.#timer === undefined) this.#lookIn(this.#lookEveryMs);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  close(): void {
    for (const onClose of [...this.#listeners.values()]) onClose();
    this.#listeners.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.newest()
        // The store is away; the page says so when it is asked for, and listeners wait.
        .catch(() => undefined)
        .finally(() => {
          this.#timer = undefined;
          if (this.#listeners.size > 0) this.#lookIn(this.#lookEveryMs);
        });
    }, ms);
  }

  async #read(): Promise<NewestPage> {
    const askedAtMs = performance.now();
    const tweets = await this.#store.timeline({ limit: pageLength });
    const known = new Set(this.#page.tweets.map(({ id }) => id));
    const added = tweets.filter(({ id }) => !known.has(id));
    const isFirst = this.#page.version === 0;
    if (isFirst || added.length > 0) {
      this.#page = { version: this.#page.version + 1, tweets };
      if (!isFirst) for (const listener of this.#listeners.keys()) listener(added.toReversed());
    }
    this.#readAtMs = askedAtMs;
    return this.#page;
  }
}
