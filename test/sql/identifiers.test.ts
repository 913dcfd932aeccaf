import { deepEqual, equal } from "node:assert/strict";
import { nearestFirst, probablyMeant, quoteIdentifier, quoteText } from "../../src/sql/identifiers.js";

describe("names in SQL", () => {
  it("stay names, and texts texts", () => {
    equal(quoteIdentifier('a"; DROP TABLE t; --'), '"a""; DROP TABLE t; --"');
    equal(quoteText("it's"), "'it''s'");
  });

  it("are found when misspelt", () => {
    const columns = ["id", "content", "created_at", "handle"];
    equal(probablyMeant("handel", columns), "handle");
    equal(probablyMeant("HANDLE", columns), "handle");
    equal(probablyMeant("contnt", columns), "content");
    equal(probablyMeant("i", columns), "id");
    equal(probablyMeant("elephant", columns), undefined);
    equal(probablyMeant("x", []), undefined);
    deepEqual(nearestFirst("creatd", columns)[0], "created_at");
  });
});
