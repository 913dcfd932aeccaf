/**
 * Records where there is no broker: appends generated ones to the embedded log at a rate that can be changed, after a few
 * minutes' worth of past ones so that a chart has something to show at once. Owns the clock; what a record is, its maker
 * says; the file is log.ts's.
 */
import type { TidetableError } from "../errors.js";
import { EmbeddedLog, type EmbeddedRecord } from "./log.js";

/** Record number `index` of a log, written at this moment; without the ones before it, so that a feed can stop and go on. */
export type RecordAt = (index: number, timestampMs: number) => EmbeddedRecord;

export interface SteadyWriterOptions {
  /** The log file; made if it is not there. */
  readonly path: string;
  readonly recordAt: RecordAt;
  /** Records a second on average; the rate breathes around it, as a crowd does. Default 20. */
  readonly ratePerSecond?: number;
  /** Past records reach back at most so far. Default five minutes. */
  readonly historyMs?: number;
  /** A write failed, the feed goes on trying. */
  readonly onError?: (error: TidetableError) => void;
}

export interface SteadyWriter {
  /** What it writes to; others may as well. */
  readonly log: EmbeddedLog;
  setRate(ratePerSecond: number): void;
  stop(): Promise<void>;
}

const tickMs = 100;
const historyRateMin = 5;
const historyCountMax = 10_000;

/** @throws TidetableError LOG_UNREADABLE when the log cannot be opened for writing. */
export async function startSteadyWriter(options: SteadyWriterOptions): Promise<SteadyWriter> {
  const log = await EmbeddedLog.open(options.path);
  const writer = new Writer(log, options);
  await writer.appendHistory(Date.now());
  writer.start();
  return writer;
}

class Writer implements SteadyWriter {
  readonly log: EmbeddedLog;
  readonly #options: SteadyWriterOptions;
  #ratePerSecond: number;
  /** Fractions of a record that are due. */
  #due = 0;
  #lastTickMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(log: EmbeddedLog, options: SteadyWriterOptions) {
    this.log = log;
    this.#options = options;
    this.#ratePerSecond = options.ratePerSecond ?? 20;
  }

  /** Fills the time before now, as far as the log does not hold it already. */
  async appendHistory(nowMs: number): Promise<void> {
    const ratePerSecond = Math.max(this.#ratePerSecond, historyRateMin);
    const reachMs = Math.min(this.#options.historyMs ?? 5 * 60_000, (historyCountMax / ratePerSecond) * 1000);
    const fromMs = Math.max(nowMs - reachMs, this.log.lastTimestampMs);
    const timestamps: number[] = [];
    let due = 0;
    for (let timeMs = fromMs + tickMs; timeMs <= nowMs; timeMs += tickMs) {
      due += ratePerSecond * breath(timeMs) * (tickMs / 1000);
      for (; due >= 1; due -= 1) timestamps.push(Math.round(timeMs));
    }
    await this.#append(timestamps);
  }

  start(): void {
    this.#lastTickMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  setRate(ratePerSecond: number): void {
    this.#ratePerSecond = Math.max(0, ratePerSecond);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    await this.log.close();
  }

  #tick(): void {
    const nowMs = performance.now();
    // A machine that slept does not write a night's worth at once.
    const elapsedMs = Math.min(nowMs - this.#lastTickMs, 1_000);
    this.#lastTickMs = nowMs;
    const timestampMs = Date.now();
    this.#due += this.#ratePerSecond * breath(timestampMs) * (elapsedMs / 1000);
    if (this.#writing !== undefined || this.#due < 1) return;
    const count = Math.floor(this.#due);
    this.#due -= count;
    this.#writing = this.#append(Array.from({ length: count }, () => timestampMs)).then(
      () => {
        this.#writing = undefined;
      },
      (error: TidetableError) => {
        this.#writing = undefined;
        this.#options.onError?.(error);
      },
    );
  }

  async #append(timestamps: readonly number[]): Promise<void> {
    const first = Number(this.log.nextOffset);
    await this.log.append(
      timestamps.map((timestampMs, position) => this.#options.recordAt(first + position, timestampMs)),
    );
  }
}

/** Swings between 0.5 and 1.5, about once in a minute and a half: a line over time has a shape to show. */
function breath(timeMs: number): number {
  return 1 + 0.35 * Math.sin((timeMs / 90_000) * 2 * Math.PI) + 0.15 * Math.sin((timeMs / 17_000) * 2 * Math.PI);
}
