// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a note a form stands as ${…} in plain text
/**
 * Note files as Zeppelin of different years writes them: shapes and key names only, the content is made up. A shape is a
 * function of nothing, so that no test changes another's file.
 */
import type { JsonObject, JsonValue } from "../../zeppelin/json.js";
import { tweeterNote2016 } from "./tweeter-note-2016.js";

interface Shape {
  readonly name: string;
  readonly file: () => JsonObject;
}

const graph = (mode: string, more: JsonObject = {}): JsonObject => ({
  mode,
  height: 300.0,
  optionOpen: false,
  keys: [{ name: "city", index: 0.0, aggr: "sum" }],
  groups: [],
  values: [{ name: "n", index: 1.0, aggr: "sum" }],
  ...more,
});

const paragraph = (text: string, more: JsonObject = {}): JsonObject => ({
  text,
  config: { colWidth: 12.0, enabled: true, editorSetting: { language: "scala" } },
  settings: { params: {}, forms: {} },
  jobName: "paragraph_1476762000000_1234567",
  id: "20161018-034000_1234567",
  dateCreated: "2016-10-18 03:40:00.000",
  status: "FINISHED",
  progressUpdateIntervalMs: 500,
  ...more,
});

const note = (paragraphs: readonly JsonValue[], more: JsonObject = {}): JsonObject => ({
  paragraphs,
  name: "Harbour",
  id: "2BXYZ1234",
  angularObjects: {},
  config: { looknfeel: "default" },
  info: {},
  ...more,
});

