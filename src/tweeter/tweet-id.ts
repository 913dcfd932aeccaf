/**
 * A tweet's id: a version 1 UUID, which is what Cassandra sorts by time. Owns how an id is made of a moment and of the
 * key that a client sent, so that the same request sent twice is the same tweet; and that it tells its handle's lane, so
 * that a tweet is found by its id alone. Pure but for the random ones.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { laneCount, laneOf } from "./lanes.js";

/** Ticks of 100 ns from the start of the Gregorian calendar to 1970. */
const gregorianTicks = 122_192_928_000_000_000n;
const ticksPerMs = 10_000n;

/** The id of a tweet that came without a key, or with one that says nothing of the time. */
export function newTweetId(nowMs: number, handle: string): string {
  return timeUuid(nowMs, inLane(randomBytes(10), handle));
}

/** A moment, told apart from others in the same millisecond. */
export function newTimeUuid(nowMs: number): string {
  return timeUuid(nowMs, randomBytes(10));
}

/**
 * The id of a tweet that came with a UUID of version 7 as its key: the key's moment, and the rest from a digest of key,
 * handle and content. So a request that is sent again writes the same row again, and the same key over another text is
 * another tweet and can overwrite nothing.
 */
export function tweetIdOfKey(key: string, handle: string, content: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([key, handle, content]))
    .digest();
  return timeUuid(keyTimeMs(key) ?? 0, inLane(digest.subarray(0, 10), handle));
}

/** The lane of the handle that an id was made for. */
export function laneOfTweetId(id: string): number {
  return Number.parseInt(id.slice(-2), 16) % laneCount;
}

/** The moment in a key that is a UUID of version 7; undefined for any other key. */
export function keyTimeMs(key: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(key)) return undefined;
  return Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16);
}

/** A new key for a request: a UUID of version 7. */
export function newIdempotencyKey(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** True for what `newTweetId` and `tweetIdOfKey` make. */
export function isTweetId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

export function tweetIdTimeMs(id: string): number {
  const ticks = BigInt(`0x${id.slice(15, 18)}${id.slice(9, 13)}${id.slice(0, 8)}`) - gregorianTicks;
  return Number(ticks / ticksPerMs);
}

/** Negative: `a` is older. The order in which Cassandra keeps ids: by time, then by the remaining bytes as signed numbers. */
export function compareTweetIds(a: string, b: string): number {
  const byTime = compareText(timeDigits(a), timeDigits(b));
  return byTime !== 0 ? byTime : compareText(signedRest(a), signedRest(b));
}

/** The calendar day of UTC, as Cassandra writes a date. */
export function tweetIdDay(id: string): string {
  return new Date(tweetIdTimeMs(id)).toISOString().slice(0, 10);
}

/** A version 1 UUID of a moment, told apart by ten bytes: two for the ticks within the millisecond, eight for clock and node. */
function timeUuid(timeMs: number, bytes: Buffer): string {
  const ticks = BigInt(timeMs) * ticksPerMs + BigInt(bytes.readUInt16BE(0) % 10_000) + gregorianTicks;
  const time = ticks.toString(16).padStart(15, "0");
  const clock = ((bytes.readUInt16BE(2) & 0x3fff) | 0x8000).toString(16);
  // The multicast bit says: no machine's own address.
  const node = Buffer.from(bytes.subarray(4, 10));
  node[0] = (node[0] ?? 0) | 1;
  return `${time.slice(7)}-${time.slice(3, 7)}-1${time.slice(0, 3)}-${clock}-${node.toString("hex")}`;
}

/** The last byte says the lane. */
function inLane(bytes: Buffer, handle: string): Buffer {
  const last = bytes[9] ?? 0;
  const wanted = last - (last % laneCount) + laneOf(handle);
  bytes[9] = wanted > 0xff ? wanted - laneCount : wanted;
  return bytes;
}

function timeDigits(id: string): string {
  return id.slice(15, 18) + id.slice(9, 13) + id.slice(0, 8);
}

function signedRest(id: string): string {
  const hex = id.slice(19, 23) + id.slice(24);
  // Flipping each byte's sign bit makes text order the order of signed bytes.
  return hex.replace(/../g, (byte) => (Number.parseInt(byte, 16) ^ 0x80).toString(16).padStart(2, "0"));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
