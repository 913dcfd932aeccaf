/** Tables and columns for completion: asked at most once a second, and a key stroke never waits for a busy engine. */
import type { EngineClient } from "../engine/engine-client.js";
import type { TableInfo } from "../sql/sql-engine.js";

const freshMs = 1000;
const answerWithinMs = 300;

/** Answers within 300 ms: with the catalog, or with the last one that came. */
export function cachedCatalog(engine: () => EngineClient): () => Promise<readonly TableInfo[]> {
  let known: readonly TableInfo[] = [];
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    try {
      known = await engine().catalog();
      askedAtMs = performance.now();
    } catch {
      // Completion has no place to report an error; the cell that runs the statement says it.
    } finally {
      asking = undefined;
    }
  };

  return async () => {
    if (performance.now() - askedAtMs > freshMs) {
      asking ??= ask();
      await within(asking, answerWithinMs);
    }
    return known;
  };
}

function within(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    work.then(() => {
      clearTimeout(timer);
      resolve();
    }, resolve);
  });
}
