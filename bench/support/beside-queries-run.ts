/**
 * 50,000 rows a second into memory, first alone, then beside long queries that follow each other without a pause; in the end all
 * queries are interrupted at once. Forked by bench/ingest/beside-queries.ts, with the engine's pool of threads.
 */
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { temporaryFolder } from "../../test/support/temporary-folder.js";
import { Feed, timed } from "./feed.js";

/** Milliseconds of each batch and each interrupt. */
export interface BesideQueries {
  readonly aloneMs: readonly number[];
  readonly besideMs: readonly number[];
  readonly interruptMs: readonly number[];
  readonly queries: number;
}

const BATCH_ROWS = 5_000;
const EVERY_MS = 100;
const PHASE_MS = 10_000;
const WARM_UP_MS = 3_000;
const QUERIES = 8;
const STORED_ROWS = 2_000_000;
/** Text over every row; on two cores one takes a second, eight take ten. */
const LONG =
  "SELECT handle, count(DISTINCT content) AS n, sum(length(regexp_replace(content, '[aeiou]', '', 'g'))) AS consonants FROM busy GROUP BY ALL ORDER BY n DESC LIMIT 20";

async function run(): Promise<BesideQueries> {
  const folder = temporaryFolder("bench");
  const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: folder.path });
  try {
    const table = await engine.openStreamTable({ name: "busy", format: "json", keep: { rows: 50_000_000 } });
    const feed = new Feed(table, { batchRows: BATCH_ROWS });
    await feed.growTo(STORED_ROWS);
    await grow(feed, WARM_UP_MS);
    const aloneMs = await grow(feed, PHASE_MS);
    const abort = new AbortController();
    let abortedMs = 0;
    let queries = 0;
    const interrupted = Array.from({ length: QUERIES }, async () => {
      const request = { text: LONG, parameters: [], rowLimit: 100 };
      for (;;) {
        try {
          await engine.query(request, abort.signal);
          queries += 1;
        } catch (error) {
          if (!abort.signal.aborted) throw error;
          return performance.now() - abortedMs;
        }
      }
    });
    await grow(feed, WARM_UP_MS);
    const besideMs = await grow(feed, PHASE_MS);
    abortedMs = performance.now();
    abort.abort();
    return { aloneMs, besideMs, interruptMs: await Promise.all(interrupted), queries };
  } finally {
    await engine.close();
    folder.remove();
  }
}

/** A batch every so often, late ones at once after each other: how long each took. */
async function grow(feed: Feed, forMs: number): Promise<number[]> {
  const untilMs = performance.now() + forMs;
  const times: number[] = [];
  for (let dueMs = performance.now(); dueMs < untilMs; dueMs += EVERY_MS) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    times.push(await timed(() => feed.grow()));
  }
  return times;
}

process.send?.(await run());
process.disconnect();
