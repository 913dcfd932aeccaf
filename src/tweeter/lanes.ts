/**
 * Lanes: a handle's tweets all go one way. A lane is a part of each day in Cassandra's tables, so that one write to one
 * partition holds all of a tweet; and it is relayed to Kafka by one instance at a time. Pure.
 */
import { murmur2 } from "../streaming/murmur2.js";

/**
 * Fixed: a handle has to stay in its lane, and rows are where they were written. Few, because a write costs about the same for
 * one tweet as for four, and a turn of the relay for one as for hundreds; three, so that a day is never one partition's affair.
 */
export const laneCount = 3;

export function laneOf(handle: string): number {
  return (murmur2(Buffer.from(handle)) & 0x7fffffff) % laneCount;
}
