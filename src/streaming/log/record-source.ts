/**
 * An append-only log file as a source of records: what the tutorial reads when there is no broker. Tails the file by
 * watching and, where watching fails, by looking; reads at the consumer's pull. The format is log-format.ts's, the file
 * log-file.ts's.
 */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { errorMessage, TidetableError } from "../../errors.js";
import type { PartitionWatermarks, RecordBatch, TopicPartition } from "../record.js";
import type { OpenedSource, RecordSource, SourceRequest, SourceState } from "../record-source.js";
import { WakeUp } from "../wake-up.js";
import { LogFile, type LogPosition, type LogStart } from "./file.js";
import { decodeLogLines } from "./format.js";

/** How often the file is looked at when no watcher speaks up. */
const lookEveryMs = 250;

export class LogRecordSource implements RecordSource {
  readonly description: string;
  readonly #path: string;

  constructor(options: { readonly path: string }) {
    this.#path = options.path;
    this.description = options.path;
  }

  async open(
    request: SourceRequest,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<OpenedSource> {
    options.signal.throwIfAborted();
    const file = await LogFile.open(this.#path);
    try {
      const deadlineMs = performance.now() + options.timeoutMs;
      const { begin, end } = await file.locate(startOf(request), deadlineMs);
      options.signal.throwIfAborted();
      return new OpenedLog(request.topic, file, begin, end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

function startOf(request: SourceRequest): LogStart {
  const stored = request.storedOffsets.get(0);
  if (stored !== undefined) return { kind: "offset", offset: stored };
  if (request.from === "earliest" || request.from === "latest") return { kind: request.from };
  if ("timestampMs" in request.from) return { kind: "timestamp", timestampMs: request.from.timestampMs };
  const offset = request.from.offsets[0];
  return offset === undefined ? { kind: "earliest" } : { kind: "offset", offset };
}

class OpenedLog implements OpenedSource {
  readonly positions: ReadonlyArray<TopicPartition & { readonly nextOffset: bigint }>;
  readonly #topic: string;
  #file: LogFile;
  /** The next line to hand out. */
  #next: LogPosition;
  /** The place after the last whole line seen. */
  #end: LogPosition;
  #state: SourceState = { kind: "reading" };
  #failure: TidetableError | undefined;
  readonly #listeners = new Set<(state: SourceState) => void>();
  readonly #reader = new WakeUp();
  readonly #looker = new WakeUp();
  #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;
  /** Reads and looks share one file and its buffer: one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #looking: Promise<void>;
  #iterated = false;

  constructor(topic: string, file: LogFile, begin: LogPosition, end: LogPosition) {
    this.positions = [{ topic, partition: 0, nextOffset: begin.offset }];
    this.#topic = topic;
    this.#file = file;
    this.#next = begin;
    this.#end = end;
    this.#timer = setInterval(() => this.#looker.call(), lookEveryMs);
    this.#watch();
    this.#looking = this.#look();
  }

  async *batches(): AsyncIterable<RecordBatch> {
    if (this.#iterated) throw new TidetableError("STREAM_FAILED", `The log ${this.#file.path} is already being read.`);
    this.#iterated = true;
    while (this.#state.kind !== "closed") {
      if (this.#failure !== undefined) throw this.#failure;
      const batch = await this.#inTurn(() => this.#read());
      if (batch === undefined) await this.#reader.wait();
      else yield batch;
    }
  }

  watermarks(): readonly PartitionWatermarks[] {
    return [{ topic: this.#topic, partition: 0, low: this.#file.low.offset, high: this.#end.offset }];
  }

  /** Looks at the file now; the watcher tells of a write a moment later. */
  async refreshWatermarks(): Promise<readonly PartitionWatermarks[]> {
    if (this.#state.kind !== "closed" && this.#failure === undefined) {
      await this.#inTurn(() => this.#notice());
      this.#reader.call();
    }
    return this.watermarks();
  }

  state(): SourceState {
    return this.#state;
  }

  onState(listener: (state: SourceState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#state.kind === "closed") return;
    this.#setState({ kind: "closed" });
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#reader.call();
    this.#looker.call();
    await this.#looking;
    await this.#inTurn(() => this.#file.close());
  }

  async #read(): Promise<RecordBatch | undefined> {
    if (this.#state.kind === "closed" || this.#next.byte >= this.#end.byte) return undefined;
    const lines = await this.#file.readLines(this.#next);
    if (lines === undefined) return undefined;
    const from = this.#next;
    this.#next = lines.next;
    if (lines.next.offset > this.#end.offset) this.#end = lines.next;
    return decodeLogLines({
      topic: this.#topic,
      bytes: lines.bytes,
      firstOffset: from.offset,
      highWatermark: this.#end.offset,
    });
  }

  /** Notices what was appended, cut, replaced or removed. A failure is handed to the reader. */
  async #look(): Promise<void> {
    while (this.#state.kind !== "closed" && this.#failure === undefined) {
      try {
        await this.#inTurn(() => this.#notice());
      } catch (error) {
        this.#failure =
          error instanceof TidetableError
            ? error
            : new TidetableError(
                "LOG_UNREADABLE",
                `The log ${this.#file.path} cannot be read: ${errorMessage(error)}`,
                {
                  cause: error,
                },
              );
      }
      this.#reader.call();
      await this.#looker.wait();
    }
  }

  async #notice(): Promise<void> {
    if ((await this.#file.sizeBytes()) < this.#end.byte) throw this.#file.changed(this.#end, "was cut short");
    this.#end = await this.#file.end(this.#end);
    const identity = await this.#file.identity();
    if (identity === "gone") {
      this.#setState({ kind: "reconnecting", cause: `the log ${this.#file.path} was removed`, sinceMs: Date.now() });
      return;
    }
    // What the old file still holds is read first: the writer has left it, so it has an end.
    if (identity === "replaced" && this.#next.byte >= this.#end.byte) await this.#moveToNewFile();
    if (this.#state.kind === "reconnecting") this.#setState({ kind: "reading" });
  }

  /** The log was cut at the front (a new file of the same id), or it is another one. */
  async #moveToNewFile(): Promise<void> {
    const old = this.#file;
    const file = await LogFile.open(old.path);
    try {
      if (old.header === undefined || file.header?.id !== old.header.id) throw old.changed(this.#next, "was replaced");
      const deadlineMs = performance.now() + moveTimeoutMs;
      const { begin, end } = await file.locate({ kind: "offset", offset: this.#next.offset }, deadlineMs);
      this.#file = file;
      this.#next = begin;
      this.#end = end;
    } catch (error) {
      await file.close();
      throw error;
    }
    await old.close();
  }

  /** Watching the folder outlives a replaced file. Where it is not possible, the timer alone looks. */
  #watch(): void {
    const name = basename(this.#file.path);
    try {
      this.#watcher = watch(dirname(this.#file.path), (_event, changed) => {
        if (changed === null || changed === name) this.#looker.call();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // No watches left, or a file system without them: the timer looks four times a second.
      this.#watcher = undefined;
    }
  }

  #setState(state: SourceState): void {
    if (state.kind === this.#state.kind || this.#state.kind === "closed") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}

const moveTimeoutMs = 30_000;
