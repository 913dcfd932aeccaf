/**
 * A note of 2016 to one that runs today: `%dep` to `%spark.conf`, receivers to Structured Streaming, `%sql` to
 * `%spark.sql`. What has no certain translation is kept beside the new text and named for a person to look at. Pure.
 */
import type { Note, Paragraph, Remark } from "./model.js";
import { paragraphName } from "./model.js";
import { splitParagraphText } from "./paragraph-text.js";
import { defaultSpark, kafkaConnector, sparkConf, streamingScala } from "./spark-streaming.js";

export function translate2016(note: Note): { readonly note: Note; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  const paragraphs = note.paragraphs.map((paragraph, index) => {
    const where = paragraphName(index, paragraph.title);
    const say = (kind: Remark["kind"], message: string) => remarks.push({ kind, where, message });
    return translateParagraph(paragraph, say);
  });
  return { note: { ...note, paragraphs }, remarks };
}

type Say = (kind: Remark["kind"], message: string) => void;

function translateParagraph(paragraph: Paragraph, say: Say): Paragraph {
  const { interpreter, body } = splitParagraphText(paragraph.text);
  switch (interpreter) {
    case "dep":
      return { ...paragraph, text: `%spark.conf\n${translateDependencies(body, say)}` };
    case "sql":
      say("translated", "%sql is %spark.sql.");
      return { ...paragraph, text: paragraph.text.replace("%sql", "%spark.sql") };
    case "pyspark":
      say("translated", "%pyspark is %spark.pyspark.");
      return { ...paragraph, text: paragraph.text.replace("%pyspark", "%spark.pyspark") };
    case "hive":
      say("translated", "%hive is %jdbc(hive).");
      return { ...paragraph, text: paragraph.text.replace("%hive", "%jdbc(hive)") };
    case undefined:
    case "spark":
      return paragraph.text.trim() === "" ? paragraph : translateScala(paragraph, interpreter, body, say);
    default:
      return paragraph;
  }
}

