/**
 * A note of the form of 2016 with all that such notes had: `%dep`, a receiver of Kafka without a magic, play-json, and
 * SQL with the chart and the one result of that time. The shape is the old one, the words are ours.
 */
import type { JsonObject } from "../../zeppelin/json.js";

const dependencies = `%dep
z.reset()
z.load("org.apache.spark:spark-streaming-kafka_2.10:1.5.2")
z.load("com.typesafe.play:play-json_2.10:2.4.6")`;

const streaming = `import org.apache.spark.streaming.{Seconds, StreamingContext}
import org.apache.spark.streaming.kafka.KafkaUtils
import play.api.libs.json._

// One post as it stands in the topic.
case class Post(handle: String, content: String, created_at: String)
implicit val postReads = Json.reads[Post]

val streamingContext = new StreamingContext(sc, Seconds(2))
val topics = Map("posts" -> 1)
val texts = KafkaUtils.createStream(streamingContext, "zookeeper.example:2181", "zeppelin-group", topics).map(_._2)
texts.
  window(Seconds(60)).
  map(text => Json.parse(text).as[Post]).
  foreachRDD { posts =>
    posts.toDF().registerTempTable("posts")
  }
streamingContext.start()`;

export const topPostersSql =
  "select handle, count(*) as count\nfrom posts\ngroup by handle\norder by count desc\nlimit 10";

export function tweeterNote2016(): JsonObject {
  return {
    paragraphs: [
      paragraph(1, dependencies, { title: "Load Dependencies", result: result("TEXT", "res0: Dependency = …\n") }),
      paragraph(2, streaming, { title: "Spark Streaming", result: result("TEXT", "import play.api.libs.json._\n") }),
      paragraph(3, `%sql ${topPostersSql}`, {
        title: "Top posters",
        config: {
          colWidth: 12,
          title: true,
          enabled: true,
          editorMode: "ace/mode/sql",
          graph: {
            mode: "multiBarChart",
            height: 300,
            optionOpen: false,
            keys: [{ name: "handle", index: 0, aggr: "sum" }],
            values: [{ name: "count", index: 1, aggr: "sum" }],
            groups: [],
            scatter: { xAxis: { name: "handle", index: 0, aggr: "sum" } },
          },
        },
        result: result("TABLE", "handle\tcount\nann\t3\n"),
      }),
      paragraph(4, "", {}),
    ],
    name: "post analytics",
    id: "2B7QWERTY",
    angularObjects: { "2B1:shared_process": [] },
    config: { looknfeel: "default" },
    info: {},
  };
}

function paragraph(index: number, text: string, more: JsonObject): JsonObject {
  return {
    text,
    config: { colWidth: 12, title: true, enabled: true, editorMode: "ace/mode/scala", graph: { mode: "table" } },
    settings: { params: {}, forms: {} },
    jobName: `paragraph_145000000000${index}_12345`,
    id: `20160101-10000${index}_12345`,
    dateCreated: "Jan 1, 2016 10:00:00 AM",
    dateStarted: "Jan 1, 2016 10:00:01 AM",
    dateFinished: "Jan 1, 2016 10:00:02 AM",
    status: "FINISHED",
    progressUpdateIntervalMs: 500,
    $$hashKey: `object:${index}`,
    ...more,
  };
}

function result(type: string, msg: string): JsonObject {
  return { code: "SUCCESS", type, msg };
}
