/** post-tweets against a Tweeter: what it counts, that it sends again what may be sent again, and that it is one tweet then. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { postToUrl } from "../../src/tweeter/post-to-url.js";
import { generateTweet } from "../../src/tweeter/tweet-generator.js";
import { type EmbeddedInstance, startEmbeddedInstance } from "./embedded-fixture.js";
import { wholeTimeline } from "./tweeter-fixture.js";

describe("posting to a Tweeter", function () {
  this.timeout(60_000);
  let tweeter: EmbeddedInstance;
  const servers: Server[] = [];
  beforeEach(async () => {
    tweeter = await startEmbeddedInstance();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
    await tweeter.stop();
  });

  const post = (url: string, count: number, signal = new AbortController().signal) =>
    postToUrl({ url, count, ratePerSecond: 0, concurrency: 8, lineAt: (n) => generateTweet(1, n, 0), signal });

  it("stores all of them, and says how it went", async () => {
    const outcome = await post(`${tweeter.url}/tweets`, 300);
    const { sent, stored, retried, refused, failed } = outcome;
    deepEqual(
      { sent, stored, retried, refused, failed },
      { sent: 300, stored: 300, retried: 0, refused: 0, failed: 0 },
    );
    ok(outcome.p50Ms > 0 && outcome.p99Ms >= outcome.p50Ms);
    equal((await wholeTimeline(tweeter.url)).length, 300);
  });

  it("sends again, with its key, what a balancer lost or refused: each is stored once", async () => {
    let n = 0;
    const target = new URL(tweeter.url);
    // Passes on; every third answer is lost on the way back, every fifth request is turned away.
    const proxy = createServer((incoming, outgoing) => {
      n += 1;
      const turn = n;
      if (turn % 5 === 0) {
        outgoing.writeHead(503, { "retry-after": "0" }).end();
        return;
      }
      const passed = request(
        {
          host: target.hostname,
          port: target.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
        },
        (answer) => {
          if (turn % 3 === 0) {
            answer.resume();
            answer.on("end", () => outgoing.destroy());
            return;
          }
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        },
      );
      passed.on("error", () => outgoing.destroy());
      incoming.pipe(passed);
    });
    servers.push(proxy);
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    const outcome = await post(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, 120);
    equal(outcome.stored, 120);
    ok(outcome.retried >= 40, String(outcome.retried));
    ok(outcome.repeated >= 15, String(outcome.repeated));
    equal((await wholeTimeline(tweeter.url)).length, 120);
  });

  it("does not send again what is refused; stops when told to; says when nobody is there", async () => {
    const refused = await postToUrl({
      url: tweeter.url,
      count: 5,
      ratePerSecond: 0,
      concurrency: 2,
      lineAt: (n) => ({ handle: "two words", content: `${n}` }),
      signal: new AbortController().signal,
    });
    deepEqual([refused.refused, refused.retried, refused.stored], [5, 0, 0]);
    ok(refused.reason?.includes("has a space"));
    const stop = new AbortController();
    stop.abort();
    equal((await post(tweeter.url, 1_000_000, stop.signal)).sent, 0);
    await rejects(() => post("http://127.0.0.1:1", 1), /No Tweeter answers at http:\/\/127\.0\.0\.1:1/);
    await rejects(() => post("ftp://x", 1), /no address of a Tweeter/);
  });
});
