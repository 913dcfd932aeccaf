/**
 * From a record source into a stream table: read, hand each batch to the writer, keep the bytes in flight
 * bounded, know where everything stands. A bad record never stops it; a failed write or a broken source always does, and
 * says why. Owns neither connections nor SQL.
 */
import { errorMessage, TidetableError } from "../errors.js";
import type { StreamTable } from "../sql/sql-engine.js";
import { EndOfReading } from "./end-position.js";
import type { PartitionProgress } from "./lag.js";
import { type PartitionWatermarks, partitionKey, type RecordBatch, type TopicPartition } from "./record.js";
import type {
  EndPosition,
  LossPolicy,
  OpenedSource,
  RecordSource,
  SourceState,
  StartPosition,
  TopicChoice,
} from "./record-source.js";
import { StreamWriter } from "./stream-writer.js";
import { openTopics } from "./topic-set.js";

/** Bytes read and not yet written; reading pauses above it. */
const BYTES_IN_FLIGHT_MAX = 32 * 1024 * 1024;
const OPEN_TIMEOUT_MS = 9_000;
const CAUGHT_UP_POLL_MS = 5;

export interface PipelineRequest {
  /** The topic, or what to call several in messages. */
  readonly topic: string;
  /** Several topics, or a pattern of them. */
  readonly topics?: TopicChoice;
  readonly from: StartPosition;
  readonly until?: EndPosition;
  /** Default "stop". */
  readonly ifLost?: LossPolicy;
}

export type PipelineState =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting" }
  | { readonly kind: "reading" }
  | { readonly kind: "paused" }
  | { readonly kind: "reconnecting"; readonly cause: string }
  | { readonly kind: "stopped" }
  /** Everything up to `until` is in the table. */
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly error: TidetableError };

interface Position extends TopicPartition {
  readonly startOffset: bigint;
  readonly targetOffset: bigint;
  nextOffset: bigint;
  /** Everything below has been handed to the partition's writer. */
  handedOffset: bigint;
  highWatermark: bigint;
}

export class Pipeline {
  readonly #source: RecordSource;
  readonly #table: StreamTable;
  readonly #request: PipelineRequest;
  readonly #changed: () => void;
  #writer: StreamWriter;
  readonly #positions = new Map<string, Position>();
  #end: EndOfReading | undefined;
  #state: PipelineState = { kind: "idle" };
  #opened: OpenedSource | undefined;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #paused = false;
  /** Wakes the reading loop when there is room again, or the pause has ended. */
  #wake: (() => void) | undefined;

  /** `changed` is called whenever something that a status shows has changed. */
  constructor(source: RecordSource, table: StreamTable, request: PipelineRequest, changed: () => void) {
    this.#source = source;
    this.#table = table;
    this.#request = request;
    this.#changed = changed;
    this.#writer = this.#newWriter();
  }

  get state(): PipelineState {
    return this.#state;
  }

