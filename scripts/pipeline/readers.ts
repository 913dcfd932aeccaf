/** People who look at Tweeter while it is posted to: pages asked for without a break, each answer counted. Nothing is tried again. */
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../src/errors.js";

export interface ReadOutcome {
  readonly answered: number;
  readonly failed: number;
  /** What went wrong, the first few. */
  readonly failures: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Readers {
  stop(): Promise<ReadOutcome>;
}

const paths = ["/", "/tweets"];
const readersCount = 4;
/** Between two pages of one reader. */
const pauseMs = 25;
const timeoutMs = 30_000;
const failuresKept = 10;

export function startReaders(url: string): Readers {
  const stopping = new AbortController();
  const durationsMs: number[] = [];
  const failures: string[] = [];
  let failed = 0;

  const read = async (path: string): Promise<void> => {
    const startedMs = performance.now();
    try {
      const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      durationsMs.push(performance.now() - startedMs);
    } catch (error) {
      failed += 1;
      if (failures.length < failuresKept) {
        failures.push(`GET ${path} after ${Math.round(performance.now() - startedMs)} ms: ${errorMessage(error)}`);
      }
    }
  };
  const reader = async (first: number): Promise<void> => {
    for (let turn = first; !stopping.signal.aborted; turn++) {
      await read(paths[turn % paths.length] ?? "/");
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const reading = Array.from({ length: readersCount }, (_, index) => reader(index));

  return {
    async stop() {
      stopping.abort();
      await Promise.all(reading);
      durationsMs.sort((a, b) => a - b);
      return {
        answered: durationsMs.length,
        failed,
        failures,
        p50Ms: at(durationsMs, 0.5),
        p99Ms: at(durationsMs, 0.99),
      };
    },
  };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
