/**
 * Reads the partitions of one topic from their leaders: one fetch under way per leader, at most one answer waiting per
 * partition, connections lost and found again, leaders followed, new partitions taken in. Long because it is one state
 * machine: every path between "reading" and "reconnecting" stands here.
 *
 * Never moves a position by itself: an offset that the broker no longer has ends the reading with a message, or, where the
 * user has said what then, is passed over and told.
 */
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, TidetableError } from "../../errors.js";
import type { PartitionWatermarks, RecordBatch, TopicPartition } from "../record.js";
import type { DecodeLimits } from "../record-batch.js";
import type { LossPolicy, OpenedSource, SourceState } from "../record-source.js";
import { WakeUp } from "../wake-up.js";
import { isLate } from "./client.js";
import type { KafkaCluster } from "./cluster.js";
import { KafkaPartition, type PartitionAsk } from "./partition.js";
import {
  earliestOffset,
  errorCode,
  type FetchedPartition,
  fetchKey,
  fetchRequest,
  type KafkaTopic,
  latestOffset,
} from "./protocol.js";
import { topicReplaced, withinRange } from "./start.js";

export interface KafkaReaderOptions {
  /** How often the cluster is asked for new partitions and leaders. Default 5 s. */
  readonly metadataIntervalMs?: number;
  /** Of one answer for one partition. Default 4 MiB, less when there are many partitions. */
  readonly partitionBytesMax?: number;
  readonly limits?: DecodeLimits;
  /** Default "stop". */
  readonly ifLost?: LossPolicy;
  /** These partitions and no others, also when new ones are made. Default: all. */
  readonly only?: ReadonlySet<number>;
}

export interface PartitionStart {
  readonly partition: number;
  readonly leader: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly next: bigint;
  /** What is passed over because it is gone. */
  readonly lost?: string;
}

/** How long a broker holds an answer back while there is no record. */
const waitMs = 500;
/**
 * The same when a partition is left out of the question because its last answer has not been taken: that may happen any
 * moment, and the partition then waits for this answer. Doubled, up to `waitMs`, as long as nobody takes.
 */
const partialWaitMinMs = 8;
/**
 * After an answer of fewer bytes the next question waits a moment: its reader is done by then, so that no partition is left
 * out, and a broker is not asked for every record of its own. What comes meanwhile would wait for the write before it anyway.
 */
const smallAnswerBytes = 128 * 1024;
const smallAnswerPauseMs = 2;
const fetchTimeoutMs = 10_000;
/** A broker that says nothing for so long is told about. */
const silenceMs = 4_000;
const answerBytesMax = 64 * 1024 * 1024;
const backoffMinMs = 100;
const backoffMaxMs = 2_000;

export class KafkaReader implements OpenedSource {
  readonly positions: ReadonlyArray<TopicPartition & { readonly nextOffset: bigint }>;
  readonly #cluster: KafkaCluster;
  readonly #topic: string;
  readonly #topicId: string;
  readonly #options: KafkaReaderOptions;
  readonly #partitions: KafkaPartition[] = [];
  readonly #listeners = new Set<(state: SourceState) => void>();
  readonly #stop = new AbortController();
  /** Wakes who waits for records. */
  readonly #records = new WakeUp();
  /** Wakes the loop that asks for metadata, before its time. */
  readonly #metadata = new WakeUp();
  /** One loop per leader; wakes it when there is something to ask for. */
  readonly #leaders = new Map<number, WakeUp>();
  readonly #loops = new Set<Promise<void>>();
  readonly #losses: string[] = [];
  #state: SourceState = { kind: "reading" };
  #failure: TidetableError | undefined;
  /** The cluster itself does not answer. */
  #clusterTrouble: string | undefined;
  #turn = 0;
  /** Counts batches handed out. */
  #taken = 0;
  #iterated = false;

  constructor(
    cluster: KafkaCluster,
    topic: KafkaTopic,
    starts: readonly PartitionStart[],
    options: KafkaReaderOptions,
  ) {
    this.#cluster = cluster;
    this.#topic = topic.name;
    this.#topicId = topic.id;
    this.#options = options;
    this.positions = starts.map(({ partition, next }) => ({ topic: topic.name, partition, nextOffset: next }));
    for (const start of starts) {
      this.#add(start);
      if (start.lost !== undefined) this.#losses.push(start.lost);
    }
    this.#follow(topic);
    this.#run(this.#watchMetadata());
  }

