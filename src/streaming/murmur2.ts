/** The hash with which Kafka's own client picks a key's partition. Pure. */

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** Signed 32 bits, as Java has it. */
export function murmur2(bytes: Buffer): number {
  let hash = seed ^ bytes.length;
  const wholeWords = bytes.length - (bytes.length % 4);
  for (let at = 0; at < wholeWords; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const rest = bytes.length - wholeWords;
  if (rest >= 3) hash ^= bytes.readUInt8(wholeWords + 2) << 16;
  if (rest >= 2) hash ^= bytes.readUInt8(wholeWords + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes.readUInt8(wholeWords), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
