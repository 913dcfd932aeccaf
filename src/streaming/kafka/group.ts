/**
 * A topic shared by the members of a consumer group, as a source of records: the group says which partitions are ours, and
 * keeps at the broker how far they are stored. kafkajs is the group's member and reads nothing; the partitions are read by
 * kafka/reader.ts, as without a group. Owns membership, what is committed, and going over from one assignment to the next.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer } from "kafkajs";
import { TidetableError } from "../../errors.js";
import type { PartitionWatermarks, RecordBatch, TopicPartition } from "../record.js";
import type { OpenedSource, RecordSource, SourceRequest, SourceState } from "../record-source.js";
import { WakeUp } from "../wake-up.js";
import { brokerError, type KafkaConnection, kafkaAdmin, kafkajsConsumer } from "./client.js";
import type { KafkaReaderOptions } from "./reader.js";
import { KafkaRecordSource, requireTopic } from "./record-source.js";

/** What is stored is told to the broker so often. */
const commitEveryMs = 500;
const closingTimeoutMs = 3_000;
const assignTimeoutMs = 9_000;
const retryAfterMs = 500;

interface OpenOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export class KafkaGroupSource implements RecordSource {
  readonly description: string;
  readonly #connection: KafkaConnection;
  readonly #group: string;
  readonly #options: KafkaReaderOptions;

  constructor(connection: KafkaConnection, group: string, options: KafkaReaderOptions = {}) {
    this.#connection = connection;
    this.#group = group;
    this.#options = options;
    this.description = `${connection.brokers.join(", ")}, group ${group}`;
  }

