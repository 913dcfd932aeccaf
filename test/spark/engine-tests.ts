/** Spark as the engine of a notebook, through the engine process as a kernel sees it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { LiveUpdate } from "../../src/engine/protocol.js";
import type { QueryProgress } from "../../src/sql/query-progress.js";
import { until } from "../support/until.js";
import { fails } from "./client-tests.js";
import { rowsOf, type SparkFixture, tweets } from "./spark-fixture.js";

const topTweeters = "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC, handle LIMIT 3";

export function engineTests(at: SparkFixture): void {
  it("says what it is, and refuses a stream that is no topic", async () => {
    const client = at.start();
    const hello = await client.hello();
    deepEqual([hello.engine, hello.version], ["spark", at.spark.version]);
    ok(!JSON.stringify(hello).includes("token"));
    const log = at.options("tweets", { source: { kind: "log", path: "/nowhere/tweets.log" } });
    await fails(client.openStream(log), "CONFIG_INVALID", /Spark reads topics of Kafka/);
    await fails(client.openStream(at.options("no-such-topic")), "TOPIC_NOT_FOUND", /no-such-topic/);
    await fails(
      client.openStream(at.options("t", { mode: "upsert" })),
      "CONFIG_INVALID",
      /"upsert" is not there on Spark/,
    );
  });

  it("makes a topic a table: rows, rejected records, tombstones, metadata; asked with DuckDB's words", async () => {
    const topic = await at.topic(tweets(70));
    const client = at.start();
    await client.openStream(at.options(topic));
    // What comes after the columns are known has to fit them.
    await at.post(topic, ["not json", "[1]", '{"id":"seven"}', null, { id: 70, handle: "zoe" }]);
    const status = await client.streamCaughtUp("tweets");
    deepEqual([status.rows, status.rejected, status.tombstones, status.lag], [71, 3, 1, 0]);
    match(status.notice ?? "", /keep is not applied/);
    const ask = async (text: string, parameters: readonly number[] = []) =>
      rowsOf(await client.query(text, { parameters }));
    deepEqual(await ask(topTweeters), [
      ["user0", 10n],
      ["user1", 10n],
      ["user2", 10n],
    ]);
    deepEqual(await ask("SELECT count(*) FILTER (WHERE id >= ?) FROM tweets", [60]), [[11n]]);
    deepEqual(await ask("SELECT id::varchar AS id FROM tweets WHERE id < $1 GROUP BY ALL ORDER BY id", [2]), [
      ["0"],
      ["1"],
    ]);
    deepEqual(
      await ask(`SELECT time_bucket(INTERVAL '10 minutes', created_at) AS bucket, date_trunc('hour', created_at) AS hour,
        count(*) AS n FROM tweets WHERE "handle" = 'user1' GROUP BY ALL`),
      [[Date.UTC(2026, 0, 31, 9, 30), Date.UTC(2026, 0, 31, 9), 10n]],
    );
    deepEqual(await ask("SELECT created_at FROM tweets ORDER BY created_at, id DESC LIMIT 1"), [
      [Date.UTC(2026, 0, 31, 9, 30, 0, 125)],
    ]);
    deepEqual(await ask("SELECT created_at FROM tweets ORDER BY created_at DESC NULLS FIRST LIMIT 1"), [[null]]);
    deepEqual(await ask(`SELECT 'it''s' AS a, '$${"{id}"}' AS b, 'a\\b' AS c`), [["it's", `$${"{id}"}`, "a\\b"]]);
    const errors = await ask("SELECT reason, decode(raw, 'UTF-8') FROM tweets_errors ORDER BY 2");
    deepEqual(
      errors,
      [
        ["not a JSON object", "[1]"],
        ["not a JSON object", "not json"],
        ["not JSON, or a value that does not fit its column", '{"id":"seven"}'],
      ].sort((a, b) => ((a[1] as string) < (b[1] as string) ? -1 : 1)),
    );
    const [first] = await ask(`SELECT _topic, _key, _partition >= 0, _headers FROM tweets WHERE id = 0`);
    deepEqual(first, [topic, "key 0", true, null]);
    deepEqual(
      (await client.catalog()).map(({ kind, name, columns }) => `${kind} ${name} ${columns[0]?.name}`),
      ["stream tweets id", "errors tweets_errors raw"],
    );
    await fails(client.query("SELECT * FROM twets"), "SQL_INVALID", /Did you mean "tweets"\?/);
    await fails(client.query("SELECT handel FROM tweets"), "SQL_INVALID", /`handle`/);
    await fails(client.query("SELECT list_zip(handle) FROM tweets"), "SQL_INVALID", /runs on Spark/);
    await client.createView("few", "SELECT handle FROM tweets WHERE id < ?", [10]);
    deepEqual(await ask("SELECT count(*) FROM few"), [[10n]]);
  });

  it("reads fields whose names hold quotes and what looks like a variable", async () => {
    const names = ["it's", 'say "hi"', "a`b", `$${"{x}"}`];
    const record = Object.fromEntries(names.map((name, index) => [name, index]));
    const topic = await at.topic([record, record]);
    const client = at.start();
    await client.openStream(at.options(topic, { name: "odd" }));
    deepEqual((await client.streamCaughtUp("odd")).rejected, 0);
    const result = await client.query("SELECT * FROM odd LIMIT 1");
    deepEqual(
      result.columns.map(({ name }) => name).filter((name) => !name.startsWith("_")),
      names,
    );
    deepEqual(rowsOf(result)[0]?.slice(0, 4), [0n, 1n, 2n, 3n]);
  });

  it("tells how far a long query has come, in tasks of stages", async () => {
    const client = at.start();
    const heard: QueryProgress[] = [];
    const text = "SELECT count(DISTINCT hash(id) % 100003) AS n FROM range(0, 10000000, 1, 16)";
    const result = await client.query(text, { onProgress: (progress) => heard.push(progress) });
    ok((rowsOf(result)[0]?.[0] as bigint) > 90_000n);
    ok(
      heard.some(({ detail }) => /^\d+ of \d+ tasks in \d+ stages?$/.test(detail ?? "")),
      JSON.stringify(heard),
    );
    ok(heard.every(({ share = 0 }) => share >= 0 && share <= 1));
  });

  it("shows the columns of an empty topic with its first record, and keeps a live query current", async () => {
    const topic = await at.topic();
    const client = at.start();
    equal((await client.openStream(at.options(topic, { store: "memory" }))).phase, "live");
    deepEqual(rowsOf(await client.query("SELECT count(*) FROM tweets")), [[0n]]);
    const updates: LiveUpdate[] = [];
    const stop = client.live("SELECT count(*) AS n FROM tweets", { everyMs: 100 }, (update) => updates.push(update));
    const counted = (count: number) => () =>
      updates.some(({ result }) => result !== undefined && rowsOf(result)[0]?.[0] === BigInt(count));
    await at.post(topic, tweets(5));
    await until("the first rows are shown", counted(5), 30_000);
    await at.post(topic, tweets(3, 5));
    await until("the later ones are", counted(8), 30_000);
    stop();
    match(updates[0]?.plan.reason ?? "", /^Spark reads the rows anew/);
  });

  it("goes on at its checkpoint in a new kernel, with counts that are right", async () => {
    const topic = await at.topic(tweets(100));
    const folder = at.dataDirectory();
    const first = at.start(folder);
    await first.openStream(at.options(topic));
    await first.streamCaughtUp("tweets");
    // No farewell: the query on the server goes on, and the next kernel takes it over.
    process.kill(first.pid as number, "SIGKILL");
    await first.close();
    await at.post(topic, tweets(20, 100));
    const second = at.start(folder);
    await second.openStream(at.options(topic, { from: "latest" }));
    const status = await until(
      "all is there",
      async () => {
        const now = await second.streamCaughtUp("tweets");
        return now.rows === 120 ? now : undefined;
      },
      30_000,
    );
    equal(status.rejected, 0);
    deepEqual(rowsOf(await second.query("SELECT count(*), count(DISTINCT id) FROM tweets")), [[120n, 120n]]);
  });

  it("pauses and resumes, begins where it is told, ends where it is told", async () => {
    const topic = await at.topic(tweets(30));
    const client = at.start();
    await client.openStream(at.options(topic, { until: "latest" }));
    await until("it has ended", async () => (await client.streamStatus("tweets")).phase === "finished", 30_000);
    deepEqual(rowsOf(await client.query("SELECT count(*) FROM tweets")), [[30n]]);
    await client.openStream(at.options(topic, { name: "late", from: { offsets: { 0: 2n, 1: 2n, 2: 2n } } }));
    await client.streamCaughtUp("late");
    deepEqual(rowsOf(await client.query("SELECT min(_offset) FROM late")), [[2n]]);
    equal((await client.pauseStream("late")).phase, "paused");
    await at.post(topic, tweets(5, 30));
    await client.resumeStream("late");
    await client.streamCaughtUp("late");
    const [[rows] = []] = rowsOf(
      await client.query("SELECT count(*) FROM tweets AS t SEMI JOIN late ON t.id = late.id"),
    );
    ok((rows as bigint) > 0n);
  });
}
