/** Live queries that Spark keeps: at each moment the answer of the whole query over the records of that moment. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createRecordSource, originOf } from "../../src/engine/record-sources.js";
import type { LivePlanReport } from "../../src/sql/live/shared.js";
import type { OffsetPosition, QueryResult, SqlValue } from "../../src/sql/schema.js";
import { SparkEngine } from "../../src/sql/spark/engine.js";
import { parseSparkAddress } from "../../src/sql/spark-connect/address.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";
import { until } from "../support/until.js";
import { rowsOf, type SparkFixture, tweets } from "./spark-fixture.js";

const KEPT: ReadonlyArray<{ readonly text: string; readonly parameters?: readonly SqlValue[] }> = [
  {
    text: `SELECT handle, count(*) AS count, max(id), avg(id), max_by(content, id), min(time_bucket(INTERVAL '10 minutes', created_at))
      FROM tweets GROUP BY handle ORDER BY count DESC, handle LIMIT 3`,
  },
  {
    text: `WITH few AS (SELECT reason, length(raw) AS bytes FROM tweets_errors WHERE _offset >= ?)
      SELECT reason, count(*) FILTER (WHERE bytes < ?) AS small, sum(bytes) FROM few GROUP BY ALL HAVING count(*) > 0 ORDER BY ALL`,
    parameters: [0, 5],
  },
];
const ROUNDS = 3;

export function liveTests(at: SparkFixture): void {
  const signal = new AbortController().signal;

  let topic: string;
  let engine: SparkEngine;

  before(async () => {
    topic = await at.topic(tweets(40));
    engine = new SparkEngine({
      address: parseSparkAddress(at.spark.address),
      dataDirectory: at.dataDirectory(),
      source: (options) => createRecordSource(options.source),
      origin: originOf,
      keepAboveMs: 0,
    });
    const stream = await engine.openStream(at.options(topic), () => undefined);
    await at.post(topic, ["no json", null, ...tweets(10, 40)]);
    await stream.caughtUp();
  });
  after(() => engine.close());

  it("equal the whole query at the same offsets, batch after batch", async () => {
    const seed = testSeed();
    const random = seededRandom(seed);
    const live = KEPT.map(({ text, parameters = [] }) => ({
      text,
      parameters,
      query: engine.openLiveQuery({ text, parameters, rowLimit: 1_000, everyMs: 0 }),
    }));
    for (const { query } of live) {
      for (let refreshes = 0; refreshes < 4; refreshes++) await query.refreshIncrementally(10, signal);
    }
    // Reading anew meanwhile would only keep the server from it.
    for (const { query } of live) await until("it is kept", async () => isMade(await query.report()), 60_000);
    let next = 50;
    let posted = 52;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) {
        const count = 1 + random.below(30);
        const values = [...tweets(count, next), ...(random.chance(0.5) ? ["[]", null] : [])];
        await at.post(topic, values);
        next += count;
        posted += values.length;
        await engine.stream("tweets")?.caughtUp();
      }
      for (const { text, parameters, query } of live) {
        const kept = await query.refreshIncrementally(1_000, signal);
        equal(kept.plan.mode, "incremental", kept.plan.reason);
        const { offsets = [] } = kept.plan;
        const stored = offsets.reduce((sum, { nextOffset }) => sum + Number(nextOffset), 0);
        equal(stored, posted, "every record that was stored before it was asked");
        const whole = await engine.query({ text: atOffsets(text, offsets), parameters, rowLimit: 1_000 }, signal);
        deepEqual(rowsOf(kept.result), rowsOf(whole), `seed ${seed}, round ${round}: ${text}`);
        const columns = ({ columns }: QueryResult) => columns.map(({ name, sqlType }) => `${name} ${sqlType}`);
        deepEqual(columns(kept.result), columns(whole));
        match(kept.plan.kept ?? "", /^Spark keeps its groups; \d+ ms from record to answer/);
      }
    }
    for (const { query } of live) query.close();
  });

  it("say why where they are read anew, and are not kept before they have been slow", async () => {
    const reasons = async (text: string) => {
      const query = engine.openLiveQuery({ text, parameters: [], rowLimit: 10, everyMs: 0 });
      const said: string[] = [];
      for (let refreshes = 0; refreshes < 5; refreshes++) {
        said.push((await query.refreshIncrementally(10, signal))?.plan.reason ?? "kept");
      }
      query.close();
      return said;
    };
    const ordered = await reasons("SELECT first(handle) FROM tweets");
    ok(
      ordered.every((reason) => /reads the rows anew: first goes by the order of the rows$/.test(reason)),
      ordered.join(),
    );
    // What Spark refuses is known once it was asked to keep it.
    const rows = await reasons("SELECT handle FROM tweets ORDER BY handle LIMIT 3");
    match(rows[0] ?? "", /^Spark reads the rows anew; \d+ ms from record to answer, \d+ of them its batch$/);
    match(rows.at(-1) ?? "", /reads the rows anew: .*aggregation/i);
  });
}

function isMade(report: LivePlanReport): boolean {
  return "isMade" in report && report.isMade;
}

/** The text over the records before these offsets alone. */
function atOffsets(text: string, offsets: readonly OffsetPosition[]): string {
  const before = offsets.map(({ partition, nextOffset }) => `(_partition = ${partition} AND _offset < ${nextOffset})`);
  const tables = ["tweets", "tweets_errors"].map(
    (name) => `${name} AS (SELECT * FROM ${name} WHERE ${before.join(" OR ")})`,
  );
  return /^WITH /.test(text) ? `WITH ${tables.join(", ")}, ${text.slice(5)}` : `WITH ${tables.join(", ")} ${text}`;
}