  async open(request: SourceRequest, options: OpenOptions): Promise<OpenedSource> {
    await requireTopic(this.#connection, request.topic, options);
    const member = new GroupMember(this.#connection, this.#group, request, this.#options);
    try {
      await member.join(options);
      return member;
    } catch (error) {
      await member.close();
      throw error;
    }
  }

  topics(options: OpenOptions): Promise<readonly string[]> {
    return new KafkaRecordSource(this.#connection).topics(options);
  }

  identity(options: OpenOptions): Promise<string> {
    return new KafkaRecordSource(this.#connection).identity(options);
  }
}

class GroupMember implements OpenedSource {
  readonly #connection: KafkaConnection;
  readonly #group: string;
  readonly #request: SourceRequest;
  readonly #options: KafkaReaderOptions;
  readonly #consumer: Consumer;
  readonly #listeners = new Set<(state: SourceState) => void>();
  readonly #stop = new AbortController();
  /** Wakes who waits for another assignment's records. */
  readonly #assigned = new WakeUp();
  /** Next offset of each partition after what was handed out: an assignment that comes back goes on there. */
  readonly #handed = new Map<number, bigint>();
  readonly #toCommit = new Map<number, bigint>();
  #reader: OpenedSource | undefined;
  /** Of readers from before this one. */
  readonly #losses: string[] = [];
  #marks: readonly PartitionWatermarks[] = [];
  #state: SourceState = { kind: "connecting" };
  #failure: TidetableError | undefined;
  /** Counts assignments; work for an older one is dropped. */
  #generation = 0;
  #assigning: Promise<void> = Promise.resolve();
  #commitTimer: NodeJS.Timeout | undefined;
  #iterated = false;
  positions: OpenedSource["positions"] = [];

  constructor(connection: KafkaConnection, group: string, request: SourceRequest, options: KafkaReaderOptions) {
    this.#connection = connection;
    this.#group = group;
    this.#request = request;
    this.#options = options;
    this.#consumer = kafkajsConsumer(connection, group);
  }

  /** Resolves once the first assignment is read. */
  async join({ timeoutMs, signal }: OpenOptions): Promise<void> {
    const { topic } = this.#request;
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    const settled = new Promise<void>((resolve, reject) => {
      this.#consumer.on(GROUP_JOIN, ({ payload }) => {
        // At once, before it fetches: reading is not its part.
        this.#consumer.pause([{ topic }]);
        this.#assign(payload.memberAssignment[topic] ?? []).then(resolve, reject);
      });
      this.#consumer.on(CRASH, ({ payload }) => {
        this.#inTrouble(payload.error);
        if (this.#failure !== undefined) reject(this.#failure);
      });
    });
    settled.catch(() => undefined);
    const timer = new AbortController();
    const ended = AbortSignal.any([signal, this.#stop.signal, timer.signal]);
    const late = delay(timeoutMs, undefined, { signal: ended }).then(() => {
      throw new TidetableError(
        "BROKER_UNREACHABLE",
        `Group ${this.#group} at ${this.#connection.brokers.join(", ")} gave no partitions within ${timeoutMs / 1000} s. A member that died holds its place for some seconds; try again.`,
        { retryable: true },
      );
    });
    late.catch(() => undefined);
    try {
      await Promise.race([this.#run(topic), late]);
      await Promise.race([settled, late]);
    } catch (error) {
      if (signal.aborted) throw error;
      throw brokerError(this.#connection.brokers.join(", "), error);
    } finally {
      timer.abort();
    }
  }

  async *batches(): AsyncIterable<RecordBatch> {
    const { topic } = this.#request;
    if (this.#iterated) throw new TidetableError("STREAM_FAILED", `The topic ${topic} is already being read.`);
    this.#iterated = true;
    while (!this.#stop.signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure;
      const reader = this.#reader;
      if (reader === undefined) {
        await this.#assigned.wait();
        continue;
      }
      for await (const batch of reader.batches()) {
        if (this.#reader !== reader) break;
        this.#handed.set(batch.partition, batch.nextOffset);
        yield batch;
      }
    }
  }

  watermarks(): readonly PartitionWatermarks[] {
    return this.#reader?.watermarks() ?? this.#marks;
  }

  async refreshWatermarks(): Promise<readonly PartitionWatermarks[]> {
    return (await this.#reader?.refreshWatermarks?.()) ?? this.#marks;
  }

  losses(): readonly string[] {
    return [...this.#losses, ...(this.#reader?.losses?.() ?? [])];
  }

  state(): SourceState {
    return this.#state;
  }

  onState(listener: (state: SourceState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stored({ partition, nextOffset }: TopicPartition & { readonly nextOffset: bigint }): void {
    this.#toCommit.set(partition, nextOffset);
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      void this.#commit();
    }, commitEveryMs);
  }

  async close(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      this.#generation += 1;
      clearTimeout(this.#commitTimer);
      this.#setState({ kind: "closed" });
      this.#assigned.call();
      await this.#reader?.close();
      await within(closingTimeoutMs, this.#leave());
    }
    await this.#assigning;
  }

  async #run(topic: string): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic });
    await this.#consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
  }

  async #leave(): Promise<void> {
    await this.#commit();
    await this.#consumer.disconnect();
  }

  /** Goes over to these partitions, once what came before is done. */
  #assign(partitions: readonly number[]): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    this.#assigning = this.#assigning.then(() => this.#readOnly(partitions, generation));
    return this.#assigning.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
    });
  }

  async #readOnly(partitions: readonly number[], generation: number): Promise<void> {
    const before = this.#reader;
    this.#marks = before?.watermarks() ?? this.#marks;
    this.#losses.push(...(before?.losses?.() ?? []));
    this.#reader = undefined;
    await before?.close();
    while (!this.#stop.signal.aborted && generation === this.#generation) {
      try {
        const reader = await this.#openReader(partitions);
        if (this.#stop.signal.aborted || generation !== this.#generation) {
          await reader?.close();
          return;
        }
        this.#follow(reader);
        return;
      } catch (error) {
        this.#inTrouble(error);
        if (this.#failure !== undefined) return;
        await delay(retryAfterMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  /** Each partition where it was handed out to, is stored to, or was committed to by another: whichever is furthest. */
  async #openReader(partitions: readonly number[]): Promise<OpenedSource | undefined> {
    if (partitions.length === 0) return undefined;
    const committed = await this.#committed();
    const storedOffsets = new Map<number, bigint>();
    for (const partition of partitions) {
      const known = [this.#handed, this.#request.storedOffsets, committed].flatMap((at) => at.get(partition) ?? []);
      const furthest = known.toSorted(ascending).at(-1);
      if (furthest !== undefined) storedOffsets.set(partition, furthest);
    }
    const source = new KafkaRecordSource(this.#connection, { ...this.#options, only: new Set(partitions) });
    return await source.open(
      { ...this.#request, storedOffsets },
      { timeoutMs: assignTimeoutMs, signal: this.#stop.signal },
    );
  }

  #follow(reader: OpenedSource | undefined): void {
    this.#reader = reader;
    // Those of an earlier assignment are another member's now.
    this.#marks = reader?.watermarks() ?? [];
    this.positions = reader?.positions ?? [];
    reader?.onState((state) => {
      if (this.#reader === reader) this.#setState(state);
    });
    this.#setState(reader?.state() ?? { kind: "reading" });
    this.#assigned.call();
  }

  async #committed(): Promise<ReadonlyMap<number, bigint>> {
    const { topic } = this.#request;
    const admin = kafkaAdmin(this.#connection);
    try {
      await admin.connect();
      const [offsets] = await admin.fetchOffsets({ groupId: this.#group, topics: [topic] });
      const known = (offsets?.partitions ?? []).filter(({ offset }) => BigInt(offset) >= 0n);
      return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
    } finally {
      await admin.disconnect();
    }
  }

  async #commit(): Promise<void> {
    const { topic } = this.#request;
    const ours = new Set(this.watermarks().map(({ partition }) => partition));
    const offsets = [...this.#toCommit].filter(([partition]) => ours.has(partition));
    this.#toCommit.clear();
    if (offsets.length === 0) return;
    try {
      await this.#consumer.commitOffsets(
        offsets.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      );
    } catch {
      // While the group gathers anew nobody may commit; what is stored next tells it again, and the table knows anyway.
    }
  }

  /** The end for what waiting does not mend; everything else is tried again, by kafkajs or by us. */
  #inTrouble(error: unknown): void {
    const told = groupError(this.#group, this.#connection, error);
    if (this.#stop.signal.aborted) return;
    if (!told.retryable) {
      this.#failure ??= told;
      this.#assigned.call();
      void this.#reader?.close();
      return;
    }
    this.#setState({ kind: "reconnecting", cause: told.message, sinceMs: Date.now() });
  }

  #setState(state: SourceState): void {
    const before = this.#state;
    const isSame = before.kind === state.kind && causeOf(before) === causeOf(state);
    if (isSame || before.kind === "closed") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function groupError(group: string, connection: KafkaConnection, error: unknown): TidetableError {
  if ((error as { readonly type?: string }).type === "GROUP_AUTHORIZATION_FAILED") {
    return new TidetableError("BROKER_AUTHENTICATION", `The broker does not allow this user to join group ${group}.`, {
      cause: error,
    });
  }
  return brokerError(connection.brokers.join(", "), error);
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function causeOf(state: SourceState): string | undefined {
  return state.kind === "reconnecting" ? state.cause : undefined;
}

/** Leaving is a courtesy: a broker that does not answer finds out by itself. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), late]);
  timer.abort();
}
