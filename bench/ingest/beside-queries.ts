/** What long queries cost the batches that are written beside them, and how soon all of them can be interrupted. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Measure, measure, percentile } from "../measure.js";
import type { BesideQueries } from "../support/beside-queries-run.js";

/** As src/engine/engine-child.ts has it. */
const POOL_THREADS = "32";
const BLOCKED_MS = 2_000;

export async function measureBesideQueries(): Promise<Measure[]> {
  const program = join(dirname(fileURLToPath(import.meta.url)), "../support/beside-queries-run.ts");
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const child = fork(program, [], {
    execArgv: ["--import", loader],
    env: { ...process.env, UV_THREADPOOL_SIZE: POOL_THREADS },
    serialization: "advanced",
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the run ended with ${code} before it had measured`);
  });
  ended.catch(() => undefined);
  const [found] = (await Promise.race([once(child, "message"), ended])) as [BesideQueries];
  const { aloneMs, besideMs, interruptMs, queries } = found;
  console.log(
    `beside eight long queries: ${queries} of them answered, slowest batch ${Math.max(...besideMs).toFixed(0)} ms`,
  );
  return [
    measure({
      name: "a batch of 50,000 rows/s beside 8 long queries, 95 of 100",
      unit: "ms",
      ours: [percentile(besideMs, 0.95)],
      peer: [percentile(aloneMs, 0.95)],
      peerName: "the same alone",
      goal: { atMost: 8 },
    }),
    measure({
      name: "the slowest of them",
      unit: "ms",
      ours: [Math.max(...besideMs)],
      peer: [BLOCKED_MS],
      peerName: "what would be blocked",
      goal: { atMost: 1 },
    }),
    measure({
      name: "all 8 interrupted",
      unit: "ms",
      ours: [Math.max(...interruptMs)],
      peer: [150],
      peerName: "the goal",
      goal: { atMost: 1 },
    }),
  ];
}
