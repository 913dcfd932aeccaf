import { deepEqual, equal, ok } from "node:assert/strict";
import { retentionText, statusBundle, statusText } from "../../src/cells/status-line.js";
import type { StreamStatus } from "../../src/engine/protocol.js";

const live: StreamStatus = {
  name: "tweets",
  topic: "tweets",
  source: "127.0.0.1:19092",
  phase: "live",
  rows: 12_345,
  rejected: 0,
  tombstones: 0,
  retired: 0,
  rowsPerSecond: 2010.4,
  lag: 0,
  partitions: [{ partition: 0, nextOffset: 12_345n, highWatermark: 12_345n, lag: 0 }],
  keep: { rows: 5_000_000 },
  store: "memory",
};
const partitions = (...lags: readonly number[]) =>
  lags.map((lag, partition) => ({ partition, nextOffset: 0n, highWatermark: BigInt(lag), lag }));

describe("statusText", () => {
  const where = "topic tweets of 127.0.0.1:19092";
  const kept = "keeps the newest 5,000,000 rows";
  const cases: ReadonlyArray<readonly [string, Partial<StreamStatus>, readonly string[]]> = [
    ["live", {}, ["tweets · live · 12,345 rows · 2,010 rows/s · lag 0", `${where} · ${kept}`]],
    [
      "loading, with what is left",
      { phase: "loading", backlog: { loaded: 34_000, target: 100_000 }, lag: 66_000, rowsPerSecond: 5500 },
      ["tweets · loading 34 % of 100,000, 12 s left · 12,345 rows · 5,500 rows/s · lag 66,000", `${where} · ${kept}`],
    ],
    [
      "loading, with no rate to tell from",
      { phase: "loading", backlog: { loaded: 0, target: 7_000_000 }, lag: 7_000_000, rowsPerSecond: 0 },
      ["tweets · loading 0 % of 7,000,000 · 12,345 rows · 0 rows/s · lag 7,000,000", `${where} · ${kept}`],
    ],
    [
      "finished",
      { phase: "finished" },
      ["tweets · finished: everything up to its end is here · 12,345 rows · lag 0", `${where} · ${kept}`],
    ],
    [
      "several topics, with what lags of which",
      {
        topic: "a, b",
        lag: 7,
        partitions: partitions(7, 0).map((partition) => ({ ...partition, topic: "a" })),
      },
      [
        "tweets · live · 12,345 rows · 2,010 rows/s · lag 7 (a p0 7)",
        `topic a, b of 127.0.0.1:19092, 2 partitions · ${kept}`,
      ],
    ],
    [
      "reconnecting, with cause and way out",
      { phase: "reconnecting", cause: "Lost 127.0.0.1:19092 (ECONNREFUSED); reading goes on when it is back.", lag: 3 },
      [
        "tweets · reconnecting · 12,345 rows · lag 3",
        `${where} · ${kept}`,
        "Lost 127.0.0.1:19092 (ECONNREFUSED); reading goes on when it is back.",
      ],
    ],
    [
      "a cause that is over",
      { phase: "live", cause: "old" },
      ["tweets · live · 12,345 rows · 2,010 rows/s · lag 0", `${where} · ${kept}`],
    ],
    [
      "lag by partition",
      { lag: 12, partitions: partitions(4, 0, 8) },
      ["tweets · live · 12,345 rows · 2,010 rows/s · lag 12 (p0 4, p2 8)", `${where}, 3 partitions · ${kept}`],
    ],
    [
      "many partitions",
      { lag: 14, partitions: partitions(...Array.from({ length: 14 }, () => 1)) },
      [
        "tweets · live · 12,345 rows · 2,010 rows/s · lag 14 (p0 1, p1 1, p2 1, p3 1, p4 1, p5 1, p6 1, p7 1, p8 1, p9 1, p10 1, p11 1 and 2 more)",
        `${where}, 14 partitions · ${kept}`,
      ],
    ],
    [
      "rejected records, tombstones, rows dropped, a notice",
      { rejected: 3, tombstones: 1, retired: 2000, notice: "new column: likes" },
      [
        "tweets · live · 12,345 rows · 2,010 rows/s · lag 0 · 3 rejected (tweets_errors) · 1 tombstones",
        `${where} · ${kept}, 2,000 older ones dropped`,
        "new column: likes",
      ],
    ],
    [
      "a name that SQL wants in quotes",
      { name: "my-topic", rejected: 1 },
      ['"my-topic" · live · 12,345 rows · 2,010 rows/s · lag 0 · 1 rejected ("my-topic_errors")', `${where} · ${kept}`],
    ],
  ];
  for (const [name, change, lines] of cases) {
    it(name, () => deepEqual(statusText({ ...live, ...change }).split("\n"), lines));
  }

  const spans: ReadonlyArray<readonly [Parameters<typeof retentionText>[0], string]> = [
    [{ rows: 1000 }, "1,000 rows"],
    [{ bytes: 2_500_000_000 }, "2.5 GB"],
    [{ bytes: 5_000_000 }, "5 MB"],
    [{ bytes: 900 }, "900 bytes"],
    [{ ms: 3_600_000 }, "1 hour"],
    [{ ms: 5_400_000 }, "90 minutes"],
    [{ ms: 172_800_000 }, "2 days"],
    [{ ms: 250 }, "250 ms"],
  ];
  for (const [keep, text] of spans) it(text, () => equal(retentionText(keep), text));
});

describe("statusBundle", () => {
  it("escapes what comes from outside", () => {
    const html = String(statusBundle({ ...live, phase: "failed", cause: "<img src=x>" })["text/html"]);
    ok(html.includes("&lt;img src=x&gt;"));
    ok(!html.includes("<img"));
  });

  it("draws how far loading is", () => {
    const html = String(statusBundle({ ...live, phase: "loading", backlog: { loaded: 1, target: 4 } })["text/html"]);
    ok(html.includes("width:25%"));
  });
});
