import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { LogRecordSource } from "../../src/streaming/log/record-source.js";
import { startEmbeddedTweeter } from "../../src/tweeter/embedded-tweeter.js";
import { collect } from "../streaming/record-source-conformance.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

describe("the embedded tweeter", () => {
  let folder: TemporaryFolder;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder("tweeter");
    path = join(folder.path, "log", "tweets.log");
  });
  afterEach(() => folder.remove());

  const open = () =>
    new LogRecordSource({ path }).open(
      { topic: "tweets", from: "earliest", storedOffsets: new Map() },
      { timeoutMs: 10_000, signal: new AbortController().signal },
    );

  it("has minutes of past tweets at once, goes on at its rate, and some of it is bad", async () => {
    const startedMs = Date.now();
    const feed = await startEmbeddedTweeter({ path, ratePerSecond: 20, badEvery: 100 });
    const source = await open();
    const high = source.watermarks()[0]?.high ?? 0n;
    ok(high > 4_000n && high < 8_000n, `${high} past tweets`);
    const reader = collect(source);
    await reader.until(Number(high) + 10);
    await feed.stop();
    await source.close();

    const times = reader.records.map(({ timestampMs }) => timestampMs);
    ok(
      times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)),
      "times ascend",
    );
    ok((times[0] ?? 0) > startedMs - 6 * 60_000 && (times[0] ?? 0) < startedMs - 4 * 60_000);
    const bad = reader.records.filter(({ value }) => !isJson(value ?? "")).length;
    ok(bad > 20 && bad < 150, `${bad} bad`);
  });

  it("changes its rate while it runs, down to nothing", async () => {
    const feed = await startEmbeddedTweeter({ path, ratePerSecond: 0, historyMs: 0 });
    const source = await open();
    const reader = collect(source);
    equal(reader.records.length, 0);
    feed.setRate(500);
    await reader.until(200);
    feed.setRate(0);
    await feed.stop();
    const end = source.watermarks()[0]?.high ?? 0n;
    await until("all of it is read", () => BigInt(reader.records.length) >= end);
    await source.close();
  });

  it("goes on where it stopped: no tweet twice, no history over history", async () => {
    const first = await startEmbeddedTweeter({ path, badEvery: 0 });
    await first.stop();
    const second = await startEmbeddedTweeter({ path, badEvery: 0 });
    await second.stop();
    const source = await open();
    const reader = collect(source);
    await reader.until(Number(source.watermarks()[0]?.high));
    await source.close();
    const ids = reader.records.map(({ value }) => (JSON.parse(value ?? "") as { id: string }).id);
    equal(new Set(ids).size, ids.length);
    ok(ids.length < 8_000, `${ids.length} tweets`);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
