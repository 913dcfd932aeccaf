/** One instance of Tweeter: a store, its routes and a port, started and ended together. Reads no environment. */
import { createServer, type Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { TidetableError } from "../errors.js";
import { Admission, type WorkKind } from "./admission.js";
import { LiveTimeline } from "./live-timeline.js";
import type { InstanceReport, TweetStore } from "./tweet-store.js";
import { TweeterMetrics } from "./tweeter-metrics.js";
import { createTweeterRoutes } from "./tweeter-routes.js";

export interface TweeterServerOptions {
  /** Told in every answer, on the status page and to the other instances. Left out: the machine's port. */
  readonly name?: string;
  readonly host?: string;
  /** 0: a free one. */
  readonly port: number;
  /** Gets what this instance tells of itself. */
  readonly openStore: (report: () => Omit<InstanceReport, "lanes" | "seenAtMs">) => TweetStore | Promise<TweetStore>;
  readonly limits?: Partial<Readonly<Record<WorkKind, number>>>;
  /** After being told to end, requests are still taken for so long, so that a balancer notices first. Default 0. */
  readonly drainMs?: number;
  readonly log?: (line: string) => void;
}

export interface TweeterServer {
  readonly name: string;
  readonly url: string;
  readonly store: TweetStore;
  /** Answers what it has, gives its lanes to others, ends. */
  close(): Promise<void>;
}

const headersTimeoutMs = 10_000;
const requestTimeoutMs = 15_000;
/** Longer than a balancer keeps an idle connection, so that it is never the one who is surprised. */
const keepAliveTimeoutMs = 65_000;
const connectionsMax = 8_000;
const finishTimeoutMs = 5_000;

/** @throws TidetableError PORT_TAKEN */
export async function startTweeterServer(options: TweeterServerOptions): Promise<TweeterServer> {
  const host = options.host ?? "127.0.0.1";
  let leaving = false;
  let handle: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    getRequestListener((request) => handle(request)),
  );
  server.maxConnections = connectionsMax;
  const port = await listen(server, host, options.port);
  const name = options.name ?? `tweeter-${port}`;
  const url = `http://${host}:${port}`;
  const startedAtMs = Date.now();

  const admission = new Admission(options.limits);
  const metrics = new TweeterMetrics(name, {
    listeners: () => timeline.listenerCount,
    relayDelaySeconds: () => store.relayDelaySeconds(),
    waiting: () => store.waiting(),
  });
  const store = await options.openStore(() => ({
    name,
    url,
    startedAtMs,
    requests: metrics.requestCount,
    posts: metrics.postCount,
  }));
  const timeline = new LiveTimeline(store);
  handle = createTweeterRoutes({
    instance: name,
    store,
    timeline,
    admission,
    metrics,
    isLeaving: () => leaving,
    log: options.log ?? (() => {}),
  });

  let closing: Promise<void> | undefined;
  const close = async () => {
    leaving = true;
    await delay(options.drainMs ?? 0);
    const closed = new Promise<void>((done) => server.close(() => done()));
    timeline.close();
    server.closeIdleConnections();
    await Promise.race([closed, delay(finishTimeoutMs, undefined, { ref: false })]);
    server.closeAllConnections();
    admission.close();
    await store.close();
  };
  return {
    name,
    url,
    store,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((listening, failed) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE" || error.code === "EACCES";
      failed(
        taken
          ? new TidetableError(
              "PORT_TAKEN",
              `Port ${port} on ${host} is not free. Name another: --port ${port + 1}, or --port 0 for any.`,
              { cause: error },
            )
          : error,
      );
    });
    server.listen(port, host, listening);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
