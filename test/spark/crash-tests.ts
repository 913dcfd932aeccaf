/** The server killed in the middle of a query and of a stream, and the broker restarted: told, and mended by itself. */
import { deepEqual, equal, match } from "node:assert/strict";
import type { StreamStatus } from "../../src/engine/protocol.js";
import { until } from "../support/until.js";
import { fails } from "./client-tests.js";
import { rowsOf, type SparkFixture, tweets } from "./spark-fixture.js";

/** A JVM that starts, and a stream that begins again, on a machine that does much else. */
const backTimeoutMs = 300_000;

export function crashTests(at: SparkFixture): void {
  serverKilled(at);
  brokerRestarted(at);
}

function serverKilled(at: SparkFixture): void {
  it("says that the server is gone in the middle of a query and of a stream, and goes on when it is back", async function () {
    this.timeout(2 * backTimeoutMs + 240_000);
    const topic = await at.topic(tweets(50));
    const client = at.start();
    const seen: StreamStatus[] = [];
    client.onStreamStatus("tweets", (status) => seen.push(status));
    await client.openStream(at.options(topic));
    await client.streamCaughtUp("tweets");
    await client.createView("few", "SELECT id FROM tweets WHERE id < 10", []);
    const endless = client.query("SELECT sum(a.id * b.id % 7) FROM range(1000000) a CROSS JOIN range(100000) b");
    const failure = fails(endless, "SPARK_UNREACHABLE", /does not answer .* run the cell once more/);
    // The query runs when another one has been answered beside it.
    await client.query("SELECT 1");
    await at.spark.kill();
    await failure;
    const gone = await until("the status says so", () => seen.find((status) => status.phase === "reconnecting"));
    match(gone.cause ?? "", /does not answer/);
    await fails(client.query("SELECT 1"), "SPARK_UNREACHABLE", /npm run spark/);
    await at.spark.start();
    await at.post(topic, tweets(30, 50));
    await until(
      "the stream reads again",
      async () => (await client.streamStatus("tweets")).phase === "live",
      backTimeoutMs,
    );
    const status = await client.streamCaughtUp("tweets");
    deepEqual([status.rows, status.lag], [80, 0]);
    deepEqual(rowsOf(await client.query("SELECT count(*), count(DISTINCT id) FROM tweets")), [[80n, 80n]]);
    deepEqual(rowsOf(await client.query("SELECT count(*) FROM few")), [[10n]]);
  });
}

function brokerRestarted(at: SparkFixture): void {
  it("reads on when the broker is back", async function () {
    this.timeout(backTimeoutMs + 120_000);
    const topic = await at.topic(tweets(20));
    const client = at.start();
    await client.openStream(at.options(topic));
    await client.streamCaughtUp("tweets");
    await at.kafka.killNode(1);
    await at.kafka.startNode(1);
    await at.post(topic, tweets(20, 20));
    const status = await until(
      "the later rows are there",
      async () => {
        const now = await client.streamStatus("tweets");
        return now.rows === 40 ? now : undefined;
      },
      backTimeoutMs,
    );
    equal(status.rejected, 0);
  });
}
