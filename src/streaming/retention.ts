/**
 * Decides which parts of a stream table are old enough to go. The table is a row of generations, oldest first; whole
 * ones are dropped. Pure: the clock is an argument.
 */
import type { Retention } from "../sql/sql-engine.js";

/** What is kept is cut in this many generations, so a table holds at most a quarter more than asked. */
const GENERATIONS_PER_KEEP = 4;

export interface GenerationSize {
  readonly rows: number;
  readonly bytes: number;
  /** Newest record timestamp, or arrival where records carry none; epoch milliseconds. */
  readonly newestMs: number;
  readonly createdAtMs: number;
}

export interface RetentionStep {
  /** Begin a new generation: the newest one has its share. */
  readonly rotate: boolean;
  /** How many of the oldest generations to drop. The newest is never dropped. */
  readonly drop: number;
}

export function retentionStep(generations: readonly GenerationSize[], keep: Retention, nowMs: number): RetentionStep {
  const newest = generations.at(-1);
  if (newest === undefined) return { rotate: false, drop: 0 };
  const rotate = newest.rows > 0 && share(newest, keep, nowMs) >= 1 / GENERATIONS_PER_KEEP;
  // Once rotated, the newest is an older one and a fresh, empty one takes its place.
  const candidates = rotate ? generations : generations.slice(0, -1);
  let drop = 0;
  while (drop < candidates.length && mayGo(generations.slice(drop), keep, nowMs)) drop++;
  return { rotate, drop };
}

/** The part of `keep` that one generation holds. */
function share(generation: GenerationSize, keep: Retention, nowMs: number): number {
  if ("rows" in keep) return generation.rows / Math.max(1, keep.rows);
  if ("bytes" in keep) return generation.bytes / Math.max(1, keep.bytes);
  return (nowMs - generation.createdAtMs) / Math.max(1, keep.ms);
}

/** Whether the first of these can be dropped and enough is left. */
function mayGo(generations: readonly GenerationSize[], keep: Retention, nowMs: number): boolean {
  const [oldest, ...rest] = generations;
  if (oldest === undefined) return false;
  if ("ms" in keep) return oldest.newestMs < nowMs - keep.ms;
  const left = rest.reduce((sum, generation) => sum + ("rows" in keep ? generation.rows : generation.bytes), 0);
  return left >= ("rows" in keep ? keep.rows : keep.bytes);
}

/** `keep` in words, for the status line. */
export function describeRetention(keep: Retention): string {
  if ("rows" in keep) return `the last ${keep.rows.toLocaleString("en-US")} rows`;
  if ("bytes" in keep) return `the last ${Math.round(keep.bytes / 1024 / 1024).toLocaleString("en-US")} MiB`;
  return `the last ${Math.round(keep.ms / 1000).toLocaleString("en-US")} s`;
}
