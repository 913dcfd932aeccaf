import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LiveUpdate, StreamStatus } from "../../src/engine/protocol.js";
import type { TidetableError } from "../../src/errors.js";
import { cellValue } from "../../src/sql/schema.js";
import { isAlive } from "../support/process-alive.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, firstValue, missing, one, tweetsAre } from "./engine-fixture.js";

describe("the engine process: faults", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  it("survives the death of its child: says so, starts again, loses and doubles nothing", async () => {
    const client = at.start();
    const messages: string[] = [];
    const statuses: StreamStatus[] = [];
    const updates: LiveUpdate[] = [];
    client.onRestart((message) => messages.push(message));
    client.onStreamStatus("tweets", (status) => statuses.push(status));
    await client.openStream(at.options());
    client.live("SELECT count(*) AS n FROM tweets", { everyMs: 20 }, (update) => updates.push(update));
    let total = 0;
    for (let death = 0; death < 3; death++) {
      at.post(20_000);
      total += 20_000;
      await until("some rows", async () => Number(await one(client, "SELECT count(*) FROM tweets")) > total - 20_000);
      const endless = client.query("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b");
      process.kill(client.pid ?? missing(), "SIGKILL");
      await fails(endless, "ENGINE_GONE", /^The engine process ended \(signal SIGKILL\)\. It is being started again/);
      await tweetsAre(client, total);
    }
    equal(messages.length, 3);
    match(messages[0] ?? "", /was started again\. Its streams continue at their stored offsets\.$/);
    ok(
      statuses.some((status) => status.phase === "reconnecting" && /ended \(signal SIGKILL\)/.test(status.cause ?? "")),
    );
    await until("the live query goes on", () => firstValue(updates.at(-1)?.result) === BigInt(total));
    const versions = updates.map((update) => update.version);
    deepEqual(
      versions,
      [...versions].sort((a, b) => a - b),
    );
    equal(new Set(versions).size, versions.length);
  });

  it("is killed amid new columns and dropped generations, and still has every record once", async () => {
    let line = 0;
    const postDrifting = (count: number): void => {
      const lines = Array.from({ length: count }, () => {
        line += 1;
        return line % 97 === 0
          ? `{"line":${line}`
          : `{"line":${line % 1009 === 0 ? '"text"' : line},"f${Math.floor(line / 2_000)}":1}`;
      });
      appendFileSync(at.log, `${lines.join("\n")}\n`);
    };
    const drifting = at.options({ keep: { rows: 3_000 } });
    for (let death = 0; death < 4; death++) {
      const client = at.start();
      equal((await client.hello()).notice, undefined);
      await client.openStream(drifting);
      const before = Number(await one(client, "SELECT coalesce(max(_offset), 0) FROM tweets"));
      await until("new rows in new columns", async () => {
        postDrifting(1_000);
        return Number(await one(client, "SELECT max(_offset) FROM tweets")) > before + 4_000 + 500 * death;
      });
      process.kill(client.pid ?? missing(), "SIGKILL");
      await client.close();
    }
    const last = at.start();
    await last.openStream(drifting);
    const { rows, retired, rejected } = await last.streamCaughtUp("tweets");
    equal(rows + retired + rejected, line);
    equal(rejected, Math.floor(line / 97));
    const [stored, offsets, errors] = (
      await last.query(
        "SELECT count(*), count(DISTINCT _offset), (SELECT count(DISTINCT _offset) FROM tweets_errors) FROM tweets",
      )
    ).columns.map((column) => cellValue(column, 0));
    deepEqual([stored, offsets, errors], [BigInt(rows), BigInt(rows), BigInt(rejected)]);
  });

  it("gives up on a child that keeps dying, and says so", async () => {
    const client = at.start();
    await client.hello();
    for (let death = 0; death < 6; death++) {
      const pid = await until("a child", () => client.pid);
      process.kill(pid, "SIGKILL");
      await until("its end", () => client.pid !== pid || death === 5);
    }
    await until("the end of attempts", async () =>
      client.hello().then(
        () => false,
        (error: TidetableError) => /6 times within a minute\. Restart the kernel\./.test(error.message),
      ),
    );
  });

  it("takes memory when another kernel owns the store, and says so", async () => {
    at.post(100);
    const first = at.start();
    await first.openStream(at.options());
    const second = at.start();
    const hello = await second.hello();
    equal(hello.store, "memory");
    match(hello.notice ?? "", new RegExp(`belongs to another running kernel \\(process ${first.pid}\\)`));
    const status = await second.openStream(at.options());
    equal(status.store, "memory");
    match(status.notice ?? "", /belongs to another running kernel/);
    await tweetsAre(second, 100);
    await tweetsAre(first, 100);
  });

  it("moves a damaged store aside, names it, and reads again", async () => {
    at.post(100);
    const first = at.start();
    await first.openStream(at.options());
    await first.streamCaughtUp("tweets");
    await first.close();
    const store = join(at.folder, "data", "tidetable.duckdb");
    writeFileSync(store, Buffer.alloc(50_000, 7));
    const second = at.start();
    const hello = await second.hello();
    equal(hello.store, store);
    match(hello.notice ?? "", /could not be read \(.*not a valid DuckDB database file.*\) and was moved to .*damaged-/);
    await second.openStream(at.options());
    await tweetsAre(second, 100);
    ok(readdirSync(join(at.folder, "data")).some((name) => /^tidetable\.duckdb\.damaged-/.test(name)));
  });

  it("leaves an interrupt from the terminal to its kernel", async () => {
    const client = at.start();
    const { pid } = client;
    await client.hello();
    process.kill(pid ?? missing(), "SIGINT");
    equal(await one(client, "SELECT 1"), 1);
    equal(client.pid, pid);
  });

  it("ends with its kernel, however that ends", async () => {
    const holder = spawn(process.execPath, ["--import", tsx, holderPath, join(at.folder, "data")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(await firstLine(holder));
    ok(isAlive(pid));
    holder.kill("SIGKILL");
    await until("the engine's end", () => !isAlive(pid));
    // And its store can be opened at once.
    equal((await at.start().hello()).store, join(at.folder, "data", "tidetable.duckdb"));
  });

  it("ends with its kernel in the middle of a query that cannot be interrupted", async () => {
    // One call of one function, many minutes long: DuckDB looks for an interrupt between chunks of rows only.
    const sql = "SELECT levenshtein(repeat('ab', 500000), repeat('ba', 500000))";
    const holder = spawn(process.execPath, ["--import", tsx, holderPath, join(at.folder, "data"), sql], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(await firstLine(holder));
    const busyFrom = cpuTicks(pid);
    await until("the query to run", () => cpuTicks(pid) - busyFrom > 50);
    holder.kill("SIGKILL");
    await until("the engine's end", () => !isAlive(pid));
  });
});

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const holderPath = fileURLToPath(new URL("./hold-engine.ts", import.meta.url));

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding("utf8").once("data", (text: string) => resolve(text));
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)));
  });
}

/** Processor time that a process has used, in hundredths of a second (user and system; proc(5), fields 14 and 15). */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
