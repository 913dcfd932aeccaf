/** What an instance counts, as Prometheus text and for the status page. Owns the names; knows no route. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface TweeterGauges {
  readonly listeners: () => number;
  /** Seconds since everything written was relayed; undefined where this instance relays nothing. */
  readonly relayDelaySeconds: () => number | undefined;
  readonly waiting: () => number;
}

export class TweeterMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #seconds: Histogram<"method" | "route">;
  readonly #tweets: Counter<"result">;
  readonly #shed: Counter<"kind">;
  #requestCount = 0;
  #postCount = 0;

  constructor(instance: string, gauges: TweeterGauges) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ instance_name: instance });
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "tweeter_http_requests_total",
      help: "Requests answered, by route and status.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "tweeter_http_request_duration_seconds",
      help: "From a request's arrival to the head of its answer.",
      labelNames: ["method", "route"],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    this.#tweets = new Counter({
      name: "tweeter_tweets_total",
      help: "Tweets posted here: stored, repeated (sent again by a client), refused, failed.",
      labelNames: ["result"],
      registers,
    });
    this.#shed = new Counter({
      name: "tweeter_requests_shed_total",
      help: "Requests answered with 503 because there was too much to do.",
      labelNames: ["kind"],
      registers,
    });
    gauge("tweeter_live_listeners", "Pages that are open and update themselves.", gauges.listeners);
    gauge("tweeter_outbox_waiting", "Tweets read from the outbox and not yet on the topic.", gauges.waiting);
    gauge(
      "tweeter_outbox_delay_seconds",
      "Age of what may still wait in the outbox lanes of this instance; 0 where it has none.",
      () => gauges.relayDelaySeconds() ?? 0,
    );

    function gauge(name: string, help: string, read: () => number): void {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    }
  }

  get requestCount(): number {
    return this.#requestCount;
  }

  get postCount(): number {
    return this.#postCount;
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requestCount += 1;
    this.#requests.inc({ method, route, status: String(status) });
    this.#seconds.observe({ method, route }, seconds);
  }

  posted(result: "stored" | "repeated" | "refused" | "failed"): void {
    if (result === "stored" || result === "repeated") this.#postCount += 1;
    this.#tweets.inc({ result });
  }

  shed(kind: string): void {
    this.#shed.inc({ kind });
  }

  async text(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
