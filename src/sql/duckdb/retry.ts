/**
 * Rejected records that are kept, as batches to be decoded once more. Owns how they are read back; what becomes of them is
 * the table's decision.
 */
import { DuckDBMapValue } from "@duckdb/node-api";
import type { DecodedBatch } from "../../streaming/decode.js";
import type { RecordBatch, RecordHeader } from "../../streaming/record.js";
import { quoteText } from "../identifiers.js";
import type { DuckDbDatabase } from "./database.js";
import { errorsTable, type StreamHome, sequencedView } from "./generations.js";

const PAGE_RECORDS = 2_000;

/** Partitions with rejected records of which all is kept, each with where to begin. */
export async function rejectedPartitions(
  database: DuckDbDatabase,
  home: StreamHome,
): Promise<ReadonlyArray<{ readonly topic: string; readonly partition: number }>> {
  const rows = await database.read(
    `SELECT DISTINCT _topic, _partition FROM ${errorsTable(home)} WHERE octet_length(raw) = value_bytes ORDER BY ALL`,
  );
  return rows.map(([topic, partition]) => ({ topic: String(topic), partition: Number(partition) }));
}

/** The next rejected records of a partition at or after an offset; undefined when there are none. */
export async function rejectedBatch(
  database: DuckDbDatabase,
  home: StreamHome,
  at: { readonly topic: string; readonly partition: number; readonly offset: bigint },
): Promise<RecordBatch | undefined> {
  const rows = await database.read(
    `SELECT raw, _key, _headers, _offset, coalesce(epoch_ms(_timestamp), -1) FROM ${errorsTable(home)} WHERE octet_length(raw) = value_bytes AND _topic = ${quoteText(at.topic)} AND _partition = ${at.partition} AND _offset >= ${at.offset} ORDER BY _offset LIMIT ${PAGE_RECORDS}`,
  );
  return rows.length === 0 ? undefined : toBatch(rows, at);
}

/** Of a keyed table, an older record must not replace what came after it: such a one stays rejected. */
export async function withoutSuperseded(
  database: DuckDbDatabase,
  home: StreamHome,
  batch: RecordBatch,
  decoded: DecodedBatch,
): Promise<DecodedBatch> {
  if (!home.keyed || decoded.rows.length === 0) return decoded;
  const of = `_topic = ${quoteText(batch.topic)} AND _partition = ${batch.partition}`;
  const found = await database.read(
    `SELECT old._offset FROM ${errorsTable(home)} old JOIN (SELECT _key, max(_offset) AS newest FROM ${sequencedView(home.name)} WHERE ${of} GROUP BY _key) now ON old._key = now._key WHERE ${of} AND now.newest > old._offset`,
  );
  const superseded = new Set(found.map(([offset]) => BigInt(String(offset))));
  const isLate = (row: number): boolean => superseded.has(batch.offsets[row] as bigint);
  const late = Array.from(decoded.rows.filter(isLate), (row) => ({
    row,
    reason: "a newer record of its key is in the table",
  }));
  return { ...decoded, rows: decoded.rows.filter((row) => !isLate(row)), rejected: [...decoded.rejected, ...late] };
}

function toBatch(
  rows: readonly unknown[][],
  { topic, partition }: { readonly topic: string; readonly partition: number },
): RecordBatch {
  const parts: Uint8Array[] = [];
  const headers = new Map<number, readonly RecordHeader[]>();
  const columns = {
    offsets: new BigInt64Array(rows.length),
    timestampsMs: new BigInt64Array(rows.length),
    valueStarts: new Int32Array(rows.length),
    valueLengths: new Int32Array(rows.length),
    keyStarts: new Int32Array(rows.length),
    keyLengths: new Int32Array(rows.length).fill(-1),
  };
  let size = 0;
  const append = (bytes: Uint8Array): number => {
    parts.push(bytes);
    size += bytes.length;
    return size - bytes.length;
  };
  rows.forEach(([raw, key, map, offset, timestampMs], index) => {
    const value = bytesOf(raw);
    columns.offsets[index] = BigInt(String(offset));
    columns.timestampsMs[index] = BigInt(String(timestampMs));
    columns.valueStarts[index] = append(value);
    columns.valueLengths[index] = value.length;
    if (typeof key === "string") {
      const bytes = Buffer.from(key);
      columns.keyStarts[index] = append(bytes);
      columns.keyLengths[index] = bytes.length;
    }
    if (map instanceof DuckDBMapValue) headers.set(index, map.entries.map(toHeader));
  });
  const nextOffset = (columns.offsets.at(-1) ?? 0n) + 1n;
  return {
    topic,
    partition,
    count: rows.length,
    bytes: Buffer.concat(parts),
    ...columns,
    nextOffset,
    highWatermark: nextOffset,
    ...(headers.size === 0 ? {} : { headers }),
  };
}

function toHeader({ key, value }: { readonly key: unknown; readonly value: unknown }): RecordHeader {
  return { key: String(key), value: value === null ? null : Buffer.from(bytesOf(value)) };
}

/** The binding gives BLOBs as objects around their bytes. */
function bytesOf(blob: unknown): Uint8Array {
  if (typeof blob === "object" && blob !== null && "bytes" in blob && blob.bytes instanceof Uint8Array)
    return blob.bytes;
  return new Uint8Array();
}
