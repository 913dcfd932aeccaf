import { deepEqual, equal } from "node:assert/strict";
import { backlogOf, type PartitionProgress, partitionLag, RateMeter, totalLag } from "../../src/streaming/lag.js";

function at(start: bigint, next: bigint, high: bigint, target = high): PartitionProgress {
  return { partition: 0, startOffset: start, nextOffset: next, highWatermark: high, targetOffset: target };
}

describe("lag", () => {
  it("is what lies between the stored offset and the high watermark", () => {
    equal(partitionLag(at(0n, 3n, 10n)), 7);
    equal(partitionLag(at(0n, 12n, 10n)), 0);
    equal(totalLag([at(0n, 3n, 10n), at(5n, 5n, 6n)]), 8);
    equal(totalLag([]), 0);
  });

  it("shows a backlog until what was there at first is loaded", () => {
    deepEqual(backlogOf([at(0n, 3n, 10n), at(5n, 7n, 9n)]), { loaded: 5, target: 14 });
    deepEqual(backlogOf([at(0n, 20n, 30n, 10n), at(5n, 7n, 9n)]), { loaded: 12, target: 14 });
    equal(backlogOf([at(0n, 10n, 99n, 10n)]), undefined);
    equal(backlogOf([at(10n, 10n, 10n)]), undefined);
    equal(backlogOf([]), undefined);
  });

  it("takes the rate from the last seconds", () => {
    const meter = new RateMeter(5_000);
    equal(meter.perSecond(0), 0);
    meter.record(0, 100);
    equal(meter.perSecond(0), 0);
    meter.record(1_000, 600);
    equal(meter.perSecond(1_000), 500);
    equal(meter.perSecond(2_000), 250);
    for (let second = 2; second <= 20; second++) meter.record(second * 1_000, 600);
    equal(meter.perSecond(20_000), 0);
    meter.record(21_000, 1_600);
    equal(meter.perSecond(21_000), 200);
    equal(meter.perSecond(60_000), 0);
  });
});
