import { equal, ok } from "node:assert/strict";
import { Int32, Null, Table, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { TidetableError } from "../../src/errors.js";
import { ResultColumns } from "../../src/sql/spark-connect/arrow-columns.js";
import { checkMetadata } from "../../src/sql/spark-connect/arrow-metadata.js";

const rows = 10;
const bytes = tableToIPC(
  new Table({
    id: vectorFromArray(Array(rows).fill(1), new Int32()),
    text: vectorFromArray(Array(rows).fill("a"), new Utf8()),
    nothing: vectorFromArray(Array(rows).fill(null), new Null()),
  }),
  "stream",
);

describe("the metadata of an Arrow stream", () => {
  it("is taken when it is whole", () => {
    checkMetadata(bytes);
    const columns = new ResultColumns(rows);
    columns.append(bytes, rows, 0);
    equal(columns.finish(0).rowCount, rows);
  });

  // A count of many millions, wherever it stands, would have the reader make as many fields or read as many rows.
  it("ends the reading where a count is damaged, before memory is filled", () => {
    let refused = 0;
    for (const count of [0x0fffffff, 0x7fffffff, -5]) {
      for (let at = 0; at + 4 <= bytes.length; at += 4) {
        const damaged = bytes.slice();
        new DataView(damaged.buffer).setInt32(at, count, true);
        try {
          new ResultColumns(rows).append(damaged, rows, 0);
        } catch (error) {
          ok(error instanceof TidetableError, `at ${at}: ${String(error)}`);
          refused += 1;
        }
      }
    }
    ok(refused > 0);
  });
});
