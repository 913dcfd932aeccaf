import { deepEqual, equal, ok } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { TidetableError } from "../../src/errors.js";
import { keyAt, type RecordBatch, valueAt } from "../../src/streaming/record.js";
import {
  type DecodeLimits,
  decodeRecords,
  type FetchedRecords,
  offsetAfter,
} from "../../src/streaming/record-batch.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";
import { encodeBatch, encodeMessage, packBatch, sealed } from "./encode-record-batch.js";
import { type GoldenRecord, goldenNames, readGolden } from "./golden-frame.js";

/** How many mutated frames are read; `FUZZ_FRAMES=200000` for a night. */
const mutatedFrames = Number(process.env.FUZZ_FRAMES ?? 2_000);

describe("record batches as Kafka sends them", () => {
  for (const name of goldenNames()) {
    const { golden, fetched } = readGolden(name);
    it(`${name}: ${golden.what}`, () => {
      deepEqual(records([...decodeRecords(fetched)]), golden.records);
      equal(last([...decodeRecords(fetched)]).nextOffset, offsetAfter(fetched.bytes));
    });

    it(`${name}: from every offset on, exactly the records from there`, () => {
      const end = offsetAfter(fetched.bytes) ?? 0n;
      for (let fetchOffset = 0n; fetchOffset < end; fetchOffset += 1n) {
        const expected = golden.records.filter(({ offset }) => BigInt(offset) >= fetchOffset);
        deepEqual(records([...decodeRecords({ ...fetched, fetchOffset })]), expected, `from ${fetchOffset}`);
      }
    });

    it(`${name}: cut off anywhere, the whole batches before the cut`, () => {
      for (let length = 0; length < fetched.bytes.length; length += 13) {
        const bytes = fetched.bytes.subarray(0, length);
        const read = records([...decodeRecords({ ...fetched, bytes })]);
        deepEqual(read, golden.records.slice(0, read.length));
        const end = offsetAfter(bytes) ?? 0n;
        equal(read.length, golden.records.filter(({ offset }) => BigInt(offset) < end).length);
      }
    });
  }

  it("moves the offset past control records at the end", () => {
    const { fetched } = readGolden("transactions");
    const batches = [...decodeRecords(fetched)];
    equal(last(batches).nextOffset, fetched.highWatermark);
    const [empty, ...rest] = decodeRecords({ ...fetched, fetchOffset: 9n });
    deepEqual([empty?.count, empty?.nextOffset, rest.length], [0, fetched.highWatermark, 0]);
  });
});

