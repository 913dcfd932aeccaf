/** Tweeter's instances for tests: as processes that can be killed, and what they left in Cassandra and on the topic. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CassandraCluster } from "../../scripts/components/cassandra.js";
import type { KafkaCluster } from "../../scripts/components/kafka.js";
import { endOrKill } from "../../scripts/components/process-end.js";
import { KafkaRecordSource } from "../../src/streaming/kafka/record-source.js";
import { type ReadRecord, recordsOf } from "../streaming/record-source-conformance.js";
import { until } from "../support/until.js";

export interface TweetFields {
  readonly id: string;
  readonly handle: string;
  readonly content: string;
  readonly created_at: string;
}

export interface InstanceProcess {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export async function startInstance(
  name: string,
  cassandra: CassandraCluster,
  kafka: KafkaCluster,
  extra: readonly string[] = [],
): Promise<InstanceProcess> {
  const child = spawn(
    process.execPath,
    [
      "--import=tsx",
      main,
      "tweeter",
      "--port=0",
      `--instance=${name}`,
      `--cassandra=${cassandra.contactPoints.join(",")}`,
      `--kafka=${kafka.bootstrap.join(",")}`,
      ...extra,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  child.once("exit", () => process.off("exit", killed));
  const url = await until(
    `${name} says where it is`,
    () => {
      if (child.exitCode !== null) throw new Error(`${name} ended:\n${output}`);
      return /is at (http:\S+)/.exec(output)?.[1];
    },
    60_000,
  );
  return {
    name,
    url,
    child,
    async kill() {
      child.kill("SIGKILL");
      await endOrKill(child, 10_000);
    },
    async stop() {
      child.kill("SIGTERM");
      await endOrKill(child, 20_000);
    },
  };
}

export async function untilReady(url: string): Promise<void> {
  let last = "";
  await until(
    `${url} is ready`,
    async () => {
      const answer = await fetch(`${url}/ready`);
      last = await answer.text();
      return answer.ok;
    },
    90_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${last}`);
  });
}

export async function postTweet(
  url: string,
  tweet: { readonly handle: string; readonly content: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return await fetch(`${url}/tweets`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(tweet),
    signal: AbortSignal.timeout(15_000),
  });
}

/** The whole timeline, page by page, newest first. */
export async function wholeTimeline(url: string, query = ""): Promise<readonly TweetFields[]> {
  const tweets: TweetFields[] = [];
  let path: string | null = `/tweets?limit=200${query}`;
  while (path !== null) {
    const answer = await fetch(url + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const page = (await answer.json()) as { tweets: TweetFields[]; next: string | null };
    tweets.push(...page.tweets);
    path = page.next;
  }
  return tweets;
}

/** Everything on the topic, in order within a partition, once at least `count` records are there. */
export async function wholeTopic(kafka: KafkaCluster, topic: string, count: number): Promise<readonly ReadRecord[]> {
  const source = await new KafkaRecordSource({ brokers: kafka.bootstrap }).open(
    { topic, from: "earliest", storedOffsets: new Map() },
    { timeoutMs: 60_000, signal: new AbortController().signal },
  );
  const records: ReadRecord[] = [];
  const next = new Map(source.positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
  const reading = (async () => {
    for await (const batch of source.batches()) {
      records.push(...recordsOf(batch));
      next.set(batch.partition, batch.nextOffset);
    }
  })();
  try {
    await until(`${count} records`, () => records.length >= count, 60_000);
    // Past the last of them: one that was sent twice would come after.
    const marks = (await source.refreshWatermarks?.()) ?? source.watermarks();
    await until("the end", () => marks.every(({ partition, high }) => (next.get(partition) ?? 0n) >= high), 60_000);
    return records;
  } finally {
    await source.close();
    await reading;
  }
}

export function fieldsOf(record: ReadRecord): TweetFields {
  return JSON.parse(record.value ?? "") as TweetFields;
}
