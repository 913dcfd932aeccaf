/**
 * The tutorial as a stranger runs it: the product's notebook headless, without a broker and on a real Kafka that an
 * outside client fills. The oracle is that client's own count of what the broker acknowledged.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { type JupyterHome, openJupyterHome, textOf, tutorialPath } from "../support/notebook.js";
import { requireComponent } from "../support/require-component.js";

interface Ledger {
  readonly acknowledged: number;
  readonly malformed: number;
  readonly failed: number;
  readonly perHandle: Readonly<Record<string, number>>;
  readonly digest: number;
}

describe("the tutorial in Jupyter", function () {
  this.timeout(300_000);
  let home: JupyterHome;

  before(async function () {
    home = await requireComponent(this, openJupyterHome);
  });
  after(async () => {
    await home?.close();
  });

  it("runs without a broker: every cell ends well, Top Tweeters has a chart", async () => {
    const cells = await home.runNotebook(tutorialPath, {
      KAFKA_BROKERS: "",
      TIDETABLE_DATA: `${home.directory}/embedded`,
    });
    for (const cell of cells) {
      deepEqual(
        cell.outputs.filter((output) => output.output_type === "error"),
        [],
        cell.source,
      );
      ok(cell.execution_count !== null, cell.source);
    }
    const top = cells.find((cell) => /GROUP BY handle/.test(cell.source));
    const charts = top?.outputs.filter((output) => output.data?.["application/vnd.vegalite.v5+json"] !== undefined);
    equal(charts?.length, 1);
    match(textOf(top), /handle/);
  });

  describe("on a real Kafka, filled by a client that is not ours", () => {
    let kafka: KafkaCluster;

    before(async function () {
      kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
    });
    after(async () => {
      await kafka?.stop();
    });

    it("holds 100,000 acknowledged tweets exactly, and 50 malformed records in tweets_errors", async () => {
      const producer = await openKafkaProducer({ brokers: kafka.bootstrap });
      await producer.ensureTopic("tweets", { partitions: 3 });
      await producer.close();
      const brokers = kafka.bootstrap.join(",");
      const ledger = (await home.runPython("produce_tweets.py", [brokers, "tweets", "100000", "50", "7"])) as Ledger;
      deepEqual([ledger.acknowledged, ledger.malformed, ledger.failed], [100_000, 50, 0]);

      const cells = await home.runNotebook(
        [
          'import { stream, sql } from "tidetable";',
          'const tweets = await stream("tweets");\nawait tweets.caughtUp();',
          "%%sql counted\nSELECT count(*)::INTEGER AS n, count(DISTINCT (_topic, _partition, _offset))::INTEGER AS places FROM tweets",
          "console.log(JSON.stringify([...counted]))",
          "const perHandle = await sql`SELECT handle, count(*)::INTEGER AS n FROM tweets GROUP BY handle`;\nconsole.log(JSON.stringify(Object.fromEntries([...perHandle].map((row) => [row.handle, row.n]))))",
          "const bad = await sql`SELECT count(*)::INTEGER AS n FROM tweets_errors`;\nconsole.log(JSON.stringify([...bad]))",
          "%%sql --chart bar\nSELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC LIMIT 20",
        ],
        { KAFKA_BROKERS: brokers, TIDETABLE_DATA: `${home.directory}/kafka` },
      );
      deepEqual(JSON.parse(textOf(cells[3])), [{ n: 100_000, places: 100_000 }]);
      deepEqual(JSON.parse(textOf(cells[4])), ledger.perHandle);
      deepEqual(JSON.parse(textOf(cells[5])), [{ n: 50 }]);
      const chart = cells[6]?.outputs.find((output) => output.data?.["application/vnd.vegalite.v5+json"] !== undefined);
      const spec = chart?.data?.["application/vnd.vegalite.v5+json"] as {
        data: { values: Array<{ handle: string; count: number }> };
      };
      const expected = Object.values(ledger.perHandle)
        .sort((a, b) => b - a)
        .slice(0, 20);
      deepEqual(
        spec.data.values.map((row) => Number(row.count)),
        expected,
      );
    });
  });
});