  async *batches(): AsyncIterable<RecordBatch> {
    if (this.#iterated) throw new TidetableError("STREAM_FAILED", `The topic ${this.#topic} is already being read.`);
    this.#iterated = true;
    while (!this.#stop.signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure;
      const batch = this.#take();
      if (batch === undefined) await this.#records.wait();
      else yield batch;
    }
  }

  watermarks(): readonly PartitionWatermarks[] {
    return this.#partitions.map(({ partition, low, high }) => ({ topic: this.#topic, partition, low, high }));
  }

  /** Asked of the brokers now; where one does not answer, the newest known. */
  async refreshWatermarks(): Promise<readonly PartitionWatermarks[]> {
    try {
      const topic = await this.#cluster.topic(this.#topic);
      const numbers = this.#partitions.map(({ partition }) => partition);
      for (const { partition, errorCode: code, offset } of await this.#cluster.listOffsets(
        topic,
        numbers,
        latestOffset,
      )) {
        const known = this.#partitions.find((candidate) => candidate.partition === partition);
        if (known !== undefined && code === errorCode.none && offset > known.high) known.high = offset;
      }
    } catch (error) {
      // Brokers away are told by state(); the marks of before stand.
      if (!(error instanceof TidetableError)) throw error;
    }
    return this.watermarks();
  }

  state(): SourceState {
    return this.#state;
  }

  losses(): readonly string[] {
    return this.#losses;
  }

