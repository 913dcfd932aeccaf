/** Text between two threads, both ends played here: order, room, and what is under way. */
import { equal } from "node:assert/strict";
import { newTextMemory, TextReader, TextWriter } from "../../kernel/socket/shared-text.js";
import { seededRandom, testSeed } from "../support/seeded-random.js";

describe("text in shared memory", () => {
  const open = () => {
    const memory = newTextMemory();
    return { writer: new TextWriter(memory), reader: new TextReader(memory) };
  };

  it("arrives as it was written, lone halves of characters included", () => {
    const { writer, reader } = open();
    for (const text of ["a\n", "", "🌊", "\ud83c", "\udf0a", "é"]) equal(writer.write(text), true);
    equal(reader.takeAll(), "a\n🌊\ud83c\udf0aé");
    equal(reader.takeAll(), "");
  });

  it("says when there is no room, and has it again once text was taken", () => {
    const { writer, reader } = open();
    const piece = "x".repeat(100_000);
    equal(writer.write(piece), true);
    equal(writer.write(piece), true);
    equal(writer.write(piece), false);
    equal(reader.takeAll()?.length, 200_000);
    equal(writer.write(piece), true);
    equal(reader.takeAll(), piece);
  });

  it("is taken up to a command by that command, and not before it has come", () => {
    const { writer, reader } = open();
    writer.write("before");
    const place = writer.nextPlace();
    writer.write("behind");
    equal(reader.takeAll(), undefined);
    equal(reader.takeBefore(place), "before");
    equal(reader.takeAll(), "behind");
  });

  it("goes on after a command that was numbered and never sent", () => {
    const { writer, reader } = open();
    writer.nextPlace();
    writer.write("text");
    equal(reader.takeBefore(writer.nextPlace()), "text");
    writer.write("more");
    equal(reader.takeAll(), "more");
  });

  it("wakes its reader once a sleep", () => {
    const { writer, reader } = open();
    equal(writer.wakesReader(), true);
    equal(writer.wakesReader(), false);
    reader.takeAll();
    equal(writer.wakesReader(), true);
  });

  const seed = testSeed();
  it(`loses and changes nothing over many rounds of the ring (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const { writer, reader } = open();
    let [written, taken] = ["", ""];
    for (let step = 0; step < 2000; step++) {
      const text = String.fromCharCode(33 + random.below(60_000)).repeat(random.below(3000));
      if (writer.write(text)) written += text;
      else taken += reader.takeBefore(writer.nextPlace());
      if (random.chance(0.05)) taken += reader.takeAll() ?? "";
    }
    taken += reader.takeAll() ?? "";
    // Not `equal` of the texts: the words for a difference of megabytes are megabytes.
    equal(taken.length, written.length);
    equal(taken === written, true);
  });
});
