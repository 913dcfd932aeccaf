import { equal } from "node:assert/strict";
import { crc32c } from "../../src/streaming/crc32c.js";
import { seededRandom } from "../support/seeded-random.js";

describe("crc32c", () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  const vectors: ReadonlyArray<readonly [name: string, bytes: Buffer, crc: number]> = [
    ["nothing", Buffer.alloc(0), 0],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
    ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
    ["32 ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["0 to 31", Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
  ];
  for (const [name, bytes, crc] of vectors) it(name, () => equal(crc32c(bytes), crc));

  it("is the same for every length and place in memory as bit by bit", () => {
    const random = seededRandom(7);
    const memory = Buffer.from(Array.from({ length: 200 }, () => random.below(256)));
    for (let start = 0; start < 20; start += 1) {
      for (let end = start; end <= memory.length; end += 1) {
        equal(crc32c(memory, start, end), bitByBit(memory.subarray(start, end)), `[${start}, ${end})`);
      }
    }
  });
});

function bitByBit(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