describe("decodeRecords", () => {
  it("keeps values where they are when nothing is packed", async () => {
    const bytes = await encodeBatch([{ value: "a" }, { value: "b" }]);
    const [batch] = decodeRecords(fetchedRecords(bytes));
    equal(batch?.bytes, bytes);
  });

  it("gathers packed batches, and hands out before what is not packed", async () => {
    const plain = await encodeBatch([{ value: "p" }], { baseOffset: 4n });
    const packed = (baseOffset: bigint) =>
      encodeBatch([{ value: "x" }, { value: "y" }], { baseOffset }).then((batch) => packBatch(batch, 1, gzipSync));
    const bytes = Buffer.concat([await packed(0n), await packed(2n), plain, await packed(5n)]);
    const batches = [...decodeRecords(fetchedRecords(bytes))];
    deepEqual(
      batches.map(({ count, nextOffset }) => [count, nextOffset]),
      [
        [4, 4n],
        [1, 5n],
        [2, 7n],
      ],
    );
    deepEqual(values(batches), ["x", "y", "x", "y", "p", "x", "y"]);
    const small = [...decodeRecords(fetchedRecords(bytes), { gatheredBytes: 1 })];
    deepEqual(
      small.map(({ count }) => count),
      [2, 2, 1, 2],
    );
  });

  it("is exact for the largest offsets and for timestamps at both ends", async () => {
    const baseOffset = 2n ** 62n;
    const [batch] = decodeRecords(
      fetchedRecords(await encodeBatch([{ value: "a" }, { value: "b" }], { baseOffset }), {
        highWatermark: 2n ** 63n - 1n,
      }),
    );
    deepEqual([...(batch?.offsets ?? [])], [baseOffset, baseOffset + 1n]);

    const wide = await encodeBatch([
      { value: "a", timestampDelta: 0 },
      { value: "b", timestampDelta: 2 ** 52 },
    ]);
    wide.writeBigInt64BE(2n ** 63n - 1n - 2n ** 52n, 27);
    const [times] = decodeRecords(fetchedRecords(sealed(wide)));
    deepEqual([...(times?.timestampsMs ?? [])], [2n ** 63n - 1n - 2n ** 52n, 2n ** 63n - 1n]);

    const none = await encodeBatch([{ value: "a", timestampDelta: 0 }], { baseTimestampMs: -1 });
    deepEqual([...one(decodeRecords(fetchedRecords(none))).timestampsMs], [-1n]);
  });

  it("reads 20,000 headers in one record, names of objects among them, without a stall", async () => {
    const headers = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`constructor${index}`, "v"]));
    const batch = one(
      decodeRecords(fetchedRecords(await encodeBatch([{ value: "a", headers: { ...headers, toString: "t" } }]))),
    );
    equal(batch.headers?.get(0)?.length, 20_001);
    deepEqual(batch.headers?.get(0)?.at(-1), { key: "toString", value: Buffer.from("t") });
  });

  it("hides what an aborted transaction wrote and shows the same producer's next one", async () => {
    const bytes = Buffer.concat([
      await encodeBatch([{ value: "aborted" }], { baseOffset: 0n, producerId: 7, transactional: true }),
      await encodeBatch([{ value: "other" }], { baseOffset: 1n, producerId: 8, transactional: true }),
      await controlBatch(2n, 7, 0),
      await encodeBatch([{ value: "committed" }], { baseOffset: 3n, producerId: 7, transactional: true }),
    ]);
    const abortedTransactions = [{ producerId: 7n, firstOffset: 0n }];
    deepEqual(values([...decodeRecords({ ...fetchedRecords(bytes), abortedTransactions })]), ["other", "committed"]);
  });

  it("reads the formats from before Kafka 0.11", () => {
    const inner = Buffer.concat([
      encodeMessage(1, 0n, { key: "k", value: "first", timestampMs: 5 }),
      encodeMessage(1, 1n, { value: null, timestampMs: 6 }),
    ]);
    const bytes = Buffer.concat([
      encodeMessage(0, 3n, { key: "old", value: "plain" }),
      encodeMessage(1, 11n, { value: gzipSync(inner), codec: 1 }),
      encodeMessage(0, 13n, {
        value: gzipSync(Buffer.concat([encodeMessage(0, 12n, { value: "a" }), encodeMessage(0, 13n, { value: "b" })])),
        codec: 1,
      }),
    ]);
    const read = records([...decodeRecords(fetchedRecords(bytes))]).map((record) => [
      record.offset,
      record.timestampMs,
      text(record.key),
      text(record.value),
    ]);
    deepEqual(read, [
      ["3", "-1", "old", "plain"],
      ["10", "5", "k", "first"],
      ["11", "6", null, null],
      ["12", "-1", null, "a"],
      ["13", "-1", null, "b"],
    ]);
    equal(offsetAfter(bytes), 14n);
  });
});

