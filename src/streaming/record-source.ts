/**
 * The port every source of records stands behind: a broker, an append-only log. One conformance suite
 * (test/streaming/record-source-conformance.ts) runs against each adapter.
 */
import type { TidetableError } from "../errors.js";
import type { PartitionWatermarks, RecordBatch, TopicPartition } from "./record.js";

/** Where to begin reading partitions that have no stored offset. */
export type StartPosition =
  | "earliest"
  | "latest"
  /** The first record whose timestamp is at or after this instant (epoch milliseconds). */
  | { readonly timestampMs: number }
  /** Exact next offsets by partition number; partitions left out start at the earliest record. */
  | { readonly offsets: Readonly<Record<number, bigint>> };

/** Where reading ends. Left out: never. */
export type EndPosition =
  /** What was there when asked. */
  | "latest"
  /** Before the first record whose timestamp is at or after this instant (epoch milliseconds). */
  | { readonly timestampMs: number }
  /** Before these offsets, by partition number; partitions left out end as with "latest". */
  | { readonly offsets: Readonly<Record<number, bigint>> };

/** What to do where retention has removed records that were not read yet: end with a message, or read on and say so. */
export type LossPolicy = "stop" | "earliest" | "latest";

/** Several topics in one table. */
export type TopicChoice =
  | { readonly names: readonly string[] }
  /** A regular expression that the whole name of a topic must match. */
  | { readonly pattern: string };

export interface SourceRequest {
  readonly topic: string;
  readonly from: StartPosition;
  /** Next offset by partition, as stored with the rows; it wins over `from`. */
  readonly storedOffsets: ReadonlyMap<number, bigint>;
  /** Default "stop". */
  readonly ifLost?: LossPolicy;
  /**
   * Asked by a source whose topics have ids that outlive their names: whether the stored offsets belong to the topic with
   * this id. A topic that was deleted and created again has another.
   */
  readonly isSameTopic?: (topic: string, id: string) => Promise<boolean>;
}

/** What a source is doing, for the status line. `reconnecting` carries the cause; reading resumes without help. */
export type SourceState =
  | { readonly kind: "connecting" }
  | { readonly kind: "reading" }
  | { readonly kind: "reconnecting"; readonly cause: string; readonly sinceMs: number }
  | { readonly kind: "closed" };

export interface RecordSource {
  /** For messages: `127.0.0.1:19092`, or the path of a log. Never holds a secret. */
  readonly description: string;

  /**
   * Connects and settles where each partition begins. Answers within `timeoutMs` or throws.
   * @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, TOPIC_NOT_FOUND (its message lists near topics),
   *   OFFSET_OUT_OF_RANGE (a stored offset that retention has removed: the lost range and the choices; a topic that was
   *   deleted and created again), LOG_UNREADABLE.
   */
  open(
    request: SourceRequest,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<OpenedSource>;

  /** Names of the topics that are there, for a pattern; absent where a source is one topic. */
  topics?(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<readonly string[]>;

  /**
   * What offsets belong to beside a topic's name: the same for another address of the same cluster, another for another
   * cluster at the same address. Absent where the description says it all.
   */
  identity?(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<string>;
}

export interface OpenedSource {
  /** The partitions being read and the offset each starts from. */
  readonly positions: ReadonlyArray<TopicPartition & { readonly nextOffset: bigint }>;

  /**
   * Batches of every partition, as they come; within a partition in order. The consumer's pull is the back-pressure:
   * a source holds at most one fetched answer per partition. Ends after `close()`; lost connections are retried
   * inside and shown by `state()`. Throws a TidetableError only for what retrying cannot mend
   * (OFFSET_OUT_OF_RANGE, RECORD_CORRUPT, CODEC_UNSUPPORTED, BROKER_AUTHENTICATION).
   */
  batches(): AsyncIterable<RecordBatch>;

  /** Newest known watermarks, without a round trip. */
  watermarks(): readonly PartitionWatermarks[];

  /** Watermarks asked for now, for "everything that is there at this moment"; absent where `watermarks()` is that fresh. */
  refreshWatermarks?(): Promise<readonly PartitionWatermarks[]>;

  state(): SourceState;

  /** What was passed over because it is gone, one sentence each; newest last. Absent where nothing ever goes. */
  losses?(): readonly string[];

  /** Called at each change of state, at once; returns the way to stop. */
  onState(listener: (state: SourceState) => void): () => void;

  /** Everything before `nextOffset` is in the table; for sources that keep a position outside of it. */
  stored?(position: TopicPartition & { readonly nextOffset: bigint }): void;

  /** Stops reading and frees sockets and timers within a second. Safe to call twice. */
  close(): Promise<void>;
}

/** A source broke for good; carried out of `batches()`. */
export type SourceFailure = TidetableError;
