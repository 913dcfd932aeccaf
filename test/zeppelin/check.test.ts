/** Each rule of `note check`: a file that breaks it, and that nothing else is found there. */
import { deepEqual, ok } from "node:assert/strict";
import { checkNote, rules } from "../../zeppelin/check.js";
import type { JsonObject, JsonValue } from "../../zeppelin/json.js";

interface Row {
  readonly rule: string;
  readonly severity: "refused" | "broken" | "advice";
  readonly file: JsonValue | string;
  /** Versions that import it; all where absent. */
  readonly importedBy?: readonly string[];
}

const note = (paragraph: JsonObject, more: JsonObject = {}): JsonObject => ({
  name: "n",
  paragraphs: [paragraph],
  ...more,
});
const texts = (...list: readonly (string | JsonObject)[]): JsonObject => ({
  name: "n",
  paragraphs: list.map((item, index) => (typeof item === "string" ? { id: `p${index}`, text: item } : item)),
});
const stream = 'rows.writeStream.format("memory").queryName("t").start()';
const stopFirst = 'spark.streams.active.filter(_.name == "t").foreach(_.stop())';
const graph = (more: JsonObject): JsonObject => ({ results: { "0": { graph: { mode: "multiBarChart", ...more } } } });
const column = (name: string): JsonObject => ({ name, index: 0, aggr: "sum" });

const rows: readonly Row[] = [
  { rule: "json", severity: "refused", file: "{", importedBy: [] },
  { rule: "json", severity: "refused", file: { cells: [], nbformat: 4 }, importedBy: [] },
  { rule: "paragraphs", severity: "refused", file: { name: "n" }, importedBy: [] },
  { rule: "paragraphs", severity: "refused", file: { name: "n", paragraphs: [] }, importedBy: [] },
  { rule: "paragraphs", severity: "refused", file: { name: "n", paragraphs: [null] }, importedBy: [] },
  { rule: "name", severity: "refused", file: { paragraphs: [{ text: "%md" }] }, importedBy: [] },
  { rule: "name", severity: "refused", file: note({ text: "%md" }, { name: "a/../b" }), importedBy: [] },
  { rule: "name", severity: "refused", file: note({ text: "%md" }, { name: "a/" }), importedBy: [] },
  { rule: "null", severity: "refused", file: note({ text: "%md", config: null }), importedBy: [] },
  { rule: "null", severity: "refused", file: note({ text: "%md" }, { info: null }), importedBy: ["0.12"] },
  { rule: "text", severity: "refused", file: note({ text: 7 }), importedBy: [] },
  {
    rule: "date",
    severity: "refused",
    file: note({ text: "%md", dateCreated: "2026-01-02T03:04:05.006Z" }),
    importedBy: [],
  },
  {
    rule: "form-type",
    severity: "refused",
    file: note({ text: "%md", settings: { forms: { a: { type: "Slider" } } } }),
    importedBy: [],
  },
  {
    rule: "results-shape",
    severity: "refused",
    file: { ...note({ text: "%md", results: { code: "SUCCESS", msg: "x" } }) },
    importedBy: [],
  },
  { rule: "magic", severity: "refused", file: note({ text: "%jdbc(a=1\nselect 1" }), importedBy: [] },
  { rule: "duplicate-id", severity: "broken", file: texts({ id: "a", text: "%md" }, { id: "a", text: "%md" }) },
  { rule: "results-kept", severity: "advice", file: note({ text: "%md", results: { code: "SUCCESS", msg: [] } }) },
  { rule: "interpreter-named", severity: "broken", file: texts("val a = 1") },
  { rule: "interpreter-gone", severity: "broken", file: texts("%dep\nz.reset()") },
  { rule: "interpreter-gone", severity: "broken", file: texts("%ksql\nshow topics") },
  { rule: "kernel-named", severity: "broken", file: texts("%jupyter\n1") },
  {
    rule: "chart-place",
    severity: "broken",
    file: note({ text: "%spark.sql\nselect a from t", config: { graph: {} } }),
  },
  {
    rule: "chart-roles",
    severity: "broken",
    file: note({ text: "%spark.sql\nselect a, b from t", config: graph({ keys: [column("a")] }) }),
  },
  {
    rule: "chart-columns",
    severity: "broken",
    file: note({
      text: "%spark.sql\nselect a, count(*) as b from t",
      config: graph({ keys: [column("handel")], groups: [], values: [column("b")] }),
    }),
  },
  { rule: "form-native", severity: "advice", file: texts('%jupyter(kernel=tidetable)\nconst a = "$' + '{a=1}"') },
  { rule: "table-text", severity: "broken", file: texts('%spark\nprintln("%table a\\tb")') },
  { rule: "allowed-origins", severity: "advice", file: texts("%md\n[other](http://127.0.0.1:8080/#/notebook/2A)") },
  { rule: "conf-first", severity: "broken", file: texts("%spark\nsc", "%spark.conf\na b") },
  { rule: "receivers", severity: "broken", file: texts("%spark\nval s = KafkaUtils.createStream(a)") },
  { rule: "stream-rerun", severity: "broken", file: texts(`%spark\n${stream}`) },
  {
    rule: "run-all-first-batch",
    severity: "broken",
    file: texts(`%spark\n${stopFirst}\n${stream}`, "%spark.sql\nselect 1"),
  },
  { rule: "stop-enabled", severity: "broken", file: texts(`%spark\n${stopFirst}`) },
  { rule: "stop-enabled", severity: "broken", file: texts("%jupyter(kernel=tidetable)\nawait tweets.stop()") },
  {
    rule: "batch-view",
    severity: "advice",
    file: texts('%spark\nq.foreachBatch((b, i) => b.createOrReplaceTempView("t"))'),
  },
];

