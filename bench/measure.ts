/** What a bench measures and how it is written down: our figure beside a peer's, taken in the same run. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";

export interface Measure {
  readonly name: string;
  readonly unit: string;
  /** Median of the runs. */
  readonly ours: number;
  /** Median of the peer's runs, alternating with ours. */
  readonly peer: number;
  readonly peerName: string;
  /** ours / peer. */
  readonly ratio: number;
  /** The goal for the ratio, as text such as `>= 1` or `<= 0.08`. */
  readonly goal: string;
  readonly met: boolean;
}

export interface BenchResult {
  readonly name: string;
  readonly date: string;
  readonly machine: {
    readonly cores: number;
    readonly memoryGiB: number;
    readonly node: string;
    readonly load: number;
  };
  readonly measures: readonly Measure[];
}

/** Makes a measure from alternating runs. `goal` is a bound on ours / peer. */
export function measure(options: {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly peerName: string;
  readonly goal: { readonly atLeast: number } | { readonly atMost: number };
}): Measure {
  const ours = median(options.ours);
  const peer = median(options.peer);
  const ratio = ours / peer;
  const goal = "atLeast" in options.goal ? `>= ${options.goal.atLeast}` : `<= ${options.goal.atMost}`;
  const met = "atLeast" in options.goal ? ratio >= options.goal.atLeast : ratio <= options.goal.atMost;
  return { name: options.name, unit: options.unit, ours, peer, peerName: options.peerName, ratio, goal, met };
}

/** Runs both sides in turn, ours first in even rounds, so that a drifting machine hits both alike. */
export async function alternate(
  rounds: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
): Promise<{ ours: number[]; peer: number[] }> {
  const result = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) result.ours.push(await ours());
    result.peer.push(await peer());
    if (round % 2 === 1) result.ours.push(await ours());
  }
  return result;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper;
  if (upper === undefined || lower === undefined) throw new Error("median of no values");
  return (upper + lower) / 2;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  if (value === undefined) throw new Error("percentile of no values");
  return value;
}

export function describeMachine(): BenchResult["machine"] {
  return {
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    load: Number(loadavg()[0]?.toFixed(2) ?? 0),
  };
}

export function writeResult(file: string, result: BenchResult): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

export function toTable(measures: readonly Measure[]): string {
  const rows = measures.map((row) => [
    row.met ? "✓" : "✗",
    row.name,
    `${figure(row.ours)} ${row.unit}`,
    `${figure(row.peer)} ${row.unit}`,
    row.peerName,
    `${row.ratio.toFixed(3)}`,
    row.goal,
  ]);
  const table = [["", "measure", "ours", "peer", "peer is", "ratio", "goal"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function figure(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
