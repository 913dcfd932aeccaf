/** The notes that are shipped: the files are what the builder writes, no rule finds anything, and they convert. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chartColumns, graphOf } from "../../zeppelin/charts.js";
import { checkNote } from "../../zeppelin/check.js";
import { jsonText } from "../../zeppelin/json.js";
import { convertNote } from "../../zeppelin/note.js";
import { selectedColumns } from "../../zeppelin/selected-columns.js";
import { tweeterSparkNote, tweeterTidetableNote } from "../../zeppelin/tweeter-note.js";
import { writeNote } from "../../zeppelin/write-note.js";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../../zeppelin");

for (const note of [tweeterSparkNote(), tweeterTidetableNote()]) {
  describe(`zeppelin/${note.name}`, () => {
    const text = jsonText(writeNote(note));

    for (const ending of ["json", "zpln"]) {
      it(`.${ending} is what the builder writes; node --import tsx scripts/zeppelin-notes.ts writes it again`, () => {
        equal(readFileSync(join(folder, `${note.name}.${ending}`), "utf8"), text);
      });
    }

    it("imports and runs in every Zeppelin, as far as the rules see", () => {
      const { findings, versions } = checkNote(text);
      deepEqual(findings, []);
      ok(versions.every(({ imports, runs }) => imports && runs));
    });

    it("holds no results, no dates and no null, so that a run changes no file", () => {
      deepEqual(/"(results|result)": \{\s*"code"|"date|: null/.exec(text), null);
    });

    it("draws the columns that its SQL has", () => {
      const charts = note.paragraphs.flatMap((paragraph) => {
        const graph = graphOf(paragraph.config);
        const body = paragraph.text.slice(paragraph.text.indexOf("\n") + 1);
        return graph === undefined ? [] : [{ drawn: chartColumns(graph), selected: selectedColumns(body) }];
      });
      ok(charts.length >= 2);
      for (const { drawn, selected } of charts) deepEqual(drawn, selected);
    });

    it("becomes a notebook for the workbench and comes back the same", () => {
      const notebook = convertNote(text, { to: "jupyter", name: "x" });
      ok("text" in notebook);
      const back = convertNote(notebook.text, { to: "zeppelin", name: "x" });
      ok("text" in back);
      deepEqual(JSON.parse(back.text), JSON.parse(text));
    });
  });
}

describe("the note on Tidetable as a notebook", () => {
  it("holds the values of its form, and names what a person has to look at", () => {
    const notebook = convertNote(jsonText(writeNote(tweeterTidetableNote())), { to: "jupyter", name: "x" });
    if ("refused" in notebook) throw new Error(notebook.refused.message);
    const { cells } = JSON.parse(notebook.text) as { cells: ReadonlyArray<{ id: string; source: readonly string[] }> };
    equal(
      cells.find(({ id }) => id === "tweeter_source")?.source.join(""),
      'const brokers: string = ""\nconst topic: string = "tweets"',
    );
    deepEqual(
      notebook.remarks.map(({ kind, where }) => [kind, where.replace(/ \(.*/, "")]),
      [
        ["review", "paragraph 3"],
        ["review", "paragraph 7"],
        ["review", "paragraph 8"],
      ],
    );
  });
});

describe("SQL of the notes", () => {
  it("is the notebook's own, on Spark and on Tidetable", () => {
    const notebook = readFileSync(join(folder, "../notebooks/tweeter-analytics.ipynb"), "utf8");
    const cells = (JSON.parse(notebook) as { cells: ReadonlyArray<{ id: string; source: readonly string[] | string }> })
      .cells;
    const topTweeters = [cells.find(({ id }) => id === "top-tweeters")?.source ?? ""].flat().join("");
    for (const note of [tweeterSparkNote(), tweeterTidetableNote()]) {
      const paragraph = note.paragraphs.find(({ title }) => title === "Top Tweeters");
      const sql = (text: string | undefined) => text?.slice(text.indexOf("SELECT"));
      equal(sql(paragraph?.text), sql(topTweeters));
    }
  });
});
