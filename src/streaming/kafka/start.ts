/**
 * Where reading of a topic begins: the stored offset of each partition, else what `from` says, checked against what the
 * brokers still have. Owns the messages about offsets that are gone.
 */
import { TidetableError } from "../../errors.js";
import type { LossPolicy, SourceRequest } from "../record-source.js";
import type { KafkaCluster } from "./cluster.js";
import { earliestOffset, errorCode, type KafkaTopic, type ListedOffset, latestOffset } from "./protocol.js";
import type { PartitionStart } from "./reader.js";

/**
 * Undefined when a partition has no leader yet, or its leader is not ready to say: ask again.
 * @throws TidetableError OFFSET_OUT_OF_RANGE.
 */
export async function settleStarts(
  cluster: KafkaCluster,
  topic: KafkaTopic,
  request: SourceRequest,
): Promise<readonly PartitionStart[] | undefined> {
  const numbers = topic.partitions.map(({ partition }) => partition);
  const [lows, highs, times] = await Promise.all([
    cluster.listOffsets(topic, numbers, earliestOffset),
    cluster.listOffsets(topic, numbers, latestOffset),
    typeof request.from === "object" && "timestampMs" in request.from
      ? cluster.listOffsets(topic, numbers, BigInt(Math.trunc(request.from.timestampMs)))
      : [],
  ]);
  const starts: PartitionStart[] = [];
  for (const { partition, leader } of topic.partitions) {
    const low = offsetOf(lows, partition);
    const high = offsetOf(highs, partition);
    if (low === undefined || high === undefined) return undefined;
    const offset = startOf(request, partition, low, high, offsetOf(times, partition));
    starts.push({
      partition,
      leader,
      low,
      high,
      ...withinRange({ topic: topic.name, partition, offset, low, high }, request.ifLost),
    });
  }
  for (const partition of request.storedOffsets.keys()) {
    if (!numbers.includes(partition)) throw topicReplaced(topic.name);
  }
  return starts;
}

function offsetOf(listed: readonly ListedOffset[], partition: number): bigint | undefined {
  const found = listed.find((entry) => entry.partition === partition);
  return found === undefined || found.errorCode !== errorCode.none ? undefined : found.offset;
}

function startOf(
  request: SourceRequest,
  partition: number,
  low: bigint,
  high: bigint,
  atTime: bigint | undefined,
): bigint {
  const stored = request.storedOffsets.get(partition);
  if (stored !== undefined) return stored;
  if (request.from === "earliest") return low;
  if (request.from === "latest") return high;
  // No record has that timestamp or a later one yet.
  if ("timestampMs" in request.from) return atTime === undefined || atTime < 0n ? high : atTime;
  return request.from.offsets[partition] ?? low;
}

export interface OffsetInRange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly low: bigint;
  readonly high: bigint;
}

/**
 * Where reading goes on, and in words what is passed over when that is not where it was to.
 * @throws TidetableError OFFSET_OUT_OF_RANGE.
 */
export function withinRange(
  at: OffsetInRange,
  ifLost: LossPolicy = "stop",
): { readonly next: bigint; readonly lost?: string } {
  if (at.offset >= at.low && at.offset <= at.high) return { next: at.offset };
  // Back to lower offsets leads no way: the table has rows of the higher ones.
  if (ifLost === "stop" || at.offset > at.high) throw offsetOutOfRange(at);
  const next = ifLost === "earliest" ? at.low : at.high;
  const passed = next > at.low ? `, and ${at.low} to ${next - 1n} are passed over` : "";
  return {
    next,
    lost: `topic ${at.topic}, partition ${at.partition}: Kafka has removed offsets ${at.offset} to ${at.low - 1n}${passed}; read on at ${next}`,
  };
}

function offsetOutOfRange(at: OffsetInRange): TidetableError {
  const where = `Topic ${at.topic}, partition ${at.partition}, cannot be read on at offset ${at.offset}`;
  const text =
    at.offset < at.low
      ? `${where}: Kafka has removed offsets ${at.offset} to ${at.low - 1n} (${at.low - at.offset} at the most); the first one left is ${at.low}. ` +
        'Choose: ifLost: "earliest" (go on with what is left), ifLost: "latest" (new records only), or a new table under another name.'
      : `${where}: it ends at ${at.high}, so it was probably deleted and created again, or lost records. ${anotherTable}`;
  return new TidetableError("OFFSET_OUT_OF_RANGE", text);
}

const anotherTable =
  "The rows in the table belong to what is gone. The new records go into a table under another name.";

export function topicReplaced(topic: string): TidetableError {
  return new TidetableError("OFFSET_OUT_OF_RANGE", `Topic ${topic} was deleted and created again. ${anotherTable}`);
}
