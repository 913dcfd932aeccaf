import { deepEqual, equal, ok } from "node:assert/strict";
import { retryAfterMs, type Tried, tryUntilDone } from "../../src/sinks/retry.js";

const never = new AbortController().signal;

describe("trying again", () => {
  it("gives the first result, after waits that grow and differ", async () => {
    const waits: number[] = [];
    let tries = 0;
    const tried = await tryUntilDone(
      async (): Promise<Tried<string>> => {
        tries += 1;
        return tries < 4 ? { cause: `no ${tries}` } : { result: "yes" };
      },
      { signal: never, onRetry: (_, waitMs) => waits.push(waitMs) },
    );
    deepEqual(tried, { result: "yes" });
    const bounds = [100, 200, 400];
    ok(
      waits.length === 3 &&
        waits.every((waitMs, index) => waitMs >= (bounds[index] ?? 0) / 2 && waitMs <= (bounds[index] ?? 0)),
    );
  });

  it("waits as long as the other side asks for", async () => {
    let told = 0;
    let tries = 0;
    await tryUntilDone(
      async (): Promise<Tried<true>> => {
        tries += 1;
        return tries === 1 ? { cause: "busy", retryAfterMs: 300 } : { result: true };
      },
      { signal: never, onRetry: (_, waitMs) => (told = waitMs) },
    );
    equal(told, 300);
  });

  it("gives the last cause after so many tries, and before a wait that is longer than the time", async () => {
    const refused = async (): Promise<Tried<never>> => ({ cause: "no", retryAfterMs: 0 });
    deepEqual(await tryUntilDone(refused, { signal: never, triesMax: 2 }), { cause: "no", retryAfterMs: 0 });
    const startedMs = performance.now();
    await tryUntilDone(async () => ({ cause: "later", retryAfterMs: 60_000 }), { signal: never, timeoutMs: 5_000 });
    ok(performance.now() - startedMs < 1_000);
  });

  it("ends a wait when it is stopped", async () => {
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 50);
    const startedMs = performance.now();
    await tryUntilDone(async () => ({ cause: "later", retryAfterMs: 60_000 }), { signal: stopping.signal });
    ok(performance.now() - startedMs < 5_000);
  });

  it("reads Retry-After as seconds or as a date", () => {
    equal(retryAfterMs("2", 0), 2_000);
    equal(retryAfterMs("Thu, 01 Jan 1970 00:00:03 GMT", 1_000), 2_000);
    equal(retryAfterMs("Thu, 01 Jan 1970 00:00:03 GMT", 9_000), 0);
    equal(retryAfterMs("soon", 0), undefined);
    equal(retryAfterMs(null, 0), undefined);
  });
});
