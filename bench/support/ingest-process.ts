/** What is measured as users run it: the engine's code in one bundle, in a process of its own with the engine's pool of threads. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { IngestRequest } from "./ingest-child.js";

const folder = dirname(fileURLToPath(import.meta.url));
/** As src/engine/engine-child.ts has it. */
const POOL_THREADS = 32;

export class IngestProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#ended = once(child, "exit").then(() => {
      throw new Error("the measured process ended");
    });
    // Whoever waits for an answer is told; at other times it is no trouble.
    this.#ended.catch(() => undefined);
  }

  static async start(): Promise<IngestProcess> {
    const outfile = join(folder, "../../node_modules/.cache/tidetable/ingest-child.mjs");
    await build({
      entryPoints: [join(folder, "ingest-child.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20.19",
      packages: "external",
      logLevel: "warning",
    });
    const env = { ...process.env, UV_THREADPOOL_SIZE: String(POOL_THREADS) };
    return new IngestProcess(fork(outfile, { env, execArgv: [] }));
  }

  /** Records a second. */
  async rate(request: IngestRequest): Promise<number> {
    const answered = once(this.#process, "message");
    this.#process.send(request);
    const [answer] = (await Promise.race([answered, this.#ended])) as [{ perSecond?: number; failure?: string }];
    if (answer.perSecond === undefined) throw new Error(answer.failure ?? "no answer");
    return answer.perSecond;
  }

  close(): void {
    this.#process.kill("SIGKILL");
  }
}
