/**
 * Memory of the engine while far more rows pass than are kept: after fifty times what is kept it must not be more than after
 * four times. Three partitions write side by side, into a file and into memory, each in a process of its own. How many rows
 * are kept comes from `TIDETABLE_BENCH_KEEP` (default 100,000, which passes 5 million rows; 1000000 passes 50 million).
 */
import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Measure, measure } from "./measure.js";
import type { MemorySample } from "./support/memory-run.js";

const KEEP = Number(process.env.TIDETABLE_BENCH_KEEP ?? 100_000);

export async function measures(): Promise<Measure[]> {
  const result: Measure[] = [];
  for (const store of ["file", "memory"] as const) {
    const { early, late } = await run(store);
    for (const figure of ["duckDbMiB", "rssMiB"] as const) {
      result.push(
        measure({
          name: `${figure === "rssMiB" ? "resident" : "DuckDB's own"} memory after 50 x keep, ${store}`,
          unit: "MiB",
          ours: [late[figure]],
          peer: [early[figure]],
          peerName: `after 4 x keep (${KEEP.toLocaleString("en")} rows)`,
          goal: { atMost: 1.3 },
        }),
      );
    }
  }
  return result;
}

function run(store: "file" | "memory"): Promise<{ readonly early: MemorySample; readonly late: MemorySample }> {
  const program = join(dirname(fileURLToPath(import.meta.url)), "support/memory-run.ts");
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const child = fork(program, [store, String(KEEP)], {
    execArgv: ["--expose-gc", "--import", loader],
    serialization: "advanced",
  });
  return new Promise((resolve, reject) => {
    child.once("message", (samples) => resolve(samples as { early: MemorySample; late: MemorySample }));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the run ended with ${code} before it had measured`)));
  });
}
