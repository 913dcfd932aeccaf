/**
 * Trying again: growing waits with jitter, at least as long as the other side asks for, until there is a result or patience
 * ends. Knows no sink; what is worth another try is told by who tries.
 */
import { setTimeout as delay } from "node:timers/promises";

/** A result, or why there is none yet. */
export type Tried<T> = { readonly result: T } | { readonly cause: string; readonly retryAfterMs?: number | undefined };

export interface Patience {
  readonly signal: AbortSignal;
  /** Default: no end but the signal's. */
  readonly timeoutMs?: number;
  readonly triesMax?: number;
  /** Before the second try; each further wait is twice as long, up to the other. */
  readonly waitMinMs?: number;
  readonly waitMaxMs?: number;
  readonly onRetry?: ((cause: string, waitMs: number) => void) | undefined;
}

const waitMinDefaultMs = 100;
const waitMaxDefaultMs = 5_000;
/** Whoever asks for more is asked again after this. */
const retryAfterMaxMs = 5 * 60_000;

/** The result, or the last cause when patience ended. `attempt` is told how long it may take. */
export async function tryUntilDone<T>(
  attempt: (remainingMs: number) => Promise<Tried<T>>,
  patience: Patience,
): Promise<Tried<T>> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, triesMax, onRetry } = patience;
  const { waitMinMs = waitMinDefaultMs, waitMaxMs = waitMaxDefaultMs } = patience;
  const deadlineMs = performance.now() + timeoutMs;
  for (let tries = 1; ; tries += 1) {
    const tried = await attempt(deadlineMs - performance.now());
    if ("result" in tried || signal.aborted || tries === triesMax) return tried;
    const waitMs = Math.max(
      halfByChance(Math.min(waitMinMs * 2 ** (tries - 1), waitMaxMs)),
      Math.min(tried.retryAfterMs ?? 0, retryAfterMaxMs),
    );
    if (performance.now() + waitMs >= deadlineMs) return tried;
    onRetry?.(tried.cause, waitMs);
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return tried;
  }
}

/** Those who were turned away together do not come back together. */
function halfByChance(fullMs: number): number {
  return Math.round(fullMs * (0.5 + Math.random() / 2));
}

/** Of a `Retry-After`, which has seconds or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Answers after which the same request may succeed: the server is not well, or has too much to do. */
export function isWorthAnotherTry(status: number): boolean {
  return status >= 500 || status === 429;
}
