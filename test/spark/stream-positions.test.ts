import { deepEqual, equal, ok } from "node:assert/strict";
import { StreamPositions } from "../../src/sql/spark/stream-positions.js";

const watermarks = [
  { topic: "tweets", partition: 1, low: 5n, high: 20n },
  { topic: "tweets", partition: 0, low: 0n, high: 10n },
];

describe("where Spark's query stands", () => {
  it("begins at what is there, or behind it", () => {
    const earlier = new StreamPositions("earlier");
    earlier.noteWatermarks(watermarks);
    equal(earlier.lag, 25);
    const latest = new StreamPositions("latest");
    latest.noteWatermarks(watermarks);
    equal(latest.lag, 0);
    deepEqual(latest.partitions(false), [
      { partition: 0, nextOffset: 10n, highWatermark: 10n, lag: 0 },
      { partition: 1, nextOffset: 20n, highWatermark: 20n, lag: 0 },
    ]);
    deepEqual(
      latest.partitions(true).map(({ topic }) => topic),
      ["tweets", "tweets"],
    );
  });

  it("follows reports, which are JSON or text that is JSON, and tells what they reached", () => {
    const positions = new StreamPositions("earlier");
    positions.noteWatermarks(watermarks);
    deepEqual(positions.noteReport({ tweets: { 0: 8 } }, { tweets: { 0: 12 } }), [
      { topic: "tweets", partition: 0, nextOffset: 8n },
    ]);
    equal(positions.lag, 4 + 15);
    positions.noteReport('{"tweets":{"0":12,"1":20}}', '{"tweets":{"0":11}}');
    equal(positions.lag, 0, "a watermark that is older than the end is not believed");
    deepEqual(positions.watermarks(), [
      { topic: "tweets", partition: 0, low: 0n, high: 12n },
      { topic: "tweets", partition: 1, low: 0n, high: 20n },
    ]);
    deepEqual(positions.noteReport(null, undefined), []);
  });

  it("never goes back to an older watermark, and is behind again when a newer one comes", () => {
    const positions = new StreamPositions("latest");
    positions.noteWatermarks(watermarks);
    positions.noteWatermarks([{ topic: "tweets", partition: 0, low: 0n, high: 9n }]);
    equal(positions.lag, 0);
    const newer = { topic: "tweets", partition: 0, low: 0n, high: 13n };
    positions.noteWatermarks([newer]);
    equal(positions.lag, 3);
    ok(!positions.hasReached(newer));
    positions.noteReport({ tweets: { 0: 13 } }, undefined);
    ok(positions.hasReached(newer));
    ok(!positions.hasReached({ ...newer, partition: 7, high: 1n }), "a partition nobody has read");
    ok(positions.hasReached({ ...newer, partition: 7, high: 0n }), "one without records");
  });

  it("takes what is left when Spark finds nothing more to read for markers, which are no records", () => {
    const positions = new StreamPositions("earlier");
    positions.noteReport({ tweets: { 0: 98 } }, { tweets: { 0: 100 } });
    equal(positions.lag, 2);
    positions.noteIdle();
    equal(positions.lag, 0);
  });
});
