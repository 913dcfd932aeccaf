import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import {
  type CompressionCodec,
  codecNames,
  UnpackError,
  unpack,
  unpackZstdWithoutNode,
} from "../../src/streaming/compression.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";
import { readGolden } from "./golden-frame.js";

// Packages without types; they pack here, so that our unpacking is measured against somebody else's packing.
const requirePlain: (name: string) => unknown = createRequire(import.meta.url);
const kafkajsSnappy = requirePlain("kafkajs-snappy") as () => {
  compress(encoder: { readonly buffer: Buffer }): Promise<Uint8Array>;
};
const lz4 = requirePlain("lz4js") as { compress(bytes: Uint8Array): Uint8Array };

const gzip: CompressionCodec = 1;
const snappy: CompressionCodec = 2;
const lz4Codec: CompressionCodec = 3;
const zstd: CompressionCodec = 4;
const limit = 1024 * 1024;

describe("unpacking", () => {
  const texts: ReadonlyArray<readonly [string, Buffer]> = [
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.from("x")],
    ["a run", Buffer.alloc(70_000, "a")],
    ["a pattern shorter than a match", Buffer.from("abc".repeat(30_000))],
    [
      "verse",
      Buffer.from(Array.from({ length: 4_000 }, (_, line) => `line ${line} of ${line % 13} things`).join("\n")),
    ],
    ["noise", noise(100_000)],
  ];
  for (const [name, bytes] of texts) {
    it(`gzip, snappy, lz4: ${name}`, async () => {
      deepEqual(unpack(gzip, gzipSync(bytes), limit), bytes);
      const block = Buffer.from(await kafkajsSnappy().compress({ buffer: bytes }));
      deepEqual(unpack(snappy, block, limit), bytes);
      deepEqual(unpack(snappy, xerial([block, block]), limit), Buffer.concat([bytes, bytes]));
      deepEqual(unpack(lz4Codec, Buffer.from(lz4.compress(bytes)), limit), bytes);
    });
  }

  it("zstd, by Node and without it, is the same", () => {
    const packed = packedRecords("zstd");
    const bytes = unpackZstdWithoutNode(packed, limit);
    ok(bytes.includes("Thus spoke number 39"));
    deepEqual(unpack(zstd, packed, limit), bytes);
  });

  it("several frames in a row, and frames to be passed over", () => {
    const frame = Buffer.from(lz4.compress(Buffer.from("once ")));
    const skippable = Buffer.from("502a4d1803000000aabbcc", "hex");
    equal(unpack(lz4Codec, Buffer.concat([frame, skippable, frame]), limit).toString(), "once once ");
    const zstdFrame = packedRecords("zstd");
    const twice = unpackZstdWithoutNode(Buffer.concat([zstdFrame, skippable, zstdFrame]), limit);
    equal(twice.length, 2 * unpackZstdWithoutNode(zstdFrame, limit).length);
  });
});

describe("unpacking within a bound", () => {
  it("refuses what would be more, and says the bound", async () => {
    const bytes = Buffer.alloc(limit + 1, "a");
    const bombs: ReadonlyArray<readonly [CompressionCodec, Buffer]> = [
      [gzip, gzipSync(bytes)],
      [snappy, Buffer.from(await kafkajsSnappy().compress({ buffer: bytes }))],
      [lz4Codec, Buffer.from(lz4.compress(bytes))],
    ];
    for (const [codec, packed] of bombs) {
      throws(() => unpack(codec, packed, limit), /more than 1048576 bytes/, codecNames[codec]);
      equal(unpack(codec, packed, limit + 1).length, limit + 1, codecNames[codec]);
    }
    const packed = packedRecords("zstd");
    const { length } = unpackZstdWithoutNode(packed, limit);
    throws(() => unpack(zstd, packed, length - 1), /more than/);
    throws(() => unpackZstdWithoutNode(packed, length - 1), /more than/);
  });

  it("does not believe an announcement: a window of 2 GiB, a snappy block of 4 GiB", () => {
    const window = Buffer.from("28b52ffd00a8010000", "hex");
    throws(() => unpackZstdWithoutNode(window, limit), /more than/);
    throws(() => unpack(snappy, Buffer.from("ffffffff0f00", "hex"), limit), /announces more than it can hold/);
  });

  const seed = testSeed();
  it(`damaged bytes give bytes or an UnpackError (TIDETABLE_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    const text = Buffer.from("to be, or not to be, that is the question ".repeat(40));
    const whole: ReadonlyArray<readonly [CompressionCodec, Buffer]> = [
      [gzip, gzipSync(text)],
      [snappy, Buffer.from(await kafkajsSnappy().compress({ buffer: text }))],
      [lz4Codec, Buffer.from(lz4.compress(text))],
      [lz4Codec, packedRecords("lz4")],
      [snappy, packedRecords("snappy")],
      [zstd, packedRecords("zstd")],
    ];
    for (let round = 0; round < 1_500; round += 1) {
      const [codec, packed] = random.pick(whole);
      const damaged = Buffer.from(packed.subarray(0, random.chance(0.2) ? random.below(packed.length) : packed.length));
      for (let flips = 1 + random.below(4); flips > 0 && damaged.length > 0; flips -= 1) {
        damaged[random.below(damaged.length)] = random.below(256);
      }
      for (const work of codec === zstd ? [unpack, unpackWithoutNode] : [unpack]) {
        try {
          ok(work(codec, damaged, limit).length <= limit);
        } catch (error) {
          ok(error instanceof UnpackError, `${codecNames[codec]}: ${error}\n${damaged.toString("hex")}`);
        }
      }
    }
  });
});

/** As `unpack` reports, so that both ways are held to the same. */
function unpackWithoutNode(_codec: CompressionCodec, bytes: Buffer, bytesMax: number): Buffer {
  try {
    return unpackZstdWithoutNode(bytes, bytesMax);
  } catch (error) {
    throw error instanceof UnpackError ? error : new UnpackError(String(error));
  }
}

/** The packed records of the first batch of a golden frame. */
function packedRecords(name: string): Buffer {
  const { bytes } = readGolden(name).fetched;
  return bytes.subarray(61, 12 + bytes.readInt32BE(8));
}

function xerial(blocks: readonly Buffer[]): Buffer {
  const header = Buffer.concat([Buffer.from("82534e4150505900", "hex"), Buffer.from("0000000100000001", "hex")]);
  return Buffer.concat([header, ...blocks.flatMap((block) => [int32(block.length), block])]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function noise(length: number): Buffer {
  const random = seededRandom(3);
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
