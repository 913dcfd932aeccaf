import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TidetableError } from "../../src/errors.js";
import { DuckDbEngine } from "../../src/sql/duckdb/engine.js";
import type { DuckDbStreamTable } from "../../src/sql/duckdb/stream-table.js";
import { cellValue, type SqlValue } from "../../src/sql/schema.js";
import { encodeLogHeader } from "../../src/streaming/log/format.js";
import { LogRecordSource } from "../../src/streaming/log/record-source.js";
import { Pipeline } from "../../src/streaming/pipeline.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

describe("the pipeline, from a log into DuckDB", function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let log: string;
  let engine: DuckDbEngine;
  let table: DuckDbStreamTable;
  let pipeline: Pipeline;

  beforeEach(async () => {
    folder = temporaryFolder("pipeline");
    log = join(folder.path, "t.log");
    writeFileSync(log, encodeLogHeader({ id: "one", firstOffset: 0n }));
    engine = await DuckDbEngine.open({ kind: "file", dataDirectory: folder.path });
    table = await engine.openStreamTable({ name: "t", format: "json", keep: { rows: 1_000_000 } });
    pipeline = new Pipeline(
      new LogRecordSource({ path: log }),
      table,
      { topic: "t", from: "earliest" },
      () => undefined,
    );
  });
  afterEach(async () => {
    await pipeline.stop();
    await engine.close();
    folder.remove();
  });

  let written = 0;
  function append(count: number, badEvery = 0): void {
    const lines = Array.from({ length: count }, () => {
      written += 1;
      return badEvery > 0 && written % badEvery === 0 ? `{"i":${written}` : `{"i":${written},"text":"line ${written}"}`;
    });
    appendFileSync(log, `${lines.join("\n")}\n`);
  }

  async function values(text: string): Promise<unknown[]> {
    const parameters: readonly SqlValue[] = [];
    const result = await engine.query({ text, parameters, rowLimit: 10 }, new AbortController().signal);
    return result.columns.map((column) => cellValue(column, 0));
  }

  it("loads a large backlog exactly: rows, rejected records, nothing twice", async () => {
    append(60_000, 100);
    await pipeline.start();
    await pipeline.caughtUp();
    deepEqual(await values("SELECT count(*), count(DISTINCT _offset), sum(length(text)) > 0 FROM t"), [
      59_400n,
      59_400n,
      true,
    ]);
    deepEqual(await values("SELECT count(*), count(DISTINCT _offset), count(DISTINCT decode(raw)) FROM t_errors"), [
      600n,
      600n,
      600n,
    ]);
    const [progress] = pipeline.progress();
    equal(progress?.nextOffset, 60_000n);
    equal(progress?.highWatermark, 60_000n);
  });

  it("has caught up only with what was there when asked", async () => {
    await pipeline.start();
    for (let round = 1; round <= 5; round++) {
      append(1_000);
      await pipeline.caughtUp();
      deepEqual(await values("SELECT count(*) FROM t"), [BigInt(round * 1_000)]);
    }
  });

  it("reads nothing more while paused, and goes on where it was", async () => {
    append(10);
    await pipeline.start();
    await pipeline.caughtUp();
    pipeline.pause();
    equal(pipeline.state.kind, "paused");
    append(50_000);
    await pipeline.resume();
    await pipeline.caughtUp();
    deepEqual(await values("SELECT count(*), count(DISTINCT _offset) FROM t"), [50_010n, 50_010n]);
  });

  it("stops loudly when a write fails, keeps nothing of it, and resumes", async () => {
    append(100);
    await pipeline.start();
    await pipeline.caughtUp();
    await values("ALTER TABLE tidetable_internal.offsets RENAME next_offset TO elsewhere");
    append(100);
    const failed = await until("the failure", () => (pipeline.state.kind === "failed" ? pipeline.state : undefined));
    match(failed.error.message, /^Stream t stopped: partition 0, .*could not be stored .*resume\(\) tries it again\.$/);
    await rejects(pipeline.caughtUp(), (error: TidetableError) => error.code === "STREAM_FAILED");
    deepEqual(await values("SELECT count(*) FROM t"), [100n]);
    await values("ALTER TABLE tidetable_internal.offsets RENAME elsewhere TO next_offset");
    await pipeline.resume();
    await pipeline.caughtUp();
    deepEqual(await values("SELECT count(*), count(DISTINCT _offset) FROM t"), [200n, 200n]);
  });

  it("fails with the cause when its log loses what it stands on", async () => {
    append(100);
    await pipeline.start();
    await pipeline.caughtUp();
    truncateSync(log, 0);
    const failed = await until("the failure", () => (pipeline.state.kind === "failed" ? pipeline.state : undefined));
    ok(failed.error.message.includes(log), failed.error.message);
    deepEqual(await values("SELECT count(*) FROM t"), [100n]);
  });

  it("says why a source cannot be opened", async () => {
    const missing = new Pipeline(
      new LogRecordSource({ path: join(folder.path, "missing.log") }),
      table,
      { topic: "other", from: "earliest" },
      () => undefined,
    );
    await rejects(missing.start(), (error: TidetableError) => {
      match(error.message, /missing\.log/);
      return true;
    });
    equal(missing.state.kind, "failed");
    await missing.stop();
  });
});
