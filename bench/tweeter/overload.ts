/**
 * One Tweeter beside more than it can do: posts from many times the connections that it takes writes from at once. Looks at
 * how long accepted posts wait, as the client sees it, which is on the same cores, and as the server's own figures have it.
 */
import { Agent, request } from "node:http";
import { generateTweet } from "../../src/tweeter/tweet-generator.js";
import { newIdempotencyKey } from "../../src/tweeter/tweet-id.js";
import { type Measure, measure, percentile } from "../measure.js";

/** An instance takes 64 writes at once. */
const CONNECTIONS = 400;
const OVERLOAD_MS = 10_000;
/** What a post may take at the most before it is refused instead. */
const POST_LIMIT_MS = 5_000;

export async function overloadMeasures(url: string): Promise<Measure[]> {
  const before = await servedWithin(url);
  const { acceptedMs, shed } = await postFromMany(url);
  const after = await servedWithin(url);
  const served = new Map([...after].map(([seconds, count]) => [seconds, count - (before.get(seconds) ?? 0)]));
  console.log(`overload: ${acceptedMs.length} posts accepted, ${shed} told to come back later`);
  if (shed === 0) throw new Error(`${CONNECTIONS} connections were no overload`);
  return [
    measure({
      name: `accepted POSTs while ${CONNECTIONS} connections post to one instance, p99 at the client`,
      unit: "ms",
      ours: [percentile(acceptedMs, 0.99)],
      peer: [POST_LIMIT_MS],
      peerName: "what a post may take",
      goal: { atMost: 1 },
    }),
    measure({
      name: "the same by the server's histogram (the end of the bucket)",
      unit: "ms",
      ours: [1_000 * quantile(served, 0.99)],
      peer: [POST_LIMIT_MS],
      peerName: "what a post may take",
      goal: { atMost: 1 },
    }),
  ];
}

/** Posts that were taken on and answered within so many seconds, as the instance counts them. */
async function servedWithin(url: string): Promise<ReadonlyMap<number, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = new Map<number, number>();
  for (const line of text.split("\n")) {
    // Those that were refused at the door are counted under another route.
    const isPost = line.includes('method="POST"') && line.includes('route="/tweets"');
    if (!line.startsWith("tweeter_http_request_duration_seconds_bucket{") || !isPost) continue;
    const [, bound, count] = /le="([^"]+)".*\} (\d+)$/.exec(line) ?? [];
    if (bound !== undefined) counts.set(bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound), Number(count));
  }
  return counts;
}

/** The end of the bucket that so much of all falls into. */
function quantile(within: ReadonlyMap<number, number>, part: number): number {
  const wanted = part * Math.max(...within.values());
  return Math.min(...[...within].filter(([, count]) => count >= wanted).map(([seconds]) => seconds));
}

async function postFromMany(url: string): Promise<{ readonly acceptedMs: number[]; readonly shed: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const untilMs = performance.now() + OVERLOAD_MS;
  const acceptedMs: number[] = [];
  let shed = 0;
  let number = 0;
  const poster = async () => {
    while (performance.now() < untilMs) {
      const startedMs = performance.now();
      const { status, retryAfter } = await post(url, agent, number++);
      if (status === 201) acceptedMs.push(performance.now() - startedMs);
      else if (status === 503 && retryAfter !== undefined) {
        shed += 1;
        // As a client that listens: it comes back when it was told to.
        await new Promise((resolve) => setTimeout(resolve, Number(retryAfter) * 1_000));
      } else throw new Error(`POST ${url}: ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, poster));
  agent.destroy();
  return { acceptedMs, shed };
}

async function post(url: string, agent: Agent, index: number) {
  const { handle, content } = generateTweet(11, index, 0);
  return await new Promise<{ readonly status: number; readonly retryAfter: string | undefined }>((resolve, reject) => {
    const headers = { "content-type": "application/json", "idempotency-key": newIdempotencyKey(Date.now()) };
    const sent = request(`${url}/tweets`, { agent, method: "POST", headers }, (answer) => {
      answer.resume();
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] }));
    });
    sent.setTimeout(30_000, () => sent.destroy(new Error(`POST ${url}: no answer within 30 s`)));
    sent.on("error", reject);
    sent.end(JSON.stringify({ handle, content }));
  });
}
