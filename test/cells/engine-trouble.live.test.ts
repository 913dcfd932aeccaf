/** What a cell sees when the engine process dies or hangs below it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freezeProcess } from "../../scripts/components/process-freeze.js";
import { readConfig } from "../../src/config.js";
import { EmbeddedLog } from "../../src/embedded/log.js";
import { embeddedLogPath } from "../../src/embedded/log-path.js";
import { type EngineProcessClient, startEngineProcess } from "../../src/engine/process-client.js";
import { openTidetable, type Tidetable } from "../../src/session.js";
import { until } from "../support/until.js";
import { RecordingCell } from "./recording-cell.js";

describe("cells over an engine in trouble", function () {
  this.timeout(60_000);
  let directory: string;
  let log: EmbeddedLog;
  let engine: EngineProcessClient;
  let session: Tidetable;
  let cell: RecordingCell;
  let posted = 0;

  const post = async (count: number) => {
    const records = Array.from({ length: count }, (_, index) => ({
      key: "ada",
      value: JSON.stringify({ id: posted + index, handle: "ada" }),
      timestampMs: Date.now(),
    }));
    posted += count;
    await log.append(records);
  };
  const signalEngine = (signal: NodeJS.Signals) => {
    const { pid } = engine;
    if (pid === undefined) throw new Error("the engine has no process");
    process.kill(pid, signal);
  };
  const runSql = async (argumentLine: string, body: string) => {
    cell = new RecordingCell();
    await session.magics[0]?.run(argumentLine, body, cell);
    return cell;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-trouble-"));
    log = await EmbeddedLog.open(embeddedLogPath(directory, "posts"));
    await post(100);
    session = openTidetable({
      config: readConfig({ TIDETABLE_DATA: directory }, directory),
      currentCell: () => cell,
      workingDirectory: directory,
      startEngine: () => {
        engine = startEngineProcess({ dataDirectory: directory });
        return engine;
      },
    });
    cell = new RecordingCell();
  });
  after(async () => {
    await session?.close();
    await log?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("goes on after the engine was killed: the status says so, no row is lost or doubled, live results go on", async () => {
    const streaming = cell;
    await session.library.stream("tweets", { topic: "posts" });
    const live = await runSql("--live --every 100ms", "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM tweets");
    match(live.text(0), /\n100 +100\n/);

    signalEngine("SIGKILL");
    await until("a status that tells of it", () => streaming.text(0).startsWith("tweets · reconnecting"));
    match(streaming.text(0), /\nThe engine process ended \(signal SIGKILL\); it is being started again\.$/);
    await post(50);
    await until("the stream to go on", () => streaming.text(0).startsWith("tweets · live · 150 rows"));
    await until("the live result to go on", () => / *150 +150\n/.test(live.text(0)));
    ok(!/version 1$/.test(live.text(0)));
    match(
      live.written.join(""),
      /^stderr: The engine process ended .* Its streams continue at their stored offsets\.\n$/,
    );
    live.dispose();
  });

  it("answers a key stroke though the engine hangs", async () => {
    const magic = session.magics[0];
    const known = await magic?.complete?.("SELECT han FROM tweets", 10);
    equal(known?.matches[0]?.text, "handle");
    await freezeProcess(engine.pid);
    try {
      // Past the time for which the catalog counts as fresh, so that the engine is asked in vain.
      await until("the catalog to be asked for again", async () => {
        const startedMs = performance.now();
        deepEqual(await magic?.complete?.("SELECT han FROM tweets", 10), known);
        return performance.now() - startedMs > 250;
      });
    } finally {
      signalEngine("SIGCONT");
    }
    await runSql("", "SELECT 1 AS one");
    match(cell.text(0), /^one\n/);
  });
});
