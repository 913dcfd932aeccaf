import { deepEqual, equal } from "node:assert/strict";
import { WrongTokens } from "../../src/workbench/attempts.js";

describe("wrong tokens", () => {
  it("are ten a minute; after a minute without one the door answers again", () => {
    let nowMs = 0;
    const wrong = new WrongTokens(() => nowMs);
    const seen: boolean[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      seen.push(wrong.tooMany);
      wrong.note();
      nowMs += 100;
    }
    deepEqual(seen, [...Array(10).fill(false), true, true]);
    nowMs += 60_000;
    equal(wrong.tooMany, false);
  });
});
