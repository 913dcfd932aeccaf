/**
 * What a reader knows of one partition: where it stands, what has been fetched and not handed out yet, what is wrong
 * with it. Does no IO and reads no clock; kafka/reader.ts fetches.
 */
import { TidetableError } from "../../errors.js";
import type { RecordBatch } from "../record.js";
import { announcedBytes, type DecodeLimits, decodeRecords, offsetAfter } from "../record-batch.js";
import { RecordColumns } from "../record-columns.js";
import type { FetchedPartition } from "./protocol.js";

/** A damaged batch is fetched again so often before it is believed: damage on the way heals, damage on disk does not. */
const corruptionRetries = 2;
/** Of a question to a broker behind a slow line. */
const bytesMin = 16 * 1024;
/** A single batch may be so large; more is a damaged length. */
const batchBytesMax = 128 * 1024 * 1024;

export interface PartitionAsk {
  readonly partition: number;
  readonly fetchOffset: bigint;
  readonly bytesMax: number;
  /** Answers to questions from before a step back are thrown away. */
  readonly epoch: number;
}

export class KafkaPartition {
  readonly partition: number;
  /** Node id; -1 while there is none. */
  leader: number;
  low: bigint;
  high: bigint;
  /** Why nothing can be read now, in words; undefined while all is well. */
  trouble: string | undefined;
  readonly #topic: string;
  readonly #limits: DecodeLimits;
  /** The next offset to ask for. */
  #fetchOffset: bigint;
  /** The next offset to hand out. */
  #nextOffset: bigint;
  readonly #bytesMaxUsual: number;
  #bytesMax: number;
  #epoch = 0;
  #asked = false;
  #buffered: { readonly answer: FetchedPartition; readonly fetchOffset: bigint } | undefined;
  #decoding: Iterator<RecordBatch, void> | undefined;
  #corruptions = 0;
  #passedTo: bigint | undefined;

  constructor(
    topic: string,
    start: {
      readonly partition: number;
      readonly leader: number;
      readonly low: bigint;
      readonly high: bigint;
      readonly next: bigint;
    },
    bytesMax: number,
    limits: DecodeLimits,
  ) {
    this.#topic = topic;
    this.partition = start.partition;
    this.leader = start.leader;
    this.low = start.low;
    this.high = start.high;
    this.#fetchOffset = start.next;
    this.#nextOffset = start.next;
    this.#bytesMaxUsual = bytesMax;
    this.#bytesMax = bytesMax;
    this.#limits = limits;
  }

  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /** What to fetch; undefined while an answer is under way or waits to be taken. */
  ask(): PartitionAsk | undefined {
    if (this.#asked || this.#buffered !== undefined) return undefined;
    this.#asked = true;
    return { partition: this.partition, fetchOffset: this.#fetchOffset, bytesMax: this.#bytesMax, epoch: this.#epoch };
  }

  /** The question came to nothing; it will be asked again, for less when the answer was `late`: the line may be slow. */
  unanswered(ask: PartitionAsk, late: boolean): void {
    if (late) this.#bytesMax = Math.max(bytesMin, this.#bytesMax >>> 3);
    if (ask.epoch === this.#epoch) this.#asked = false;
  }

  /** Takes an answer without an error in. @throws TidetableError RECORD_CORRUPT when a batch's length cannot be. */
  answered(ask: PartitionAsk, answer: FetchedPartition): void {
    if (ask.epoch !== this.#epoch) return;
    this.#asked = false;
    this.trouble = undefined;
    this.low = answer.logStartOffset >= 0n ? answer.logStartOffset : this.low;
    this.high = answer.highWatermark;
    if (answer.records.length === 0) return;
    const next = offsetAfter(answer.records);
    if (next === undefined) {
      this.#growFor(answer.records);
      return;
    }
    this.#buffered = { answer, fetchOffset: ask.fetchOffset };
    if (next > this.#fetchOffset) this.#fetchOffset = next;
    if (this.#bytesMax < this.#bytesMaxUsual) this.#bytesMax = Math.min(this.#bytesMaxUsual, this.#bytesMax * 2);
  }

  get hasRecords(): boolean {
    return this.#decoding !== undefined || this.#buffered !== undefined || this.#passedTo !== undefined;
  }

  /**
   * The next batch of what was fetched, undefined when there is none.
   * @throws TidetableError RECORD_CORRUPT, CODEC_UNSUPPORTED.
   */
  take(): RecordBatch | undefined {
    for (;;) {
      if (this.#decoding === undefined) {
        const buffered = this.#buffered;
        if (buffered === undefined) return this.#takePassed();
        this.#buffered = undefined;
        this.#decoding = this.#decode(buffered);
      }
      const result = this.#nextDecoded(this.#decoding);
      if (result === "again") continue;
      if (result.done) {
        this.#decoding = undefined;
        continue;
      }
      this.#corruptions = 0;
      this.#nextOffset = result.value.nextOffset;
      return result.value;
    }
  }

  #decode({ answer, fetchOffset }: { readonly answer: FetchedPartition; readonly fetchOffset: bigint }) {
    return decodeRecords(
      {
        topic: this.#topic,
        partition: this.partition,
        bytes: answer.records,
        fetchOffset,
        highWatermark: answer.highWatermark,
        abortedTransactions: answer.abortedTransactions,
      },
      this.#limits,
    );
  }

  #nextDecoded(decoding: Iterator<RecordBatch, void>): IteratorResult<RecordBatch, void> | "again" {
    try {
      return decoding.next();
    } catch (error) {
      this.#decoding = undefined;
      const worthAnotherTry = error instanceof TidetableError && error.code === "RECORD_CORRUPT";
      if (!worthAnotherTry || this.#corruptions >= corruptionRetries) throw error;
      this.#corruptions += 1;
      this.stepBack(error.message);
      return "again";
    }
  }

  /** Forgets what was fetched beyond what was handed out, and asks for it again. */
  stepBack(trouble: string): void {
    this.#epoch += 1;
    this.#asked = false;
    this.#buffered = undefined;
    this.#decoding = undefined;
    this.#fetchOffset = this.#nextOffset;
    this.trouble = trouble;
  }

  /** Reads on at a later offset: what lies before it is gone. What waits to be taken still is. */
  passTo(offset: bigint): void {
    this.#fetchOffset = offset;
    this.#passedTo = offset;
  }

  /** A batch without records says that the offset has moved, to whoever waits for the end and to the store. */
  #takePassed(): RecordBatch | undefined {
    const passedTo = this.#passedTo;
    this.#passedTo = undefined;
    if (passedTo === undefined || passedTo <= this.#nextOffset) return undefined;
    this.#nextOffset = passedTo;
    return new RecordColumns().cut({
      topic: this.#topic,
      partition: this.partition,
      bytes: Buffer.alloc(0),
      nextOffset: passedTo,
      highWatermark: this.high,
    });
  }

  /** A batch larger than what was asked for. Kafka sends it whole when it comes first; here it did not fit even so. */
  #growFor(records: Buffer): void {
    const announced = announcedBytes(records) ?? 0;
    if (announced > batchBytesMax || announced < 0) {
      throw new TidetableError(
        "RECORD_CORRUPT",
        `Topic ${this.#topic}, partition ${this.partition}: the batch at offset ${this.#fetchOffset} announces ${announced} bytes, which cannot be. Reading past it: from {offsets: {${this.partition}: N}} with N the first offset after it.`,
      );
    }
    this.#bytesMax = Math.max(this.#bytesMax * 2, announced);
  }
}
