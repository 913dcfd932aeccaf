/** Many live queries beside ingest, how soon a row is in a version, and a view over a long time with retention. */
import type { LiveUpdate } from "../src/engine/protocol.js";
import { DuckDbEngine } from "../src/sql/duckdb/engine.js";
import { LiveSchedule } from "../src/sql/live/schedule.js";
import { SharedQueries } from "../src/sql/live/shared.js";
import { cellValue } from "../src/sql/schema.js";
import { type Measure, measure } from "./measure.js";
import { Feed, percentile, timed } from "./support/feed.js";

const VIEWS = 20;
const SECONDS = 8;
const HOUR_MS = 3_600_000;

export async function measures(): Promise<Measure[]> {
  const engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
  try {
    return [...(await manyViews(engine)), await freshness(engine), ...(await longRun(engine))];
  } finally {
    await engine.close();
  }
}

/** As many rows as fit into some seconds, with and without twenty different live queries. */
async function manyViews(engine: DuckDbEngine): Promise<Measure[]> {
  const alone: number[] = [];
  const beside: number[] = [];
  const leastRefreshed: number[] = [];
  for (let round = 0; round < 3; round++) {
    const table = await engine.openStreamTable({ name: `views${round}`, format: "json", keep: { rows: 5_000_000 } });
    const feed = new Feed(table, { batchRows: 2_000 });
    await feed.growTo(200_000);
    alone.push(await ingestFor(feed, SECONDS));
    const shared = new SharedQueries(engine);
    const schedule = new LiveSchedule(engine, shared);
    const versions = new Map<string, number>();
    for (let view = 0; view < VIEWS; view++) {
      const text = `SELECT handle, count(*) AS n, max(length(content)) AS longest FROM views${round} WHERE length(content) % ${VIEWS} <> ${view} GROUP BY handle ORDER BY n DESC LIMIT 20`;
      const request = { text, parameters: [], rowLimit: 1_000, everyMs: 1_000 };
      await schedule.start(`view ${view}`, request, ({ viewId, version }) => versions.set(viewId, version));
    }
    beside.push(await ingestFor(feed, SECONDS));
    // The first version of each reads the whole table and is not counted.
    leastRefreshed.push(Math.min(...versions.values(), versions.size < VIEWS ? 1 : Number.POSITIVE_INFINITY) - 1);
    await schedule.close();
    shared.close();
    await engine.closeStreamTable(`views${round}`);
  }
  return [
    measure({
      name: `rows a second beside ${VIEWS} live queries, 20,000 offered`,
      unit: "rows/s",
      ours: beside,
      peer: alone,
      peerName: "without live queries",
      goal: { atLeast: 0.75 },
    }),
    measure({
      name: `refreshes of the one that is refreshed least of ${VIEWS} live queries, in ${SECONDS} s`,
      unit: "",
      ours: leastRefreshed,
      peer: [SECONDS - 1],
      peerName: "every second",
      goal: { atLeast: 0.9 },
    }),
  ];
}

/** 2,000 rows ten times a second; what could not be written in time is not caught up with. */
async function ingestFor(feed: Feed, seconds: number): Promise<number> {
  const before = feed.rows;
  const startedMs = performance.now();
  for (let turn = 0; turn < seconds * 10; turn++) {
    const waitMs = startedMs + turn * 100 - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (performance.now() - startedMs > seconds * 1_000) break;
    await feed.grow();
  }
  return (feed.rows - before) / seconds;
}

/** From handing a batch to the table until a version that counts it has been published. */
async function freshness(engine: DuckDbEngine): Promise<Measure> {
  const table = await engine.openStreamTable({ name: "fresh", format: "json", keep: { rows: 5_000_000 } });
  const feed = new Feed(table, { batchRows: 50 });
  await feed.growTo(1_000);
  const shared = new SharedQueries(engine);
  const schedule = new LiveSchedule(engine, shared);
  const waiting: Array<{ readonly rows: number; readonly startedMs: number }> = [];
  const times: number[] = [];
  const request = { text: "SELECT count(*) AS n FROM fresh", parameters: [], rowLimit: 10, everyMs: 20 };
  await schedule.start("view", request, ({ result }: LiveUpdate) => {
    const [column] = result?.columns ?? [];
    const counted = column === undefined ? 0 : Number(cellValue(column, 0));
    while (waiting[0] !== undefined && waiting[0].rows <= counted) {
      times.push(performance.now() - (waiting.shift()?.startedMs ?? 0));
    }
  });
  const startedMs = performance.now();
  for (let turn = 0; turn < 160; turn++) {
    const waitMs = startedMs + turn * 50 - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    waiting.push({ rows: feed.rows + 50, startedMs: performance.now() });
    await feed.grow();
  }
  await schedule.close();
  shared.close();
  await engine.closeStreamTable("fresh");
  return measure({
    name: "record handed to the table → version with it, 1,000 rows a second, slowest of twenty",
    unit: "ms",
    ours: [percentile(times, 0.95)],
    peer: [100],
    peerName: "the goal",
    goal: { atMost: 1 },
  });
}

/** A day of records by their own clock, an hour of them kept. Each minute is a batch of 1,000. */
async function longRun(engine: DuckDbEngine): Promise<Measure[]> {
  const table = await engine.openStreamTable({ name: "day", format: "json", keep: { ms: HOUR_MS } });
  const feed = new Feed(table, { batchRows: 1_000 });
  const text =
    "SELECT handle, count(*) AS n, min(_timestamp) AS first FROM day GROUP BY handle ORDER BY n DESC LIMIT 20";
  const live = engine.openLiveQuery({ text, parameters: [], rowLimit: 1_000, everyMs: 0 });
  const { signal } = new AbortController();
  const startMs = Date.now() + HOUR_MS;
  const byHour: number[][] = [];
  const rowsByHour: number[] = [];
  for (let minute = 0; minute < 24 * 60; minute++) {
    const nowMs = startMs + minute * 60_000;
    await feed.grow(BigInt(nowMs));
    if (minute % 15 === 14) await table.maintain(nowMs);
    const hour = Math.floor(minute / 60);
    byHour[hour] ??= [];
    byHour[hour].push(await timed(() => live.refreshIncrementally(1_000, signal)));
    rowsByHour[hour] = table.counts().rows;
  }
  live.close();
  await engine.closeStreamTable("day");
  const goal = { atMost: 1.5 } as const;
  return [
    measure({
      name: "refresh in the last hours of a day, an hour kept",
      unit: "ms",
      ours: byHour.slice(-3).flat(),
      peer: byHour.slice(2, 5).flat(),
      peerName: "in the third to fifth hour",
      goal,
    }),
    measure({
      name: "rows kept in the last hours of a day",
      unit: "rows",
      ours: rowsByHour.slice(-3),
      peer: rowsByHour.slice(2, 5),
      peerName: "in the third to fifth hour",
      goal,
    }),
  ];
}