/** `z.load("g:a:v")` and `z.addRepo(…).url("…")` as properties. Libraries built for Scala 2.10 cannot stay as they are. */
function translateDependencies(body: string, say: Say): string {
  const loads = [...body.matchAll(/z\.load\(\s*"([^"]+)"\s*\)/g)].map((match) => match[1] ?? "");
  const repositories = [...body.matchAll(/\.url\(\s*"([^"]+)"\s*\)/g)].map((match) => match[1] ?? "");
  const packages: string[] = [];
  const comments: string[] = [];
  for (const load of loads) {
    const [, artifact = ""] = load.split(":");
    if (/^spark-streaming-kafka/.test(artifact)) {
      packages.push(kafkaConnector(defaultSpark));
      say("translated", `${load} is ${kafkaConnector(defaultSpark)}; give it the version and Scala of your Spark.`);
    } else if (/^play-json/.test(artifact)) {
      say("translated", `${load} is not needed: Spark's from_json reads JSON.`);
    } else if (load.split(":").length !== 3 || /_2\.1[01]$/.test(artifact)) {
      comments.push(`# spark.jars.packages had ${load}: find the artifact for your Scala`);
      say(
        "review",
        `${load} is for an old Scala or a file; it stands as a comment. Put today's artifact into spark.jars.packages.`,
      );
    } else packages.push(load);
  }
  if (packages.length === 0) packages.push(kafkaConnector(defaultSpark));
  const more = repositories.length === 0 ? [] : [`spark.jars.repositories ${repositories.join(",")}`];
  say("translated", "%dep is %spark.conf; run it before Spark starts.");
  return sparkConf([...new Set(packages)], [...more, ...comments]);
}

function translateScala(paragraph: Paragraph, interpreter: string | undefined, body: string, say: Say): Paragraph {
  const code = body.replace(/^[ \t]*\/\/.*$/gm, "");
  if (!/\bStreamingContext\b|streaming\.kafka\b|KafkaUtils\.create/.test(code)) {
    if (interpreter !== undefined) return paragraph;
    say("translated", "Without a magic it ran in Spark; it says %spark now.");
    return { ...paragraph, text: `%spark\n${body}` };
  }
  const found = readReceiver(code);
  const old = body.split(/\r?\n/).map((line) => `// ${line}`.trimEnd());
  if (found === undefined) {
    say(
      "review",
      "Spark Streaming with receivers is gone, and its table or its fields are not plain to see: switched off. Write it with Structured Streaming.",
    );
    return { ...paragraph, text: `%spark\n${body}`, config: { ...paragraph.config, enabled: false } };
  }
  say(
    "translated",
    `The receiver of topic ${found.topic} is a Structured Streaming query; the table ${found.window.view} holds its last ${found.window.seconds} seconds, ${found.table} the whole stream.`,
  );
  const { brokers, ...stream } = found;
  const where = brokers === undefined ? "the brokers in the form (the old code named ZooKeeper at most), " : "";
  say(
    "review",
    `Check ${where}the fields of the JSON, and what else the old code did: it stands below the new one as a comment.`,
  );
  const text = `%spark\n${streamingScala({ ...stream, brokers: brokers ?? "127.0.0.1:9092" })}\n\n// What it was in 2016:\n${old.join("\n")}`;
  return { ...paragraph, text };
}

/** Table, topic, window and fields of a receiver, read off the calls that every such cell made. */
function readReceiver(body: string) {
  const table = /\.(?:registerTempTable|registerAsTable|createOrReplaceTempView)\(\s*"(\w+)"/.exec(body)?.[1];
  const fields = readCaseClass(body);
  const first = fields[0];
  if (table === undefined || first === undefined) return undefined;
  const topic =
    /\b(?:val\s+)?topics?\w*\b[^"\n]*"([\w.,-]+)"/i.exec(body)?.[1] ??
    // A set of topics, or topics with their number of threads; other maps are Kafka's parameters.
    /Set\(\s*"([\w.,-]+)"|Map\(\s*"([\w.,-]+)"\s*->\s*\d/.exec(body)?.slice(1).find(Boolean) ??
    table;
  const seconds = Number(/\b(?:window|Window)\w*\(\s*Seconds\((\d+)\)/.exec(body)?.[1] ?? 60);
  const trigger = Number(/StreamingContext\([^)]*?Seconds\((\d+)\)/.exec(body)?.[1] ?? 2);
  return {
    table: `${table}_all`,
    topic,
    brokers: readBrokers(body),
    fields,
    required: first.name,
    triggerSeconds: trigger,
    // The old SQL keeps its table and its meaning.
    window: { view: table, seconds },
  };
}

/** Direct streams named their brokers, in the map of Kafka's parameters or by a value of their own. */
function readBrokers(body: string): string | undefined {
  const value = /"(?:metadata\.broker\.list|bootstrap\.servers)"\s*->\s*(?:"([\w.,:-]+)"|(\w+))/.exec(body);
  if (value?.[2] === undefined) return value?.[1];
  return new RegExp(`\\bval\\s+${value[2]}\\s*(?::\\s*String\\s*)?=\\s*"([\\w.,:-]+)"`).exec(body)?.[1];
}

const sparkTypes: Readonly<Record<string, string>> = {
  String: "string",
  Int: "int",
  Long: "bigint",
  Double: "double",
  Float: "float",
  Boolean: "boolean",
};

function readCaseClass(body: string): ReadonlyArray<{ readonly name: string; readonly type: string }> {
  const declared = /case\s+class\s+\w+\s*\(([^)]*)\)/.exec(body)?.[1] ?? "";
  return [...declared.matchAll(/(\w+)\s*:\s*(?:Option\[)?(\w+)/g)].map(([, name = "", type = ""]) => ({
    name,
    type: sparkTypes[type] ?? "string",
  }));
}
