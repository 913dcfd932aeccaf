/** Waiting for a child process to end, with a bound. Starts nothing and knows no program. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** For a child that was told to end: waits, then SIGKILL, then waits again. */
export async function endOrKill(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (await ended(child, timeoutMs)) return;
  child.kill("SIGKILL");
  await ended(child, timeoutMs);
}

/** False when it still runs after `timeoutMs`. */
export async function ended(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  if (hasEnded(child)) return true;
  const timeout = new AbortController();
  const exit = new Promise<true>((done) => child.once("exit", () => done(true)));
  const late = delay(timeoutMs, false as const, { signal: timeout.signal }).catch(() => false as const);
  const result = await Promise.race([exit, late]);
  timeout.abort();
  return result;
}

/** True as well for a program that could not be started. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}
