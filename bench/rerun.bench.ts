/** What it costs to bring a query up to date after new rows, against running it again over the whole table. */
import { DuckDbEngine } from "../src/sql/duckdb/engine.js";
import { SharedQueries } from "../src/sql/live/shared.js";
import { RerunQueries } from "../src/sql/rerun-queries.js";
import { type Measure, measure, median } from "./measure.js";
import { Feed, percentile, timed } from "./support/feed.js";

const TOP_TWEETERS = "SELECT handle, count(*) AS count FROM T GROUP BY handle ORDER BY count DESC LIMIT 20";
const LENGTHS =
  "SELECT handle, count(*) AS n, sum(length(content)) AS s, min(length(content)) AS lo, max(length(content)) AS hi FROM T GROUP BY handle ORDER BY n DESC LIMIT 20";
const STATISTICS =
  "SELECT handle, count(*) AS n, avg(length(content)) AS length, max(created_at) AS last FROM T GROUP BY handle ORDER BY n DESC LIMIT 20";
const REFRESHES = 20;
const MOVING_BATCHES = 1_000;
const MOVING_BATCH_MS = 1_200;
/** Millions of rows; the largest is left out with TIDETABLE_BENCH_SMALL=1. */
const SIZES = process.env.TIDETABLE_BENCH_SMALL === "1" ? [1, 10] : [1, 10, 30];
const GOALS: Readonly<Record<number, number>> = { 1: 1, 10: 0.08, 30: 0.03 };

export async function measures(): Promise<Measure[]> {
  const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  try {
    return [
      ...(await fewHandles(engine)),
      ...(await manyHandles(engine)),
      ...(await movingWindow(engine)),
      await whileIngesting(engine),
    ];
  } finally {
    await engine.close();
  }
}

async function fewHandles(engine: DuckDbEngine): Promise<Measure[]> {
  const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: 50_000_000 } });
  const feed = new Feed(table);
  const measured: Measure[] = [];
  const byRows = new Map<number, number[]>();
  for (const millions of SIZES) {
    await feed.growTo(millions * 1_000_000);
    for (const [name, text] of [
      ["Top Tweeters", TOP_TWEETERS],
      ["count, sum, min, max", LENGTHS],
      ["count, average, last", STATISTICS],
    ] as const) {
      const times = await refreshes(engine, () => feed.grow(), text.replace(/\bT\b/, "tweets"));
      measured.push(
        measure({
          name: `${name} after 10,000 new rows on ${millions} M, 1,000 handles`,
          unit: "ms",
          ...times,
          peerName: "the whole query again",
          goal: { atMost: GOALS[millions] ?? 1 },
        }),
      );
      if (text !== TOP_TWEETERS) continue;
      byRows.set(millions, times.ours);
      measured.push(
        measure({
          name: `the same, against a table of DuckDB's own with these ${millions} M rows`,
          unit: "ms",
          ours: times.ours,
          peer: await overPlainTable(engine),
          peerName: "the whole query over it",
          goal: { atMost: GOALS[millions] ?? 1 },
        }),
      );
    }
  }
  const largest = SIZES.at(-1) ?? 1;
  measured.push(
    measure({
      name: `refresh of Top Tweeters at ${largest} M`,
      unit: "ms",
      ours: byRows.get(largest) ?? [],
      peer: byRows.get(1) ?? [],
      peerName: "the same at 1 M",
      goal: { atMost: 1.3 },
    }),
  );
  await engine.closeStreamTable("tweets");
  return measured;
}

/** The stream's rows as any program would put them into DuckDB: our own tables are packed, which makes the query faster too. */
async function overPlainTable(engine: DuckDbEngine): Promise<number[]> {
  const { signal } = new AbortController();
  const run = (text: string) => engine.query({ text, parameters: [], rowLimit: 1_000 }, signal);
  await run("CREATE TABLE plain AS SELECT handle FROM tweets");
  const times: number[] = [];
  for (let round = 0; round < REFRESHES; round++) {
    times.push(await timed(() => run(TOP_TWEETERS.replace(/\bT\b/, "plain"))));
  }
  await run("DROP TABLE plain");
  return times;
}

