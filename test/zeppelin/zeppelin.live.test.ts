// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a note a form stands as ${…} in plain text
/** The notes, and a note of 2016 translated, in a real Zeppelin server, with our kernel on a real Kafka. */
import { deepEqual, equal, match, notDeepEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type KafkaCluster, startKafka } from "../../scripts/components/kafka.js";
import { ensureZeppelin, startZeppelin, type ZeppelinServer } from "../../scripts/components/zeppelin.js";
import { type KafkaProducer, openKafkaProducer } from "../../src/streaming/kafka/producer.js";
import { convertNote } from "../../zeppelin/note.js";
import { kernelCommand } from "../support/kernel-command.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { type ParagraphState, ZeppelinClient } from "../support/zeppelin-client.js";
import { noteShapes } from "./note-shapes.js";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../../zeppelin");
const handles = ["hamlet", "falstaff", "macbeth", "puck", "iago", "ophelia"];

describe("Zeppelin", function () {
  this.timeout(240_000);
  let kafka: KafkaCluster;
  let producer: KafkaProducer;
  let server: ZeppelinServer;
  let client: ZeppelinClient;
  let data: TemporaryFolder;
  const posted = new Map<string, number>();

  before(async function () {
    await requireComponent(this, () => ensureZeppelin(console.log));
    kafka = await requireComponent(this, () => startKafka({ nodes: 1 }));
    data = temporaryFolder("zeppelin-data");
    producer = await openKafkaProducer({ brokers: kafka.bootstrap });
    await producer.ensureTopic("tweets", { partitions: 3 });
    // No two handles ever have the same count, so that there is one right order.
    await post(handles.map((handle, index) => [handle, 60 - 7 * index]));
    server = await startZeppelin({
      kernelCommand: kernelCommand(),
      environment: { KAFKA_BROKERS: kafka.bootstrap.join(","), TIDETABLE_DATA: data.path },
    });
    client = new ZeppelinClient(server.url);
  });

  after(async () => {
    await server?.stop();
    await producer?.close();
    await kafka?.stop();
    data?.remove();
  });

  async function post(counts: ReadonlyArray<readonly [string, number]>): Promise<void> {
    const messages = counts.flatMap(([handle, count]) =>
      Array.from({ length: count }, (_, index) => ({
        key: handle,
        value: JSON.stringify({
          id: `${handle}-${index}`,
          handle,
          content: "words",
          created_at: "2026-01-31T12:00:00.000Z",
        }),
      })),
    );
    await producer.produceAll("tweets", messages);
    for (const [handle, count] of counts) posted.set(handle, (posted.get(handle) ?? 0) + count);
  }

  /** What the Top Tweeters paragraph has to show, by the producer's own counts. */
  function topTweeters(): string {
    const rows = [...posted]
      .sort((left, right) => right[1] - left[1])
      .map(([handle, count]) => `${handle}\t${count}\n`);
    return `handle\tcount\n${rows.join("")}`;
  }

  const tableOf = (paragraph: ParagraphState) => paragraph.results?.msg.find(({ type }) => type === "TABLE")?.data;

  it("imports the Spark note, its charts and its switched-off paragraph", async () => {
    const text = readFileSync(join(folder, "tweeter-analytics.json"), "utf8");
    const paragraphs = await client.paragraphs(await client.import(text));
    const shipped = (JSON.parse(text) as { paragraphs: readonly ParagraphState[] }).paragraphs;
    deepEqual(
      paragraphs.map(({ id, title, text: words, config }) => ({
        id,
        title,
        words,
        charts: config.results,
        enabled: config.enabled,
      })),
      shipped.map(({ id, title, text: words, config }) => ({
        id,
        title,
        words,
        charts: config.results,
        enabled: config.enabled,
      })),
    );
  });

  it("imports every shape of note, once it is converted", async () => {
    for (const [index, { name, file }] of noteShapes.entries()) {
      const conversion = convertNote(JSON.stringify({ ...file(), name: `shapes/${index}` }), { to: "zeppelin", name });
      if ("refused" in conversion) throw new Error(`${name}: ${conversion.refused.message}`);
      const paragraphs = await client.paragraphs(await client.import(conversion.text));
      const texts = (JSON.parse(conversion.text) as { paragraphs: ReadonlyArray<{ text: string }> }).paragraphs;
      deepEqual(
        paragraphs.map(({ text = "" }) => text),
        texts.map(({ text }) => text),
        name,
      );
    }
  });

  describe("the note on Tidetable", () => {
    let noteId: string;

    before(async () => {
      noteId = await client.import(readFileSync(join(folder, "tweeter-analytics-tidetable.json"), "utf8"));
    });

    it("runs to the end, and Top Tweeters are the producer's own counts", async () => {
      const paragraphs = await client.runAll(noteId);
      const enabled = paragraphs.filter(({ config }) => config.enabled !== false);
      deepEqual(
        enabled.map(({ status, results }) => [status, results?.code]),
        enabled.map(() => ["FINISHED", "SUCCESS"]),
      );
      equal(tableOf(find(paragraphs, "Top Tweeters")), topTweeters());
      match(tableOf(find(paragraphs, "Tweets per minute")) ?? "", /^minute\ttweets\n20/);
    });

    it("shows the stream's status with its first rows, in the one frame that Zeppelin keeps", async () => {
      const status = /<b>tweets<\/b> · (live|loading)[^<]* · [1-9]\d* rows/;
      await until(
        "rows in the status",
        async () => {
          const { results } = await client.run(noteId, "tweeter_streaming");
          equal(results?.msg.length, 1);
          return results?.msg[0]?.type === "HTML" && status.test(results.msg[0].data);
        },
        60_000,
      );
    });

    it("takes the values of forms, in TypeScript and in SQL", async () => {
      const print = "%jupyter(kernel=tidetable)\nconsole.log(`topic ${topic}`)";
      const select =
        "%jupyter(kernel=tidetable,form=simple)\n%%sql\nSELECT handle FROM tweets WHERE handle = '${Handle=hamlet}' LIMIT 1";
      const run = async (text: string, params?: Readonly<Record<string, string>>) => {
        await client.setText(noteId, "tweeter_tweets_per_minute", text);
        return (await client.run(noteId, "tweeter_tweets_per_minute", params)).results?.msg[0]?.data;
      };
      await client.run(noteId, "tweeter_source", { Topic: "boats" });
      equal((await run(print))?.trim(), "topic boats");
      await client.run(noteId, "tweeter_source", { Topic: "tweets" });
      equal((await run(print))?.trim(), "topic tweets");
      equal(await run(select), "handle\nhamlet\n");
      equal(await run(select, { Handle: "puck" }), "handle\npuck\n");
    });

    it("answers anew when it is run again", async () => {
      const before = await client.paragraph(noteId, "tweeter_top_tweeters");
      await post([["puck", 100]]);
      const after = await until(
        "the new tweets in Top Tweeters",
        async () => {
          const paragraph = await client.run(noteId, "tweeter_top_tweeters");
          return tableOf(paragraph) === topTweeters() && paragraph;
        },
        60_000,
      );
      notDeepEqual(after.results, before.results);
    });

    it("shows a live paragraph's output while it runs, ends it on cancel, and goes on", async () => {
      const frames: string[] = [];
      const unwatch = await client.watch(noteId, (id, text) => {
        if (id === "tweeter_live" && text.includes("hamlet")) frames.push(text);
      });
      try {
        const { config } = await client.paragraph(noteId, "tweeter_live");
        await client.setConfig(noteId, "tweeter_live", { ...config, enabled: true });
        await client.start(noteId, "tweeter_live");
        await until("a first table", () => frames.length > 0, 60_000);
        await post([["iago", 200]]);
        await until(
          "a table with the new tweets",
          () => frames.at(-1)?.includes(`iago\t${posted.get("iago")}`),
          60_000,
        );
        const { status } = await client.paragraph(noteId, "tweeter_live");
        // The server asks the interpreter for the state now and then; the frames are ahead of it.
        ok(["PENDING", "RUNNING"].includes(status), status);
        await client.cancel(noteId, "tweeter_live");
        await until(
          "the end of the paragraph",
          async () => (await client.paragraph(noteId, "tweeter_live")).status === "ABORT",
          30_000,
        );
      } finally {
        unwatch();
      }
      equal(tableOf(await client.run(noteId, "tweeter_top_tweeters")), topTweeters());
    });

    it("does not run what is switched off, and stops the stream once that is enabled", async () => {
      const off = await client.run(noteId, "tweeter_stop");
      deepEqual([off.status, off.results], ["FINISHED", undefined]);
      await client.setConfig(noteId, "tweeter_stop", { ...off.config, enabled: true });
      const stopped = await client.run(noteId, "tweeter_stop");
      deepEqual([stopped.status, stopped.results?.code], ["FINISHED", "SUCCESS"]);
    });

    it("shows an error as an error, in words, and goes on", async () => {
      await client.setText(noteId, "tweeter_live", "%jupyter(kernel=tidetable)\n%%sql\nSELECT handel FROM tweets");
      const failed = await client.run(noteId, "tweeter_live");
      equal(failed.status, "ERROR");
      const words = failed.results?.msg.map(({ data: text }) => text).join("\n") ?? "";
      match(words, /handel/);
      ok(!/\bat .*\.(ts|js):\d+/.test(words), words);
      equal((await client.run(noteId, "tweeter_top_tweeters")).status, "FINISHED");
    });
  });
});

function find(paragraphs: readonly ParagraphState[], title: string): ParagraphState {
  const found = paragraphs.find((paragraph) => paragraph.title === title);
  if (found === undefined) throw new Error(`no paragraph ${title}`);
  return found;
}
