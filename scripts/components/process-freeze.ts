/**
 * A process that keeps its sockets and says nothing. Frozen means that it does stand still: SIGSTOP reaches the threads of
 * a busy program one after the other, and one that still runs can answer for some milliseconds.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";

const freezeTimeoutMs = 5_000;

/** @throws TidetableError COMPONENT_MISSING: it does not run, or does not stand still within 5 s. */
export async function freezeProcess(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new TidetableError("COMPONENT_MISSING", "What is to stand still does not run.");
  process.kill(pid, "SIGSTOP");
  const deadlineMs = performance.now() + freezeTimeoutMs;
  while (!standsStill(pid)) {
    if (performance.now() > deadlineMs) {
      throw new TidetableError(
        "COMPONENT_MISSING",
        `Process ${pid} does not stand still within ${freezeTimeoutMs / 1000} s of SIGSTOP.`,
      );
    }
    await delay(1);
  }
}

function standsStill(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return psState(pid).startsWith("T");
  return readdirSync(threads).every((thread) => stateOf(`${threads}/${thread}/stat`) === "T");
}

/** The letter behind the program's name, which is in brackets and may have some itself (proc_pid_stat(5)). */
function stateOf(path: string): string {
  const text = readFileSync(path, "utf8");
  return text.charAt(text.lastIndexOf(")") + 2);
}

/** macOS has no /proc; its ps tells the state of the process as a whole. */
function psState(pid: number): string {
  return spawnSync("ps", ["-o", "state=", "-p", String(pid)], {
    encoding: "utf8",
    timeout: freezeTimeoutMs,
  }).stdout.trim();
}
