/** The client alone, on a real server: values, types, errors, interrupt, long results, sessions. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { SparkError } from "../../src/sql/spark-connect/errors.js";
import { sourceRelation, sqlRelation, tableRelation } from "../../src/sql/spark-connect/plans.js";
import { connect } from "../../src/sql/spark-connect/session.js";
import { until } from "../support/until.js";
import { rowsOf, type SparkFixture, token } from "./spark-fixture.js";

export function clientTests(at: SparkFixture): void {
  it("needs the server's token, and tells its version", async () => {
    const plain = at.spark.address.replace(/\/;.*/, "");
    await fails(connect(plain), "SPARK_REFUSED", /No authentication token/);
    await fails(connect(`${plain}/;token=wrong`), "SPARK_REFUSED", /Invalid authentication token/);
    const error = await connect(`${plain}/;token=wrong`).catch((caught: unknown) => String(caught));
    ok(!String(error).includes(token));
    equal((await at.connect()).version, at.spark.version);
  });

  it("says at once when no server is there", async () => {
    await fails(connect("sc://127.0.0.1:9"), "SPARK_UNREACHABLE", /npm run spark/);
  });

  it("gives every type in its one form", async () => {
    const session = await at.connect();
    const result =
      await session.sql(`SELECT 1Y AS tiny, 2S AS small, 3 AS number, 9007199254740993L AS big, 1.25 AS cents,
      -0.05BD AS less, 12345678901234567890.12BD AS wide, CAST(0.5 AS FLOAT) AS half, 1.5D AS double, true AS yes, 'é😀' AS word,
      X'00ff' AS bytes, DATE'2024-02-29' AS day, TIMESTAMP'2024-01-01 00:00:00.123456' AS instant,
      TIMESTAMP_NTZ'1969-12-31 23:59:59.999' AS before, INTERVAL '1 02:00:00' DAY TO SECOND AS span, INTERVAL '13' MONTH AS months,
      array(1, NULL, 3) AS items, map('a', 1) AS named, map(1, 'b') AS numbered, NULL AS nothing,
      named_struct('x', 1, 'y', array(TIMESTAMP'2024-01-01 00:00:00.5'), 'z', CAST(NULL AS STRING)) AS inner`);
    deepEqual(
      result.columns.map(({ type, sqlType }) => `${type} ${sqlType}`),
      [
        "integer TINYINT",
        "integer SMALLINT",
        "integer INT",
        "bigint BIGINT",
        "decimal DECIMAL(3,2)",
        "decimal DECIMAL(2,2)",
        "decimal DECIMAL(22,2)",
        "double FLOAT",
        "double DOUBLE",
        "boolean BOOLEAN",
        "text STRING",
        "blob BINARY",
        "date DATE",
        "timestamp TIMESTAMP",
        "timestamp TIMESTAMP_NTZ",
        "interval INTERVAL DAY TO SECOND",
        "interval INTERVAL YEAR TO MONTH",
        "nested ARRAY<INT>",
        "nested MAP<STRING, INT>",
        "nested MAP<INT, STRING>",
        "text VOID",
        "nested STRUCT<x: INT, y: ARRAY<TIMESTAMP>, z: STRING>",
      ],
    );
    deepEqual(
      JSON.parse(JSON.stringify(rowsOf(result)[0], (_, value) => (typeof value === "bigint" ? `${value}n` : value))),
      [
        1,
        2,
        3,
        "9007199254740993n",
        "1.25",
        "-0.05",
        "12345678901234567890.12",
        0.5,
        1.5,
        true,
        "é😀",
        { 0: 0, 1: 255 },
        Date.UTC(2024, 1, 29),
        1704067200123.456,
        -1,
        "1 day 02:00:00",
        "1 year 1 month",
        [1, null, 3],
        { a: 1 },
        [[1, "b"]],
        null,
        { x: 1, y: ["2024-01-01 00:00:00.5"], z: null },
      ],
    );
  });

  it("binds values by place and by name, and never pastes them", async () => {
    const session = await at.connect();
    const values = [
      "O'Brien; drop",
      null,
      2n ** 53n + 1n,
      2n ** 80n,
      -0,
      1.5,
      true,
      new Date(1500),
      Buffer.from([0, 255]),
      [1, 2.5],
    ];
    const result = await session.sql(`SELECT ${values.map((_, index) => `? AS v${index}`).join(", ")}`, values);
    deepEqual(rowsOf(result)[0], [
      "O'Brien; drop",
      null,
      2n ** 53n + 1n,
      String(2n ** 80n),
      -0,
      1.5,
      true,
      1500,
      Uint8Array.from([0, 255]),
      [1, 2.5],
    ]);
    deepEqual(rowsOf(await session.sql("SELECT :b - :a AS c", { a: 1, b: 3 })), [[2n]]);
  });

  it("tells errors with class, SQLSTATE and place", async () => {
    const session = await at.connect();
    const error = await fails(session.sql("SELECT * FROM nowhere"), "SQL_INVALID", /`nowhere` cannot be found/);
    deepEqual([error.errorClass, error.sqlState, error.position], ["TABLE_OR_VIEW_NOT_FOUND", "42P01", 14]);
    ok(!error.message.includes("UnresolvedRelation"), error.message);
    await fails(session.sql("SELEC 1"), "SQL_INVALID", /Syntax error at or near 'SELEC'/);
    await fails(session.sql("SELECT 1/0"), "SQL_FAILED", /Division by zero/);
    await fails(session.sql("SELECT ? + 1"), "SQL_INVALID", /unbound parameter/);
  });

  it("carries a long result whole, or its first rows with the count of all", async () => {
    const session = await at.connect();
    const text = "SELECT id, CAST(id AS STRING) AS text FROM range(0, 300000, 1, 4)";
    const few = await session.sql(text, [], { rowLimit: 10 });
    deepEqual([few.rowCount, few.totalRowCount], [10, 300_000]);
    let rows = 0;
    let sum = 0n;
    for await (const batch of session.batches(await session.prepare(text))) {
      rows += batch.rowCount;
      for (const [id] of rowsOf(batch)) sum += id as bigint;
    }
    deepEqual([rows, sum], [300_000, (299_999n * 300_000n) / 2n]);
  });

  it("stops a query on the server when it is interrupted, and shows its tasks until then", async () => {
    const session = await at.connect();
    const abort = new AbortController();
    const seen: number[] = [];
    const endless = session.sql("SELECT sum(a.id * b.id % 7) FROM range(1000000) a CROSS JOIN range(100000) b", [], {
      signal: abort.signal,
      onProgress: ({ tasks }) => seen.push(tasks),
    });
    endless.catch(() => undefined);
    await until("its tasks are known", () => seen.some((tasks) => tasks > 0));
    abort.abort();
    await fails(endless, "QUERY_INTERRUPTED", /interrupted/);
    deepEqual(rowsOf(await session.sql("SELECT 1")), [[1]]);
    deepEqual(await session.interrupt(), []);
  });

  it("keeps a session apart from others, and shares it by its id", async () => {
    const [one, other] = [await at.connect(), await at.connect()];
    await one.createView("mine", sqlRelation("SELECT 1 AS a"));
    await fails(other.sql("SELECT * FROM mine"), "SQL_INVALID", /cannot be found/);
    const same = await connect(at.spark.address, { sessionId: one.sessionId });
    deepEqual(rowsOf(await same.sql("SELECT * FROM mine")), [[1]]);
    same.disconnect();
    await one.createView("for_all", tableRelation("mine"), { global: true });
    deepEqual(rowsOf(await other.sql("SELECT * FROM global_temp.for_all")), [[1]]);
  });

  it("notices a session that was closed", async () => {
    const session = await at.connect();
    const second = await connect(at.spark.address, { sessionId: session.sessionId });
    await second.close();
    await fails(session.sql("SELECT 1"), "SPARK_SESSION_LOST", /Run the cell once more/);
    ok(session.isLost);
  });

  it("starts a stream, hears of its progress, asks, explains and stops it", async () => {
    const session = await at.connect();
    const topic = await at.topic([{ a: 1 }, { a: 2 }]);
    const options = { "kafka.bootstrap.servers": at.brokers.join(","), subscribe: topic, startingOffsets: "earliest" };
    const source = sourceRelation({ format: "kafka", streaming: true, options });
    ok(await session.isStreaming(source));
    const abort = new AbortController();
    const events: string[] = [];
    let ready = false;
    const listening = (async () => {
      for await (const event of session.events({ signal: abort.signal }, () => (ready = true))) events.push(event.kind);
    })();
    listening.catch(() => undefined);
    await until("the listener is there", () => ready);
    const name = `t${randomUUID().replaceAll("-", "")}`;
    const query = await session.startStream(source, { format: "memory", outputMode: "append", name });
    await query.processAllAvailable();
    deepEqual(rowsOf(await session.sql(`SELECT count(*) FROM ${name}`)), [[2n]]);
    // The newest report is of nothing when more than ten seconds have passed.
    const reported = (await query.recentProgress()).map(({ sources }) => sources[0]?.numInputRows ?? 0);
    equal(
      reported.reduce((sum, rows) => sum + rows, 0),
      2,
    );
    equal((await query.lastProgress())?.id, query.id);
    deepEqual(
      (await session.streams()).map((running) => running.id),
      [query.id],
    );
    match(await query.explain(), /Physical Plan/);
    ok((await query.status()).isActive);
    equal(await query.awaitTermination(10), false);
    await query.stop();
    equal(await query.exception(), undefined);
    await until("its end was pushed", () => events.includes("progress") && events.includes("terminated"));
    abort.abort();
    await rejects(listening);
  });
}

export async function fails(promise: Promise<unknown>, code: string, message: RegExp): Promise<SparkError> {
  let caught: SparkError | undefined;
  await rejects(promise, (error: SparkError) => {
    equal(error.code, code, error.message);
    match(error.message, message);
    caught = error;
    return true;
  });
  return caught as SparkError;
}