  /** Where every partition stands. */
  progress(): ReadonlyArray<PartitionProgress & TopicPartition> {
    this.#readWatermarks(this.#opened?.watermarks() ?? []);
    return [...this.#positions.values()].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  }

  /** What was passed over because it is gone. */
  losses(): readonly string[] {
    return this.#opened?.losses?.() ?? [];
  }

  /** Connects and begins to read. Rejects when the source cannot be opened; the state then says so too. */
  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.#setState({ kind: "connecting" });
    try {
      const { topic, topics = { names: [topic] }, from, until, ifLost = "stop" } = this.#request;
      const opened = await openTopics(
        this.#source,
        {
          topics,
          from,
          ifLost,
          storedOffsets: (name) => this.#table.storedOffsets(name),
          isSameTopic: async (name, id) => (await this.#table.isSameTopic?.(name, id)) ?? true,
        },
        { timeoutMs: OPEN_TIMEOUT_MS, signal: this.#abort.signal },
      );
      // What ended by a failure goes on to the end that was asked for; after `finished`, the end is a new one.
      if (until !== undefined) this.#end ??= new EndOfReading(until);
      await this.#begin(opened);
    } catch (error) {
      this.#fail(error);
      throw asTidetableError(error);
    }
  }

  pause(): void {
    if (!this.#isOn()) return;
    this.#paused = true;
    this.#setState({ kind: "paused" });
  }

  /** Reads on; after a failure, connects again at the stored offsets. */
  async resume(): Promise<void> {
    this.#paused = false;
    if (!this.#isOn()) {
      if (this.#state.kind === "finished") this.#end = undefined;
      await this.#closeSource();
      await this.start();
      return;
    }
    if (this.#opened !== undefined) this.#setState(readingState(this.#opened.state()));
    this.#wake?.();
  }

  /** Writes what was read, then lets the source go. */
  async stop(): Promise<void> {
    if (this.#state.kind !== "failed") this.#setState({ kind: "stopped" });
    await this.#closeSource();
  }

  /** Resolves once every record that was there when asked is in the table. Rejects when the stream stops before. */
  async caughtUp(): Promise<void> {
    const marks = await this.#freshWatermarks();
    const target = new Map(marks.map(({ topic, partition, high }) => [partitionKey(topic, partition), high]));
    for (;;) {
      if (this.#state.kind === "failed") throw this.#state.error;
      if (this.#state.kind === "stopped" || this.#state.kind === "paused") {
        const way = "it cannot catch up; call resume() first.";
        throw new TidetableError("STREAM_FAILED", `Reading ${this.#request.topic} is ${this.#state.kind}: ${way}`);
      }
      // A partition that another member of a group reads now is not waited for.
      const read = this.#opened?.watermarks().map(({ topic, partition }) => partitionKey(topic, partition));
      const behind = [...target].some(
        ([key, high]) => read?.includes(key) !== false && (this.#positions.get(key)?.nextOffset ?? 0n) < high,
      );
      if (!behind || this.#state.kind === "finished") return;
      await new Promise((resolve) => setTimeout(resolve, CAUGHT_UP_POLL_MS));
    }
  }

  /** For what depends on the clock: the end of a stream that reads until an instant. */
  async tick(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined || this.#end === undefined) return;
    try {
      await this.#settleEnd(this.#end);
    } catch (error) {
      if (this.#opened === opened) this.#fail(error);
    }
  }

  async #begin(opened: OpenedSource): Promise<void> {
    this.#opened = opened;
    this.#writer = this.#newWriter();
    this.#positions.clear();
    const marks = opened.watermarks();
    const high = new Map(marks.map((mark) => [partitionKey(mark.topic, mark.partition), mark.high]));
    for (const { topic, partition, nextOffset } of opened.positions) {
      const mark = high.get(partitionKey(topic, partition)) ?? nextOffset;
      this.#place({ topic, partition }, nextOffset, mark);
    }
    this.#setState(this.#paused ? { kind: "paused" } : readingState(opened.state()));
    opened.onState((state) => this.#followSource(state));
    if (this.#end !== undefined) await this.#settleEnd(this.#end);
    if (this.#opened === opened) this.#running = this.#readAll(opened);
  }

  #place({ topic, partition }: TopicPartition, start: bigint, high: bigint): Position {
    const position: Position = {
      topic,
      partition,
      startOffset: start,
      targetOffset: high,
      nextOffset: start,
      handedOffset: start,
      highWatermark: high,
    };
    this.#positions.set(partitionKey(topic, partition), position);
    return position;
  }

  async #settleEnd(end: EndOfReading): Promise<void> {
    if (end.needsMarks(Date.now())) {
      const marks = await this.#freshWatermarks();
      this.#readWatermarks(marks);
      end.settle(marks);
    }
    this.#finishAtEnd();
  }

  /** Ends the stream when every partition has reached where it was to end. */
  #finishAtEnd(): void {
    const end = this.#end;
    if (end === undefined || !this.#isOn() || this.#positions.size === 0) return;
    const positions = [...this.#positions.values()];
    const reached = positions.every(({ topic, partition, nextOffset, handedOffset }) =>
      end.isReached(topic, partition, nextOffset, handedOffset),
    );
    if (!reached) return;
    this.#setState({ kind: "finished" });
    const opened = this.#opened;
    this.#opened = undefined;
    this.#wake?.();
    // All is written; the connection has no use.
    void opened?.close().catch(() => undefined);
  }

  #isOn(): boolean {
    const { kind } = this.#state;
    return kind !== "failed" && kind !== "stopped" && kind !== "finished";
  }

  async #readAll(opened: OpenedSource): Promise<void> {
    try {
      for await (const batch of opened.batches()) {
        if (this.#opened !== opened) return;
        const due = this.#end === undefined ? batch : this.#end.before(batch);
        if (due === undefined) this.#finishAtEnd();
        else this.#hand(due);
        await this.#untilRoom(opened);
      }
    } catch (error) {
      if (this.#opened === opened) this.#fail(error);
    }
  }

  #hand(batch: RecordBatch): void {
    const key = partitionKey(batch.topic, batch.partition);
    const start = batch.offsets[0] ?? batch.nextOffset;
    const position = this.#positions.get(key) ?? this.#place(batch, start, start);
    position.handedOffset = batch.nextOffset;
    this.#writer.push(batch);
  }

  #newWriter(): StreamWriter {
    return new StreamWriter({
      write: (batches) => this.#write(batches),
      written: () => this.#wake?.(),
      fail: (error) => this.#fail(error),
    });
  }

  async #write(batches: readonly RecordBatch[]): Promise<void> {
    await this.#table.writeTogether(batches);
    for (const batch of batches) {
      this.#opened?.stored?.(batch);
      const position = this.#positions.get(partitionKey(batch.topic, batch.partition));
      if (position === undefined) continue;
      position.nextOffset = batch.nextOffset;
      if (batch.highWatermark > position.highWatermark) position.highWatermark = batch.highWatermark;
    }
    this.#finishAtEnd();
    this.#changed();
  }

  async #untilRoom(opened: OpenedSource): Promise<void> {
    while (this.#opened === opened && (this.#paused || this.#writer.bytesWaiting > BYTES_IN_FLIGHT_MAX)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #followSource(state: SourceState): void {
    if (this.#paused || !this.#isOn()) return;
    this.#setState(readingState(state));
  }

  #fail(error: unknown): void {
    if (!this.#isOn()) return;
    this.#setState({ kind: "failed", error: asTidetableError(error) });
    this.#wake?.();
    const opened = this.#opened;
    this.#opened = undefined;
    // Nothing is written any more; the connection has no use.
    void opened?.close().catch(() => undefined);
  }

  async #closeSource(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#abort.abort();
    this.#wake?.();
    await opened?.close();
    await this.#running;
    await this.#writer.idle();
  }

  /** Partitions and topics that were added while the stream runs get a place too. */
  #readWatermarks(marks: readonly PartitionWatermarks[]): void {
    for (const mark of marks) {
      const key = partitionKey(mark.topic, mark.partition);
      const position = this.#positions.get(key) ?? this.#place(mark, mark.low, mark.low);
      if (mark.high > position.highWatermark) position.highWatermark = mark.high;
    }
  }

  async #freshWatermarks(): Promise<readonly PartitionWatermarks[]> {
    const opened = this.#opened;
    if (opened === undefined) return [];
    return opened.refreshWatermarks === undefined ? opened.watermarks() : opened.refreshWatermarks();
  }

  #setState(state: PipelineState): void {
    this.#state = state;
    this.#changed();
  }
}

function readingState(state: SourceState): PipelineState {
  switch (state.kind) {
    case "connecting":
      return { kind: "connecting" };
    case "reconnecting":
      return { kind: "reconnecting", cause: state.cause };
    case "reading":
    case "closed":
      return { kind: "reading" };
  }
}

function asTidetableError(error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  return new TidetableError("STREAM_FAILED", `reading failed: ${errorMessage(error)}`, { cause: error });
}
