/** Live queries that Spark keeps: at each moment the answer of the whole query over the records of that moment. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createRecordSource, originOf } from "../../src/engine/record-sources.js";
import type { OffsetPosition, SqlValue } from "../../src/sql/schema.js";
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
    text: `WITH few AS (SELECT id % 5 AS rest, handle FROM tweets WHERE id >= ?)
      SELECT rest, count(*) FILTER (WHERE handle = ?), sum(rest) FROM few GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL`,
    parameters: [3, "user1"],
  },
  { text: "SELECT count(*), max(reason) FROM tweets_errors" },
];
const ROUNDS = 3;

export function liveTests(at: SparkFixture): void {
  const signal = new AbortController().signal;

  async function open(keepAboveMs: number): Promise<{ readonly engine: SparkEngine; readonly topic: string }> {
    const topic = await at.topic(tweets(40));
    const engine = new SparkEngine({
      address: parseSparkAddress(at.spark.address),
      dataDirectory: at.dataDirectory(),
      source: (options) => createRecordSource(options.source),
      origin: originOf,
      keepAboveMs,
    });
    const stream = await engine.openStream(at.options(topic), () => undefined);
    await at.post(topic, ["no json", null, ...tweets(10, 40)]);
    await stream.caughtUp();
    return { engine, topic };
  }

  it("equal the whole query at the same offsets, batch after batch", async () => {
    const seed = testSeed();
    const random = seededRandom(seed);
    const { engine, topic } = await open(0);
    try {
      const live = KEPT.map(({ text, parameters = [] }) => ({
        text,
        parameters,
        query: engine.openLiveQuery({ text, parameters, rowLimit: 1_000, everyMs: 0 }),
      }));
      let next = 50;
      let posted = 52;
      for (let round = 0; round < ROUNDS; round++) {
        if (round > 0) {
          const count = 1 + random.below(30);
          const values = [...tweets(count, next), ...(random.chance(0.5) ? ["[]", null] : [])];
          await at.post(topic, values);
          next += count;
          posted += values.length;
        }
        await engine.stream("tweets")?.caughtUp();
        for (const { text, parameters, query } of live) {
          const kept = await until(
            "it is kept",
            async () => {
              const answer = await query.refreshIncrementally(1_000, signal);
              return answer?.plan.mode === "incremental" ? answer : undefined;
            },
            60_000,
          );
          const { offsets = [] } = kept.plan;
          const stored = offsets.reduce((sum, { nextOffset }) => sum + Number(nextOffset), 0);
          equal(stored, posted, "every record that was stored before it was asked");
          const whole = await engine.query({ text: atOffsets(text, offsets), parameters, rowLimit: 1_000 }, signal);
          deepEqual(rowsOf(kept.result), rowsOf(whole), `seed ${seed}, round ${round}: ${text}`);
          deepEqual(
            kept.result.columns.map(({ name, sqlType }) => `${name} ${sqlType}`),
            whole.columns.map(({ name, sqlType }) => `${name} ${sqlType}`),
          );
          match(kept.plan.kept ?? "", /^Spark keeps its groups; \d+ ms from record to answer/);
        }
      }
      for (const { query } of live) query.close();
    } finally {
      await engine.close();
    }
  });

  it("say why where they are read anew, and are read anew while that is quick", async () => {
    const { engine } = await open(0);
    try {
      const reasonOf = async (text: string) => {
        const query = engine.openLiveQuery({ text, parameters: [], rowLimit: 10, everyMs: 0 });
        // What Spark refuses is known once it was asked to keep it.
        const said = new Set<string>();
        for (let refreshes = 0; refreshes < 6; refreshes++) {
          said.add((await query.refreshIncrementally(10, signal))?.plan.reason ?? "kept");
        }
        query.close();
        return [...said].at(-1) ?? "";
      };
      match(
        await reasonOf("SELECT first(handle) FROM tweets"),
        /reads the rows anew: first goes by the order of the rows/,
      );
      match(await reasonOf("SELECT handle FROM tweets ORDER BY handle LIMIT 3"), /reads the rows anew: .*aggregation/i);
    } finally {
      await engine.close();
    }
    const quick = await open(60_000);
    try {
      const query = quick.engine.openLiveQuery({
        text: "SELECT count(*) FROM tweets",
        parameters: [],
        rowLimit: 10,
        everyMs: 0,
      });
      for (let refreshes = 0; refreshes < 4; refreshes++) {
        const answer = await query.refreshIncrementally(10, signal);
        match(
          answer?.plan.reason ?? "",
          /^Spark reads the rows anew; \d+ ms from record to answer, \d+ of them its batch$/,
        );
      }
      equal((await (await at.connect()).streams()).length, 0);
      ok((await query.report?.()) !== undefined);
    } finally {
      await quick.engine.close();
    }
  });
}

/** The text over the records before these offsets alone. */
function atOffsets(text: string, offsets: readonly OffsetPosition[]): string {
  const before = offsets.map(({ partition, nextOffset }) => `(_partition = ${partition} AND _offset < ${nextOffset})`);
  const tables = ["tweets", "tweets_errors"].map(
    (name) => `${name} AS (SELECT * FROM ${name} WHERE ${before.join(" OR ")})`,
  );
  return /^WITH /.test(text) ? `WITH ${tables.join(", ")}, ${text.slice(5)}` : `WITH ${tables.join(", ")} ${text}`;
}
