/** A note of the form of 2016 becomes one that the rules let pass, with a list of what was done. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { checkNote } from "../../zeppelin/check.js";
import { convertNote } from "../../zeppelin/note.js";
import { noteShapes } from "./note-shapes.js";
import { tweeterNote2016 } from "./tweeter-note-2016.js";

const shape = (part: string) => {
  const found = noteShapes.find(({ name }) => name.includes(part));
  if (found === undefined) throw new Error(`no shape ${part}`);
  return JSON.stringify({ ...found.file(), paragraphs: uniqueIds(found.file().paragraphs) });
};

describe("translating notes of 2016", () => {
  it("runs the receiver of Kafka as Structured Streaming", () => {
    const { text, remarks } = translated(shape("temporary table"));
    const { paragraphs } = JSON.parse(text) as {
      paragraphs: ReadonlyArray<{ text: string; config: object; results?: object }>;
    };
    const [dependencies, streaming, query] = paragraphs;
    ok(dependencies?.text.startsWith("%spark.conf\n"));
    ok(dependencies?.text.includes("spark-sql-kafka-0-10_2.12:3.5.7"));
    ok(!/^spark\.jars\.packages.*play-json/m.test(dependencies?.text ?? ""));
    for (const piece of [
      'z.textbox("Topic", "boats")',
      'add("name", "string")',
      'add("tons", "bigint")',
      "VIEW boats AS SELECT * FROM boats_all",
      "INTERVAL 60 SECONDS",
      "// val ssc = new StreamingContext(sc, Seconds(2))",
    ]) {
      ok(streaming?.text.includes(piece), piece);
    }
    ok(query?.text.startsWith("%spark.sql\n"));
    ok(JSON.stringify(query?.config).includes('"mode":"multiBarChart"'));
    deepEqual(query?.results, { code: "SUCCESS", msg: [{ type: "TABLE", data: "city\tn\nLima\t4\nOslo\t2\n" }] });
    deepEqual(
      remarks.filter(({ kind }) => kind === "review").map(({ where }) => where),
      ["paragraph 2 (Streaming)"],
    );
    const broken = checkNote(text).findings.filter(({ severity }) => severity !== "advice");
    // The chart of that shape draws a column of another query.
    deepEqual(
      broken.map(({ rule }) => rule),
      ["chart-columns"],
    );
  });

  it("takes brokers and topics of a direct stream over", () => {
    const { text, remarks } = translated(shape("direct stream whose brokers"));
    for (const piece of [
      'z.textbox("Kafka brokers", "one.example:9092,two.example:9092")',
      'z.textbox("Topic", "boats,ferries")',
      'add("tons", "double")',
      'ProcessingTime("5 seconds")',
    ]) {
      ok((JSON.parse(text) as { paragraphs: [{ text: string }] }).paragraphs[0].text.includes(piece), piece);
    }
    ok(!remarks.some(({ message }) => message.includes("brokers")));
  });

  it("lists what it did, and the one paragraph that a person has to look at", () => {
    const { text, remarks } = translated(JSON.stringify(tweeterNote2016()));
    deepEqual(
      checkNote(text).findings.map(({ rule }) => rule),
      ["results-kept"],
    );
    const said = (kind: string) => remarks.filter((remark) => remark.kind === kind).map(({ where }) => where);
    deepEqual(said("review"), ["paragraph 2 (Spark Streaming)"]);
    deepEqual(said("lost"), []);
    deepEqual(
      new Set(said("translated")),
      new Set(said("translated").filter((where) => /^paragraph [1-4]/.test(where))),
    );
    for (const message of [/play-json.* is not needed/, /%dep is %spark\.conf/, /receiver of topic posts/, /%sql is/]) {
      ok(
        remarks.some((remark) => message.test(remark.message)),
        String(message),
      );
    }
  });

  it("switches a receiver off that it cannot read, and says so", () => {
    const { text, remarks } = translated(shape("not plain to see"), true);
    ok(text.includes('"enabled": false'));
    equal(remarks.filter(({ kind }) => kind === "review").length, 1);
  });

  it("keeps libraries that have no Scala in their name, and repositories", () => {
    const { text, remarks } = translated(shape("%dep with a repository"));
    ok(text.includes("spark.jars.packages com.acme:boats:1.2.0\\n"));
    ok(text.includes("spark.jars.repositories http://127.0.0.1/maven"));
    ok(remarks.some(({ kind, message }) => kind === "review" && message.includes("com.acme:sails_2.10:0.9")));
  });
});

function translated(text: string, old = false) {
  // A note of 2016 is known by its results; this one was never run.
  const file = old ? text.replace('"settings"', '"result":{"code":"SUCCESS","type":"TEXT","msg":""},"settings"') : text;
  const conversion = convertNote(file, { to: "zeppelin", name: "x" });
  if ("refused" in conversion) throw new Error(conversion.refused.message);
  return conversion;
}

function uniqueIds(paragraphs: unknown): unknown {
  if (!Array.isArray(paragraphs)) return paragraphs;
  return paragraphs.map((paragraph: object, index) => ({ ...paragraph, id: `p${index}` }));
}
