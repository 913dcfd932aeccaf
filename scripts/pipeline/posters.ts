/**
 * Posts for a rehearsal, with a ledger of what was acknowledged. Shares no code with `post-tweets`, whose word the rehearsal
 * would otherwise have to take. A post that failed, or whose fate is unknown, is sent again with the same key.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../src/errors.js";
import { generateTweet } from "../../src/tweeter/tweet-generator.js";
import { add } from "./count-everywhere.js";

export interface PostOptions {
  readonly url: string;
  readonly count: number;
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
  readonly onAcknowledged?: (acknowledged: number) => void;
  /** How much of all may be sent so far, from 0 to 1; asked again and again while it is less than wanted. */
  readonly shareAllowed?: () => number;
}

export interface Ledger {
  /** Ids of tweets that were acknowledged. */
  readonly ids: ReadonlySet<string>;
  readonly perHandle: ReadonlyMap<string, number>;
  /** Requests that had to be sent again. */
  readonly retries: number;
  /** Posts given up: stored or not, nobody knows. */
  readonly unresolved: number;
  readonly failures: readonly string[];
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

const connections = 48;
const requestTimeoutMs = 15_000;
const postTimeoutMs = 120_000;
const failuresKept = 10;
const askAgainMs = 50;

export async function post(options: PostOptions): Promise<Ledger> {
  const { url, count, ratePerSecond, signal } = options;
  const ids = new Set<string>();
  const perHandle = new Map<string, number>();
  const failures: string[] = [];
  const durationsMs: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  let retries = 0;
  let unresolved = 0;

  const send = async (number: number): Promise<void> => {
    const { handle, content } = generateTweet(1, number, Date.now());
    const key = newKey(Date.now());
    const beganMs = performance.now();
    for (;;) {
      const outcome = await attempt(url, key, JSON.stringify({ handle, content }));
      if ("id" in outcome) {
        ids.add(outcome.id);
        add(perHandle, handle, 1);
        durationsMs.push(performance.now() - beganMs);
        options.onAcknowledged?.(ids.size);
        return;
      }
      if (failures.length < failuresKept) failures.push(outcome.failure);
      if (performance.now() - beganMs > postTimeoutMs || signal.aborted) {
        unresolved += 1;
        return;
      }
      retries += 1;
      await delay(outcome.retryAfterMs);
    }
  };
  const poster = async (): Promise<void> => {
    while (next < count && !signal.aborted) {
      const number = next++;
      const dueMs = startedMs + (number / ratePerSecond) * 1000 - performance.now();
      if (dueMs > 1) await delay(dueMs);
      while (number / count >= (options.shareAllowed?.() ?? 1) && !signal.aborted) await delay(askAgainMs);
      await send(number);
    }
  };
  await Promise.all(Array.from({ length: connections }, poster));

  durationsMs.sort((a, b) => a - b);
  const at = (share: number) =>
    durationsMs[Math.min(durationsMs.length - 1, Math.floor(durationsMs.length * share))] ?? 0;
  return {
    ids,
    perHandle,
    retries,
    unresolved,
    failures,
    elapsedMs: performance.now() - startedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(1),
  };
}

type Attempt = { readonly id: string } | { readonly failure: string; readonly retryAfterMs: number };

async function attempt(url: string, key: string, body: string): Promise<Attempt> {
  try {
    const answer = await fetch(`${url}/tweets`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "idempotency-key": key },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await answer.text();
    if (answer.ok) return { id: (JSON.parse(text) as { readonly id: string }).id };
    const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
    return {
      failure: `POST: status ${answer.status} ${text.slice(0, 120)}`,
      retryAfterMs: Number.isFinite(seconds) ? Math.min(seconds * 1000, 5_000) : 200,
    };
  } catch (error) {
    // What fetch throws says "fetch failed"; what failed is its cause.
    const cause = error instanceof Error && error.cause !== undefined ? ` (${errorMessage(error.cause)})` : "";
    return { failure: `POST: ${errorMessage(error)}${cause}`, retryAfterMs: 200 };
  }
}

/** A UUID of version 7, made here: it says when the request was first sent. */
function newKey(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
