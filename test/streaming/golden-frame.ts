/** A golden file: the records of a Fetch answer as Kafka sent them, and what they hold. */
import { readdirSync, readFileSync } from "node:fs";
import type { FetchedRecords } from "../../src/streaming/record-batch.js";

export interface GoldenFrame {
  readonly what: string;
  readonly highWatermark: string;
  readonly abortedTransactions: ReadonlyArray<{ readonly producerId: string; readonly firstOffset: string }>;
  /** Base64 in lines. */
  readonly bytes: readonly string[];
  readonly records: readonly GoldenRecord[];
}

/** Keys, values and header values in base64. */
export interface GoldenRecord {
  readonly offset: string;
  readonly timestampMs: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

const directory = new URL("../golden/record-batches/", import.meta.url);

export function goldenNames(): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

export function readGolden(name: string): { readonly golden: GoldenFrame; readonly fetched: FetchedRecords } {
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8")) as GoldenFrame;
  const fetched: FetchedRecords = {
    topic: name,
    partition: 0,
    bytes: Buffer.from(golden.bytes.join(""), "base64"),
    fetchOffset: 0n,
    highWatermark: BigInt(golden.highWatermark),
    abortedTransactions: golden.abortedTransactions.map(({ producerId, firstOffset }) => ({
      producerId: BigInt(producerId),
      firstOffset: BigInt(firstOffset),
    })),
  };
  return { golden, fetched };
}
