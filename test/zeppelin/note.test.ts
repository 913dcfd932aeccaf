/** Conversion between all forms: round trips over the shapes of ten years, and over notes made by chance. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { isJsonObject, type JsonObject, type JsonValue } from "../../zeppelin/json.js";
import type { Note } from "../../zeppelin/model.js";
import { convertNote, type NoteFormat } from "../../zeppelin/note.js";
import { readNote } from "../../zeppelin/read-note.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";
import { mutated } from "./mutate.js";
import { noteShapes } from "./note-shapes.js";
import { randomNotebook, randomNoteFile } from "./random-note.js";

const seed = testSeed();

function converted(text: string, to: NoteFormat): string {
  const conversion = convertNote(text, { to, name: "untitled" });
  if ("refused" in conversion) throw new Error(`${conversion.refused.where}: ${conversion.refused.message}`);
  return conversion.text;
}

function withoutResults(note: Note): Note {
  return { ...note, paragraphs: note.paragraphs.map(({ results, ...paragraph }) => paragraph) };
}

const model = (text: string) => readNote(JSON.parse(text) as JsonValue, "untitled").note;

function roundTrips(file: JsonObject, label: string): void {
  const text = JSON.stringify(file);
  const native = converted(text, "zeppelin");
  const notebook = converted(native, "jupyter");
  equal(converted(native, "zeppelin"), native, `${label}: reading what was written`);
  deepEqual(model(converted(notebook, "zeppelin")), model(native), `${label}: by a notebook`);
  equal(converted(converted(notebook, "zeppelin"), "jupyter"), notebook, `${label}: the notebook again`);
  const script = converted(native, "script");
  equal(converted(converted(script, "jupyter"), "script"), script, `${label}: the script again`);
  const byScript = withoutResults(model(converted(script, "zeppelin")));
  const codeOnly = (note: Note) => note.paragraphs.map(({ id, title, text }) => ({ id, title, text }));
  deepEqual(codeOnly(byScript), codeOnly(model(native)), `${label}: by a script`);
}

describe("converting notes", () => {
  for (const { name, file } of noteShapes) {
    it(`carries ${name}`, () => {
      roundTrips(file(), name);
      const again = converted(converted(JSON.stringify(file()), "zeppelin-2016"), "zeppelin-2016");
      equal(again, converted(again, "zeppelin-2016"), "the form of 2016 is stable");
    });
  }

  it(`carries notes made by chance (seed ${seed})`, () => {
    const random = seededRandom(seed);
    for (let count = 0; count < 300; count += 1) roundTrips(randomNoteFile(random), `note ${count} of seed ${seed}`);
  });

  it(`carries notebooks made by chance (seed ${seed})`, () => {
    const random = seededRandom(seed);
    for (let count = 0; count < 300; count += 1) {
      const notebook = converted(JSON.stringify(randomNotebook(random)), "jupyter");
      const label = `notebook ${count} of seed ${seed}`;
      const note = converted(notebook, "zeppelin");
      const back = converted(note, "jupyter");
      deepEqual(sources(back), sources(notebook), `${label}: cells`);
      deepEqual(model(converted(back, "zeppelin")).paragraphs, model(note).paragraphs, `${label}: the note again`);
      equal(converted(converted(notebook, "script"), "script"), converted(notebook, "script"), `${label}: script`);
    }
  });

  it(`converts or refuses 2,000 damaged files (seed ${seed})`, function () {
    this.timeout(120_000);
    const random = seededRandom(seed);
    for (let count = 0; count < 2000; count += 1) {
      const text = mutated(random.pick(noteShapes).file(), random);
      const to = random.pick(["zeppelin", "jupyter", "script", "zeppelin-2016"] as const);
      const conversion = convertNote(text, { to, name: "untitled" });
      if ("refused" in conversion) {
        ok(
          /^(file|note|notebook|paragraph \d+( \(.*\))?|cell \d+|line \d+)$/s.test(conversion.refused.where),
          conversion.refused.where,
        );
        ok(conversion.refused.message.length > 10, text);
      } else {
        // What is written is always a whole file of its kind.
        ok(!("refused" in convertNote(conversion.text, { to, name: "untitled" })), `${count} of seed ${seed}: ${text}`);
      }
    }
  });
});

/** What a person wrote: kinds, texts, ids and metadata of cells. */
function sources(notebook: string): JsonValue {
  const { cells } = JSON.parse(notebook) as { readonly cells: readonly JsonObject[] };
  return cells.map((cell) => {
    const metadata = isJsonObject(cell.metadata) ? cell.metadata : {};
    const { zeppelin, ...own } = metadata;
    return {
      type: cell.cell_type ?? null,
      source: cell.source ?? null,
      id: cell.id ?? null,
      metadata: own,
      count: cell.execution_count ?? null,
    };
  });
}
