/**
 * The online job: every crime of a topic becomes a point of a time series in InfluxDB, soon after it is there. What was
 * written twice is there once: a point's series and time come from the crime alone. How far it is stands in InfluxDB too,
 * written after the points, so that a job that starts again, anywhere, goes on where the points end.
 */

import type { Influxdb, InfluxdbPoint } from "../sinks/influxdb.js";
import { encodePoint } from "../sinks/line-protocol.js";
import { EndOfNow } from "../streaming/end-of-now.js";
import type { RecordBatch } from "../streaming/record.js";
import { valueAt } from "../streaming/record.js";
import type { OpenedSource, RecordSource } from "../streaming/record-source.js";
import { type CrimeEvent, decodeCrimeEvent } from "./crime.js";

export interface OnlineOptions {
  readonly source: RecordSource;
  readonly topic: string;
  readonly influxdb: Influxdb;
  /** True: ends with what was there at the start. */
  readonly untilLatest: boolean;
  readonly signal: AbortSignal;
  /** After each write. */
  readonly onProgress?: (progress: OnlineProgress) => void;
  /** InfluxDB is tried again, at the start or with a write; why, and after how long. */
  readonly onRetry?: (cause: string, waitMs: number) => void;
}

export interface OnlineProgress {
  /** Acknowledged by InfluxDB in this run. */
  readonly points: number;
  /** Records that are no crime, or one of a kind that InfluxDB cannot write down. */
  readonly rejected: number;
  /** Points that InfluxDB did not take, and why the last. */
  readonly dropped: number;
  readonly lastReason?: string;
  /** Records that are there and not written. */
  readonly lag: bigint;
}

export const crimesMeasurement = "crimes";
const offsetsMeasurement = "offsets";
const openTimeoutMs = 30_000;
/** Identifiers differ in these digits among the crimes of one minute. */
const nanosecondsOfId = 1_000_000;

/** Runs until `signal` aborts, or to what was there. @throws TidetableError of the source or of InfluxDB, none that trying again mends. */
export async function writeOnline(options: OnlineOptions): Promise<OnlineProgress> {
  const { source, topic, influxdb, signal } = options;
  await influxdb.open({ timeoutMs: openTimeoutMs, signal }, options.onRetry);
  const cluster = (await source.identity?.({ timeoutMs: openTimeoutMs, signal })) ?? source.description;
  const known = await storedOffsets(influxdb, cluster, topic, signal);
  let topicId = known.topicId;
  const opened = await source.open(
    {
      topic,
      from: "earliest",
      storedOffsets: known.offsets,
      isSameTopic: async (_topic, id) => {
        const isSame = topicId === undefined || topicId === id;
        topicId = id;
        return isSame;
      },
    },
    { timeoutMs: openTimeoutMs, signal },
  );
  const stop = () => void opened.close();
  signal.addEventListener("abort", stop, { once: true });
  const end = options.untilLatest ? await EndOfNow.of(opened) : undefined;
  let progress: OnlineProgress = { points: 0, rejected: 0, dropped: 0, lag: lagOf(opened, new Map()) };
  const reached = new Map(opened.positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
  try {
    if (end?.isReached) return progress;
    for await (const batch of opened.batches()) {
      const { points, rejected } = pointsOf(batch);
      const position = offsetPoint({
        cluster,
        topic,
        partition: batch.partition,
        nextOffset: batch.nextOffset,
        topicId,
      });
      const { onRetry } = options;
      // In this order: the position is never ahead of what it stands for.
      const outcome = await influxdb.write([...points, position], {
        signal,
        ...(onRetry === undefined ? {} : { onRetry }),
      });
      const lastReason = outcome.reason ?? progress.lastReason;
      reached.set(batch.partition, batch.nextOffset);
      progress = {
        points: progress.points + points.length,
        rejected: progress.rejected + rejected,
        dropped: progress.dropped + outcome.dropped,
        lag: lagOf(opened, reached),
        ...(lastReason === undefined ? {} : { lastReason }),
      };
      options.onProgress?.(progress);
      end?.note(batch);
      if (end?.isReached) break;
    }
    return progress;
  } catch (error) {
    // Told to stop in the middle of a write: it is written again next time, and is there once.
    if (signal.aborted) return progress;
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await opened.close();
  }
}

/** One series a type and district: few, so that InfluxDB's index stays small; the rest are fields. */
export function pointOf(event: CrimeEvent): InfluxdbPoint {
  const { id, atMs, primaryType, district, arrest, place } = event;
  return {
    measurement: crimesMeasurement,
    tags: { type: primaryType, ...(district === undefined ? {} : { district: String(district) }) },
    fields: { id: BigInt(id), count: 1n, arrest, ...place },
    // Without the identifier two crimes of one type, district and minute would overwrite each other.
    timestampNs: BigInt(atMs) * 1_000_000n + BigInt(id % nanosecondsOfId),
  };
}

/** A record that is no point stops nothing: it is counted, and what it holds is in the notebook. */
function pointsOf(batch: RecordBatch): { readonly points: readonly InfluxdbPoint[]; readonly rejected: number } {
  const points: InfluxdbPoint[] = [];
  for (let index = 0; index < batch.count; index += 1) {
    const value = valueAt(batch, index);
    const event = value === null ? undefined : decodeCrimeEvent(value.toString());
    const point = event === undefined ? undefined : pointOf(event);
    // Some texts have no form there, such as a name that ends with a backslash.
    if (point !== undefined && "line" in encodePoint(point)) points.push(point);
  }
  return { points, rejected: batch.count - points.length };
}

interface Reached {
  readonly cluster: string;
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  /** Undefined of a source whose topics have none. */
  readonly topicId: string | undefined;
}

/** One point a partition, overwritten each time: its time is always the epoch. */
function offsetPoint({ cluster, topic, partition, nextOffset, topicId }: Reached): InfluxdbPoint {
  return {
    measurement: offsetsMeasurement,
    tags: { cluster, topic, partition: String(partition) },
    fields: { next_offset: nextOffset, ...(topicId === undefined ? {} : { topic_id: topicId }) },
    timestampNs: 0n,
  };
}

async function storedOffsets(influxdb: Influxdb, cluster: string, topic: string, signal: AbortSignal) {
  const text = `SELECT "next_offset", "topic_id" FROM "${offsetsMeasurement}" WHERE "cluster" = $cluster AND "topic" = $topic GROUP BY "partition"`;
  const series = await influxdb.query(text, { cluster, topic }, { signal, timeoutMs: openTimeoutMs });
  const offsets = new Map<number, bigint>();
  let topicId: string | undefined;
  for (const { tags, rows } of series) {
    const row = rows[0];
    if (row?.next_offset === undefined) continue;
    offsets.set(Number(tags.partition), BigInt(String(row.next_offset)));
    if (typeof row.topic_id === "string") topicId = row.topic_id;
  }
  return { offsets, topicId };
}

function lagOf(opened: OpenedSource, reached: ReadonlyMap<number, bigint>): bigint {
  let lag = 0n;
  for (const { partition, high, low } of opened.watermarks()) {
    const from = reached.get(partition) ?? low;
    if (high > from) lag += high - from;
  }
  return lag;
}
