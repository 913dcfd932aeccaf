import { deepEqual } from "node:assert/strict";
import { readConfig } from "../../src/config.js";
import * as exported from "../../src/index.js";
import { openTidetable } from "../../src/session.js";

describe('import … from "tidetable"', () => {
  it("has the same names in a cell and in a program", async () => {
    const { library, close } = openTidetable({
      config: readConfig({}, "/nowhere"),
      currentCell: () => undefined,
      workingDirectory: "/nowhere",
    });
    deepEqual(Object.keys(exported).sort(), Object.keys(library).sort());
    await close();
  });
});
