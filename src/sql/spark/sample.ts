/**
 * What a topic looks like before Spark reads it: the columns its first records ask for, by the same scanner as in the
 * other engines, and where its partitions end. Reads and lets go; keeps nothing.
 */

import { decodeObjects } from "../../streaming/decode.js";
import type { Field } from "../../streaming/json/fields.js";
import { type PartitionWatermarks, partitionKey } from "../../streaming/record.js";
import type { RecordSource, TopicChoice } from "../../streaming/record-source.js";
import { openTopics } from "../../streaming/topic-set.js";

export interface TopicSample {
  /** Empty where no record is there, or none is an object. */
  readonly fields: readonly Field[];
  readonly watermarks: readonly PartitionWatermarks[];
}

const RECORDS_MAX = 20_000;
const SAMPLE_MS = 5_000;
const OPEN_TIMEOUT_MS = 9_000;

/**
 * @param wantsFields false: only the watermarks
 * @throws TidetableError BROKER_UNREACHABLE, BROKER_AUTHENTICATION, TOPIC_NOT_FOUND with the near topics.
 */
export async function sampleTopics(
  source: RecordSource,
  topics: TopicChoice,
  wantsFields: boolean,
  timeoutMs: number = OPEN_TIMEOUT_MS,
): Promise<TopicSample> {
  const abort = new AbortController();
  const request = { topics, from: "earliest" as const, storedOffsets: async () => new Map<number, bigint>() };
  const opened = await openTopics(source, request, { timeoutMs, signal: abort.signal });
  const timer = setTimeout(() => void opened.close(), SAMPLE_MS);
  try {
    const watermarks = opened.watermarks();
    // Partitions from which nothing more is to come.
    const open = new Map(
      watermarks
        .filter(({ low, high }) => high > low)
        .map((mark) => [partitionKey(mark.topic, mark.partition), mark.high]),
    );
    let fields: readonly Field[] = [];
    let records = 0;
    if (wantsFields && open.size > 0) {
      for await (const batch of opened.batches()) {
        for (let before: readonly Field[] | undefined; before !== fields; ) {
          before = fields;
          fields = decodeObjects(batch, fields).fields;
        }
        records += batch.count;
        const key = partitionKey(batch.topic, batch.partition);
        if (batch.nextOffset >= (open.get(key) ?? 0n)) open.delete(key);
        if (records >= RECORDS_MAX || open.size === 0) break;
      }
    }
    return { fields, watermarks };
  } finally {
    clearTimeout(timer);
    await opened.close();
  }
}