const table = "city\tn\nLima\t4\nOslo\t2\n";
const results = (...msg: readonly JsonObject[]): JsonObject => ({ code: "SUCCESS", msg });
const oldResult = (type: string, msg: string, code = "SUCCESS"): JsonObject => ({ code, type, msg });
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export const noteShapes: readonly Shape[] = [
  {
    name: "0.5, one result a paragraph, a date in words",
    file: () =>
      note([
        paragraph("%md\n# Harbour", {
          dateCreated: "Oct 18, 2016 3:40:00 AM",
          result: oldResult("HTML", "<h1>Harbour</h1>"),
        }),
      ]),
  },
  {
    name: "0.5, a paragraph without text at the end",
    file: () =>
      note([paragraph("println(1)", { result: oldResult("TEXT", "1\n") }), { config: {}, settings: {}, id: "last" }]),
  },
  {
    name: "0.6, %dep with a repository",
    file: () =>
      note([
        paragraph(
          '%dep\nz.reset()\nz.addRepo("own").url("http://127.0.0.1/maven")\nz.load("com.acme:boats:1.2.0")\nz.load("com.acme:sails_2.10:0.9")',
        ),
      ]),
  },
  {
    name: "0.6, a receiver of Kafka into a temporary table",
    file: () =>
      note([
        paragraph(
          '%dep\nz.load("org.apache.spark:spark-streaming-kafka_2.10:1.5.2")\nz.load("com.typesafe.play:play-json_2.10:2.3.9")',
          {
            title: "Load Dependencies",
          },
        ),
        paragraph(
          'import org.apache.spark.streaming._\nimport org.apache.spark.streaming.kafka._\ncase class Boat(name: String, berth: String, tons: Long)\nval ssc = new StreamingContext(sc, Seconds(2))\nval topics = Map("boats" -> 1)\nval lines = KafkaUtils.createStream(ssc, "zk.example:2181", "g", topics).map(_._2)\nlines.window(Seconds(60)).foreachRDD(rdd => rdd.map(parse).toDF().registerTempTable("boats"))\nssc.start()',
          { title: "Streaming" },
        ),
        paragraph("%sql\nselect berth, count(*) as n from boats group by berth", {
          config: { graph: graph("multiBarChart"), enabled: true },
          result: oldResult("TABLE", table),
        }),
      ]),
  },
  {
    name: "0.6, a receiver whose fields are not plain to see",
    file: () =>
      note([
        paragraph(
          'import org.apache.spark.streaming.kafka.KafkaUtils\nval lines = KafkaUtils.createDirectStream(ssc, params, Set("boats"))\nlines.foreachRDD(rdd => rdd.toDF().show())',
        ),
      ]),
  },
  { name: "0.5, dependencies, a receiver and a chart, run", file: tweeterNote2016 },
  {
    name: "0.6, a direct stream whose brokers are a value",
    file: () =>
      note([
        paragraph(
          'import org.apache.spark.streaming.kafka.KafkaUtils\ncase class Boat(name: String, tons: Option[Double])\nval servers = "one.example:9092,two.example:9092"\nval ssc = new StreamingContext(sc, Seconds(5))\nval lines = KafkaUtils.createDirectStream[String, String, StringDecoder, StringDecoder](ssc, Map("metadata.broker.list" -> servers), Set("boats,ferries"))\nlines.foreachRDD(rdd => rdd.map(parse).toDF().registerTempTable("boats"))',
          { result: oldResult("TEXT", "") },
        ),
      ]),
  },
  {
    name: "0.6, a pie chart in config.graph",
    file: () =>
      note([
        paragraph("%sql select city, count(*) n from boats group by city", {
          config: { graph: graph("pieChart"), colWidth: 6.0 },
          result: oldResult("TABLE", table),
        }),
      ]),
  },
  {
    name: "0.6, a text form in SQL",
    file: () =>
      note([
        paragraph("%sql\nselect * from boats where city = '${city=Lima}' limit ${rows=10}", {
          settings: {
            params: { city: "Oslo", rows: "5" },
            forms: { city: { name: "city", defaultValue: "Lima", hidden: false } },
          },
          result: oldResult("TABLE", table),
        }),
      ]),
  },
  {
    name: "0.6, an error",
    file: () =>
      note([paragraph("val a =", { status: "ERROR", result: oldResult("TEXT", "<console>:1: error\n", "ERROR") })]),
  },
  {
    name: "0.6, a key of the page's framework",
    file: () => note([paragraph("%md x", { $$hashKey: "object:123", focus: true })]),
  },
  {
    name: "0.6, %pyspark and %hive",
    file: () =>
      note([
        paragraph("%pyspark\nprint(1)", { result: oldResult("TEXT", "1") }),
        paragraph("%hive\nselect 1", { id: "b" }),
      ]),
  },
  {
    name: "0.7, chart settings as a list",
    file: () =>
      note([
        paragraph("%spark.sql\nselect city, n from boats", {
          config: { results: [{ graph: graph("lineChart") }], enabled: true },
          results: results({ type: "TABLE", data: table }),
        }),
      ]),
  },
  {
    name: "0.7, several results of a paragraph",
    file: () =>
      note([
        paragraph("%spark\nshow()", {
          config: { results: [{}, { graph: graph("stackedAreaChart") }] },
          results: results(
            { type: "TEXT", data: "before\n" },
            { type: "TABLE", data: table },
            { type: "HTML", data: "<b>after</b>" },
          ),
        }),
      ]),
  },
  {
    name: "0.7, a select and a check box",
    file: () =>
      note([
        paragraph(
          "%spark.sql\nselect * from boats where kind = '${kind=sail,sail(Sailing)|motor}' and flag in (${checkbox:flag=a|b,a|b|c})",
          {
            settings: {
              params: { kind: "motor", flag: ["a", "c"] },
              forms: {
                kind: {
                  name: "kind",
                  defaultValue: "sail",
                  options: [{ value: "sail", displayName: "Sailing" }, { value: "motor" }],
                  hidden: false,
                  type: "Select",
                },
                flag: {
                  name: "flag",
                  defaultValue: ["a", "b"],
                  options: [{ value: "a" }],
                  hidden: false,
                  type: "CheckBox",
                },
              },
            },
          },
        ),
      ]),
  },
  {
    name: "0.7, %angular",
    file: () =>
      note([paragraph("%angular\n<b>{{n}}</b>", { results: results({ type: "ANGULAR", data: "<b>{{n}}</b>" }) })]),
  },
  {
    name: "0.8, apps and runtime infos",
    file: () =>
      note(
        [
          paragraph("%spark\nsc.version", {
            apps: [],
            runtimeInfos: {
              jobUrl: { propertyName: "jobUrl", label: "SPARK JOB", group: "spark", values: ["http://127.0.0.1:4040"] },
            },
            user: "anonymous",
            results: results({ type: "TEXT", data: 'res0: String = "2.3"\n' }),
          }),
        ],
        { noteParams: {}, noteForms: {}, defaultInterpreterGroup: "spark" },
      ),
  },
  {
    name: "0.8, a picture",
    file: () => note([paragraph("%python\nplot()", { results: results({ type: "IMG", data: pixel }) })]),
  },
  {
    name: "0.8, a network",
    file: () => note([paragraph("%spark\ngraph()", { results: results({ type: "NETWORK", data: '{"nodes":[]}' }) })]),
  },
  {
    name: "0.9, a note in a folder",
    file: () => note([paragraph("%sh\nls")], { name: "/Demo/Harbour", version: "0.9.0", permissions: {} }),
  },
  {
    name: "0.9, chart settings by number",
    file: () =>
      note([
        paragraph("%spark.sql(limit=20)\nselect city, n from boats", {
          title: "Boats by city",
          config: {
            title: true,
            results: {
              "0": {
                graph: graph("multiBarChart", { setting: { multiBarChart: { stacked: false } }, commonSetting: {} }),
              },
            },
          },
          results: results({ type: "TABLE", data: table }),
        }),
      ]),
  },
  {
    name: "0.9, forms of the whole note",
    file: () =>
      note([paragraph("%md\n$${who=all}")], {
        noteParams: { who: "all" },
        noteForms: { who: { type: "TextBox", name: "who" } },
      }),
  },
  {
    name: "0.10, properties in quotes",
    file: () => note([paragraph('%jdbc(refreshInterval=2000, template="<h1>{0}, {1}</h1>")\nselect 1')]),
  },
  {
    name: "0.10, Python",
    file: () =>
      note([
        paragraph("%python.ipython\nimport math\nmath.pi", { results: results({ type: "TEXT", data: "3.14\n" }) }),
      ]),
  },
  {
    name: "0.10, Flink",
    file: () => note([paragraph("%flink.ssql(type=update)\nselect city, count(*) from boats group by city")]),
  },
  {
    name: "0.10, R",
    file: () => note([paragraph("%r.ir\nplot(1)", { results: results({ type: "IMG", data: pixel }) })]),
  },
  {
    name: "0.11, kernels of Jupyter",
    file: () =>
      note([paragraph("%jupyter(kernel=python3)\n1+1"), paragraph("%jupyter(kernel=tidetable)\n1+1", { id: "b" })]),
  },
  {
    name: "0.11, TypeScript with SQL and a chart",
    file: () =>
      note([
        paragraph("%jupyter(kernel=tidetable)\n%%sql --chart bar\nSELECT 1 AS a", {
          results: results({ type: "TABLE", data: "a\n1\n" }),
        }),
      ]),
  },
  {
    name: "0.12, a failed paragraph with output before",
    file: () =>
      note([
        paragraph("%spark\nrun()", {
          results: {
            code: "ERROR",
            msg: [
              { type: "HTML", data: "<i>half</i>" },
              { type: "TEXT", data: "boom\n\tat line 1\n" },
            ],
          },
        }),
      ]),
  },
  {
    name: "0.12, SVG and empty results",
    file: () =>
      note([
        paragraph("%sh\ndraw", { results: results({ type: "SVG", data: "<svg/>" }) }),
        paragraph("%sh\ntrue", { id: "b", results: results() }),
      ]),
  },
  {
    name: "0.12, Windows line ends and odd titles",
    file: () =>
      note([
        paragraph("%md\r\nline one\r\nline two\r\n", { title: "  two\n lines " }),
        paragraph("  %md   x", { id: "b", title: " " }),
      ]),
  },
  { name: "by hand, the least that imports", file: () => ({ name: "least", paragraphs: [{ text: "%md x" }] }) },
  { name: "by hand, one id twice and no magic", file: () => note([paragraph("val a = 1"), paragraph("%md\nb")]) },
  {
    name: "by hand, not ASCII",
    file: () => note([paragraph("%md\n## Häfen 港 \u2028 ⚓\n", { title: "Häfen ⚓", id: "ä/ö" })], { name: "Häfen" }),
  },
];
