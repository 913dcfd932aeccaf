import { deepEqual } from "node:assert/strict";
import { Hono } from "hono";
import { Admission } from "../../src/tweeter/admission.js";
import { addLive } from "../../src/tweeter/live-events.js";
import { LiveTimeline } from "../../src/tweeter/live-timeline.js";
import type { Tweet } from "../../src/tweeter/tweet.js";
import { TweeterMetrics } from "../../src/tweeter/tweeter-metrics.js";
import { tweetNow } from "./tweet-now.js";

describe("the events of a Tweeter", () => {
  let stored: Tweet[] = [];
  let timeline: LiveTimeline;
  let admission: Admission;
  let app: Hono;

  beforeEach(() => {
    timeline = new LiveTimeline({ timeline: async () => stored.toReversed() });
    admission = new Admission();
    const metrics = new TweeterMetrics("one", {
      waiting: () => 0,
      relayDelaySeconds: () => undefined,
      listeners: () => timeline.listenerCount,
    });
    app = new Hono();
    addLive(app, { timeline, admission, metrics });
  });
  afterEach(() => {
    timeline.close();
    admission.close();
  });

  /** Ids of the first event of tweets, and the texts in it. */
  async function firstEvent(path: string, headers: Record<string, string> = {}): Promise<[string, string[]]> {
    const leave = new AbortController();
    const answer = await app.request(path, { headers, signal: leave.signal });
    let text = "";
    for await (const part of answer.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(part).toString();
      if (/event: tweets\ndata: .*\n\n/.test(text)) break;
    }
    leave.abort();
    const fragments = JSON.parse(/data: (.*)\n/.exec(text)?.[1] ?? "[]") as string[];
    return [
      /id: (.*)\n/.exec(text)?.[1] ?? "",
      fragments.flatMap((markup) => /(?:one|two|three) tweet/.exec(markup)?.[0] ?? []),
    ];
  }

  it("begin with what came between the page, which another instance may have made, and the listening", async () => {
    const [one, two, three] = [tweetNow("one tweet"), tweetNow("two tweet"), tweetNow("three tweet")];
    stored = [one, two, three];
    deepEqual(await firstEvent(`/events?after=${one.id}`), [three.id, ["two tweet", "three tweet"]]);
  });

  it("go on where a reader that comes back was, whatever its page said", async () => {
    const [one, two, three] = [tweetNow("one tweet"), tweetNow("two tweet"), tweetNow("three tweet")];
    stored = [one, two, three];
    const back = { "Last-Event-ID": two.id };
    deepEqual(await firstEvent(`/events?after=${one.id}`, back), [three.id, ["three tweet"]]);
  });

  it("are all that is there for a page that had none", async () => {
    stored = [tweetNow("one tweet")];
    deepEqual(await firstEvent("/events?after="), [stored[0]?.id, ["one tweet"]]);
  });
});
