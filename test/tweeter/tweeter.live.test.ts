/**
 * Tweeter on a real Cassandra and a real Kafka: three instances that start at once, what is acknowledged is in both,
 * once and in order, through a broker that is away and an instance that is killed.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type CassandraCluster, startCassandra } from "../../scripts/components/cassandra.js";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { laneCount } from "../../src/tweeter/lanes.js";
import { newIdempotencyKey } from "../../src/tweeter/tweet-id.js";
import { requireComponent } from "../support/require-component.js";
import { startTogether } from "../support/start-together.js";
import { until } from "../support/until.js";
import { leaveVersion1 } from "./tables-of-version-1.js";
import {
  fieldsOf,
  type InstanceProcess,
  postTweet,
  startInstance,
  type TweetFields,
  untilReady,
  wholeTimeline,
  wholeTopic,
} from "./tweeter-fixture.js";

describe("Tweeter on Cassandra and Kafka", function () {
  this.timeout(180_000);
  let cassandra: CassandraCluster;
  let kafka: KafkaCluster;
  let instances: InstanceProcess[] = [];
  const topic = "tweets";

  before(async function () {
    this.timeout(240_000);
    [cassandra, kafka] = await requireComponent(this, () =>
      startTogether([startCassandra({ nodes: 1 }), startKafka({ nodes: 1 })]),
    );
    // At once, on a cluster without a keyspace.
    instances = await Promise.all(["one", "two", "three"].map((name) => startInstance(name, cassandra, kafka)));
    await Promise.all(instances.map(({ url }) => untilReady(url)));
  });
  after(async function () {
    this.timeout(90_000);
    await Promise.all(instances.map((instance) => instance.stop()));
    await Promise.all([kafka?.stop(), cassandra?.stop()]);
  });

  const at = (index: number) => instances[index]?.url ?? "";
  /** Acknowledged tweets by id. */
  const ledger = new Map<string, TweetFields>();
  const post = async (url: string, handle: string, content: string, headers: Record<string, string> = {}) => {
    const answer = await postTweet(url, { handle, content }, headers);
    const tweet = (await answer.json()) as TweetFields;
    if (answer.ok) ledger.set(tweet.id, tweet);
    return { status: answer.status, tweet };
  };
  /** As any careful client: until it is known, with the same key, at another instance each time. */
  const postUntilKnown = async (n: number, handle: string, content: string) => {
    const key = newIdempotencyKey(Date.now());
    let attempt = n;
    const status = await until(
      `${content} is acknowledged`,
      async () => {
        const answered = await post(at(attempt++ % 3), handle, content, { "idempotency-key": key }).catch(
          () => undefined,
        );
        return answered !== undefined && answered.status < 500 && answered.status;
      },
      90_000,
    );
    ok(status === 200 || status === 201, String(status));
  };
  const requireEqualEverywhere = async () => {
    const records = await wholeTopic(kafka, topic, ledger.size);
    const streamed = records.map(fieldsOf);
    deepEqual(streamed.map(({ id }) => id).sort(), [...ledger.keys()].sort(), "on the topic: each once, none missing");
    for (const tweet of streamed) deepEqual(tweet, ledger.get(tweet.id));
    deepEqual(
      records.map(({ key }) => key),
      streamed.map(({ handle }) => handle),
    );
    const stored = await wholeTimeline(at(0));
    deepEqual(stored.map(({ id }) => id).sort(), [...ledger.keys()].sort(), "in the timeline: each once");
    return streamed;
  };

  it("a tweet posted to one is in the timeline of all, by its handle, by its id, and on the topic", async () => {
    const { status, tweet } = await post(at(0), "hamlet", "Words, words, words. 🎭");
    equal(status, 201);
    deepEqual(Object.keys(tweet), ["id", "content", "created_at", "handle"]);
    for (const { url } of instances) {
      await until("it is in the timeline", async () => (await wholeTimeline(url)).some(({ id }) => id === tweet.id));
    }
    deepEqual(await wholeTimeline(at(1), "&handle=hamlet"), [tweet]);
    deepEqual(await (await fetch(`${at(2)}/tweets/${tweet.id}`)).json(), tweet);
    await requireEqualEverywhere();
  });

  it("a request that is sent again, to whichever instance, is the same tweet", async () => {
    for (const key of [
      newIdempotencyKey(Date.now() - 3_000),
      `any text ${randomUUID()}`.replaceAll(" ", "-"),
      newIdempotencyKey(Date.now() - 3_600_000),
    ]) {
      const first = await post(at(0), "puck", `What fools, ${key}`, { "idempotency-key": key });
      equal(first.status, 201);
      for (const { url } of instances) {
        const again = await post(url, "puck", `What fools, ${key}`, { "idempotency-key": key });
        deepEqual(again, { status: 200, tweet: first.tweet });
      }
      const other = await post(at(1), "puck", `Another text, ${key}`, { "idempotency-key": key });
      equal(other.status, 201);
      ok(other.tweet.id !== first.tweet.id, "a key over another text overwrites nothing");
    }
    await requireEqualEverywhere();
  });

  it("pages back through everything, of all and of one handle, in order", async () => {
    let next = 0;
    const sender = async () => {
      for (let n = next++; n < 260; n = next++) await postUntilKnown(n, `speaker${n % 5}`, `Line ${n}`);
    };
    await Promise.all(Array.from({ length: 12 }, sender));
    const all = await wholeTimeline(at(0));
    equal(all.length, ledger.size);
    ok(
      all.every(({ created_at }, n) => n === 0 || created_at <= (all[n - 1]?.created_at ?? "")),
      "newest first",
    );
    equal((await wholeTimeline(at(1), "&handle=speaker3")).length, 52);
    await requireEqualEverywhere();
  });

  it("takes tweets while Kafka is away, and streams them when it is back: each handle's in order", async () => {
    await kafka.killNode(1);
    for (let n = 0; n < 60; n += 1) {
      const { status } = await post(at(n % 3), `orator${n % 3}`, `Part ${n}`);
      equal(status, 201);
    }
    await until("it is said", async () => (await (await fetch(`${at(0)}/ready`)).text()).includes("kafka"));
    ok((await fetch(`${at(0)}/ready`)).ok, "still ready");
    await kafka.startNode(1);
    const streamed = await requireEqualEverywhere();
    for (let speaker = 0; speaker < 3; speaker += 1) {
      const parts = streamed.filter(({ handle }) => handle === `orator${speaker}`).map(({ content }) => content);
      deepEqual(
        parts,
        Array.from({ length: 20 }, (_, n) => `Part ${n * 3 + speaker}`),
      );
    }
  });

  it("an instance and the broker are killed under load: what was acknowledged is everywhere, once", async () => {
    let next = 0;
    const count = 900;
    let killed: Promise<unknown> | undefined;
    const sender = async () => {
      while (next < count) {
        const n = next;
        next += 1;
        if (n === 300) {
          killed = Promise.all([instances[2]?.kill(), kafka.killNode(1)]).then(() => kafka.startNode(1));
        }
        await postUntilKnown(n, `voice${n % 7}`, `Load ${n}`);
      }
    };
    await Promise.all(Array.from({ length: 12 }, sender));
    ok(killed !== undefined);
    await killed;
    await until(
      "the others have its lanes",
      async () => {
        const { instances: seen } = (await (await fetch(`${at(0)}/status.json`)).json()) as {
          instances: Array<{ name: string; lanes: number[] }>;
        };
        return seen.length === 2 && seen.flatMap(({ lanes }) => lanes).length === laneCount;
      },
      60_000,
    );
    const streamed = await requireEqualEverywhere();
    equal(streamed.filter(({ content }) => content.startsWith("Load")).length, count);
    instances = instances.slice(0, 2);
  });

  it("what an earlier version of the tables holds is found in the new ones, and relayed where it was not", async () => {
    const left = await leaveVersion1(cassandra, "older");
    const two = await Promise.all(
      ["four", "five"].map((name) => startInstance(name, cassandra, kafka, ["--keyspace=older", "--topic=older"])),
    );
    instances.push(...two);
    await Promise.all(two.map(({ url }) => untilReady(url)));
    const url = two[0]?.url ?? "";
    const contents = async (query = "") => (await wholeTimeline(url, query)).map(({ content }) => content);
    deepEqual(await contents(), left.map(({ content }) => content).reverse());
    deepEqual(
      await contents("&handle=banquo"),
      left
        .filter(({ handle }) => handle === "banquo")
        .map(({ content }) => content)
        .reverse(),
    );
    for (const { id, content } of left) {
      equal(((await (await fetch(`${url}/tweets/${id}`)).json()) as TweetFields).content, content);
    }
    const waiting = left.filter(({ relayed }) => !relayed);
    const streamed = (await wholeTopic(kafka, "older", waiting.length)).map(fieldsOf);
    deepEqual(streamed.map(({ id }) => id).sort(), waiting.map(({ id }) => id).sort());
    equal((await postTweet(url, { handle: "banquo", content: "new" })).status, 201);
    equal((await contents("&handle=banquo"))[0], "new");
  });
});
