import { deepEqual, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLines } from "../../src/tweeter/tweet-lines.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

describe("lines of a user's own file", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder("lines");
  });
  afterEach(() => folder.remove());

  const read = async (name: string, text: string) => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return await readLines(path);
  };

  it("of a play, whichever way its speakers are marked", async () => {
    const text = `A PLAY OF MINE

ACT I
SCENE 1. A hill.
[Enter two guards]

FIRST GUARD.
Who goes there? [Aside] Nobody.
(He waits)
A second line.
ZOË
Only me.
Old Man: And me.
He: goes on
`;
    deepEqual(await read("play.txt", text), [
      { handle: "firstguard", content: "Who goes there? Nobody." },
      { handle: "firstguard", content: "A second line." },
      { handle: "zoë", content: "Only me." },
      { handle: "oldman", content: "And me." },
      { handle: "he", content: "goes on" },
    ]);
  });

  it("a long line becomes several tweets of whole words", async () => {
    const lines = await read("long.txt", `KING\n${"word ".repeat(60)}`);
    deepEqual(
      lines.map(({ content }) => content),
      [Array(28).fill("word").join(" "), Array(28).fill("word").join(" "), "word word word word"],
    );
  });

  it("of JSON lines and of CSV, in other columns' company", async () => {
    const expected = [
      { handle: "puck", content: 'He said, "fools"' },
      { handle: "lear", content: "Blow" },
    ];
    deepEqual(
      await read(
        "a.jsonl",
        `{"handle":"@Puck","content":"He said, \\"fools\\"","n":1}\n\n{"handle":"lear","content":"Blow"}\n{"n":2}`,
      ),
      expected,
    );
    deepEqual(await read("a.csv", 'n,handle,content\n1,Puck,"He said, ""fools"""\n2,lear,Blow\n3,lear,\n'), expected);
  });

  it("says what is wrong with a file", async () => {
    await rejects(() => read("a.jsonl", '{"handle":"x","content":"y"}\nnonsense'), /a\.jsonl.*line 2 is not JSON/);
    await rejects(
      () => read("b.csv", "a,b\n1,2\n"),
      /no line that could be a tweet, read as CSV.*"handle" and "content"/,
    );
    for (const name of ["none.txt", "none.jsonl", "none.csv"]) {
      await rejects(() => readLines(join(folder.path, name)), new RegExp(`${name} cannot be read: ENOENT`));
    }
    await rejects(() => read("c.csv", 'handle,content\nx,"open'), /c\.csv cannot be read as CSV/);
  });
});
