/**
 * The Spark paragraphs of the note, unchanged and in order, in the shell of Spark, on a real Kafka. A suite for any of
 * the versions: `npm test` runs one, `npm run zeppelin:spark` the other.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { ensureSpark, type SparkFiles, type SparkVersion } from "../../scripts/components/spark.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { convertNote } from "../../zeppelin/note.js";
import { kafkaConnector } from "../../zeppelin/spark-streaming.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { SparkShell } from "./spark-shell.js";
import { tweeterNote2016 } from "./tweeter-note-2016.js";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../../zeppelin");

interface ParagraphFile {
  readonly title?: string;
  readonly text: string;
  readonly config: { readonly enabled?: boolean };
}

const shipped = paragraphsOf(readFileSync(join(folder, "tweeter-analytics.json"), "utf8"));

export function describeSparkParagraphs(version: SparkVersion): void {
  describe(`Paragraphs on Spark ${version}`, function () {
    this.timeout(400_000);
    const topic = `tweets-${version}`;
    const posted = new Map<string, number>();
    let kafka: KafkaCluster;
    let producer: KafkaProducer;
    let data: TemporaryFolder;
    let spark: SparkFiles;
    let shell: SparkShell;

    before(async function () {
      spark = await requireComponent(this, () => ensureSpark(version, console.log));
      data = temporaryFolder("spark");
      const starting = SparkShell.start(spark, data.path, conf(spark));
      // Awaited below; until then a failure is nobody's.
      starting.catch(() => {});
      kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
      producer = await openKafkaProducer({ brokers: kafka.bootstrap });
      await producer.ensureTopic(topic, { partitions: 3 });
      await post(["hamlet", "falstaff", "macbeth", "puck"].map((handle, index) => [handle, 40 - 7 * index]));
      shell = await starting;
      await shell.fill({ "Kafka brokers": kafka.bootstrap.join(","), Topic: topic });
    });

    after(async () => {
      await shell?.stop();
      await producer?.close();
      await kafka?.stop();
      data?.remove();
    });

    async function post(counts: ReadonlyArray<readonly [string, number]>): Promise<void> {
      const messages = counts.flatMap(([handle, count]) =>
        Array.from({ length: count }, (_, index) => ({
          key: handle,
          value: JSON.stringify({ id: `${index}`, handle, content: "words", created_at: "2026-01-31T12:00:00.000Z" }),
        })),
      );
      await producer.produceAll(topic, messages);
      for (const [handle, count] of counts) posted.set(handle, (posted.get(handle) ?? 0) + count);
    }

    /** By the producer's own counts, of which no two are the same. */
    function topTweeters(): string {
      const rows = [...posted].sort((left, right) => right[1] - left[1]).map((row) => `${row.join("\t")}\n`);
      return `handle\tcount\n${rows.join("")}`;
    }

    const run = (title: string) => shell.paragraph(find(shipped, title).text);

    it("Load Dependencies names the connector that is loaded", () => {
      const coordinate = /^spark\.jars\.packages (\S+)$/m.exec(find(shipped, "Load Dependencies").text)?.[1];
      if (version === "3.5.7") equal(coordinate, kafkaConnector(spark));
      const jar = kafkaConnector(spark).split(":").slice(1).join("-");
      equal(spark.kafkaJars.filter((path) => path.endsWith(`/${jar}.jar`)).length, 1);
    });

    it("Streaming waits for rows, and Top Tweeters are the producer's own counts", async () => {
      match(await run("Streaming"), new RegExp(`^\\d+ rows of topic ${topic} are in the table tweets;`, "m"));
      await until("all tweets", async () => (await run("Top Tweeters")) === topTweeters(), 120_000);
      match(await run("Tweets per minute"), /^minute\ttweets\n20\d\d-/);
    });

    it("Top Tweeters answers anew when it is run again, and so does the last minute", async () => {
      const before = await run("Top Tweeters");
      await post([["puck", 100]]);
      const after = await until(
        "the new tweets",
        async () => {
          const table = await run("Top Tweeters");
          return table === topTweeters() && table;
        },
        120_000,
      );
      notEqual(after, before);
      await until(
        "a tweet of the last minute",
        async () => {
          await post([["banquo", 1]]);
          return /^banquo\t/m.test(await run("Top Tweeters of the last 60 seconds"));
        },
        120_000,
      );
    });

    it("Streaming begins anew when it is run again", async () => {
      await run("Streaming");
      await until("all tweets again", async () => (await run("Top Tweeters")) === topTweeters(), 120_000);
    });

    it("Stop stops: the rows stay, and no more come", async () => {
      match(await shell.paragraph(find(shipped, "Stop").text), /^The stream tweets is stopped; the rows/m);
      const stopped = await run("Top Tweeters");
      await post([["iago", 300]]);
      match(await shell.paragraph('%spark\nprintln("streams: " + spark.streams.active.length)'), /^streams: 0$/m);
      equal(await run("Top Tweeters"), stopped);
    });

    it("runs a note of 2016, once it is converted", async () => {
      const old = convertNote(JSON.stringify(tweeterNote2016()), { to: "zeppelin", name: "posts" });
      if ("refused" in old) throw new Error(old.refused.message);
      const converted = paragraphsOf(old.text);
      equal(converted.filter(({ config }) => config.enabled === false).length, 0);
      await producer.ensureTopic("posts", { partitions: 1 });
      await shell.fill({ Topic: "posts" });
      const message = (handle: string) => ({ key: handle, value: JSON.stringify({ handle, content: "words" }) });
      await producer.produceAll("posts", ["ann", "bob", "ann"].map(message));
      match(await shell.paragraph(find(converted, "Spark Streaming").text), /rows of topic posts are in the table/);
      const posters = find(converted, "Top posters").text;
      // The same question to the whole stream, whose answer does not change while the machine is slow.
      const all = posters.replace("from posts", "from posts_all");
      await until("all posts", async () => (await shell.paragraph(all)) === "handle\tcount\nann\t2\nbob\t1\n", 120_000);
      await until(
        "a post of the last minute",
        async () => {
          await producer.produceAll("posts", [message("eve")]);
          return /^eve\t[1-9]/m.test(await shell.paragraph(posters));
        },
        120_000,
      );
    });

    it("ran every paragraph of the note that is Spark's", () => {
      const titles = shipped.filter(({ text }) => text.startsWith("%spark")).map(({ title }) => title);
      deepEqual(
        titles.map((title) => title?.replace(/ \(.*/, "")),
        [
          "Load Dependencies",
          "Streaming",
          "Top Tweeters",
          "Top Tweeters of the last 60 seconds",
          "Tweets per minute",
          "Stop",
        ],
      );
    });
  });
}

/** What Load Dependencies sets, with files in place of what Spark would fetch by itself. */
function conf(spark: SparkFiles): Readonly<Record<string, string>> {
  const { text } = find(shipped, "Load Dependencies");
  const lines = text.split("\n").filter((line) => /^\w/.test(line));
  const properties = Object.fromEntries(lines.map((line) => line.split(/ (.*)/, 2) as [string, string]));
  const { "spark.jars.packages": _, ...rest } = properties;
  return { ...rest, "spark.jars": spark.kafkaJars.join(",") };
}

function paragraphsOf(text: string): readonly ParagraphFile[] {
  return (JSON.parse(text) as { readonly paragraphs: readonly ParagraphFile[] }).paragraphs;
}

function find(paragraphs: readonly ParagraphFile[], title: string): ParagraphFile {
  const found = paragraphs.find((paragraph) => paragraph.title?.replace(/ \(.*/, "") === title);
  if (found === undefined) throw new Error(`no paragraph ${title}`);
  return found;
}