  onState(listener: (state: SourceState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      this.#setState({ kind: "closed" });
      this.#cluster.close();
      this.#records.call();
      this.#metadata.call();
      for (const leader of this.#leaders.values()) leader.call();
    }
    await Promise.all(this.#loops);
  }

  /** The next batch, partition by partition in turn, so that a full one does not starve the others. */
  #take(): RecordBatch | undefined {
    for (let tried = 0; tried < this.#partitions.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#partitions.length;
      const partition = this.#partitions[this.#turn];
      if (!partition?.hasRecords) continue;
      const batch = partition.take();
      this.#leaders.get(partition.leader)?.call();
      this.#updateState();
      if (batch === undefined) continue;
      this.#taken += 1;
      return batch;
    }
    return undefined;
  }

  // ---- fetching ----

  /** Asks one leader for its partitions, as long as it leads any. */
  async #fetchFrom(leader: number, wakeUp: WakeUp): Promise<void> {
    let backoffMs = backoffMinMs;
    let partialWaitMs = partialWaitMinMs;
    let takenBefore = this.#taken;
    while (this.#isRunning()) {
      const led = this.#partitions.filter((partition) => partition.leader === leader);
      if (led.length === 0) break;
      const asks = led.flatMap((partition) => partition.ask() ?? []);
      if (asks.length === 0) {
        await wakeUp.wait();
        continue;
      }
      const isWhole = asks.length === led.length;
      const nobodyTook = !isWhole && this.#taken === takenBefore;
      partialWaitMs = nobodyTook ? Math.min(partialWaitMs * 2, waitMs) : partialWaitMinMs;
      takenBefore = this.#taken;
      const fine = await this.#fetchOnce(leader, asks, isWhole ? waitMs : partialWaitMs);
      backoffMs = fine ? backoffMinMs : Math.min(backoffMs * 2, backoffMaxMs);
      if (!fine) await this.#pause(backoffMs);
    }
    if (this.#leaders.get(leader) === wakeUp) this.#leaders.delete(leader);
  }

  /** True when every partition was answered without an error. */
  async #fetchOnce(leader: number, asks: readonly PartitionAsk[], holdMs: number): Promise<boolean> {
    let answers: readonly FetchedPartition[];
    // Told early; the connection is given up only when the answer is long overdue.
    const silence = setTimeout(() => this.#inTrouble(asks, silent(leader)), silenceMs);
    try {
      const connection = await this.#cluster.leader(leader);
      const request = fetchRequest(
        { topic: this.#topic, topicId: this.#topicId, partitions: asks, waitMs: holdMs, bytesMax: answerBytesMax },
        connection.versionMax(fetchKey),
      );
      answers = (await connection.send(request, fetchTimeoutMs)).partitions;
    } catch (error) {
      for (const ask of asks) this.#find(ask.partition)?.unanswered(ask, isLate(error));
      this.#inTrouble(asks, error);
      return false;
    } finally {
      clearTimeout(silence);
    }
    let fine = true;
    for (const ask of asks) {
      const answer = answers.find(({ partition }) => partition === ask.partition);
      const partition = this.#find(ask.partition);
      if (partition === undefined) continue;
      if (answer === undefined || answer.errorCode !== errorCode.none) {
        partition.unanswered(ask, false);
        await this.#actOn(partition, ask, answer?.errorCode);
        fine = false;
        continue;
      }
      try {
        partition.answered(ask, answer);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#updateState();
    this.#records.call();
    if (answers.reduce((sum, { records }) => sum + records.length, 0) < smallAnswerBytes)
      await delay(smallAnswerPauseMs);
    return fine;
  }

  /** A partition's error: the end for some, a matter of asking another broker for most. */
  async #actOn(partition: KafkaPartition, ask: PartitionAsk, code: number | undefined): Promise<void> {
    switch (code) {
      case errorCode.offsetOutOfRange:
        await this.#checkRange(partition, ask.fetchOffset);
        return;
      case errorCode.topicAuthorizationFailed:
      case errorCode.clusterAuthorizationFailed:
        this.#fail(
          new TidetableError(
            "BROKER_AUTHENTICATION",
            `The broker does not allow this user to read topic ${this.#topic}.`,
          ),
        );
        return;
      default:
        partition.trouble = `partition ${partition.partition}: ${fetchTrouble(code)}`;
        this.#metadata.call();
    }
  }

  async #checkRange(partition: KafkaPartition, offset: bigint): Promise<void> {
    try {
      const topic = await this.#cluster.topic(this.#topic);
      if (this.#isReplaced(topic)) throw topicReplaced(this.#topic);
      const [low] = await this.#cluster.listOffsets(topic, [partition.partition], earliestOffset);
      const [high] = await this.#cluster.listOffsets(topic, [partition.partition], latestOffset);
      if (low?.errorCode !== errorCode.none || high?.errorCode !== errorCode.none) return;
      const at = { topic: this.#topic, partition: partition.partition, offset, low: low.offset, high: high.offset };
      // In between, the broker may have come to know the offset: a replica that was behind has caught up.
      const { next, lost } = withinRange(at, this.#options.ifLost);
      if (lost === undefined) return;
      this.#losses.push(lost);
      partition.passTo(next);
    } catch (error) {
      if (error instanceof TidetableError && error.retryable) partition.trouble = error.message;
      else this.#fail(error);
    }
  }

  #inTrouble(asks: readonly PartitionAsk[], error: unknown): void {
    if (!this.#isRunning()) return;
    if (error instanceof TidetableError && !error.retryable) {
      this.#fail(error);
      return;
    }
    for (const ask of asks) {
      const partition = this.#find(ask.partition);
      if (partition !== undefined) partition.trouble = errorMessage(error);
    }
    this.#updateState();
    this.#metadata.call();
  }

  // ---- the cluster ----

  async #watchMetadata(): Promise<void> {
    let backoffMs = backoffMinMs;
    while (this.#isRunning()) {
      await this.#untilMetadataIsDue();
      if (!this.#isRunning()) return;
      try {
        await this.#refresh();
        this.#clusterTrouble = undefined;
        backoffMs = backoffMinMs;
      } catch (error) {
        if (error instanceof TidetableError && !error.retryable) this.#fail(error);
        this.#clusterTrouble = errorMessage(error);
        backoffMs = Math.min(backoffMs * 2, backoffMaxMs);
        this.#metadata.call();
      }
      this.#updateState();
      await this.#pause(backoffMs);
    }
  }

  async #untilMetadataIsDue(): Promise<void> {
    const timer = setTimeout(() => this.#metadata.call(), this.#options.metadataIntervalMs ?? 5_000);
    await this.#metadata.wait();
    clearTimeout(timer);
  }

  async #refresh(): Promise<void> {
    const topic = await this.#cluster.topic(this.#topic);
    if (topic.errorCode === errorCode.unknownTopicOrPartition) {
      // A broker that has just started may not know it yet; a topic that was deleted may come back as another.
      for (const partition of this.#partitions) partition.trouble = `the topic ${this.#topic} is not there now`;
      return;
    }
    if (topic.errorCode !== errorCode.none) return;
    if (this.#isReplaced(topic)) throw topicReplaced(this.#topic);
    const { only } = this.#options;
    const added = topic.partitions.filter(
      ({ partition }) => this.#find(partition) === undefined && (only === undefined || only.has(partition)),
    );
    if (added.length > 0)
      await this.#takeIn(
        topic,
        added.map(({ partition }) => partition),
      );
    this.#follow(topic);
  }

  /** New partitions are read from their first record: nothing was there before they were. */
  async #takeIn(topic: KafkaTopic, numbers: readonly number[]): Promise<void> {
    const lows = await this.#cluster.listOffsets(topic, numbers, earliestOffset);
    for (const { partition, errorCode: code, offset } of lows) {
      const leader = topic.partitions.find((candidate) => candidate.partition === partition)?.leader ?? -1;
      if (code === errorCode.none) this.#add({ partition, leader, low: offset, high: offset, next: offset });
    }
  }

  #add(start: PartitionStart): void {
    const share = Math.floor(answerBytesMax / Math.max(1, this.#partitions.length + 1));
    const bytesMax = this.#options.partitionBytesMax ?? Math.max(256 * 1024, Math.min(4 * 1024 * 1024, share));
    this.#partitions.push(new KafkaPartition(this.#topic, start, bytesMax, this.#options.limits ?? {}));
  }

  /** Leaders as the cluster names them now, with a loop for each. */
  #follow(topic: KafkaTopic): void {
    for (const { partition: number, leader } of topic.partitions) {
      const partition = this.#find(number);
      if (partition === undefined) continue;
      partition.leader = leader;
      if (leader < 0) {
        partition.trouble = `partition ${number} has no leader`;
        continue;
      }
      const running = this.#leaders.get(leader);
      if (running !== undefined) {
        running.call();
        continue;
      }
      const wakeUp = new WakeUp();
      this.#leaders.set(leader, wakeUp);
      this.#run(this.#fetchFrom(leader, wakeUp));
    }
  }

  #isReplaced(topic: KafkaTopic): boolean {
    return topic.id !== "" && this.#topicId !== "" && topic.id !== this.#topicId;
  }

  // ---- state ----

  #find(number: number): KafkaPartition | undefined {
    return this.#partitions.find(({ partition }) => partition === number);
  }

  #isRunning(): boolean {
    return !this.#stop.signal.aborted && this.#failure === undefined;
  }

