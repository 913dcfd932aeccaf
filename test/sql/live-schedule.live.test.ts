import { deepEqual, equal } from "node:assert/strict";
import type { LiveUpdate } from "../../src/engine/protocol.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import { LiveSchedule } from "../../src/sql/live/schedule.js";
import { SharedQueries } from "../../src/sql/live/shared.js";
import { cellValue } from "../../src/sql/schema.js";
import { recordBatch } from "../support/record-batches.js";
import { until } from "../support/until.js";

describe("the schedule of live queries", function () {
  this.timeout(60_000);
  let engine: DuckDbEngine;
  let shared: SharedQueries;
  let schedule: LiveSchedule;

  before(async () => {
    engine = await DuckDbEngine.open({ kind: "memory", dataDirectory: "" });
    shared = new SharedQueries(engine);
    schedule = new LiveSchedule(engine, shared);
  });
  after(async () => {
    await schedule.close();
    shared.close();
    await engine.close();
  });

  it("brings queries up to date while one that is run as a whole takes for ever", async () => {
    const table = await engine.openStreamTable({ name: "posts", format: "json", keep: { rows: 1_000_000 } });
    await table.write(recordBatch([{ value: '{"x":1}' }]));
    const seen = new Map<string, LiveUpdate>();
    const start = (viewId: string, text: string): Promise<void> =>
      schedule.start(viewId, { text, parameters: [], rowLimit: 10, everyMs: 1 }, (update) => seen.set(viewId, update));
    await start("endless", "SELECT count(*) FROM posts, range(100_000_000_000) WHERE random() > 2");
    for (let view = 0; view < 4; view++) await start(`kept ${view}`, `SELECT count(*) + ${view} AS n FROM posts`);
    for (let rows = 1; rows < 5; rows++) {
      await until(`every kept query counts ${rows}`, () =>
        [0, 1, 2, 3].every((view) => counted(seen.get(`kept ${view}`)) === BigInt(rows + view)),
      );
      await table.write(recordBatch([{ value: '{"x":1}' }], { firstOffset: BigInt(rows) }));
    }
    equal(seen.get("endless"), undefined);
    schedule.stop("endless");
  });

  it("interrupts what nobody reads any more, so that others have its turn", async () => {
    const seen = new Set<string>();
    const start = (viewId: string, text: string): Promise<void> =>
      schedule.start(viewId, { text, parameters: [], rowLimit: 10, everyMs: 1 }, () => seen.add(viewId));
    const endless = [0, 1, 2].map((number) => `endless ${number}`);
    for (const [number, viewId] of endless.entries()) {
      await start(viewId, `SELECT count(*) + ${number} FROM range(100_000_000_000) WHERE random() > 2`);
    }
    for (const viewId of endless) schedule.stop(viewId);
    await start("short", "SELECT 2 AS n");
    await until("the short one has a version", () => seen.has("short"));
  });

  it("gives a failing query's readers its error, and the others their versions", async () => {
    const seen = new Map<string, LiveUpdate>();
    const start = (viewId: string, text: string): Promise<void> =>
      schedule.start(viewId, { text, parameters: [], rowLimit: 10, everyMs: 1 }, (update) => seen.set(viewId, update));
    await start("wrong", "SELECT nothing FROM nowhere");
    await start("right", "SELECT 1 AS n");
    await until("both have a version", () => seen.size === 2);
    deepEqual([seen.get("wrong")?.error?.code, counted(seen.get("right"))], ["SQL_INVALID", 1]);
  });
});

function counted(update: LiveUpdate | undefined): unknown {
  const [column] = update?.result?.columns ?? [];
  return column === undefined ? undefined : cellValue(column, 0);
}
