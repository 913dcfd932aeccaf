/**
 * The Scala text of a Streaming paragraph: a topic as a table of Spark, by Structured Streaming. One builder for the
 * note that is shipped and for notes of 2016 that are translated. The same text runs on Spark 3.3 to 4.0. Pure.
 */

export interface StreamingParagraph {
  /** Name of the table, and of the streaming query behind it. */
  readonly table: string;
  readonly topic: string;
  readonly brokers: string;
  /** Fields of the JSON in a record, with Spark's type names. */
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  /** A record without this field is not a row. */
  readonly required: string;
  readonly triggerSeconds: number;
  /** A second view with the rows of the last so many seconds. */
  readonly window: { readonly view: string; readonly seconds: number };
}

/** How long the paragraph waits for rows, so that the next one of run-all finds some. */
const firstRowsTimeoutMs = 20_000;
/** A Spark that has just been started on a slow machine takes longer than that to its first batch. */
const firstBatchTimeoutMs = 90_000;

export function streamingScala(stream: StreamingParagraph): string {
  const { table, window } = stream;
  const schema = stream.fields.map(({ name, type }) => `  add(${quoted(name)}, ${quoted(type)})`).join(".\n");
  const columns = stream.fields.map(({ name }) => `col(${quoted(`value.${name}`)})`).join(", ");
  return `import org.apache.spark.sql.functions.{col, from_json}
import org.apache.spark.sql.streaming.Trigger
import org.apache.spark.sql.types.StructType

val brokers = z.textbox("Kafka brokers", ${quoted(stream.brokers)}).toString
val topic = z.textbox("Topic", ${quoted(stream.topic)}).toString

// Run again, this paragraph begins anew: the query of its last run is stopped first.
spark.streams.active.filter(_.name == ${quoted(table)}).foreach(_.stop())

val schema = new StructType().
${schema}

val records = spark.readStream.format("kafka").
  option("kafka.bootstrap.servers", brokers).
  option("subscribe", topic).
  option("startingOffsets", "earliest").
  option("failOnDataLoss", "false").
  load()

val rows = records.
  select(from_json(col("value").cast("string"), schema).as("value"), col("timestamp").as("_timestamp"), col("partition").as("_partition"), col("offset").as("_offset")).
  where(col(${quoted(`value.${stream.required}`)}).isNotNull).
  select(${columns}, col("_timestamp"), col("_partition"), col("_offset"))

// The whole stream, in the memory of Spark's driver: the table ${table}.
val query = rows.writeStream.format("memory").queryName(${quoted(table)}).outputMode("append").
  trigger(Trigger.ProcessingTime(${quoted(`${stream.triggerSeconds} seconds`)})).start()

// Its last ${window.seconds} seconds. The filter is applied by each query, so the window slides and empties by itself.
spark.sql("CREATE OR REPLACE TEMPORARY VIEW ${window.view} AS SELECT * FROM ${table} WHERE _timestamp > current_timestamp() - INTERVAL ${window.seconds} SECONDS")

// The next paragraph of a run-all needs rows to show.
val startedMs = System.currentTimeMillis()
def waitingMs = if (query.lastProgress == null) ${firstBatchTimeoutMs} else ${firstRowsTimeoutMs}
while (query.isActive && spark.table(${quoted(table)}).isEmpty && System.currentTimeMillis() < startedMs + waitingMs) Thread.sleep(500)
query.exception.foreach(failure => throw failure)
val rowCount = spark.table(${quoted(table)}).count()
println("" + rowCount + " rows of topic " + topic + " are in the table ${table}; more arrive while you work.")
if (rowCount == 0) println("None yet: are the brokers " + brokers + " the right ones, and does anyone post to the topic?")`;
}

export function stopScala(table: string): string {
  return `spark.streams.active.filter(_.name == ${quoted(table)}).foreach(_.stop())
println("The stream ${table} is stopped; the rows that are there stay.")`;
}

/** The connector for a Spark: exactly its version, and the Scala that it was built with. */
export function kafkaConnector(spark: { readonly version: string; readonly scala: string }): string {
  return `org.apache.spark:spark-sql-kafka-0-10_${spark.scala}:${spark.version}`;
}

export const defaultSpark = { version: "3.5.7", scala: "2.12" } as const;

export function sparkConf(packages: readonly string[], more: readonly string[] = []): string {
  return [
    "# The Kafka connector has to be of your Spark's own version and Scala: spark-sql-kafka-0-10_SCALA:SPARK.",
    "# Spark 3.5 from PyPI or Zeppelin 0.12: as below. Spark 4.0: _2.13:4.0.0. Without a network: spark.jars and local files.",
    '# Spark must not run yet. After a change here, restart the interpreter "spark" (gear icon of the note) and run again.',
    `spark.jars.packages ${packages.join(",")}`,
    "spark.sql.shuffle.partitions 4",
    ...more,
  ].join("\n");
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("$", "\\u0024");
}
