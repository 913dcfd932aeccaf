/**
 * The sink on a real InfluxDB: what is written comes back equal and once, whatever the server does meanwhile; what it cannot
 * keep is told.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../scripts/components/free-ports.js";
import { ensureInfluxdb, type Influxdb as InfluxdbServer, startInfluxdb } from "../../scripts/components/influxdb.js";
import type { TidetableError } from "../../src/errors.js";
import { Influxdb, type InfluxdbPoint } from "../../src/sinks/influxdb.js";
import { requireComponent } from "../support/require-component.js";

const never = new AbortController().signal;
const bounds = { timeoutMs: 10_000, signal: never };
const username = "crime";
const password = "p'a\"s\\s:wörd";

const pointsOf = (batch: number, count: number): InfluxdbPoint[] =>
  Array.from({ length: count }, (_, index) => ({
    measurement: "batches",
    tags: { district: String(index % 10) },
    fields: { batch: BigInt(batch), index: BigInt(index) },
    timestampNs: 1_785_542_400_000_000_000n + BigInt(batch * count + index),
  }));

const refusal = (code: string, text: RegExp) => (error: TidetableError) => {
  equal(error.code, code);
  match(error.message, text);
  ok(!error.message.includes(password), "a password in a message");
  return true;
};

describe("InfluxDB as a sink", function () {
  this.timeout(30_000);
  let server: InfluxdbServer;
  const open = async (database: string): Promise<Influxdb> => {
    const influxdb = new Influxdb({ url: server.url, database, username, password });
    await influxdb.open(bounds);
    return influxdb;
  };
  const count = async (influxdb: Influxdb, field: string): Promise<unknown> =>
    (await influxdb.query(`SELECT count(${field}) AS n FROM batches`, {}, bounds))[0]?.rows[0]?.n;

  before(async function () {
    await requireComponent(this, ensureInfluxdb);
    server = await startInfluxdb({ username, password });
  });
  after(async () => await server?.stop());

  it("gives back each kind of field as it was, and times to the nanosecond", async () => {
    const influxdb = await open("kinds");
    const written: InfluxdbPoint = {
      measurement: "all kinds",
      tags: { type: "MOTOR VEHICLE THEFT", empty: "" },
      fields: {
        large: 9_007_199_254_740_993n,
        least: -(2n ** 63n),
        small: -7n,
        float: 41.881832,
        tiny: 5e-324,
        huge: 1.7976931348623157e308,
        arrest: true,
        text: 'a "quoted"\\\nline, with = and é 🙂\\',
        none: "",
      },
      timestampNs: 1_785_542_400_123_456_789n,
    };
    const ends = [-(2n ** 63n) + 2n, 2n ** 63n - 2n].map((timestampNs) => ({ ...written, timestampNs }));
    deepEqual(await influxdb.write([written, ...ends, written], { signal: never }), { dropped: 0 });
    const [series] = await influxdb.query(
      'SELECT * FROM "all kinds" WHERE time > 0 AND time < 9000000000000000000',
      {},
      bounds,
    );
    const { large, least, ...others } = written.fields;
    deepEqual(series, {
      name: "all kinds",
      tags: {},
      rows: [{ ...others, small: -7, large, least, time: written.timestampNs, type: "MOTOR VEHICLE THEFT" }],
    });
    const [grouped] = await influxdb.query('SELECT count(small) AS n FROM "all kinds" GROUP BY type', {}, bounds);
    deepEqual(grouped, { name: "all kinds", tags: { type: "MOTOR VEHICLE THEFT" }, rows: [{ time: 0n, n: 3 }] });
  });

  it("writes more points at once than a request takes", async () => {
    const influxdb = await open("many");
    deepEqual(await influxdb.write(pointsOf(0, 12_345), { signal: never }), { dropped: 0 });
    equal(await count(influxdb, '"index"'), 12_345);
    // More than InfluxDB gives in one part.
    const [series] = await influxdb.query("SELECT * FROM batches", {}, bounds);
    deepEqual(
      series?.rows.map(({ time }) => time),
      pointsOf(0, 12_345).map(({ timestampNs }) => timestampNs),
    );
    const byDistrict = await influxdb.query(
      'SELECT "index" FROM batches GROUP BY district; SELECT "index" FROM batches',
      {},
      bounds,
    );
    deepEqual(
      byDistrict.map(({ tags, rows }) => [tags.district, rows.length]),
      [
        ...Array.from({ length: 10 }, (_, district) => [String(district), district < 5 ? 1_235 : 1_234]),
        [undefined, 12_345],
      ],
    );
    deepEqual(await influxdb.write([], { signal: never }), { dropped: 0 });
  });

  it("every point is there once after a SIGKILL in the middle of 200 batches", async () => {
    const influxdb = await open("killed");
    let retries = 0;
    const restarted = (async () => {
      await delay(150);
      await server.kill();
      await delay(700);
      await server.start();
    })();
    for (let batch = 0; batch < 200; batch += 1) {
      const outcome = await influxdb.write(pointsOf(batch, 50), { signal: never, onRetry: () => (retries += 1) });
      equal(outcome.dropped, 0);
      // So that the end of the server falls into the batches on any machine.
      await delay(2);
    }
    await restarted;
    ok(retries > 0, "the server was not away while batches were written");
    equal(await count(influxdb, "batch"), 10_000);
    const [sums] = await influxdb.query('SELECT sum(batch) AS b, sum("index") AS i FROM batches', {}, bounds);
    deepEqual(sums?.rows[0], { time: 0n, b: (199 * 200 * 50) / 2, i: (49 * 50 * 200) / 2 });
  });

  it("tells what InfluxDB kept out of a write, and keeps the rest", async () => {
    const influxdb = await open("partial");
    const [first, second] = pointsOf(0, 2) as [InfluxdbPoint, InfluxdbPoint];
    await influxdb.write([first], { signal: never });
    const other = { ...second, fields: { batch: 1.5 } };
    const outcome = await influxdb.write([other, ...pointsOf(1, 3)], { signal: never });
    equal(outcome.dropped, 1);
    match(outcome.reason ?? "", /field type conflict.*batch/);
    equal(await count(influxdb, "batch"), 4);
  });

  it("refuses a point that it cannot keep before anything is sent", async () => {
    const influxdb = await open("refused");
    const [good] = pointsOf(0, 1) as [InfluxdbPoint];
    const bad = { ...good, fields: { latitude: Number.NaN } };
    await rejects(influxdb.write([good, bad], { signal: never }), refusal("SINK_REFUSED", /"latitude" is NaN/));
    deepEqual(await influxdb.query("SHOW MEASUREMENTS", {}, bounds), []);
  });

  it("says who is not let in, at once", async () => {
    await open("door");
    const of = (given: { username?: string; password?: string }) =>
      new Influxdb({ url: server.url, database: "door", ...given });
    const stranger = of({ username: "stranger", password });
    await rejects(of({}).open(bounds), refusal("SINK_REFUSED", /somebody without a name \(401/));
    await rejects(stranger.open(bounds), refusal("SINK_REFUSED", /"stranger" \(401.*user and password/));
    await rejects(of({ username, password: "wrong" }).write(pointsOf(0, 1), { signal: never }), {
      code: "SINK_REFUSED",
      retryable: false,
    });
    await rejects(stranger.query("SHOW DATABASES", {}, bounds), refusal("SINK_REFUSED", /401/));
    const elsewhere = new Influxdb({ url: server.url, database: "nowhere", username, password });
    await rejects(
      elsewhere.write(pointsOf(0, 1), { signal: never }),
      refusal("SINK_REFUSED", /no database "nowhere" \(404/),
    );
  });

  it("a user who may only use its database opens it, and is told that it may not make one", async () => {
    const admin = await open("granted");
    const statements = "CREATE USER worker WITH PASSWORD 'w'; GRANT ALL ON granted TO worker";
    await admin.query(statements, {}, bounds);
    const of = (database: string) => new Influxdb({ url: server.url, database, username: "worker", password: "w" });
    await of("granted").open(bounds);
    await of("granted").write(pointsOf(0, 1), { signal: never });
    await rejects(of("ungranted").open(bounds), refusal("SINK_REFUSED", /"worker".*\(403.*Grant it/));
    await rejects(of("door").write(pointsOf(0, 1), { signal: never }), refusal("SINK_REFUSED", /\(403.*Grant it/));
  });

  it("says what is wrong with a statement", async () => {
    const influxdb = await open("statements");
    await rejects(influxdb.query("SELEC 1", {}, bounds), refusal("SINK_REFUSED", /does not run "SELEC 1": .*parsing/));
    await rejects(
      influxdb.query("SELECT n FROM m WHERE n = $n", {}, bounds),
      refusal("SINK_REFUSED", /missing parameter/),
    );
    await rejects(influxdb.query("DROP SERIES FROM nothing; SHOW X", {}, bounds), refusal("SINK_REFUSED", /SHOW X/));
  });

  it("open waits for a server that is not there yet, and no longer than it may", async () => {
    const port = await freePort();
    const late = new Influxdb({ url: `http://127.0.0.1:${port}`, database: "late" });
    const startedMs = performance.now();
    await rejects(
      late.open({ timeoutMs: 1_000, signal: never }),
      refusal("SINK_UNREACHABLE", /127\.0\.0\.1:\d+ did not .*within 1 s.*ECONNREFUSED/),
    );
    ok(performance.now() - startedMs < 1_500);
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 200);
    await rejects(late.open({ timeoutMs: 60_000, signal: stopping.signal }), { code: "SINK_UNREACHABLE" });
    ok(performance.now() - startedMs < 3_000);
    const opened = late.open(bounds);
    await delay(300);
    const other = await startInfluxdb({ port });
    await opened;
    deepEqual(await late.write(pointsOf(0, 1), { signal: never }), { dropped: 0 });
    await other.stop();
  });

  it("a server that keeps its sockets and says nothing holds nobody", async () => {
    const influxdb = await open("frozen");
    await server.freeze();
    try {
      const startedMs = performance.now();
      await rejects(
        influxdb.query("SHOW DATABASES", {}, { timeoutMs: 300, signal: never }),
        refusal("SINK_UNREACHABLE", /no answer within \d+ ms/),
      );
      const stopping = new AbortController();
      setTimeout(() => stopping.abort(), 300);
      await rejects(influxdb.write(pointsOf(0, 1), { signal: stopping.signal }), { code: "SINK_UNREACHABLE" });
      await rejects(influxdb.write(pointsOf(0, 1), { signal: stopping.signal }), { code: "SINK_UNREACHABLE" });
      ok(performance.now() - startedMs < 2_000, `${performance.now() - startedMs} ms`);
    } finally {
      server.thaw();
    }
    deepEqual(await influxdb.write(pointsOf(0, 3), { signal: never }), { dropped: 0 });
    equal(await count(influxdb, "batch"), 3);
  });
});
