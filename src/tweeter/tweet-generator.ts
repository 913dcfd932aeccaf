/**
 * Plausible little tweets, the same for the same seed: tweet n can be made without its predecessors, so a feed can stop
 * and go on. A few speakers do most of the talking, as on any network. Pure.
 */

import { randomAt } from "../random.js";
import { cast, sentences } from "./cast.js";
import { encodeTweet, type Tweet } from "./tweet.js";

/** Tweet number `index` of a seed, written at `createdAtMs`. */
export function generateTweet(seed: number, index: number, createdAtMs: number): Tweet {
  const random = randomAt(seed, index);
  const speaker = cast[speakerIndex(random.fraction())] ?? cast[0];
  const other = cast[speakerIndex(random.fraction())] ?? cast[0];
  const topic = random.pick(speaker.topics);
  const sentence = random
    .pick(sentences)
    .replaceAll("{topic}", topic)
    .replaceAll("{tag}", speaker.tag)
    .replaceAll("{other}", other.handle);
  return {
    id: uuid(random.hex() + random.hex() + random.hex() + random.hex()),
    handle: speaker.handle,
    content: capitalized(sentence),
    createdAtMs,
  };
}

/** A value that is no tweet, of the kinds that real topics carry: cut short, another format, not JSON at all. */
export function generateBadValue(seed: number, index: number): string {
  const random = randomAt(seed, index);
  const value = encodeTweet(generateTweet(seed, index, 0));
  switch (random.below(3)) {
    case 0:
      return value.slice(0, 20 + random.below(value.length - 40));
    case 1:
      return `handle=${random.pick(cast).handle}; content=see attached scroll`;
    default:
      return value.replaceAll('"', "'");
  }
}

/** Whether record `index` of a feed is a bad one: one in `badEvery`, scattered; 0 for none. */
export function isBad(seed: number, index: number, badEvery: number): boolean {
  return badEvery > 0 && randomAt(seed ^ 0x5bad, index).below(badEvery) === 0;
}

/** Zipf's law: the n-th speaker is heard 1/n as often as the first. */
const loudness = cumulative(cast.map((_, rank) => 1 / (rank + 1)));

function speakerIndex(fraction: number): number {
  const found = loudness.findIndex((upTo) => fraction < upTo);
  return found < 0 ? cast.length - 1 : found;
}

/** Running sums, scaled so that the last is 1. */
function cumulative(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => {
    sum += weight / total;
    return sum;
  });
}

function uuid(hex: string): string {
  // Version 4, variant 1, as every reader of UUIDs expects.
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
