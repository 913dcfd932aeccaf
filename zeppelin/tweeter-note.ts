/**
 * The two notes that are shipped, in the words of the tutorial: one on Spark, one on the kernel of Tidetable. The files
 * beside this one are what this builds; nobody edits them by hand. Pure.
 */
import { chartSetting, withGraph } from "./charts.js";
import type { JsonObject } from "./json.js";
import type { Note, Paragraph } from "./model.js";
import { defaultSpark, kafkaConnector, sparkConf, stopScala, streamingScala } from "./spark-streaming.js";

const topTweetersSql = `SELECT handle, count(*) AS count
FROM tweets
GROUP BY handle
ORDER BY count DESC
LIMIT 20`;

const perMinuteSql = `SELECT date_trunc('minute', _timestamp) AS minute, count(*) AS tweets
FROM tweets
GROUP BY minute
ORDER BY minute`;

/** `%spark`: Zeppelin 0.10 to 0.12 with a Spark of 3.3 or newer. */
export function tweeterSparkNote(): Note {
  return note("tweeter-analytics", [
    paragraph("about", undefined, `%md\n${aboutSpark}`),
    paragraph("load-dependencies", "Load Dependencies", `%spark.conf\n${sparkConf([kafkaConnector(defaultSpark)])}`),
    paragraph(
      "streaming",
      "Streaming",
      `%spark\n${streamingScala({
        table: "tweets",
        topic: "tweets",
        brokers: "127.0.0.1:9092",
        fields: ["id", "handle", "content", "created_at"].map((name) => ({ name, type: "string" })),
        required: "handle",
        triggerSeconds: 2,
        window: { view: "tweets_last_minute", seconds: 60 },
      })}`,
    ),
    paragraph("top-tweeters", "Top Tweeters", `%spark.sql\n${topTweetersSql}`, barChart),
    paragraph(
      "top-tweeters-last-minute",
      "Top Tweeters of the last 60 seconds",
      `%spark.sql\n${topTweetersSql.replace("FROM tweets", "FROM tweets_last_minute")}`,
      barChart,
    ),
    paragraph("tweets-per-minute", "Tweets per minute", `%spark.sql\n${perMinuteSql}`, lineChart),
    paragraph("stop", "Stop (switched off; enable it in its menu)", `%spark\n${stopScala("tweets")}`, {
      enabled: false,
    }),
  ]);
}

/** `%jupyter(kernel=tidetable)`: no Spark; the same SQL on the same columns. */
export function tweeterTidetableNote(): Note {
  const typescript = (code: string) => `%jupyter(kernel=tidetable)\n${code}`;
  return note("tweeter-analytics-tidetable", [
    paragraph("about", undefined, `%md\n${aboutTidetable}`),
    paragraph("load-dependencies", "Load Dependencies", typescript('import { stream, sql } from "tidetable"')),
    paragraph("source", "Brokers and topic", `%jupyter(kernel=tidetable,form=simple)\n${sourceForm}`),
    paragraph(
      "streaming",
      "Streaming",
      typescript(`const tweets = await stream("tweets", brokers === "" ? { topic } : { topic, source: { brokers } })`),
    ),
    paragraph("top-tweeters", "Top Tweeters", typescript(`%%sql\n${topTweetersSql}`), barChart),
    paragraph("tweets-per-minute", "Tweets per minute", typescript(`%%sql\n${perMinuteSql}`), lineChart),
    paragraph(
      "live",
      "Top Tweeters, live for a minute (switched off; enable it in its menu)",
      typescript(`%%sql --live\n${topTweetersSql}`),
      { ...barChart, enabled: false },
    ),
    paragraph("stop", "Stop (switched off; enable it in its menu)", typescript("await tweets.stop()"), {
      enabled: false,
    }),
  ]);
}

/** The type is said, since a literal's own type could not be compared with another text. */
const sourceForm = [
  'const brokers: string = "$' + '{Kafka brokers=}"',
  'const topic: string = "$' + '{Topic=tweets}"',
].join("\n");

const barChart = withGraph({}, chartSetting("multiBarChart", "handle", "count"));
const lineChart = withGraph({}, chartSetting("lineChart", "minute", "tweets"));

const aboutSpark = `## Tweeter analytics

People post to Tweeter, and every post goes to a Kafka topic. These paragraphs make that topic a table of Spark that keeps
growing, and ask who talks most. Run them from the top, or all of them with the button above.

* **Load Dependencies** fetches the Kafka connector, so it has to run before Spark does. It names a version of Spark: make it yours.
* **Streaming** asks for brokers and topic in a form. Run again, it begins anew.
* The other paragraphs answer anew each time they are run; Zeppelin does not refresh SQL on Spark by itself.
* **Stop** is switched off, so that running all does not stop the stream it has just started: choose *Enable run* in its menu first.

All notes share one Spark by default: when any note that used it is deleted, Zeppelin ends it, and this stream with it.
Does the page never connect? Open it as \`localhost\`, or set \`ZEPPELIN_ALLOWED_ORIGINS\`.`;

const aboutTidetable = `## Tweeter analytics, on Tidetable

The same questions without Spark: the paragraphs run in the TypeScript kernel of Tidetable, and a Kafka topic is a SQL table
that keeps updating. The kernel has to be known to Zeppelin's Python: \`npx tidetable kernel install --sys-prefix\`.

* **Brokers and topic** is a form. Without brokers it is \`KAFKA_BROKERS\`, and without that a small theatre company that never stops talking.
* **Top Tweeters** answers anew each time it is run. The live paragraph keeps itself current for a minute; Zeppelin's new page shows only how it ends.
* Paragraphs that are switched off run once you choose *Enable run* in their menu.`;

function note(name: string, paragraphs: readonly Paragraph[]): Note {
  return { name, config: {}, extras: {}, paragraphs };
}

function paragraph(id: string, title: string | undefined, text: string, config: JsonObject = {}): Paragraph {
  return {
    id: `tweeter_${id.replaceAll("-", "_")}`,
    ...(title === undefined ? {} : { title }),
    text,
    config: {
      colWidth: 12,
      enabled: true,
      ...(title === undefined ? { editorHide: true } : { title: true }),
      ...config,
    },
    settings: { params: {}, forms: {} },
    extras: {},
  };
}
