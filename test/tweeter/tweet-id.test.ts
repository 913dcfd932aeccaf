import { deepEqual, equal, ok } from "node:assert/strict";
import { types } from "cassandra-driver";
import {
  compareTweetIds,
  isTweetId,
  keyTimeMs,
  newIdempotencyKey,
  newTweetId,
  tweetIdDay,
  tweetIdOfKey,
  tweetIdTimeMs,
} from "../../src/tweeter/tweet-id.js";

describe("a tweet's id", () => {
  const nowMs = Date.UTC(2026, 0, 31, 23, 59, 59, 999);

  it("holds its moment, as the driver reads it", () => {
    const id = newTweetId(nowMs, "puck");
    ok(isTweetId(id), id);
    equal(tweetIdTimeMs(id), nowMs);
    equal(tweetIdDay(id), "2026-01-31");
    equal(types.TimeUuid.fromString(id).getDate().getTime(), nowMs);
  });

  it("comes from a key, a handle and a content, and from nothing else", () => {
    const key = newIdempotencyKey(nowMs);
    equal(keyTimeMs(key), nowMs);
    const id = tweetIdOfKey(key, "puck", "What fools");
    equal(id, tweetIdOfKey(key, "puck", "What fools"));
    equal(tweetIdTimeMs(id), nowMs);
    const others = [
      tweetIdOfKey(key, "puck", "What fool"),
      tweetIdOfKey(key, "puc", "kWhat fools"),
      tweetIdOfKey(newIdempotencyKey(nowMs), "puck", "What fools"),
    ];
    equal(new Set([id, ...others]).size, 4);
  });

  it("a key of another kind has no moment", () => {
    for (const key of ["", "abc", crypto.randomUUID(), `${newIdempotencyKey(nowMs)}0`])
      equal(keyTimeMs(key), undefined);
  });

  it("sorts by moment, then as Cassandra does", () => {
    const ids = Array.from({ length: 200 }, (_, n) => newTweetId(nowMs + (n % 20), `speaker${n}`));
    const sorted = ids.toSorted(compareTweetIds);
    ok(sorted.every((id, n) => n === 0 || tweetIdTimeMs(id) >= tweetIdTimeMs(sorted[n - 1] ?? "")));
    // The last bytes are compared as signed ones.
    const [low, high] = ["8a000000-e838-11f1-8000-80ff00000000", "8a000000-e838-11f1-8000-010000000000"];
    deepEqual([high, low].toSorted(compareTweetIds), [low, high]);
  });
});
