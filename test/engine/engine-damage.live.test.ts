import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { freezeProcess } from "../../scripts/components/process-freeze.js";
import type { TidetableError } from "../../src/errors.js";
import { until } from "../support/until.js";
import { EngineFixture, firstRow, missing, one, tweetsAre } from "./engine-fixture.js";

describe("the engine process: a damaged store", function () {
  this.timeout(90_000);
  const at = new EngineFixture();
  const folder = (): string => join(at.folder, "data");
  const store = (): string => join(folder(), "tidetable.duckdb");

  /** A store with 60,000 rows, closed. */
  async function fill(): Promise<void> {
    at.post(60_000);
    const client = at.start();
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    await client.close();
  }

  /** Opens it again: every record is there once, whatever had happened. Answers what was said. */
  async function refilled(): Promise<string> {
    const client = at.start();
    // What is damaged is found when it is read; the engine then starts again with a new store.
    await client.openStream(at.options()).catch((error: TidetableError) => {
      match(error.message, /The store is damaged: .*\. It is moved aside .*; run the cell once more\./);
    });
    await until("the stream", () =>
      client.openStream(at.options()).then(
        () => true,
        (error: TidetableError) => !error.retryable && Promise.reject(error),
      ),
    );
    await until("60,000 tweets", () =>
      client.query("SELECT count(DISTINCT id), count(content) FROM tweets").then(
        (result) => firstRow(result).every((value) => value === 60_000n),
        () => false,
      ),
    );
    at.post(1);
    await tweetsAre(client, 60_001);
    return (await client.streamStatus("tweets")).notice ?? "";
  }

  it("that is garbage is moved aside and filled again", async () => {
    await fill();
    writeFileSync(store(), Buffer.alloc(50_000, 7));
    match(await refilled(), /could not be read \(.*\) and was moved to .*damaged-.*; streams are read again/);
  });

  it("that was cut in half is moved aside, or its streams are read again", async () => {
    await fill();
    truncateSync(store(), Math.floor(statSync(store()).size / 2));
    match(await refilled(), /could not be read|was damaged/);
  });

  it("that is empty is filled again", async () => {
    await fill();
    truncateSync(store(), 0);
    await refilled();
  });

  it("with flipped bytes among its rows reads the stream again", async () => {
    await fill();
    const file = openSync(store(), "r+");
    for (let position = 600_000; position < statSync(store()).size; position += 100_000) {
      writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, position);
    }
    closeSync(file);
    match(await refilled(), /could not be read|was damaged/);
  });

  it("whose log is garbage is none the worse where all was in the file already", async () => {
    await fill();
    writeFileSync(`${store()}.wal`, Buffer.alloc(5_000, 9));
    await refilled();
  });

  /** The log of an engine that was killed before a checkpoint. */
  async function killed(): Promise<Buffer> {
    at.post(60_000);
    const client = at.start();
    await client.openStream(at.options());
    await client.streamCaughtUp("tweets");
    const { pid } = client;
    await freezeProcess(pid);
    const log = readFileSync(`${store()}.wal`);
    const file = readFileSync(store());
    process.kill(pid ?? missing(), "SIGKILL");
    await client.close();
    writeFileSync(store(), file);
    return log;
  }

  it("whose log is cut short goes on from what is whole", async () => {
    const log = await killed();
    writeFileSync(`${store()}.wal`, log.subarray(0, Math.floor(log.length * 0.6)));
    await refilled();
  });

  it("whose log has flipped bytes goes on from its last checkpoint", async () => {
    const log = await killed();
    log.fill(0x5a, Math.floor(log.length / 2), Math.floor(log.length / 2) + 4_000);
    writeFileSync(`${store()}.wal`, log);
    match(await refilled(), /The store's log could not be read \(.*\) and was moved to .*no record is lost/);
  });

  it("of another version of Tidetable is moved aside, and said", async () => {
    await fill();
    for (const change of [
      "UPDATE tidetable_internal.layout SET version = 99",
      "DROP TABLE tidetable_internal.layout",
    ]) {
      const instance = await DuckDBInstance.create(store());
      const connection = await instance.connect();
      await connection.run(change);
      connection.closeSync();
      instance.closeSync();
      const client = at.start();
      const { notice } = await client.hello();
      match(notice ?? "", /was written by another version of Tidetable \(layout (99|1), this one has 2\)/);
      await client.openStream(at.options());
      await client.streamCaughtUp("tweets");
      await tweetsAre(client, 60_000);
      await client.close();
    }
    deepEqual(
      readdirSync(folder())
        .filter((name) => name.includes("version"))
        .sort(),
      ["tidetable.duckdb.version-1", "tidetable.duckdb.version-99"],
    );
  });

  it("in a folder that cannot be made keeps rows in memory, and says so", async () => {
    at.post(10);
    writeFileSync(folder(), "a file where the folder should be");
    const client = at.start();
    equal((await client.hello()).store, "memory");
    match((await client.openStream(at.options())).notice ?? "", /cannot be written \(.*\); rows are kept in memory/);
    await tweetsAre(client, 10);
  });

  it("in a folder that may only be read keeps rows in memory, and says so", async function () {
    if (process.getuid?.() === 0) this.skip(); // Root may write everywhere.
    at.post(10);
    mkdirSync(folder(), { mode: 0o500 });
    const client = at.start();
    match((await client.openStream(at.options())).notice ?? "", /cannot be written \(.*\); rows are kept in memory/);
    await tweetsAre(client, 10);
  });

  it("that has no room to grow stops with the cause, and goes on when there is room", async function () {
    const client = at.start();
    await client.hello();
    if (!limitFileSize(client.pid ?? missing(), 3_000_000)) this.skip(); // No prlimit on this machine.
    at.post(60_000);
    await client.openStream(at.options());
    const failed = await until("the failure", async () => {
      const status = await client.streamStatus("tweets");
      return status.phase === "failed" ? status : undefined;
    });
    match(failed.cause ?? "", /(Make room on the disk|Restart the kernel)/);
    ok(limitFileSize(client.pid ?? missing(), "unlimited"));
    await client.resumeStream("tweets").catch(() => undefined);
    await client.close();
    const second = at.start();
    await second.openStream(at.options());
    await second.streamCaughtUp("tweets");
    await tweetsAre(second, 60_000);
    equal(await one(second, "SELECT count(*) FROM tweets_errors"), 0n);
  });
});

/** As a full disk: the process may make no file longer. */
function limitFileSize(pid: number, bytes: number | "unlimited"): boolean {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
