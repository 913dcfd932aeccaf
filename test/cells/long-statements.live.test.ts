/** What a SQL cell shows while its statement runs for long, over a real engine process. */
import { equal, match, ok, rejects } from "node:assert/strict";
import type { CellMagic } from "../../src/cell-output.js";
import { readConfig } from "../../src/config.js";
import { openTidetable, type Tidetable } from "../../src/session.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { RecordingCell } from "./recording-cell.js";

describe("a SQL cell whose statement runs for long", function () {
  this.timeout(120_000);
  let folder: TemporaryFolder;
  let session: Tidetable;
  let sqlCell: CellMagic;

  before(() => {
    folder = temporaryFolder("long-statements");
    const config = readConfig({ TIDETABLE_DATA: folder.path }, folder.path);
    session = openTidetable({ config, currentCell: () => new RecordingCell(), workingDirectory: folder.path });
    const [magic] = session.magics;
    ok(magic !== undefined);
    sqlCell = magic;
  });
  after(async () => {
    await session.close();
    folder.remove();
  });

  it("shows how far a long statement has come, in the place where its answer will be", async () => {
    const cell = new RecordingCell();
    const running = sqlCell.run(
      "",
      "SELECT 'short' AS word; SELECT sum(sqrt(range) * ln(range + 1)) FROM range(300000000)",
      cell,
    );
    await until("progress is shown", () => cell.outputs.length === 2);
    match(cell.text(1), /^Running · .*s · .*interrupt the kernel to stop it$/);
    await running;
    // In place of it, and nothing of it is left.
    equal(cell.outputs.length, 2);
    match(cell.text(0), /^word\n/);
    match(cell.text(1), /^sum/);
  });

  it("leaves how far an interrupted statement had come", async () => {
    const cell = new RecordingCell();
    const running = sqlCell.run(
      "",
      "SELECT sum(sqrt(a.range * b.range)) FROM range(10000000) a, range(10000000) b",
      cell,
    );
    await until("progress is shown", () => cell.outputs.length === 1);
    cell.interrupt();
    await rejects(running, { code: "QUERY_INTERRUPTED" });
    match(cell.text(0), /^Stopped · .*s/);
    equal(cell.outputs.length, 1);
  });
});
