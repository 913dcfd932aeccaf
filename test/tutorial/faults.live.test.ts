/**
 * What goes wrong while the tutorial runs, on the real parts: a broker that dies, a kernel that dies, a cell that does not
 * give way, names and addresses that are not there. The oracle is the ledger of an outside producer.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { ensurePython } from "../../scripts/components/python.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { type KernelClient, startKernel, textOf } from "../support/jupyter-client.js";
import { root } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

interface Ledger {
  readonly acknowledged: number;
  readonly malformed: number;
  readonly failed: number;
  readonly perHandle: Readonly<Record<string, number>>;
}

const openTweets = 'import { stream, sql } from "tidetable";\nconst tweets = await stream("tweets");';
const totals = `const [t] = [...(await sql\`SELECT
  (SELECT count(*) FROM tweets)::INTEGER AS rows,
  (SELECT count(DISTINCT (_topic, _partition, _offset)) FROM tweets)::INTEGER AS places,
  (SELECT count(*) FROM tweets_errors)::INTEGER AS rejected\`)];
console.log(JSON.stringify({ ...t }))`;

describe("the tutorial when things fail", function () {
  this.timeout(240_000);
  let kafka: KafkaCluster;
  let python: string;
  let folder: TemporaryFolder;
  let kernel: KernelClient | undefined;
  const producers: ChildProcess[] = [];

  before(async function () {
    python = (await requireComponent(this, ensurePython)).python;
    kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
  });
  beforeEach(() => {
    folder = temporaryFolder("faults");
  });
  afterEach(async () => {
    for (const producer of producers.splice(0)) producer.kill("SIGKILL");
    await kernel?.shutdown();
    kernel = undefined;
    folder.remove();
  });
  after(async () => {
    await kafka?.stop();
  });

  const start = (brokers = kafka.bootstrap.join(",")) =>
    startKernel({
      directory: folder.path,
      environment: { KAFKA_BROKERS: brokers, TIDETABLE_DATA: `${folder.path}/data` },
    });

  /** Posts in the background; the ledger comes at its end. */
  const produce = (topic: string, count: number, ratePerSecond: number, seed: number): Promise<Ledger> => {
    const script = join(root, "test/support/python/produce_tweets.py");
    const child = spawn(
      python,
      [script, kafka.bootstrap.join(","), topic, String(count), "20", String(seed), String(ratePerSecond)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    producers.push(child);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    return new Promise((done, fail) => {
      child.on("close", (code) =>
        code === 0 ? done(JSON.parse(output) as Ledger) : fail(new Error(`producer: ${code}`)),
      );
    });
  };

  const makeTopic = async (topic: string) => {
    const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    await producer.ensureTopic(topic, { partitions: 3 });
    await producer.close();
  };

  const json = async (code: string): Promise<Record<string, unknown>> => {
    const { outputs } = await (kernel as KernelClient).execute(code, { deadlineMs: 120_000 });
    equal(outputs.find((output) => output.type === "error")?.evalue, undefined);
    return JSON.parse(textOf(outputs)) as Record<string, unknown>;
  };

  const checkAgainst = async (ledger: Ledger, topic: string) => {
    await json("await tweets.caughtUp(); console.log('{}')");
    deepEqual(await json(totals), {
      rows: ledger.acknowledged,
      places: ledger.acknowledged,
      rejected: ledger.malformed,
    });
    const perHandle = await json(
      "console.log(JSON.stringify(Object.fromEntries([...(await sql`SELECT handle, count(*)::INTEGER AS n FROM tweets GROUP BY ALL`)].map((r) => [r.handle, r.n]))))",
    );
    deepEqual(perHandle, ledger.perHandle, topic);
  };

  it("says within five seconds that the broker was killed, and loses and doubles nothing when it is back", async () => {
    await makeTopic("tweets");
    const posting = produce("tweets", 30_000, 2_000, 11);
    kernel = await start();
    const { outputs } = await kernel.execute(openTweets);
    deepEqual(
      outputs.filter((output) => output.type === "error"),
      [],
    );
    await until("a thousand rows", async () => Number((await json(totals)).rows) > 1_000, 60_000);

    await kafka.killNode(1);
    const status = await until(
      "the status to say that the broker is gone",
      async () => {
        const now = await json(
          "{ const { phase, cause } = await tweets.status(); console.log(JSON.stringify({ phase, cause })) }",
        );
        return now.phase === "reconnecting" && now;
      },
      5_000,
    );
    match(String(status.cause), /127\.0\.0\.1:\d+/);
    await kafka.startNode(1);
    await checkAgainst(await posting, "tweets");
    const after = await json("{ const { phase } = await tweets.status(); console.log(JSON.stringify({ phase })) }");
    equal(after.phase, "live");
  });

  it("goes on at the stored offset in a new kernel after the old one was killed", async () => {
    await makeTopic("second");
    const open = openTweets.replace('stream("tweets")', 'stream("tweets", { topic: "second" })');
    const posting = produce("second", 20_000, 2_000, 12);
    kernel = await start();
    await kernel.execute(open);
    const before = await until(
      "some thousand rows",
      async () => {
        const { rows } = await json(totals);
        return Number(rows) > 3_000 && Number(rows);
      },
      60_000,
    );
    await kernel.kill("SIGKILL");
    kernel.disconnect();

    kernel = await start();
    const { outputs } = await kernel.execute(open);
    deepEqual(
      outputs.filter((output) => output.type === "error"),
      [],
    );
    const { rows, store } = await json(
      "{ const { rows, store } = await tweets.status(); console.log(JSON.stringify({ rows, store })) }",
    );
    ok(Number(rows) >= before, `${rows} rows at once, ${before} before the kill`);
    match(String(store), /duckdb/);
    await checkAgainst(await posting, "second");
  });

  it("reads on while a cell loops, and interrupt ends the loop within a second with its state kept", async () => {
    await makeTopic("third");
    kernel = await start();
    await kernel.execute(openTweets.replace('stream("tweets")', 'stream("tweets", { topic: "third" })'));
    const posting = produce("third", 5_000, 2_500, 13);
    const loop = kernel.startExecute(
      "let turns = 0; const until30s = Date.now() + 30_000; while (Date.now() < until30s) turns += 1;",
    );
    const ledger = await posting;
    const askedAtMs = performance.now();
    await kernel.interrupt();
    const { reply } = await loop.done;
    ok(performance.now() - askedAtMs < 1_000, "the loop ended within a second");
    equal(reply.content.status, "error");
    // The records came while the loop ran: they are there before caughtUp is asked.
    const { rows, turns } = await json(
      "{ const { rows } = await tweets.status(); console.log(JSON.stringify({ rows, turns })) }",
    );
    ok(Number(rows) > 0 && Number(turns) > 0, `${rows} rows, ${turns} turns`);
    await checkAgainst(ledger, "third");
  });

  const errorOf = async (code: string): Promise<string> => {
    const startedMs = performance.now();
    const { outputs } = await (kernel as KernelClient).execute(code);
    const error = outputs.find((output) => output.type === "error");
    ok(error !== undefined, `no error from ${code}`);
    ok(performance.now() - startedMs < 10_000, "answered within ten seconds");
    const shown = (error.traceback ?? []).join("\n");
    ok(!/\n\s+at /.test(shown) && !shown.includes("node_modules"), `a stack of ours reached the user:\n${shown}`);
    return error.evalue ?? "";
  };

  it("answers an unreachable broker with its address and the way out", async () => {
    kernel = await start("127.0.0.1:1");
    match(await errorOf(openTweets), /127\.0\.0\.1:1\b[\s\S]*(KAFKA_BROKERS|npm run kafka)/);
  });

  it("answers a missing topic with the topics there are", async () => {
    await makeTopic("tweets");
    kernel = await start();
    match(await errorOf(openTweets.replace('"tweets")', '"tweetz")')), /tweetz[\s\S]*tweets/);
  });

  it("answers a misspelt column with the nearest one", async () => {
    await makeTopic("tweets");
    kernel = await start();
    await kernel.execute(openTweets);
    const message = await errorOf("%%sql\nSELECT handel, count(*) FROM tweets GROUP BY handel");
    match(message, /handel[\s\S]*handle/);
  });
});
