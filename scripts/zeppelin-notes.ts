/** Writes the notes of `zeppelin/` from their builder: `node --import tsx scripts/zeppelin-notes.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonText } from "../zeppelin/json.js";
import { tweeterSparkNote, tweeterTidetableNote } from "../zeppelin/tweeter-note.js";
import { writeNote } from "../zeppelin/write-note.js";

for (const note of [tweeterSparkNote(), tweeterTidetableNote()]) {
  for (const ending of ["json", "zpln"]) {
    writeFileSync(join("zeppelin", `${note.name}.${ending}`), jsonText(writeNote(note)));
  }
}
