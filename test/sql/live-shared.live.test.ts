import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { SharedQueries } from "../../src/sql/live/shared.js";
import { cellValue } from "../../src/sql/schema.js";
import { recordBatch } from "../support/record-batches.js";

describe("queries that several readers share", () => {
  let engine: DuckDbEngine;
  let shared: SharedQueries;
  const never = new AbortController().signal;
  const request = (text: string) => ({ text, parameters: [], rowLimit: 100, everyMs: 0 });

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    const table = await engine.openStreamTable({ name: "tweets", format: "json", keep: { rows: 1_000 } });
    await table.write(recordBatch(["ann", "bob", "ann"].map((handle) => ({ value: JSON.stringify({ handle }) }))));
  });
  beforeEach(() => {
    shared = new SharedQueries(engine);
  });
  afterEach(() => shared.close());
  after(() => engine.close());

  it("are one however they are spelt, and two where they ask something else", async () => {
    const one = await shared.shared(request("SELECT count(*) FROM tweets WHERE handle = 'ann'"));
    equal(await shared.shared(request("select   count( * )\nfrom tweets where (handle = 'ann')")), one);
    notEqual(await shared.shared(request("SELECT count(*) FROM tweets WHERE handle = 'bob'")), one);
    equal([...shared].length, 2);
  });

  it("answer askers who come together, each with as many rows as he carries", async () => {
    const query = await shared.shared(request("SELECT handle, count(*) AS n FROM tweets GROUP BY handle ORDER BY n"));
    const answers = await Promise.all([1, 2, 100].map((rowLimit) => query.answer(rowLimit, never)));
    deepEqual(
      answers.map(({ result, plan }) => [result.rowCount, result.totalRowCount, plan.mode]),
      [
        [1, 2, "incremental"],
        [2, 2, "incremental"],
        [2, 2, "incremental"],
      ],
    );
    const [first] = answers;
    deepEqual(
      first?.result.columns.map((column) => cellValue(column, 0)),
      ["bob", 1n],
    );
  });

  it("let one asker go while another still waits", async () => {
    const query = await shared.shared(request("SELECT count(*) AS n FROM tweets"));
    const abort = new AbortController();
    const gone = query.answer(10, abort.signal);
    const waiting = query.answer(10, never);
    abort.abort();
    await rejects(gone, /interrupted/);
    equal((await waiting).plan.mode, "incremental");
  });

  it("are dropped when nobody has read them for long, and kept while somebody does", async () => {
    const read = await shared.shared(request("SELECT count(*) FROM tweets"));
    read.readers += 1;
    const unread = await shared.shared(request("SELECT max(handle) FROM tweets"));
    await unread.answer(10, never);
    shared.dropUnused(performance.now() + 60_000);
    deepEqual([...shared], [read, unread]);
    shared.dropUnused(performance.now() + 3_600_000);
    deepEqual([...shared], [read]);
    await rejects(unread.answer(10, never), /interrupted/);
  });
});
