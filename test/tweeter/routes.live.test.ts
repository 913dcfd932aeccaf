/** Tweeter's HTTP without servers behind it: what it refuses and how, what it does when there is too much to do, its counts. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { newIdempotencyKey } from "../../src/tweeter/tweet-id.js";
import type { TweetStore } from "../../src/tweeter/tweet-store.js";
import { until } from "../support/until.js";
import { type EmbeddedInstance, startEmbeddedInstance } from "./embedded-fixture.js";
import { postTweet, type TweetFields, wholeTimeline } from "./tweeter-fixture.js";

describe("Tweeter's HTTP", function () {
  this.timeout(240_000);
  let tweeter: EmbeddedInstance;
  afterEach(async () => await tweeter.stop());

  it("answers JSON and forms; the same key again is the same tweet", async () => {
    tweeter = await startEmbeddedInstance();
    const key = newIdempotencyKey(Date.now());
    const first = await postTweet(
      tweeter.url,
      { handle: "@lear", content: "Blow, winds!" },
      { "idempotency-key": key },
    );
    equal(first.status, 201);
    equal(first.headers.get("x-tweeter-instance"), "embedded");
    const tweet = (await first.json()) as TweetFields;
    equal(tweet.handle, "lear");
    equal(first.headers.get("location"), `/tweets/${tweet.id}`);
    const again = await postTweet(tweeter.url, { handle: "lear", content: "Blow, winds!" }, { "idempotency-key": key });
    equal(again.status, 200);
    equal(again.headers.get("idempotent-replayed"), "true");
    const form = await fetch(`${tweeter.url}/tweets`, {
      method: "POST",
      body: new URLSearchParams({ handle: "fool", content: "A\r\nB", key: "abc" }),
      headers: { accept: "text/html" },
      redirect: "manual",
    });
    equal(form.status, 303);
    deepEqual(
      (await wholeTimeline(tweeter.url)).map(({ content }) => content),
      ["A\nB", "Blow, winds!"],
    );
    const [a, b] = await Promise.all(
      [1, 2].map(() => postTweet(tweeter.url, { handle: "x", content: "at once" }, { "idempotency-key": "k" })),
    );
    deepEqual([a?.status, b?.status].sort(), [200, 201]);
  });

  it("a page of another site may not post", async () => {
    tweeter = await startEmbeddedInstance();
    const headers = { origin: "http://evil.example" };
    equal((await postTweet(tweeter.url, { handle: "x", content: "y" }, headers)).status, 403);
    equal((await postTweet(tweeter.url, { handle: "x", content: "y" }, { origin: tweeter.url })).status, 201);
  });

  it("what is above the limit is refused at once with Retry-After, what is taken on is answered", async () => {
    let release = () => {};
    const gate = new Promise<void>((open) => {
      release = open;
    });
    let writing = 0;
    const slow = (store: TweetStore): TweetStore =>
      new Proxy(store, {
        get(target, name) {
          if (name !== "post") {
            const member: unknown = Reflect.get(target, name);
            return typeof member === "function" ? member.bind(target) : member;
          }
          return async (draft: Parameters<TweetStore["post"]>[0]) => {
            writing += 1;
            await gate;
            return await target.post(draft);
          };
        },
      });
    tweeter = await startEmbeddedInstance({ limits: { write: 4 }, around: slow });
    const taken = Array.from({ length: 4 }, (_, n) => postTweet(tweeter.url, { handle: "x", content: `${n}` }));
    await until("four are under way", () => writing === 4);
    const refused = await postTweet(tweeter.url, { handle: "x", content: "too much" });
    equal(refused.status, 503);
    equal(refused.headers.get("retry-after"), "1");
    equal((await fetch(`${tweeter.url}/health`)).status, 200);
    equal((await fetch(`${tweeter.url}/tweets`)).status, 200);
    release();
    deepEqual(
      (await Promise.all(taken)).map(({ status }) => status),
      [201, 201, 201, 201],
    );
    const metrics = await (await fetch(`${tweeter.url}/metrics`)).text();
    ok(metrics.includes('tweeter_requests_shed_total{kind="write",instance_name="embedded"} 1'));
    ok(metrics.includes('tweeter_tweets_total{result="stored",instance_name="embedded"} 4'));
  });

  it("what is no HTTP at all gets 400 or a closed connection", async () => {
    tweeter = await startEmbeddedInstance();
    const { port } = new URL(tweeter.url);
    const texts = [
      "GARBAGE\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
      "GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b c\r\n\r\n",
      "GET //// HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /tweets HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST /tweets HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(40_000)}\r\n\r\n`,
      randomBytes(2_000).toString("latin1"),
    ];
    for (const text of texts) {
      const answer = await raw(Number(port), text);
      ok(
        answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer),
        `${JSON.stringify(text.slice(0, 60))}: ${answer.slice(0, 80)}`,
      );
    }
    equal((await fetch(`${tweeter.url}/health`)).status, 200);
  });
});

async function raw(port: number, text: string): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.setTimeout(2_000, () => socket.end());
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      socket.end();
    });
    socket.on("error", () => resolve(answer));
    socket.on("close", () => resolve(answer));
  });
}
