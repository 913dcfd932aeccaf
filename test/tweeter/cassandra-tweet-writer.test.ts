import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Client } from "cassandra-driver";
import { CassandraOutbox } from "../../src/tweeter/cassandra-outbox.js";
import { TweetWriter } from "../../src/tweeter/cassandra-tweet-writer.js";
import { CassandraTweets } from "../../src/tweeter/cassandra-tweets.js";
import { laneOf } from "../../src/tweeter/lanes.js";
import { quickWriteMs } from "../../src/tweeter/outbox-lane.js";
import type { Tweet } from "../../src/tweeter/tweet.js";
import { laneOfTweetId, newTweetId } from "../../src/tweeter/tweet-id.js";
import { until } from "../support/until.js";

interface Written {
  /** Of each statement: its table, day and shard. */
  readonly places: readonly string[];
  /** In the outbox's order. */
  readonly contents: readonly string[];
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

/** Stands where the driver is: keeps what it is given until it is told what becomes of it. */
function recorder(pace?: { readonly restMaxMs: number }) {
  const written: Written[] = [];
  const client = {
    execute: async () => ({}),
    batch: (statements: ReadonlyArray<{ readonly query: string; readonly params: readonly unknown[] }>) =>
      new Promise<void>((done, fail) => {
        const table = (query: string) => /INTO k\.(\w+)/.exec(query)?.[1] ?? "";
        written.push({
          places: statements.map(({ query, params }) => `${table(query)} ${params[0]} ${params[1]}`),
          contents: statements.flatMap(({ query, params }) =>
            table(query) === "outbox_of_day"
              ? (JSON.parse(String(params[3])) as string[][]).map(([, , content]) => content ?? "")
              : [],
          ),
          done,
          fail,
        });
      }),
  } as unknown as Client;
  const writer = new TweetWriter(client, new CassandraTweets(client, "k"), new CassandraOutbox(client, "k"), pace);
  const write = (content: string, handle = "emilia", timeoutMs = 60_000) => {
    const nowMs = Date.now();
    const tweet: Tweet = { id: newTweetId(nowMs, handle), handle, content, createdAtMs: nowMs };
    const answer = writer.write(tweet, timeoutMs);
    answer.catch(() => undefined);
    return answer;
  };
  return { written, write };
}

describe("writing tweets to Cassandra", () => {
  const handleOfAnotherLane = ["a", "b", "c", "d", "e", "f", "g"].find((handle) => laneOf(handle) !== laneOf("emilia"));

  it("puts all rows of a tweet into one partition", async () => {
    const { written, write } = recorder();
    const answer = write("one");
    await until("it is sent", () => written.length === 1);
    const places = new Set(written[0]?.places.map((place) => place.replace(/^\w+ /, "")));
    equal(places.size, 1, [...places].join(", "));
    deepEqual(written[0]?.places.map((place) => place.split(" ")[0]).sort(), [
      "outbox_of_day",
      "tweets",
      "tweets_of_handle",
    ]);
    written[0]?.done();
    await answer;
  });

  it("sends what comes meanwhile together, each lane for itself, in the order of coming", async () => {
    const { written, write } = recorder();
    const answers = [write("one")];
    await until("the first is sent", () => written.length === 1);
    answers.push(write("two"), write("three"), write("elsewhere", handleOfAnotherLane));
    await until("the other lane's is sent", () => written.length === 2);
    deepEqual(written[1]?.contents, ["elsewhere"]);
    written[0]?.done();
    await until("the rest is sent", () => written.length === 3);
    deepEqual(written[2]?.contents, ["two", "three"]);
    for (const { done } of written) done();
    await Promise.all(answers);
  });

  it("rests after a write as long as it took, and then writes all that came meanwhile", async () => {
    const { written, write } = recorder({ restMaxMs: 250 });
    const first = write("one");
    await until("it is sent", () => written.length === 1);
    const sentAtMs = performance.now();
    await until("it takes its time", () => performance.now() - sentAtMs > 250);
    written[0]?.done();
    await first;
    const answers = ["two", "three", "four"].map(async (content, index) => {
      for (let turn = 0; turn < index; turn += 1) await new Promise((next) => setImmediate(next));
      await write(content);
    });
    await until("the rest is over", () => written.length === 2);
    deepEqual(written[1]?.contents, ["two", "three", "four"]);
    written[1]?.done();
    await Promise.all(answers);
  });

  it("rests longer where several came together, so that the next group is no smaller", async () => {
    const { written, write } = recorder({ restMaxMs: 100 });
    const answers = ["one", "two", "three", "four"].map((content) => write(content));
    await until("they are sent", () => written.length === 1);
    const sentAtMs = performance.now();
    await until("it takes its time", () => performance.now() - sentAtMs > 100);
    const doneAtMs = performance.now();
    written[0]?.done();
    await Promise.all(answers);
    const next = write("five");
    await until("the rest is over", () => written.length === 2);
    equal(performance.now() - doneAtMs >= 299, true, `${performance.now() - doneAtMs} ms`);
    written[1]?.done();
    await next;
  });

  it("writes a group that failed one by one: only what fails alone has failed", async () => {
    const { written, write } = recorder();
    const answers = [write("one"), write("two")];
    await until("both are sent", () => written.length === 1);
    written[0]?.fail(new Error("a replica is away"));
    await until("each is sent", () => written.length === 3);
    written.find(({ contents }) => contents.join() === "one")?.done();
    written.find(({ contents }) => contents.join() === "two")?.fail(new Error("still away"));
    await answers[0];
    await rejects(answers[1] ?? Promise.resolve(), /still away/);
  });

  it("does not wait for ever behind a write that hangs, and does not write what has waited too long", async () => {
    const { written, write } = recorder();
    const beganMs = performance.now();
    const hanging = write("hangs");
    await until("it is sent", () => written.length === 1);
    const late = write("too late", "emilia", 0);
    const next = write("next");
    await until("the next is sent all the same", () => written.length === 2);
    deepEqual(written[1]?.contents, ["next"]);
    await rejects(late, { code: "STORE_UNAVAILABLE" });
    await until("readers have passed by", () => performance.now() - beganMs > quickWriteMs);
    let answered = 0;
    for (const answer of [hanging, next]) void answer.then(() => (answered += 1));
    await until("both are answered", () => {
      for (const { done } of written) done();
      return answered === 2;
    });
    const again = written.slice(2).flatMap(({ contents, places }) => (places.length === 1 ? contents : []));
    equal(again.includes("hangs"), true, "a row that came late is written again, where readers look");
  });

  it("an id tells the lane of its handle", () => {
    for (let n = 0; n < 300; n += 1) equal(laneOfTweetId(newTweetId(n, `h${n}`)), laneOf(`h${n}`));
  });
});
