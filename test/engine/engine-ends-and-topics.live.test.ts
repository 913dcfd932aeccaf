import { deepEqual, equal, match } from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StreamOptions } from "../../src/engine/protocol.js";
import { readDeclaredSchema } from "../../src/streaming/declared-schema.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, one } from "./engine-fixture.js";

describe("the engine process: ends, several topics, stores", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  function logs(changes: Partial<StreamOptions>): StreamOptions {
    return at.options({ source: { kind: "logFolder", path: join(at.folder, "logs") }, ...changes });
  }

  function append(topic: string, ...ids: readonly number[]): void {
    mkdirSync(join(at.folder, "logs"), { recursive: true });
    appendFileSync(join(at.folder, "logs", `${topic}.log`), ids.map((id) => `{"id":${id}}\n`).join(""));
  }

  it("ends at what was there when asked, and goes on from there when asked again", async () => {
    const client = at.start();
    at.post(5_000);
    await client.openStream(at.options({ until: "latest" }));
    const finished = await until("the end", async () => {
      const status = await client.streamStatus("tweets");
      return status.phase === "finished" ? status : undefined;
    });
    equal(finished.rows, 5_000);
    equal((await client.streamCaughtUp("tweets")).phase, "finished");
    at.post(10);
    equal(await one(client, "SELECT count(*) FROM tweets"), 5_000n);
    await client.openStream(at.options({ until: "latest" }));
    await until("the second end", async () => (await one(client, "SELECT count(*) FROM tweets")) === 5_010n);
    await client.stopStream("tweets");
    await client.openStream(at.options({ until: { offsets: { 0: 5_010n } } }));
    equal((await client.streamStatus("tweets")).phase, "finished");
  });

  it("is finished at once where there is nothing", async () => {
    const client = at.start();
    equal((await client.openStream(at.options({ until: "latest" }))).phase, "finished");
  });

  it("ends before an offset, and before an instant that is past or still to come", async () => {
    const client = at.start();
    at.post(100);
    const count = async (name: string, end: StreamOptions["until"]): Promise<unknown> => {
      await client.openStream(at.options({ name, ...(end === undefined ? {} : { until: end }) }));
      await until(`the end of ${name}`, async () => (await client.streamStatus(name)).phase === "finished");
      return one(client, `SELECT count(*) FROM ${name}`);
    };
    equal(await count("to_offset", { offsets: { 0: 42n } }), 42n);
    // The first tweet is one millisecond after this.
    equal(await count("to_instant", { timestampMs: 1_700_000_000_051 }), 50n);
    equal(await count("to_soon", { timestampMs: Date.now() + 1_500 }), 100n);
  });

  it("reads several topics into one table, each at its own offset after a restart", async () => {
    append("a", 1, 2);
    append("b", 3);
    const options = logs({ topic: "a, b", topics: { names: ["a", "b"] } });
    const first = at.start();
    await first.openStream(options);
    const status = await first.streamCaughtUp("tweets");
    deepEqual(
      status.partitions.map(({ topic, partition, nextOffset }) => ({ topic, partition, nextOffset })),
      [
        { topic: "a", partition: 0, nextOffset: 2n },
        { topic: "b", partition: 0, nextOffset: 1n },
      ],
    );
    await first.close();
    append("a", 4);
    append("b", 5);
    const second = at.start();
    await second.openStream(options);
    await second.streamCaughtUp("tweets");
    equal(await one(second, "SELECT string_agg(_topic || id, ' ' ORDER BY id) FROM tweets"), "a1 a2 b3 a4 b5");
  });

  it("reads what a pattern matches, also topics that are made later", async () => {
    append("orders-1", 1);
    append("returns", 9);
    const client = at.start();
    await fails(
      client.openStream(logs({ topic: "/x.*/", topics: { pattern: "x.*" } })),
      "TOPIC_NOT_FOUND",
      /No topic of .* matches \/x\.\*\/ as a whole\. Topics: .*orders-1/,
    );
    await client.openStream(logs({ topic: "/orders-.*/", topics: { pattern: "orders-.*" }, from: "latest" }));
    append("orders-2", 2);
    await until("the new topic", async () => (await client.streamStatus("tweets")).rows === 1);
    equal(await one(client, "SELECT max(id) FROM tweets"), 2n);
    append("orders-1", 3);
    append("returns", 10);
    await until("the known topic", async () => (await one(client, "SELECT max(id) FROM tweets")) === 3n);
    equal(await one(client, "SELECT count(*) FROM tweets"), 2n);
  });

  it("keeps a stream in memory beside a store in a file: nothing of it on the disk, read again afterwards", async () => {
    const secret = "rows-that-stay-in-memory";
    append("a", 1);
    appendFileSync(join(at.folder, "logs", "a.log"), `{"id":2,"text":"${secret}"}\n`);
    at.post(10);
    const options = logs({ name: "m", topic: "a", store: "memory", keep: { rows: 8 } });
    const first = at.start();
    await first.openStream(at.options());
    equal((await first.openStream(options)).store, "memory");
    await first.streamCaughtUp("m");
    await first.streamCaughtUp("tweets");
    for (let id = 3; id < 30; id++) append("a", id);
    await first.streamCaughtUp("m");
    equal(await one(first, "SELECT max(m.id) FROM m JOIN tweets USING (id)"), 10n);
    equal(((await one(first, "SELECT count(*) FROM m")) as bigint) <= 29n, true);
    await first.close();
    const store = readFileSync(join(at.folder, "data", "tidetable.duckdb"), "latin1");
    equal(store.includes(secret), false);
    const second = at.start();
    deepEqual(
      (await second.catalog()).map((table) => table.name),
      ["tweets", "tweets_errors"],
    );
    await second.openStream({ ...options, keep: { rows: 1_000 } });
    await second.streamCaughtUp("m");
    equal(await one(second, "SELECT count(*) FROM m"), 29n);
  });

  it("keeps the last row of each key in memory, and reads it again in the next kernel", async () => {
    append("a", 1); // Without a key: rejected, and the folder is there.
    for (const id of [1, 2, 1]) {
      const record = { timestampMs: 1_700_000_000_000, key: String(id), value: `{"id":${id}}` };
      appendFileSync(join(at.folder, "logs", "a.log"), `${JSON.stringify(record)}\n`);
    }
    const options = logs({ name: "m", topic: "a", store: "memory", mode: "upsert" });
    for (let kernel = 1; kernel <= 2; kernel += 1) {
      const client = at.start();
      await client.openStream(options);
      await client.streamCaughtUp("m");
      equal(await one(client, "SELECT count(*) FROM m"), 2n);
      await client.close();
    }
  });

  it("decodes rejected records again, through the process", async () => {
    append("a", 1);
    appendFileSync(join(at.folder, "logs", "a.log"), '{"id":"two"}\n');
    const client = at.start();
    const options = logs({ topic: "a", schema: readDeclaredSchema({ id: "BIGINT" }) });
    await client.openStream(options);
    equal((await client.streamCaughtUp("tweets")).rejected, 1);
    await client.stopStream("tweets");
    const status = await client.openStream({ ...options, schema: readDeclaredSchema({ id: "VARCHAR" }) });
    match(status.notice ?? "", /the schema of new rows has changed/);
    deepEqual(await client.retryStreamErrors("tweets"), { tried: 1, rows: 1, rejected: 0 });
    equal(await one(client, "SELECT string_agg(id, ' ' ORDER BY _offset) FROM tweets"), "1 two");
    equal((await client.streamStatus("tweets")).rejected, 0);
  });
});
