/**
 * Several topics read as one source: those of a list, or all that a pattern matches, new ones included. Owns the merging
 * and the looking for new topics; each topic is opened through the same `RecordSource`.
 */
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, TidetableError } from "../errors.js";
import type { PartitionWatermarks, RecordBatch, TopicPartition } from "./record.js";
import type {
  LossPolicy,
  OpenedSource,
  RecordSource,
  SourceState,
  StartPosition,
  TopicChoice,
} from "./record-source.js";
import { WakeUp } from "./wake-up.js";

export interface TopicsRequest {
  readonly topics: TopicChoice;
  readonly from: StartPosition;
  readonly ifLost?: LossPolicy;
  readonly storedOffsets: (topic: string) => Promise<ReadonlyMap<number, bigint>>;
  /** As in `SourceRequest`. */
  readonly isSameTopic?: (topic: string, id: string) => Promise<boolean>;
}

interface OpenOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const lookForTopicsEveryMs = 5_000;
const openLaterTimeoutMs = 9_000;
/** Each topic has connections of its own. */
const topicsMax = 100;

/** @throws TidetableError TOPIC_NOT_FOUND when no topic matches, and whatever opening one of them throws. */
export async function openTopics(
  source: RecordSource,
  request: TopicsRequest,
  options: OpenOptions,
): Promise<OpenedSource> {
  const { topics, from, ifLost = "stop" } = request;
  const [only, ...others] = "names" in topics ? topics.names : [];
  if (only !== undefined && others.length === 0) {
    const storedOffsets = await request.storedOffsets(only);
    return source.open({ topic: only, from, ifLost, storedOffsets, ...sameTopic(request) }, options);
  }
  const opened = new OpenedTopics(source, request);
  try {
    await opened.openFirst(options);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

class OpenedTopics implements OpenedSource {
  readonly #source: RecordSource;
  readonly #request: TopicsRequest;
  readonly #opened = new Map<string, OpenedSource>();
  readonly #listeners = new Set<(state: SourceState) => void>();
  readonly #stop = new AbortController();
  /** One batch of each topic at the most waits to be taken. */
  readonly #waiting: Array<{ readonly batch: RecordBatch; readonly taken: () => void }> = [];
  readonly #reader = new WakeUp();
  readonly #loops: Promise<void>[] = [];
  #failure: unknown;
  /** Why a topic that came later, or the list of topics, could not be read. */
  #trouble: { readonly cause: string; readonly sinceMs: number } | undefined;

  constructor(source: RecordSource, request: TopicsRequest) {
    this.#source = source;
    this.#request = request;
  }

  get positions(): ReadonlyArray<TopicPartition & { readonly nextOffset: bigint }> {
    return [...this.#opened.values()].flatMap((opened) => opened.positions);
  }

  async openFirst(options: OpenOptions): Promise<void> {
    const names = await this.#names(options);
    await Promise.all(names.map((topic) => this.#open(topic, this.#request.from, options)));
    if ("pattern" in this.#request.topics) this.#loops.push(this.#lookForTopics());
  }

  async *batches(): AsyncIterable<RecordBatch> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#stop.signal.aborted) return;
      const next = this.#waiting.shift();
      if (next === undefined) {
        await this.#reader.wait();
        continue;
      }
      yield next.batch;
      next.taken();
    }
  }

  watermarks(): readonly PartitionWatermarks[] {
    return [...this.#opened.values()].flatMap((opened) => opened.watermarks());
  }

  async refreshWatermarks(): Promise<readonly PartitionWatermarks[]> {
    const marks = await Promise.all(
      [...this.#opened.values()].map((opened) => opened.refreshWatermarks?.() ?? opened.watermarks()),
    );
    return marks.flat();
  }

  losses(): readonly string[] {
    return [...this.#opened.values()].flatMap((opened) => opened.losses?.() ?? []);
  }

  /** The worst of the topics' states. */
  state(): SourceState {
    if (this.#stop.signal.aborted) return { kind: "closed" };
    const states = [...this.#opened.values()].map((opened) => opened.state());
    const trouble = states.find((state) => state.kind === "reconnecting");
    if (trouble !== undefined) return trouble;
    if (this.#trouble !== undefined) return { kind: "reconnecting", ...this.#trouble };
    return states.find((state) => state.kind === "connecting") ?? { kind: "reading" };
  }

  onState(listener: (state: SourceState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#reader.call();
    await Promise.all([...this.#opened.values()].map((opened) => opened.close()));
    await Promise.all(this.#loops);
  }

  async #names(options: OpenOptions): Promise<readonly string[]> {
    const { topics } = this.#request;
    if ("names" in topics) return topics.names;
    const there = await this.#listed(options);
    const whole = new RegExp(`^(?:${topics.pattern})$`, "u");
    const matching = there.filter((name) => whole.test(name));
    if (matching.length === 0) {
      const list = there.length === 0 ? "There is no topic yet." : `Topics: ${there.slice(0, 12).join(", ")}.`;
      throw new TidetableError(
        "TOPIC_NOT_FOUND",
        `No topic of ${this.#source.description} matches /${topics.pattern}/ as a whole. ${list}`,
      );
    }
    if (matching.length > topicsMax) {
      throw new TidetableError(
        "CONFIG_INVALID",
        `/${topics.pattern}/ matches ${matching.length} topics; one stream reads ${topicsMax} at the most. Narrow the pattern.`,
      );
    }
    return matching;
  }

  async #listed(options: OpenOptions): Promise<readonly string[]> {
    if (this.#source.topics !== undefined) return this.#source.topics(options);
    throw new TidetableError(
      "CONFIG_INVALID",
      `${this.#source.description} is one log; a pattern of topics needs brokers.`,
    );
  }

  async #open(topic: string, from: StartPosition, options: OpenOptions): Promise<void> {
    const storedOffsets = await this.#request.storedOffsets(topic);
    const { ifLost = "stop" } = this.#request;
    const opened = await this.#source.open(
      { topic, from, ifLost, storedOffsets, ...sameTopic(this.#request) },
      options,
    );
    if (this.#stop.signal.aborted) {
      await opened.close();
      return;
    }
    this.#opened.set(topic, opened);
    opened.onState(() => this.#tellState());
    this.#loops.push(this.#pump(opened));
  }

  async #pump(opened: OpenedSource): Promise<void> {
    try {
      for await (const batch of opened.batches()) {
        if (this.#stop.signal.aborted) return;
        await new Promise<void>((taken) => {
          this.#waiting.push({ batch, taken });
          this.#reader.call();
        });
      }
    } catch (error) {
      this.#failure ??= error;
      this.#reader.call();
    }
  }

  async #lookForTopics(): Promise<void> {
    const { signal } = this.#stop;
    const options = { timeoutMs: openLaterTimeoutMs, signal };
    while (!signal.aborted) {
      await delay(lookForTopicsEveryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        for (const topic of await this.#names(options)) {
          // All of a topic that was made after the start is new, so that "latest" means its beginning too.
          const from = this.#request.from === "latest" ? "earliest" : this.#request.from;
          if (!this.#opened.has(topic)) await this.#open(topic, from, options);
        }
        this.#trouble = undefined;
      } catch (error) {
        this.#trouble ??= { cause: errorMessage(error), sinceMs: Date.now() };
      }
      this.#tellState();
    }
  }

  #tellState(): void {
    const state = this.state();
    for (const listener of this.#listeners) listener(state);
  }
}

function sameTopic({ isSameTopic }: TopicsRequest): Pick<TopicsRequest, "isSameTopic"> {
  return isSameTopic === undefined ? {} : { isSameTopic };
}
