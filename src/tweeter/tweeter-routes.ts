/**
 * HTTP of Tweeter: Request in, Response out. Pages and JSON, live updates, health and counts. Holds no socket and starts
 * nothing; what it refuses, it refuses here.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { getCookie, setCookie } from "hono/cookie";
import { errorMessage, TidetableError } from "../errors.js";
import type { Admission, WorkKind } from "./admission.js";
import { addLive } from "./live-events.js";
import { type LiveTimeline, pageLength } from "./live-timeline.js";
import { handleLengthMax, type Tweet, tweetFields } from "./tweet.js";
import { newIdempotencyKey } from "./tweet-id.js";
import { RequestRefused, readDraft } from "./tweet-request.js";
import type { PostedTweet, TimelineRequest, TweetStore } from "./tweet-store.js";
import { assets } from "./tweeter-assets.js";
import type { TweeterMetrics } from "./tweeter-metrics.js";
import {
  type ComposeState,
  handlePath,
  messagePage,
  statusPage,
  timelineFragment,
  timelinePage,
  tweetFragment,
  tweetPage,
} from "./tweeter-pages.js";

export interface TweeterPorts {
  /** This instance's name. */
  readonly instance: string;
  readonly store: TweetStore;
  readonly timeline: LiveTimeline;
  readonly admission: Admission;
  readonly metrics: TweeterMetrics;
  /** True from the moment on that this instance is told to end: balancers look elsewhere. */
  readonly isLeaving: () => boolean;
  readonly log: (line: string) => void;
}

const bodyBytesMax = 16 * 1024;
const limitMax = 200;
const fragmentHtml = "application/vnd.tweeter.fragment+html";
const fragmentJson = "application/vnd.tweeter.fragment+json";
const handleCookie = "tweeter_handle";
/** Stand where the key and the handle of whoever asks come in, in a page that is rendered for everybody. */
const keyMark = "00000000-0000-7000-8000-000000000000";
const handleMark = "handle~of~the~reader";

export function createTweeterRoutes(ports: TweeterPorts): (request: Request) => Response | Promise<Response> {
  const app = new Hono();
  addFrame(app, ports);
  addHealth(app, ports);
  addPosting(app, ports);
  addReading(app, ports);
  addPages(app, ports);
  addLive(app, ports);
  app.get("/assets/:name", (context) => {
    const asset = assets.get(context.req.param("name"));
    if (asset === undefined) throw new RequestRefused(404, "there is no such file");
    context.header("Content-Type", asset.type);
    context.header("Cache-Control", "public, max-age=31536000, immutable");
    return context.body(asset.body);
  });
  app.notFound((context) => refuse(context, ports, new RequestRefused(404, "there is no such page")));
  app.onError((error, context) => answerError(error, context, ports));
  return (request) => app.fetch(request);
}

/** Headers, counts and the limit on how much goes on at once, around every route. */
function addFrame(app: Hono, { instance, metrics, admission }: TweeterPorts): void {
  app.use(async (context, next) => {
    const startedMs = performance.now();
    // Before the answer is made: headers set on one that is there cost as much again as the rest of a cached page.
    for (const [name, value] of securityHeaders) context.header(name, value);
    context.header("X-Tweeter-Instance", instance);
    await next();
    const route = context.req.routePath === "/*" ? "other" : context.req.routePath;
    metrics.answered(context.req.method, route, context.res.status, (performance.now() - startedMs) / 1000);
  });
  app.use(async (context, next) => {
    const kind = workKind(context);
    if (kind === undefined) return next();
    const leave = admission.enter(kind);
    if (leave === undefined) {
      metrics.shed(kind);
      context.header("Retry-After", "1");
      return context.json({ error: "too much to do just now; try again in a second" }, 503);
    }
    try {
      await next();
    } finally {
      leave();
    }
  });
}

/** Undefined: always answered. */
function workKind(context: Context): WorkKind | undefined {
  const { path, method } = context.req;
  if (method === "POST") return "write";
  // Live pages are counted where they end, in live-events.ts.
  return path === "/" || path.startsWith("/tweets") || path.startsWith("/@") ? "read" : undefined;
}

