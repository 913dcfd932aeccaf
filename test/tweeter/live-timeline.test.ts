import { deepEqual, equal } from "node:assert/strict";
import { LiveTimeline } from "../../src/tweeter/live-timeline.js";
import type { Tweet } from "../../src/tweeter/tweet.js";
import { until } from "../support/until.js";
import { tweetNow } from "./tweet-now.js";

describe("the live timeline", () => {
  let stored: Tweet[] = [];
  let reads = 0;
  const store = {
    timeline: async () => {
      reads += 1;
      return stored.toReversed();
    },
  };
  let live: LiveTimeline;
  beforeEach(() => {
    stored = [tweetNow("before")];
    reads = 0;
  });
  afterEach(() => live.close());

  it("tells of a tweet that was posted here when it is posted, not when it next looks", async () => {
    live = new LiveTimeline(store, { lookEveryMs: 3_600_000 });
    const told: Array<readonly Tweet[]> = [];
    live.listen(
      (added) => told.push(added),
      () => {},
    );
    await live.newest();
    const [first, second] = [tweetNow("one"), tweetNow("two")];
    stored.push(first, second);
    live.invalidate();
    await until("it is told", () => told.length > 0);
    deepEqual(told, [[first, second]]);
    equal(reads, 2);
  });

  it("tells of other instances' tweets by looking, and does not look when nobody listens", async () => {
    live = new LiveTimeline(store, { lookEveryMs: 1 });
    await live.newest();
    const told: Array<readonly Tweet[]> = [];
    const stop = live.listen(
      (added) => told.push(added),
      () => {},
    );
    const other = tweetNow("of another instance");
    stored.push(other);
    await until("it is told", () => told.length > 0);
    deepEqual(told, [[other]]);
    stop();
    live.invalidate();
    equal(live.listenerCount, 0);
  });
});