describe("damaged record batches", () => {
  it("a flipped bit anywhere under the checksum is never read as truth; what stood before it is", async () => {
    const good = await encodeBatch([{ value: "good" }]);
    const batch = await encodeBatch([{ value: "100" }], { baseOffset: 1n });
    for (let position = 17; position < batch.length; position += 1) {
      const flipped = Buffer.from(batch);
      flipped.writeUInt8(flipped.readUInt8(position) ^ 0x10, position);
      const { batches, error } = drain(fetchedRecords(Buffer.concat([good, flipped])));
      deepEqual(values(batches), ["good"]);
      ok(error instanceof TidetableError);
      equal(error.code, "RECORD_CORRUPT");
      ok(/^Topic t, partition 5: the batch at offset 1 does not match its checksum/.test(error.message), error.message);
    }
  });

  it("an offset past the partition's end, which no checksum covers", async () => {
    const batch = await encodeBatch([{ value: "x" }], { baseOffset: 0n });
    batch.writeBigInt64BE(2n ** 40n, 0);
    const { error } = drain(fetchedRecords(batch, { highWatermark: 1n }));
    ok(/past the partition's end 1/.test(String(error)), String(error));
  });

  const wrong: ReadonlyArray<readonly [what: string, change: (batch: Buffer) => void, message: RegExp]> = [
    ["more records than bytes", (batch) => batch.writeInt32BE(2 ** 30, 57), /announces 1073741824 records/],
    ["a negative count", (batch) => batch.writeInt32BE(-1, 57), /announces -1 records/],
    ["fewer records than bytes", (batch) => batch.writeInt32BE(1, 57), /bytes after its last record/],
    ["a record that passes the end", (batch) => batch.writeUInt8(0x7e, 61), /holds a record of 63 bytes/],
    ["an end before the beginning", (batch) => batch.writeInt32BE(-5, 23), /before it begins/],
    ["a later format", (batch) => batch.writeInt8(3, 16), /record format 3/],
  ];
  for (const [what, change, message] of wrong) {
    it(`${what}, with the checksum that belongs to it`, async () => {
      const batch = await encodeBatch([{ value: "abc" }, { value: "def" }]);
      change(batch);
      const { error } = drain(fetchedRecords(sealed(batch)));
      ok(
        error instanceof TidetableError && error.code === "RECORD_CORRUPT" && message.test(error.message),
        String(error),
      );
    });
  }

  it("a batch whose announced length ends inside its header: the whole ones before it, then its place", async () => {
    const good = await encodeBatch([{ value: "good" }]);
    for (let length = 17; length < 61; length += 1) {
      const short = (await encodeBatch([{ value: "x" }], { baseOffset: 1n })).subarray(0, length);
      short.writeInt32BE(length - 12, 8);
      const { batches, error } = drain(fetchedRecords(Buffer.concat([good, short])));
      deepEqual(values(batches), ["good"]);
      ok(/^Topic t, partition 5: the batch at offset 1 is shorter than its header/.test((error as Error).message));
    }
  });

  it("an unknown codec has its own code", async () => {
    const { error } = drain(fetchedRecords(packBatch(await encodeBatch([{ value: "abc" }]), 5, (bytes) => bytes)));
    ok(error instanceof TidetableError && error.code === "CODEC_UNSUPPORTED", String(error));
  });

  it("a batch that unpacks to more than allowed", async () => {
    const bomb = packBatch(await encodeBatch([{ value: "a".repeat(100_000) }]), 1, gzipSync);
    const { error } = drain(fetchedRecords(bomb), { unpackedBytesMax: 50_000 });
    ok(/holds records that unpack to more than 50000 bytes/.test(String(error)), String(error));
  });

  const seed = testSeed();
  it(`mutated frames give records or a named error (TIDETABLE_SEED=${seed})`, function () {
    this.timeout(120_000 + 10 * mutatedFrames);
    const random = seededRandom(seed);
    const frames = goldenNames().map((name) => readGolden(name).fetched);
    for (let round = 0; round < mutatedFrames; round += 1) {
      const frame = random.pick(frames);
      const bytes = mutate(frame.bytes, random);
      const memoryBefore = process.memoryUsage().arrayBuffers;
      const { batches, error } = drain({ ...frame, bytes }, { unpackedBytesMax: 1024 * 1024 });
      ok(process.memoryUsage().arrayBuffers - memoryBefore < 64 * 1024 * 1024, "a mutated frame took 64 MiB");
      offsetAfter(bytes);
      for (const batch of batches) {
        for (let index = 0; index < batch.count; index += 1) {
          ok((valueAt(batch, index)?.length ?? 0) === Math.max(0, batch.valueLengths[index] ?? 0));
          ok((keyAt(batch, index)?.length ?? 0) === Math.max(0, batch.keyLengths[index] ?? 0));
        }
      }
      const named = error === undefined || (error instanceof TidetableError && /^Topic /.test(error.message));
      ok(named, `${String(error)} from ${bytes.toString("base64")}`);
    }
  });
});

/** Flips, cuts, swaps; half of the time the checksum is made right again, so that what lies behind it is reached. */
function mutate(frame: Buffer, random: ReturnType<typeof seededRandom>): Buffer {
  const bytes = Buffer.from(random.chance(0.1) ? frame.subarray(0, random.below(frame.length)) : frame);
  for (let changes = 1 + random.below(3); changes > 0 && bytes.length > 4; changes -= 1) {
    const at = random.below(bytes.length);
    if (random.chance(0.7)) bytes.writeUInt8(random.below(256), at);
    else bytes.writeInt32BE(random.pick([-1, 0, 1, 2 ** 31 - 1, -(2 ** 31), 65_536]), Math.min(at, bytes.length - 4));
  }
  if (random.chance(0.5)) {
    for (let at = 0; at + 61 < bytes.length; ) {
      const end = at + 12 + bytes.readInt32BE(at + 8);
      if (end > bytes.length || end <= at + 61) break;
      sealed(bytes.subarray(at, end));
      at = end;
    }
  }
  return bytes;
}

function fetchedRecords(bytes: Buffer, place: { readonly highWatermark?: bigint } = {}): FetchedRecords {
  const highWatermark = place.highWatermark ?? offsetAfter(bytes) ?? 0n;
  return { topic: "t", partition: 5, bytes, fetchOffset: 0n, highWatermark, abortedTransactions: [] };
}

function drain(
  fetched: FetchedRecords,
  limits?: DecodeLimits,
): { readonly batches: RecordBatch[]; readonly error: unknown } {
  const batches: RecordBatch[] = [];
  try {
    for (const batch of decodeRecords(fetched, limits)) batches.push(batch);
    return { batches, error: undefined };
  } catch (error) {
    return { batches, error };
  }
}

/** A control record as a broker writes it; `type` 0 aborts, 1 commits. */
async function controlBatch(baseOffset: bigint, producerId: number, type: number): Promise<Buffer> {
  const key = String.fromCharCode(0, 0, 0, type);
  const batch = await encodeBatch([{ key, value: Buffer.alloc(6) }], { baseOffset, producerId, transactional: true });
  batch.writeInt16BE(batch.readInt16BE(21) | 0x20, 21);
  return sealed(batch);
}

function records(batches: readonly RecordBatch[]): GoldenRecord[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.count }, (_, index) => ({
      offset: String(batch.offsets[index]),
      timestampMs: String(batch.timestampsMs[index]),
      key: keyAt(batch, index)?.toString("base64") ?? null,
      value: valueAt(batch, index)?.toString("base64") ?? null,
      headers: (batch.headers?.get(index) ?? []).map(
        ({ key, value }) => [key, value?.toString("base64") ?? ""] as const,
      ),
    })),
  );
}

function values(batches: readonly RecordBatch[]): Array<string | null> {
  return records(batches).map(({ value }) => text(value));
}

function text(base64: string | null): string | null {
  return base64 === null ? null : Buffer.from(base64, "base64").toString();
}

function one(batches: Iterable<RecordBatch>): RecordBatch {
  const [batch, ...rest] = batches;
  equal(rest.length, 0);
  return last(batch === undefined ? [] : [batch]);
}

function last(batches: readonly RecordBatch[]): RecordBatch {
  const batch = batches.at(-1);
  if (batch === undefined) throw new Error("no batch");
  return batch;
}