  #updateState(): void {
    if (!this.#isRunning()) return;
    const trouble = this.#partitions.find((partition) => partition.trouble !== undefined)?.trouble;
    if (trouble === undefined) {
      this.#setState({ kind: "reading" });
      return;
    }
    const sinceMs = this.#state.kind === "reconnecting" ? this.#state.sinceMs : Date.now();
    this.#setState({ kind: "reconnecting", cause: this.#clusterTrouble ?? trouble, sinceMs });
  }

  #setState(state: SourceState): void {
    const before = this.#state;
    const same = before.kind === state.kind && (state.kind !== "reconnecting" || causeOf(before) === state.cause);
    if (same || before.kind === "closed") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #fail(error: unknown): void {
    this.#failure ??=
      error instanceof TidetableError
        ? error
        : new TidetableError("STREAM_FAILED", `Reading topic ${this.#topic} failed: ${errorMessage(error)}`, {
            cause: error,
          });
    this.#records.call();
    this.#metadata.call();
    for (const leader of this.#leaders.values()) leader.call();
  }

  async #pause(timeMs: number): Promise<void> {
    // Spread, so that several readers do not come back to a broker at the same moment.
    const jitteredMs = timeMs * (0.75 + Math.random() * 0.5);
    await delay(jitteredMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #run(loop: Promise<void>): void {
    const guarded = loop
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#loops.delete(guarded);
      });
    this.#loops.add(guarded);
  }
}

function silent(leader: number): TidetableError {
  return new TidetableError("BROKER_UNREACHABLE", `Broker ${leader} has not answered for ${silenceMs / 1000} s.`, {
    retryable: true,
  });
}

function causeOf(state: SourceState): string | undefined {
  return state.kind === "reconnecting" ? state.cause : undefined;
}

function fetchTrouble(code: number | undefined): string {
  switch (code) {
    case undefined:
      return "the broker left it out of its answer";
    case errorCode.corruptMessage:
      return "the broker finds its own log damaged";
    case errorCode.leaderNotAvailable:
      return "it has no leader";
    case errorCode.unknownTopicOrPartition:
      return "its broker does not know it now";
    case errorCode.unknownTopicId:
    case errorCode.inconsistentTopicId:
      return "the topic is not there now, or is another one";
    case 6:
    case 74:
    case 75:
      return "its leader has moved";
    default:
      return `the broker answered with error ${code}`;
  }
}
