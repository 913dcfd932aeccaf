import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/until.js";
import { EngineFixture, fails, one, tweetsAre } from "./engine-fixture.js";

describe("the engine process: streams", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  it("turns a log into a table that follows it", async () => {
    at.post(5_000);
    const client = at.start();
    const phases: string[] = [];
    client.onStreamStatus("tweets", (status) => phases.push(status.phase));
    await client.openStream(at.options());
    const status = await client.streamCaughtUp("tweets");
    equal(status.rows, 5_000);
    equal(status.lag, 0);
    equal(status.topic, "tweets");
    equal(status.source, at.log);
    await until("phase live", () => phases.includes("live"));
    at.post(1);
    await tweetsAre(client, 5_001);
    deepEqual(await client.streamStatus("tweets").then(({ rows, lag, backlog }) => ({ rows, lag, backlog })), {
      rows: 5_001,
      lag: 0,
      backlog: undefined,
    });
  });

  it("answers a second opening with the running stream, and refuses other options", async () => {
    const client = at.start();
    const [first, second] = await Promise.all([client.openStream(at.options()), client.openStream(at.options())]);
    equal(first.name, second.name);
    await fails(client.openStream(at.options({ format: "text" })), "STREAM_EXISTS", /open already with other options/);
    await fails(client.pauseStream("twets"), "STREAM_NOT_FOUND", /no stream twets \(open: tweets\)/);
  });

  it("pauses, resumes, stops, and continues where it was", async () => {
    const client = at.start();
    at.post(10);
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    equal((await client.pauseStream("tweets")).phase, "paused");
    await fails(client.streamCaughtUp("tweets"), "STREAM_FAILED", /is paused/);
    at.post(10);
    await client.resumeStream("tweets");
    await tweetsAre(client, 20);
    equal((await client.stopStream("tweets")).phase, "stopped");
    at.post(10);
    equal(await one(client, "SELECT count(*) FROM tweets"), 20n);
    await client.openStream(at.options());
    await tweetsAre(client, 30);
  });

  it("leaves no table of a stream whose log is missing", async () => {
    const client = at.start();
    await rejects(client.openStream(at.options({ source: { kind: "log", path: join(at.folder, "missing.log") } })));
    deepEqual(await client.catalog(), []);
  });

  it("goes on reading while more queries run than a pool of four could hold", async () => {
    const client = at.start();
    await client.openStream(at.options());
    const abort = new AbortController();
    const endless = Array.from({ length: 6 }, () =>
      client.query("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b", { signal: abort.signal }),
    );
    const ended = Promise.allSettled(endless);
    at.post(100);
    await tweetsAre(client, 100);
    abort.abort();
    for (const { status } of await ended) equal(status, "rejected");
  });

  it("refuses a stream a name that is taken", async () => {
    const client = at.start();
    await client.query("CREATE TABLE tweets AS SELECT 1 AS mine");
    await fails(
      client.openStream(at.options()),
      "STREAM_EXISTS",
      /There is a table tweets already.*DROP TABLE "tweets"/,
    );
    equal(await one(client, "SELECT mine FROM tweets"), 1);
    await client.openStream(at.options({ name: "other" }));
    await fails(client.openStream(at.options({ name: "Other" })), "STREAM_EXISTS", /There is a stream other already/);
    await fails(
      client.openStream(at.options({ name: "other_errors" })),
      "STREAM_EXISTS",
      /There is a table other_errors/,
    );
    await fails(client.openStream(at.options({ name: "" })), "SQL_INVALID", /"" cannot be a table's name/);
    await client.openStream(at.options({ name: 'a "strange" name' }));
    equal(await one(client, 'SELECT count(*) FROM "a ""strange"" name"'), 0n);
  });

  it("continues at the stored offset when it is started on the same store", async () => {
    at.post(1_000);
    const first = at.start();
    await first.openStream(at.options());
    await first.streamCaughtUp("tweets");
    await first.close();
    at.post(500);
    const second = at.start();
    equal(await one(second, "SELECT count(*) FROM tweets"), 1_000n);
    await second.openStream(at.options());
    await tweetsAre(second, 1_500);
    equal((await second.streamStatus("tweets")).rows, 1_500);
  });

  it("begins anew when the stored rows came from elsewhere", async () => {
    at.post(10);
    const first = at.start();
    await first.openStream(at.options());
    await first.streamCaughtUp("tweets");
    await first.close();
    const other = join(at.folder, "other.log");
    writeFileSync(other, '{"id":1}\n{"id":2}\n');
    const second = at.start();
    const status = await second.openStream(at.options({ source: { kind: "log", path: other } }));
    match(status.notice ?? "", /earlier rows came from the log .*tweets\.log and were replaced/);
    await tweetsAre(second, 2);
  });

  it("keeps rows in memory on request", async () => {
    const client = at.start({ store: "memory" });
    equal((await client.hello()).store, "memory");
    at.post(10);
    await client.openStream(at.options());
    await tweetsAre(client, 10);
  });
});