const securityHeaders: ReadonlyArray<readonly [string, string]> = [
  [
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  ],
  ["X-Content-Type-Options", "nosniff"],
  // Not no-referrer: with it a browser says nothing of where a form comes from, and our own would be refused.
  ["Referrer-Policy", "same-origin"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
];

function addHealth(app: Hono, ports: TweeterPorts): void {
  const { instance, store, metrics, isLeaving } = ports;
  app.get("/health", (context) => context.json({ status: "alive", instance }));
  app.get("/ready", (context) => {
    const parts = store.parts();
    const ready = isReady(ports);
    const status = isLeaving() ? "leaving" : ready ? "ready" : "not ready";
    return context.json({ status, instance, parts }, ready ? 200 : 503);
  });
  app.get("/metrics", async (context) => {
    const { type, body } = await metrics.text();
    context.header("Content-Type", type);
    return context.body(body);
  });
  app.get("/status.json", async (context) =>
    context.json({ instance, ready: isReady(ports), parts: store.parts(), instances: await store.instances() }),
  );
  app.get("/status", async (context) => {
    context.header("Cache-Control", "no-store");
    return context.html(
      await statusPage({
        instance,
        ready: isReady(ports),
        parts: store.parts(),
        instances: await store.instances(),
        nowMs: Date.now(),
      }),
    );
  });
}

/** Kafka may be away for any time once it was seen: what is posted waits in the outbox. Without Cassandra nothing goes. */
function isReady({ store, isLeaving }: TweeterPorts): boolean {
  if (isLeaving()) return false;
  return store.parts().every((part) => (part.name === "kafka" ? part.seen : part.up));
}

function addPosting(app: Hono, ports: TweeterPorts): void {
  const { store, timeline, metrics } = ports;
  app.post("/tweets", limitedBody(), async (context) => {
    requireOwnOrigin(context);
    let posted: PostedTweet;
    try {
      posted = await store.post(await readDraft(context));
    } catch (error) {
      metrics.posted(error instanceof RequestRefused ? "refused" : "failed");
      throw error;
    }
    metrics.posted(posted.repeated ? "repeated" : "stored");
    timeline.invalidate();
    return await answerPosted(context, posted);
  });
}

/** A body that says its length, which Node holds it to, is not looked into: a copy of each request would cost more than reading it. */
function limitedBody(): MiddlewareHandler {
  const refuseIt = () => {
    throw new RequestRefused(413, `the body has more than ${bodyBytesMax / 1024} KiB`);
  };
  const counted = bodyLimit({ maxSize: bodyBytesMax, onError: refuseIt });
  return async (context, next) => {
    const length = context.req.header("content-length");
    if (length === undefined || context.req.header("transfer-encoding") !== undefined) return counted(context, next);
    if (Number(length) > bodyBytesMax) refuseIt();
    await next();
  };
}

async function answerPosted(context: Context, { tweet, repeated }: PostedTweet): Promise<Response> {
  const isForm = (context.req.header("content-type") ?? "").startsWith("application/x-www-form-urlencoded");
  if (isForm) {
    setCookie(context, handleCookie, tweet.handle, {
      httpOnly: true,
      sameSite: "Strict",
      maxAge: 30 * 86_400,
      path: "/",
    });
  }
  if (accepts(context, fragmentJson)) {
    return context.json({ article: await tweetFragment(tweet), key: newIdempotencyKey(Date.now()) });
  }
  if (isForm && prefersHtml(context)) return context.redirect("/", 303);
  context.header("Location", `/tweets/${tweet.id}`);
  if (repeated) context.header("Idempotent-Replayed", "true");
  return context.json(tweetFields(tweet), repeated ? 200 : 201);
}

/** A page of another site must not post with its reader's browser. */
function requireOwnOrigin(context: Context): void {
  const origin = context.req.header("origin");
  const host = context.req.header("host");
  if (origin === undefined || host === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new RequestRefused(403, "a page of another site may not post here");
}

function addReading(app: Hono, { store, timeline, instance }: TweeterPorts): void {
  let newest = { version: -1, body: "" };
  app.get("/tweets", async (context) => {
    const request = readTimelineRequest(context);
    context.header("Cache-Control", "no-store");
    const isNewest = request.before === undefined && request.handle === undefined && request.limit === pageLength;
    if (!isNewest) return context.json(tweetList(await store.timeline(request), request));
    const page = await timeline.newest();
    if (page.version !== newest.version) {
      newest = { version: page.version, body: JSON.stringify(tweetList(page.tweets, request)) };
    }
    context.header("Content-Type", "application/json");
    return context.body(newest.body);
  });
  app.get("/tweets/:id", async (context) => {
    const id = context.req.param("id").toLowerCase();
    const tweet = isUuid(id) ? await store.tweet(id) : undefined;
    if (tweet === undefined) throw new RequestRefused(404, "there is no such tweet");
    context.header("Vary", "Accept");
    return prefersHtml(context) ? context.html(await tweetPage(tweet, instance)) : context.json(tweetFields(tweet));
  });
}

function tweetList(tweets: readonly Tweet[], request: TimelineRequest) {
  return { tweets: tweets.map(tweetFields), next: olderPath("/tweets", tweets, request) ?? null };
}

function addPages(app: Hono, ports: TweeterPorts): void {
  const { store, timeline, instance } = ports;
  let newest = { version: -1, markup: "" };
  app.get("/", async (context) => {
    const request = readTimelineRequest(context);
    context.header("Cache-Control", "no-store");
    context.header("Vary", "Accept");
    if (request.before !== undefined) return await listing(context, "/", request);
    const page = await timeline.newest();
    if (page.version !== newest.version) {
      newest = {
        version: page.version,
        markup: await timelinePage({
          tweets: page.tweets,
          older: olderPath("/", page.tweets, request),
          compose: { key: keyMark, handle: handleMark },
          live: true,
          instance,
        }),
      };
    }
    const { key, handle } = composeOf(context);
    return context.html(
      newest.markup.replace(keyMark, key).replace(`value="${handleMark}"`, () => `value="${attribute(handle)}"`),
    );
  });
  app.get("/:at{@.+}", async (context) => {
    const handle = context.req.param("at").slice(1);
    if ([...handle].length > handleLengthMax) throw new RequestRefused(404, "no handle is that long");
    context.header("Cache-Control", "no-store");
    context.header("Vary", "Accept");
    return await listing(context, handlePath(handle), { ...readTimelineRequest(context), handle });
  });

  async function listing(context: Context, path: string, request: TimelineRequest): Promise<Response> {
    const tweets = await store.timeline(request);
    const older = olderPath(path, tweets, request);
    if (accepts(context, fragmentHtml)) return context.html(await timelineFragment(tweets, older));
    const { handle } = request;
    return context.html(
      await timelinePage({
        tweets,
        older,
        compose: composeOf(context),
        live: false,
        instance,
        ...(handle === undefined ? {} : { handle }),
      }),
    );
  }
}

function composeOf(context: Context): ComposeState {
  return { key: newIdempotencyKey(Date.now()), handle: getCookie(context, handleCookie) ?? "" };
}

/** @throws RequestRefused */
function readTimelineRequest(context: Context): TimelineRequest {
  const { before, handle, limit } = context.req.query();
  if (before !== undefined && !isUuid(before.toLowerCase())) {
    throw new RequestRefused(400, "before takes the id of a tweet");
  }
  if (handle !== undefined && (handle === "" || [...handle].length > handleLengthMax || !handle.isWellFormed())) {
    throw new RequestRefused(400, `handle takes 1 to ${handleLengthMax} characters`);
  }
  const count = limit === undefined ? pageLength : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > limitMax) {
    throw new RequestRefused(400, `limit takes a whole number from 1 to ${limitMax}`);
  }
  return {
    limit: count,
    ...(before === undefined ? {} : { before: before.toLowerCase() }),
    ...(handle === undefined ? {} : { handle }),
  };
}

/** Where the next page is: undefined when this one was not full. */
function olderPath(path: string, tweets: readonly Tweet[], request: TimelineRequest): string | undefined {
  const last = tweets.at(-1);
  if (last === undefined || tweets.length < request.limit) return undefined;
  const query = new URLSearchParams({ before: last.id });
  if (request.handle !== undefined && !path.startsWith("/@")) query.set("handle", request.handle);
  if (request.limit !== pageLength) query.set("limit", String(request.limit));
  return `${path}?${query}`;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

function accepts(context: Context, type: string): boolean {
  return (context.req.header("accept") ?? "").includes(type);
}

/** A browser that goes to an address names HTML; a program asks for anything, or for JSON. */
function prefersHtml(context: Context): boolean {
  return accepts(context, "text/html");
}

function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

async function answerError(error: Error, context: Context, ports: TweeterPorts): Promise<Response> {
  if (error instanceof RequestRefused) return await refuse(context, ports, error);
  if (error instanceof TidetableError && error.retryable) {
    context.header("Retry-After", "2");
    const message = "the store does not answer just now; try again, with the same key";
    if (prefersHtml(context) && !accepts(context, fragmentJson)) {
      return context.html(await messagePage("Not just now", capitalized(message), ports.instance), 503);
    }
    return context.json({ error: message }, 503);
  }
  ports.log(`${context.req.method} ${context.req.path}: ${errorMessage(error)}`);
  return context.json({ error: "something went wrong here" }, 500);
}

async function refuse(context: Context, ports: TweeterPorts, refused: RequestRefused): Promise<Response> {
  const { status, message, draft } = refused;
  if (!prefersHtml(context)) return context.json({ error: message }, status);
  if (draft === undefined) {
    const title = status === 404 ? "Not found" : "Not understood";
    return context.html(await messagePage(title, `${capitalized(message)}.`, ports.instance), status);
  }
  // What was typed stays in the box.
  const page = await ports.timeline.newest().catch(() => ({ tweets: [] }));
  const compose = { key: newIdempotencyKey(Date.now()), ...draft, refusal: `${capitalized(message)}.` };
  return context.html(
    await timelinePage({ tweets: page.tweets, older: undefined, compose, live: true, instance: ports.instance }),
    status,
  );
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
