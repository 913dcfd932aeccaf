/** What every record source does, whatever stands behind it: one suite, run against each adapter. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { keyAt, type RecordBatch, valueAt } from "../../src/streaming/record.js";
import type { OpenedSource, RecordSource, SourceRequest, SourceState } from "../../src/streaming/record-source.js";
import { until } from "../support/until.js";

export interface AppendRecord {
  readonly key?: string | null;
  readonly value: string | null;
  /** Epoch milliseconds; increasing, when not given. */
  readonly timestampMs?: number;
}

/** A fresh, empty topic of one partition. */
export interface SourceUnderTest {
  readonly source: RecordSource;
  readonly topic: string;
  append(records: readonly AppendRecord[]): Promise<void>;
}

export interface ReadRecord {
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export function describeRecordSource(name: string, create: () => Promise<SourceUnderTest>): void {
  describe(`${name}, as every record source`, () => {
    let target: SourceUnderTest;
    const opened: OpenedSource[] = [];

    beforeEach(async () => {
      target = await create();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((source) => source.close()));
    });

    const open = async (request: Partial<SourceRequest> = {}): Promise<OpenedSource> => {
      const source = await target.source.open(
        { topic: target.topic, from: "earliest", storedOffsets: new Map(), ...request },
        { timeoutMs: 30_000, signal: new AbortController().signal },
      );
      opened.push(source);
      return source;
    };
    const append = (first: number, count: number) =>
      target.append(Array.from({ length: count }, (_, index) => ({ value: `value ${first + index}` })));

    it("reads what is there, then what comes, in order, each offset once", async () => {
      await append(0, 500);
      const source = await open();
      deepEqual(source.positions, [{ topic: target.topic, partition: 0, nextOffset: 0n }]);
      equal(source.watermarks()[0]?.high, 500n);
      const reader = collect(source);
      await reader.until(500);
      await append(500, 500);
      await reader.until(1_000);
      deepEqual(
        reader.records.map(({ offset, value }) => [offset, value]),
        Array.from({ length: 1_000 }, (_, index) => [BigInt(index), `value ${index}`]),
      );
      equal(reader.nextOffset(), 1_000n);
    });

    it("keeps keys, times, text beyond ASCII, empty and absent values", async () => {
      const written = [
        { key: "hamlet", value: "words, words, words", timestampMs: 1_767_225_600_000 },
        { key: null, value: 'Ümlaut 日本語 🎭\nsecond line \\ "quoted"', timestampMs: 1_767_225_600_001 },
        { key: "", value: "", timestampMs: 1_767_225_600_002 },
        { key: "tombstone", value: null, timestampMs: 1_767_225_600_003 },
      ];
      await target.append(written);
      const reader = collect(await open());
      await reader.until(4);
      deepEqual(
        reader.records,
        written.map((record, index) => ({ offset: BigInt(index), ...record })),
      );
    });

    it('begins at "latest": only what comes after opening', async () => {
      await append(0, 10);
      const source = await open({ from: "latest" });
      equal(source.positions[0]?.nextOffset, 10n);
      const reader = collect(source);
      await append(10, 5);
      await reader.until(5);
      deepEqual(
        reader.records.map(({ offset }) => offset),
        [10n, 11n, 12n, 13n, 14n],
      );
    });

    it("begins at a time: the first record at or after it; at the end when there is none", async () => {
      await target.append([1_000, 2_000, 3_000].map((timestampMs) => ({ value: `at ${timestampMs}`, timestampMs })));
      const starts: ReadonlyArray<readonly [timestampMs: number, offset: bigint]> = [
        [0, 0n],
        [1_000, 0n],
        [1_001, 1n],
        [3_000, 2n],
        [3_001, 3n],
      ];
      for (const [timestampMs, offset] of starts) {
        equal((await open({ from: { timestampMs } })).positions[0]?.nextOffset, offset, `at ${timestampMs}`);
      }
    });

    it("begins at given offsets; the stored offset wins over all", async () => {
      await append(0, 10);
      equal((await open({ from: { offsets: { 0: 4n } } })).positions[0]?.nextOffset, 4n);
      equal((await open({ from: { offsets: {} } })).positions[0]?.nextOffset, 0n);
      const stored = await open({ from: { offsets: { 0: 4n } }, storedOffsets: new Map([[0, 7n]]) });
      const reader = collect(stored);
      await reader.until(3);
      deepEqual(
        reader.records.map(({ offset }) => offset),
        [7n, 8n, 9n],
      );
    });

    it("goes on at any stored offset without a gap or a double", async () => {
      await append(0, 300);
      let stored = new Map<number, bigint>();
      const seen: bigint[] = [];
      while (seen.length < 300) {
        const source = await open({ storedOffsets: stored });
        // Of each batch only a part is stored, as when a process dies.
        const batch = await firstBatch(source);
        const kept = Math.min(batch.count, 70);
        seen.push(...batch.offsets.subarray(0, kept));
        stored = new Map([[0, (seen.at(-1) ?? -1n) + 1n]]);
        await source.close();
      }
      deepEqual(
        seen,
        Array.from({ length: 300 }, (_, index) => BigInt(index)),
      );
    });

    it("refuses an offset that is not there, and says what to do", async () => {
      await append(0, 5);
      await rejects(open({ storedOffsets: new Map([[0, 6n]]) }), (error: { code: string; message: string }) => {
        equal(error.code, "OFFSET_OUT_OF_RANGE");
        ok(error.message.includes("6") && error.message.includes("under another name"), error.message);
        return true;
      });
      equal((await open({ storedOffsets: new Map([[0, 5n]]) })).positions[0]?.nextOffset, 5n);
    });

    it("holds little while nobody takes", async function () {
      this.timeout(60_000);
      const value = "x".repeat(100_000);
      for (let part = 0; part < 20; part += 1) await target.append(Array.from({ length: 20 }, () => ({ value })));
      const before = process.memoryUsage().arrayBuffers;
      const source = await open();
      const iterator = source.batches()[Symbol.asyncIterator]();
      let count = (await iterator.next()).value?.count ?? 0;
      let most = 0;
      const untilMs = performance.now() + 1_000;
      await until("a second of not taking", () => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        return performance.now() > untilMs;
      });
      ok(most < 24 * 1024 * 1024, `${Math.round(most / 1024 / 1024)} MiB of 40 held`);
      while (count < 400) count += (await iterator.next()).value?.count ?? 0;
      equal(count, 400);
    });

    it("ends its reader at close, within a second, and can be closed twice", async () => {
      const source = await open();
      const states: SourceState[] = [];
      source.onState((state) => states.push(state));
      equal(source.state().kind, "reading");
      const reader = collect(source);
      const startedMs = performance.now();
      await source.close();
      await reader.ended;
      await source.close();
      ok(performance.now() - startedMs < 5_000);
      deepEqual(
        states.map(({ kind }) => kind),
        ["closed"],
      );
    });

    it("is read by one reader", async () => {
      const source = await open();
      const first = collect(source);
      await rejects(collect(source).ended, /already being read/);
      await source.close();
      await first.ended;
    });
  });
}

