/**
 * Where Spark's query stands in each partition, from the brokers' watermarks and Spark's progress reports: next offset,
 * high watermark, lag. Pure; asks nobody.
 */
import type { StreamStatus } from "../../engine/protocol.js";
import { type PartitionWatermarks, partitionKey } from "../../streaming/record.js";
import type { OffsetPosition } from "../schema.js";

interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  readonly highWatermark: bigint;
}

export class StreamPositions {
  readonly #from: "latest" | "earlier";
  #positions = new Map<string, Position>();

  /** Where a partition begins that no report has named yet: at what is there now, or before it. */
  constructor(from: "latest" | "earlier") {
    this.#from = from;
  }

  /** What brokers say; a watermark of before is not gone back to. */
  noteWatermarks(watermarks: readonly PartitionWatermarks[]): void {
    for (const { topic, partition, low, high } of watermarks) {
      const key = partitionKey(topic, partition);
      const known = this.#positions.get(key);
      if (known === undefined) {
        this.#positions.set(key, {
          topic,
          partition,
          nextOffset: this.#from === "latest" ? high : low,
          highWatermark: high,
        });
      } else if (high > known.highWatermark) this.#positions.set(key, { ...known, highWatermark: high });
    }
  }

  /** What a report says of the Kafka source; where the query stands by it. */
  noteReport(endOffset: unknown, latestOffset: unknown): readonly OffsetPosition[] {
    const latest = new Map(readOffsets(latestOffset).map((end) => [keyOf(end), end.nextOffset]));
    const reached = readOffsets(endOffset);
    for (const position of reached) {
      const high = latest.get(keyOf(position)) ?? 0n;
      const highWatermark = high > position.nextOffset ? high : position.nextOffset;
      this.#positions.set(keyOf(position), { ...position, highWatermark });
    }
    return reached;
  }

  /** Spark found nothing more to read: what a watermark counts beyond are no records (markers of transactions). */
  noteIdle(): void {
    for (const [key, position] of this.#positions) {
      if (lagOf(position) > 0) this.#positions.set(key, { ...position, highWatermark: position.nextOffset });
    }
  }

  hasReached({ topic, partition, high }: PartitionWatermarks): boolean {
    return (this.#positions.get(partitionKey(topic, partition))?.nextOffset ?? 0n) >= high;
  }

  get lag(): number {
    return [...this.#positions.values()].reduce((sum, position) => sum + lagOf(position), 0);
  }

  /** By topic and partition; the topic is named where there are several. */
  partitions(namesTopic: boolean): StreamStatus["partitions"] {
    return this.#sorted().map((position) => ({
      ...(namesTopic ? { topic: position.topic } : {}),
      partition: position.partition,
      nextOffset: position.nextOffset,
      highWatermark: position.highWatermark,
      lag: lagOf(position),
    }));
  }

  /** Every partition from its beginning to its high watermark. */
  watermarks(): readonly PartitionWatermarks[] {
    return this.#sorted().map(({ topic, partition, highWatermark }) => ({
      topic,
      partition,
      low: 0n,
      high: highWatermark,
    }));
  }

  #sorted(): readonly Position[] {
    return [...this.#positions.values()].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  }
}

function keyOf({ topic, partition }: OffsetPosition): string {
  return partitionKey(topic, partition);
}

function lagOf({ nextOffset, highWatermark }: Position): number {
  return highWatermark > nextOffset ? Number(highWatermark - nextOffset) : 0;
}

/** Spark gives them as JSON, or as text that is JSON: `{"tweets":{"0":12}}`. */
function readOffsets(value: unknown): readonly OffsetPosition[] {
  const parsed: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (typeof parsed !== "object" || parsed === null) return [];
  return Object.entries(parsed).flatMap(([topic, partitions]) =>
    Object.entries(partitions as Record<string, number>).map(([partition, offset]) => ({
      topic,
      partition: Number(partition),
      nextOffset: BigInt(offset),
    })),
  );
}
