/**
 * `/events`: new tweets as they arrive, as server-sent events. A reader says which tweet is the newest that it has, with
 * `?after=` or, when it comes back, with `Last-Event-ID`, and is first told what came since: its page may be of another
 * instance, and older than its listening. One that is too slow is let go and comes back by itself.
 */
import type { Context, Hono } from "hono";
import type { Admission } from "./admission.js";
import type { LiveTimeline } from "./live-timeline.js";
import type { Tweet } from "./tweet.js";
import type { TweeterMetrics } from "./tweeter-metrics.js";
import { tweetFragment } from "./tweeter-pages.js";

export interface LivePorts {
  readonly timeline: LiveTimeline;
  readonly admission: Admission;
  readonly metrics: TweeterMetrics;
}

/** Proxies close what is silent. */
const beatEveryMs = 15_000;
/** Events that wait for a reader; more, and it is too slow. */
const waitingMax = 64;
/** A browser that loses its stream comes back after so long. */
const comeBackMs = 1_000;

export function addLive(app: Hono, ports: LivePorts): void {
  app.get("/events", (context) => {
    const leave = ports.admission.enter("listen");
    if (leave === undefined) {
      ports.metrics.shed("listen");
      context.header("Retry-After", "10");
      return context.json({ error: "too many pages are open just now" }, 503);
    }
    context.header("Content-Type", "text/event-stream");
    context.header("Cache-Control", "no-store");
    // nginx would keep events until a buffer is full.
    context.header("X-Accel-Buffering", "no");
    return context.body(events(context, ports.timeline, leave));
  });
}

function events(context: Context, timeline: LiveTimeline, leave: () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let release = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let released = false;
        const end = () => {
          if (released) return;
          release();
          controller.close();
        };
        const send = (text: string) => {
          if (released) return;
          if ((controller.desiredSize ?? 0) <= 0) return end();
          controller.enqueue(encoder.encode(text));
        };
        const tell = (added: readonly Tweet[]): void => {
          const newest = added.at(-1);
          if (newest === undefined) return;
          void Promise.all(added.map(tweetFragment)).then((fragments) => {
            send(`id: ${newest.id}\nevent: tweets\ndata: ${JSON.stringify(fragments)}\n\n`);
          });
        };
        const stop = timeline.listen(tell, end);
        const beat = setInterval(() => send(": still here\n\n"), beatEveryMs);
        release = () => {
          if (released) return;
          released = true;
          stop();
          clearInterval(beat);
          leave();
        };
        // The reader is gone: the stream ends by itself.
        context.req.raw.signal.addEventListener("abort", () => release(), { once: true });
        send(`retry: ${comeBackMs}\n\n`);
        const known = context.req.header("Last-Event-ID") ?? context.req.query("after");
        // Listened to already, so that nothing falls in between; what is told twice, pages show once.
        // The store may be away: pages say so when they are asked for, and readers wait.
        if (known !== undefined) timeline.since(known).then(tell, () => undefined);
      },
      cancel() {
        release();
      },
    },
    new CountQueuingStrategy({ highWaterMark: waitingMax }),
  );
}
