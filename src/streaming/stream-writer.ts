/**
 * Writes what was read, each partition in order. Owns the rhythm, not the transactions: a large batch is a transaction of
 * its own, several at a time; what trickles in is collected for a moment and written for all partitions in one transaction,
 * because a transaction costs the same for five rows as for five hundred.
 */
import { partitionKey, type RecordBatch } from "./record.js";
import { joinBatches, sliceBatch } from "./record-slices.js";

/** Transactions at the same time. */
const WRITES_MAX = 4;
/** Rows of one partition in one transaction at the most. */
const BATCH_ROWS_MAX = 20_000;
/** Joining copies, so it stops where a transaction is large enough to pay for itself. */
const BATCH_BYTES_JOINED_MAX = 4 * 1024 * 1024;
/** A partition with so many rows waiting is written by itself, at once. */
const LARGE_ROWS = 5_000;
const LARGE_BYTES = 1024 * 1024;
/** Whoever writes little again within this time collects first … */
const BUSY_WITHIN_MS = 100;
/** … for a part of what the last such write took, within bounds, so that the processor rests in between. */
const COLLECT_PART = 0.5;
const COLLECT_MS_MIN = 2;
const COLLECT_MS_MAX = 20;

export type BatchGroup = readonly [RecordBatch, ...RecordBatch[]];

export interface StreamWriterPort {
  /** Stores one batch of each of some partitions of one topic, with the offsets up to which they are stored. */
  write(batches: BatchGroup): Promise<void>;
  /** `bytesWaiting` has gone down. */
  written(): void;
  /** Called once; nothing is written afterwards. */
  fail(error: unknown): void;
}

interface PartitionQueue {
  readonly pending: RecordBatch[];
  rows: number;
  bytes: number;
  /** One of its batches is being written. */
  writing: boolean;
}

interface Taken {
  readonly batch: RecordBatch;
  /** Bytes that were waiting on its account; more than it has where records were left out between its own. */
  readonly bytes: number;
}

export class StreamWriter {
  readonly #port: StreamWriterPort;
  /** In the order in which their oldest batch came. */
  readonly #queues = new Map<string, PartitionQueue>();
  #bytesWaiting = 0;
  #writes = 0;
  #collecting = false;
  #collectTimer: NodeJS.Timeout | undefined;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  #collectedWriteMs = 0;
  #failed = false;
  #whenIdle: Array<() => void> = [];

  constructor(port: StreamWriterPort) {
    this.#port = port;
  }

  /** Bytes handed over and not yet written. */
  get bytesWaiting(): number {
    return this.#bytesWaiting;
  }

  push(batch: RecordBatch): void {
    if (this.#failed) return;
    const key = partitionKey(batch.topic, batch.partition);
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { pending: [], rows: 0, bytes: 0, writing: false };
      this.#queues.set(key, queue);
    }
    queue.pending.push(batch);
    queue.rows += batch.count;
    queue.bytes += batch.bytes.length;
    this.#bytesWaiting += batch.bytes.length;
    this.#start();
  }

  /** Resolves when everything pushed so far is written, or writing has failed. */
  async idle(): Promise<void> {
    if (this.#writes > 0 || this.#queues.size > 0) await new Promise<void>((idle) => this.#whenIdle.push(idle));
  }

  /** Starts what is due. */
  #start(): void {
    for (const [key, queue] of this.#queues) {
      if (this.#writes >= WRITES_MAX) return;
      if (queue.writing) continue;
      if (isLarge(queue)) void this.#write([[key, queue]], false);
      else this.#startCollected();
    }
    if (this.#writes > 0 || this.#queues.size > 0) return;
    for (const idle of this.#whenIdle.splice(0)) idle();
  }

  #startCollected(): void {
    if (this.#collecting || this.#collectTimer !== undefined) return;
    const sinceMs = performance.now() - this.#collectedAtMs;
    const collectMs = Math.min(COLLECT_MS_MAX, Math.max(COLLECT_MS_MIN, this.#collectedWriteMs * COLLECT_PART));
    if (sinceMs > BUSY_WITHIN_MS) {
      this.#writeCollected();
      return;
    }
    this.#collectTimer = setTimeout(
      () => {
        this.#collectTimer = undefined;
        if (this.#writes < WRITES_MAX) this.#writeCollected();
      },
      Math.max(0, collectMs - sinceMs),
    );
  }

  #writeCollected(): void {
    const small = [...this.#queues].filter(([, queue]) => !queue.writing && !isLarge(queue));
    const topic = small[0]?.[1].pending[0]?.topic;
    const together = small.filter(([, { pending }]) => pending[0]?.topic === topic);
    if (together.length > 0) void this.#write(together, true);
  }

  /** Never rejects: a failure goes to the port. */
  async #write(queues: ReadonlyArray<readonly [string, PartitionQueue]>, collected: boolean): Promise<void> {
    this.#writes += 1;
    if (collected) this.#collecting = true;
    const startedAtMs = performance.now();
    const taken = queues.map(([, queue]) => take(queue));
    for (const [, queue] of queues) queue.writing = true;
    try {
      const [first, ...others] = taken.map(({ batch }) => batch);
      if (first !== undefined) await this.#port.write([first, ...others]);
      for (const { bytes } of taken) this.#bytesWaiting -= bytes;
      this.#port.written();
    } catch (error) {
      this.#fail(error);
    }
    this.#writes -= 1;
    for (const [key, queue] of queues) {
      queue.writing = false;
      // Goes to the end of the row, so that every partition has its turn.
      this.#queues.delete(key);
      if (queue.pending.length > 0 && !this.#failed) this.#queues.set(key, queue);
    }
    if (collected) {
      this.#collecting = false;
      this.#collectedAtMs = performance.now();
      this.#collectedWriteMs = this.#collectedAtMs - startedAtMs;
    }
    this.#start();
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    clearTimeout(this.#collectTimer);
    this.#collectTimer = undefined;
    for (const [key, queue] of this.#queues) {
      queue.pending.length = 0;
      if (!queue.writing) this.#queues.delete(key);
    }
    this.#port.fail(error);
  }
}

function isLarge(queue: PartitionQueue): boolean {
  return queue.rows >= LARGE_ROWS || queue.bytes >= LARGE_BYTES;
}

/** Takes the next batch of a queue that has one: small ones joined, a large one cut. */
function take(queue: PartitionQueue): Taken {
  const first = queue.pending.shift();
  if (first === undefined) throw new RangeError("nothing is pending");
  if (first.count > BATCH_ROWS_MAX) {
    const rest = sliceBatch(first, BATCH_ROWS_MAX, first.count);
    queue.pending.unshift(rest);
    return account(queue, sliceBatch(first, 0, BATCH_ROWS_MAX), first.bytes.length - rest.bytes.length);
  }
  const joined: [RecordBatch, ...RecordBatch[]] = [first];
  let rows = first.count;
  let bytes = first.bytes.length;
  for (let next = queue.pending[0]; next !== undefined; next = queue.pending[0]) {
    if (rows + next.count > BATCH_ROWS_MAX || bytes + next.bytes.length > BATCH_BYTES_JOINED_MAX) break;
    rows += next.count;
    bytes += next.bytes.length;
    joined.push(next);
    queue.pending.shift();
  }
  return account(queue, joinBatches(joined), bytes);
}

function account(queue: PartitionQueue, batch: RecordBatch, bytes: number): Taken {
  queue.rows -= batch.count;
  queue.bytes -= bytes;
  return { batch, bytes };
}
