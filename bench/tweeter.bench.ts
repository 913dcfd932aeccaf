/**
 * Tweeter on three Cassandra nodes, three instances behind HAProxy: reading the timeline beside three bare Node responders
 * that answer the same bytes, posting beside the driver's own inserts. Everything runs on this one machine, the client too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CassandraCluster, startCassandra } from "../scripts/components/cassandra.js";
import { freePorts } from "../scripts/components/free-ports.js";
import { type Haproxy, startHaproxy } from "../scripts/components/haproxy.js";
import { type KafkaCluster, startKafka } from "../scripts/components/kafka.js";
import { endOrKill } from "../scripts/components/process-end.js";
import { cassandraClient, closeCassandraClient } from "../src/tweeter/cassandra-client.js";
import { CassandraOutbox } from "../src/tweeter/cassandra-outbox.js";
import { CassandraTweets } from "../src/tweeter/cassandra-tweets.js";
import { generateTweet } from "../src/tweeter/tweet-generator.js";
import { newIdempotencyKey, newTimeUuid, newTweetId } from "../src/tweeter/tweet-id.js";
import { alternate, type Measure, measure } from "./measure.js";
import { overloadMeasures } from "./tweeter/overload.js";

const INSTANCES = 3;
const ROUNDS = 3;
const READERS = 48;
/** Of the 192 writes that three instances take at once: those who wait together are written together. */
const WRITERS = 150;
const SECONDS = 5;
const INSERTS = 8_000;
const WARM_TURNS = 3;
const READY_WITHIN_MS = 120_000;