describe("checking notes", () => {
  for (const { rule, severity, file, importedBy } of rows) {
    const text = typeof file === "string" ? file : JSON.stringify(file);
    it(`${rule} is ${severity} in ${text.slice(0, 90)}`, () => {
      const { findings, versions } = checkNote(text);
      deepEqual(
        findings.map((found) => [found.rule, found.severity]),
        [[rule, severity]],
      );
      ok(findings.every(({ message }) => /[.…]$|JSON/.test(message)));
      const imported = versions.filter(({ imports }) => imports).map(({ version }) => version as string);
      deepEqual(imported, importedBy ?? ["0.10", "0.11", "0.12"]);
    });
  }

  it("has a row for each rule", () => {
    const seen = new Set(rows.map(({ rule }) => rule));
    // Too long to write, and the shapes of 2016 show two rules at once.
    deepEqual(
      rules.map(({ name }) => name).filter((name) => !seen.has(name)),
      ["size", "old-result"],
    );
  });

  it("refuses a file that the dialogs do not take", () => {
    const text = JSON.stringify(note({ text: `%md ${"x".repeat(10_240_000)}` }));
    deepEqual(
      checkNote(text).findings.map(({ rule }) => rule),
      ["size"],
    );
  });

  it("finds both old results in a note of 2016", () => {
    const text = JSON.stringify(note({ text: "%md x", result: { code: "SUCCESS", type: "HTML", msg: "x" } }));
    deepEqual(
      checkNote(text).findings.map(({ rule }) => rule),
      ["results-kept", "old-result"],
    );
  });

  it("lets a stream that waits, a stop that is switched off and a table with its line break pass", () => {
    const file = texts(
      `%spark\n${stopFirst}\n${stream}\nThread.sleep(100)`,
      '%spark\nprintln("\\n%table a\\tb")',
      { id: "stop", text: `%spark\n${stopFirst}`, config: { enabled: false } },
      "%spark.sql\nselect 1",
    );
    deepEqual(checkNote(JSON.stringify(file)).findings, []);
  });
});