export interface Collected {
  readonly records: ReadRecord[];
  /** Rejects when the source fails. */
  readonly ended: Promise<void>;
  nextOffset(): bigint | undefined;
  until(count: number, timeoutMs?: number): Promise<void>;
}

/** Reads on in the background. */
export function collect(source: OpenedSource): Collected {
  const records: ReadRecord[] = [];
  let nextOffset: bigint | undefined;
  let failure: unknown;
  const ended = (async () => {
    for await (const batch of source.batches()) {
      records.push(...recordsOf(batch));
      nextOffset = batch.nextOffset;
    }
  })();
  ended.catch((error: unknown) => {
    failure = error;
  });
  return {
    records,
    ended,
    nextOffset: () => nextOffset,
    until: async (count, timeoutMs) => {
      const enough = () => {
        if (failure !== undefined) throw failure;
        return records.length >= count;
      };
      await until(`${count} records`, enough, timeoutMs);
    },
  };
}

export function recordsOf(batch: RecordBatch): ReadRecord[] {
  return Array.from({ length: batch.count }, (_, index) => ({
    offset: batch.offsets[index] ?? -1n,
    key: keyAt(batch, index)?.toString() ?? null,
    value: valueAt(batch, index)?.toString() ?? null,
    timestampMs: Number(batch.timestampsMs[index]),
  }));
}

async function firstBatch(source: OpenedSource): Promise<RecordBatch> {
  for await (const batch of source.batches()) {
    if (batch.count > 0) return batch;
  }
  throw new Error("the source ended");
}