async function manyHandles(engine: DuckDbEngine): Promise<Measure[]> {
  const table = await engine.openStreamTable({ name: "crowd", format: "json", keep: { rows: 50_000_000 } });
  const feed = new Feed(table, { handles: 100_000 });
  await feed.growTo(10_000_000);
  const times = await refreshes(engine, () => feed.grow(), TOP_TWEETERS.replace(/\bT\b/, "crowd"));
  await engine.closeStreamTable("crowd");
  return [
    measure({
      name: "Top Tweeters after 10,000 new rows on 10 M, 100,000 handles",
      unit: "ms",
      ...times,
      peerName: "the whole query again",
      goal: { atMost: 0.1 },
    }),
    measure({
      name: "the same, slowest of twenty",
      unit: "ms",
      ours: [percentile(times.ours, 0.95)],
      peer: [median(times.ours)],
      peerName: "the median",
      goal: { atMost: 2 },
    }),
  ];
}

/** The last ten minutes of twenty, at some 8,000 rows a second; and how many of all rows are late. */
async function movingWindow(engine: DuckDbEngine): Promise<Measure[]> {
  const table = await engine.openStreamTable({ name: "moving", format: "json", keep: { rows: 50_000_000 } });
  const feed = new Feed(table);
  const endMs = Date.now();
  for (let back = MOVING_BATCHES; back > 0; back--) await feed.grow(BigInt(endMs - back * MOVING_BATCH_MS));
  const grow = (): Promise<void> => feed.grow(BigInt(Date.now()));
  const recent = TOP_TWEETERS.replace("FROM T", "FROM moving WHERE _timestamp > now() - INTERVAL 10 MINUTE");
  const late =
    "SELECT count(*) FILTER (WHERE late) AS late FROM (SELECT _timestamp < max(_timestamp) OVER (PARTITION BY _topic, _partition ORDER BY _offset) - INTERVAL 10 SECOND AS late FROM moving) q";
  const [ofWindow, ofLate] = [await refreshes(engine, grow, recent), await refreshes(engine, grow, late)];
  await engine.closeStreamTable("moving");
  const peerName = "the whole query again";
  return [
    measure({
      name: "Top Tweeters of the last 10 minutes after 10,000 new rows on 10 M",
      unit: "ms",
      ...ofWindow,
      peerName,
      goal: { atMost: 0.1 },
    }),
    measure({ name: "late rows, of 10 M", unit: "ms", ...ofLate, peerName, goal: { atMost: 0.03 } }),
  ];
}

/** A cell that is run again ten times a second beside 50,000 new rows a second. */
async function whileIngesting(engine: DuckDbEngine): Promise<Measure> {
  const table = await engine.openStreamTable({ name: "busy", format: "json", keep: { rows: 5_000_000 } });
  const feed = new Feed(table, { batchRows: 5_000 });
  await feed.growTo(1_000_000);
  const shared = new SharedQueries(engine);
  const reruns = new RerunQueries(engine, shared);
  const { signal } = new AbortController();
  const rerun = () =>
    reruns.query({ text: TOP_TWEETERS.replace(/\bT\b/, "busy"), parameters: [], rowLimit: 2_000 }, signal);
  await rerun();
  await rerun();
  const untilMs = performance.now() + 8_000;
  const ingest = paced(100, untilMs, () => feed.grow());
  const times: number[] = [];
  await paced(100, untilMs, async () => {
    times.push(await timed(rerun));
  });
  await ingest;
  shared.close();
  await engine.closeStreamTable("busy");
  return measure({
    name: "Top Tweeters run again beside 50,000 new rows a second, slowest of twenty",
    unit: "ms",
    ours: [percentile(times, 0.95)],
    peer: [100],
    peerName: "what nobody notices",
    goal: { atMost: 1 },
  });
}

async function paced(everyMs: number, untilMs: number, work: () => Promise<unknown>): Promise<void> {
  for (let dueMs = performance.now(); dueMs < untilMs; dueMs += everyMs) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await work();
  }
}

async function refreshes(
  engine: DuckDbEngine,
  grow: () => Promise<void>,
  text: string,
): Promise<{ ours: number[]; peer: number[] }> {
  const { signal } = new AbortController();
  const request = { text, parameters: [], rowLimit: 1_000, everyMs: 0 };
  const live = engine.openLiveQuery(request);
  await live.refreshIncrementally(request.rowLimit, signal);
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < REFRESHES; round++) {
    await grow();
    ours.push(await timed(() => live.refreshIncrementally(request.rowLimit, signal)));
    peer.push(await timed(() => engine.query(request, signal)));
  }
  live.close();
  return { ours, peer };
}
