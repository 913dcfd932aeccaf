/** Requests that Tweeter has to refuse, made by a seeded random. */
import { randomBytes } from "node:crypto";
import type { Random } from "../support/seeded-random.js";

/** The n-th of endlessly many, each of which is the sender's mistake: bodies, keys, queries, paths and methods in turn. */
export function malformedRequest(n: number, random: Random): { readonly path: string; readonly init: RequestInit } {
  const json = (body: string) => ({
    path: "/tweets",
    init: { method: "POST", headers: { "content-type": "application/json" }, body },
  });
  const bytes = randomBytes(1 + between(random, 1, 200));
  const kinds: ReadonlyArray<() => { path: string; init: RequestInit }> = [
    () => json(bytes.toString("latin1")),
    () => json(`{"handle":"x","content":"${"y".repeat(between(random, 141, 2_000))}"}`),
    () => json(`{"handle":"${"h".repeat(between(random, 16, 60))}","content":"y"}`),
    () => json('{"handle":"two words","content":"y"}'),
    () => json('{"handle":null,"content":"y"}'),
    () => json('{"content":"y"}'),
    () => json('{"handle":"x","content":{"a":1}}'),
    () => json("[]"),
    () => json("null"),
    () => json(`${"[".repeat(8_000)}`),
    () => json('{"handle":"x","content":"\\ud800"}'),
    () => json('{"handle":"x","content":"\\u0000"}'),
    () => json('{"__proto__":{"handle":"x","content":"y"}}'),
    () => json(`{"handle":"x","content":"y","pad":"${"z".repeat(20_000)}"}`),
    () => ({
      path: "/tweets",
      init: { method: "POST", body: bytes, headers: { "content-type": "application/octet-stream" } },
    }),
    () => ({
      path: "/tweets",
      init: {
        method: "POST",
        body: "handle=x&content=",
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
    }),
    () => ({
      path: "/tweets",
      init: {
        method: "POST",
        body: new Uint8Array([0x68, 0xff, 0xfe]),
        headers: { "content-type": "application/json" },
      },
    }),
    () => ({ path: "/tweets", init: { method: "POST" } }),
    () => ({
      ...json('{"handle":"x","content":"y"}'),
      init: {
        ...json('{"handle":"x","content":"y"}').init,
        headers: { "content-type": "application/json", "idempotency-key": "a b" },
      },
    }),
    () => ({ path: `/tweets?before=${bytes.toString("hex").slice(0, 40)}`, init: {} }),
    () => ({ path: `/tweets?limit=${between(random, 201, 99_999)}`, init: {} }),
    () => ({ path: "/tweets?limit=1e1e1", init: {} }),
    () => ({ path: `/tweets?handle=${"h".repeat(16)}`, init: {} }),
    () => ({ path: `/tweets/${encodeURIComponent(bytes.toString("latin1"))}`, init: {} }),
    () => ({ path: "/tweets/00000000-0000-1000-8000-000000000000", init: {} }),
    () => ({ path: `/@${"h".repeat(16)}`, init: {} }),
    () => ({ path: "/%E0%A4%A", init: {} }),
    () => ({ path: "/assets/..%2f..%2fpackage.json", init: {} }),
    () => ({ path: `/${bytes.toString("hex")}`, init: { method: "PUT", body: "x" } }),
    () => ({ path: "/tweets", init: { method: "DELETE" } }),
  ];
  return (kinds[n % kinds.length] ?? kinds[0] ?? (() => json("")))();
}

function between(random: Random, first: number, last: number): number {
  return first + random.below(last - first + 1);
}