export async function measures(): Promise<Measure[]> {
  const root = join(fileURLToPath(import.meta.url), "../..");
  const stops: Array<() => Promise<unknown>> = [];
  try {
    const cassandra = kept(stops, await startCassandra({ nodes: 3, progress: console.log }));
    const kafka = kept(stops, await startKafka({ nodes: 1 }));
    const tweeters = kept(stops, await startTweeters(root, cassandra, kafka));
    // Something to show: a whole page.
    for (let index = 0; index < 100; index += 1) await post(tweeters.proxy.url, index);
    const body = await (await fetch(`${tweeters.proxy.url}/tweets`)).text();
    const responders = kept(stops, await startResponders(body));

    const reads = await alternate(
      ROUNDS,
      () => rate(READERS, () => get(`${tweeters.proxy.url}/tweets`)),
      () => rate(READERS, () => get(`${responders.proxy.url}/tweets`)),
    );
    const inserter = kept(stops, await openInserter(cassandra));
    let index = 1_000;
    const postRate = () => rate(WRITERS, () => post(tweeters.proxy.url, index++));
    // New JVMs and new instances are slow at first, whoever asks them.
    for (let turn = 0; turn < WARM_TURNS; turn += 1) {
      await postRate();
      await inserter.oneRow();
      await inserter.sameRows();
    }
    const posts = await alternate(ROUNDS, postRate, () => inserter.oneRow());
    const tweets = await alternate(ROUNDS, postRate, () => inserter.sameRows());
    const overload = await overloadMeasures(tweeters.urls[0] ?? "");
    return [
      measure({
        name: `GET timeline, ${INSTANCES} instances behind HAProxy`,
        unit: "requests/s",
        ...reads,
        peerName: `${INSTANCES} bare Node responders behind HAProxy, the same bytes`,
        goal: { atLeast: 0.5 },
      }),
      measure({
        name: "POST acknowledged by QUORUM: its rows of outbox, timeline and handle; three nodes",
        unit: "tweets/s",
        ...posts,
        peerName: "cassandra-driver, concurrent inserts of one row, QUORUM",
        goal: { atLeast: 0.5 },
      }),
      measure({
        name: "the same",
        unit: "tweets/s",
        ...tweets,
        peerName: "cassandra-driver, concurrent writes of the same rows of one tweet, QUORUM",
        goal: { atLeast: 0.5 },
      }),
      ...overload,
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
    agent.destroy();
  }
}

function kept<T extends { stop(): Promise<unknown> }>(stops: Array<() => Promise<unknown>>, started: T): T {
  stops.push(() => started.stop());
  return started;
}

interface Balanced {
  /** Of the servers behind the balancer. */
  readonly urls: readonly string[];
  readonly proxy: Haproxy;
  stop(): Promise<void>;
}

async function startTweeters(root: string, cassandra: CassandraCluster, kafka: KafkaCluster): Promise<Balanced> {
  const common = ["--cassandra", cassandra.contactPoints.join(","), "--kafka", kafka.bootstrap.join(",")];
  return await startBalanced((port, number) =>
    spawn(
      process.execPath,
      [
        "--import=tsx",
        join(root, "src/cli/main.ts"),
        "tweeter",
        "--port",
        `${port}`,
        "--instance",
        `t${number}`,
        ...common,
      ],
      { cwd: root, stdio: "ignore" },
    ),
  );
}

async function startResponders(body: string): Promise<Balanced> {
  const program = `require("http").createServer((q, s) => { s.setHeader("content-type", "application/json"); s.end(process.env.BODY); }).listen(process.env.PORT, "127.0.0.1")`;
  return await startBalanced((port) =>
    spawn(process.execPath, ["-e", program], { stdio: "ignore", env: { ...process.env, PORT: `${port}`, BODY: body } }),
  );
}

async function startBalanced(start: (port: number, number: number) => ChildProcess): Promise<Balanced> {
  const ports = await freePorts(INSTANCES);
  const children = ports.map((port, index) => start(port, index + 1));
  const proxy = await startHaproxy();
  const stop = async () => {
    await proxy.stop();
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(children.map((child) => endOrKill(child, 15_000)));
  };
  try {
    for (const [index, port] of ports.entries()) {
      await untilReady(`http://127.0.0.1:${port}/ready`);
      await proxy.addServer(`s${index + 1}`, port);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { urls: ports.map((port) => `http://127.0.0.1:${port}`), proxy, stop };
}

async function untilReady(url: string): Promise<void> {
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    if (performance.now() > deadlineMs) throw new Error(`${url}: not ready (${await answer?.text()})`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Done in a second, so many at once for some seconds, after a second that does not count. */
async function rate(connections: number, once: () => Promise<void>): Promise<number> {
  const warmUntilMs = performance.now() + 1_000;
  const untilMs = warmUntilMs + SECONDS * 1_000;
  let count = 0;
  const worker = async () => {
    while (performance.now() < untilMs) {
      await once();
      if (performance.now() >= warmUntilMs) count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return count / SECONDS;
}

const agent = new Agent({ keepAlive: true, maxSockets: Math.max(READERS, WRITERS) });

async function get(url: string): Promise<void> {
  await ask(url, "GET", {}, undefined);
}

/** Again, after a pause, where an instance that is still cold says that it has too much to do. */
async function post(url: string, index: number): Promise<void> {
  const { handle, content } = generateTweet(7, index, 0);
  const headers = { "content-type": "application/json", "idempotency-key": newIdempotencyKey(Date.now()) };
  while ((await ask(`${url}/tweets`, "POST", headers, JSON.stringify({ handle, content }))) === 503) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function ask(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (answer) => {
      answer.resume();
      answer.on("error", reject);
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        if (status === 200 || status === 201 || (status === 503 && method === "POST")) resolve(status);
        else reject(new Error(`${method} ${url}: ${status}`));
      });
    });
    sent.setTimeout(30_000, () => sent.destroy(new Error(`${method} ${url}: no answer within 30 s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The driver alone, at the same concurrency. */
async function openInserter(cassandra: CassandraCluster) {
  const client = cassandraClient({ contactPoints: cassandra.contactPoints, dataCenter: cassandra.dataCenter });
  await client.connect();
  await client.execute(
    "CREATE TABLE IF NOT EXISTS tweeter.bench (shard int, id timeuuid, handle text, content text, PRIMARY KEY (shard, id))",
    [],
    { prepare: false },
  );
  const tweets = new CassandraTweets(client, "tweeter");
  const outbox = new CassandraOutbox(client, "tweeter");
  const concurrently = async (write: (index: number) => Promise<unknown>) => {
    const startedMs = performance.now();
    let next = 0;
    const writer = async () => {
      for (let index = next++; index < INSERTS; index = next++) await write(index);
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    return INSERTS / ((performance.now() - startedMs) / 1000);
  };
  return {
    oneRow: () =>
      concurrently((index) => {
        const { handle, content } = generateTweet(9, index, 0);
        return client.execute("INSERT INTO tweeter.bench (shard, id, handle, content) VALUES (?, ?, ?, ?)", [
          index % 64,
          newTimeUuid(Date.now()),
          handle,
          content,
        ]);
      }),
    sameRows: () =>
      concurrently((index) => {
        const { handle, content } = generateTweet(9, index, 0);
        // Of a day long past: the relay has nothing to do with them.
        const createdAtMs = Date.UTC(2020, 0, 1) + (index % 86_400_000);
        const tweet = { id: newTweetId(createdAtMs, handle), handle, content, createdAtMs };
        return client.batch([...outbox.rows([tweet], createdAtMs), ...tweets.rows(tweet)], { logged: false });
      }),
    stop: () => closeCassandraClient(client),
  };
}
