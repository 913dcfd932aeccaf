import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { LiveUpdate } from "../../src/engine/protocol.js";
import { cellValue } from "../../src/sql/schema.js";
import { until } from "../support/until.js";
import { EngineFixture, fails, firstValue, tweetsAre } from "./engine-fixture.js";

describe("the engine process: queries that are run again", function () {
  this.timeout(60_000);
  const at = new EngineFixture();

  it("runs the first time plainly, then keeps a view that has every row stored when asked", async () => {
    const client = at.start();
    at.post(10);
    await client.openStream(at.options());
    await tweetsAre(client, 10);
    const text = "SELECT handle, count(*) AS n FROM tweets GROUP BY handle ORDER BY handle";
    equal((await client.query(text)).plan, undefined);
    for (let round = 0; round < 20; round++) {
      // Spelt otherwise, the same query.
      const again = await client.query(text.replaceAll(" ", round % 2 === 0 ? "  " : "\n").replace("SELECT", "select"));
      equal(again.plan?.mode, "incremental");
      at.post(3);
      const posted = 10 + 3 * (round + 1);
      await tweetsAre(client, posted);
      const total = await client.query("SELECT count(*) AS n FROM tweets");
      equal(firstValue(total), BigInt(posted));
      if (round > 0)
        deepEqual(
          total.plan?.offsets?.map((position) => position.nextOffset > 0n),
          [true],
        );
    }
  });

  it("says why it runs a query as a whole again", async () => {
    const client = at.start();
    at.post(4);
    await client.openStream(at.options());
    await tweetsAre(client, 4);
    const text = "SELECT string_agg(handle, ',') AS all_of_them FROM tweets";
    await client.query(text);
    const { plan } = await client.query(text);
    equal(plan?.mode, "recomputed");
    match(plan?.reason ?? "", /string_agg\(\) is not kept up to date/);
  });

  it("keeps queries apart whose values differ, and fails as the plain query does", async () => {
    const client = at.start();
    at.post(14);
    await client.openStream(at.options());
    await tweetsAre(client, 14);
    const count = async (handle: string) =>
      firstValue(await client.query("SELECT count(*) AS n FROM tweets WHERE handle = ?", { parameters: [handle] }));
    for (let round = 0; round < 3; round++) {
      equal(await count("user1"), 2n);
      equal(await count("nobody"), 0n);
      await fails(client.query("SELECT handel FROM tweets"), "SQL_INVALID", /Did you mean "handle"/);
    }
  });

  it("carries as many rows as each reader asks for, from one view", async () => {
    const client = at.start();
    at.post(14);
    await client.openStream(at.options());
    await tweetsAre(client, 14);
    const text = "SELECT handle, count(*) AS n FROM tweets GROUP BY handle ORDER BY handle";
    const updates: LiveUpdate[] = [];
    client.live(text, { everyMs: 20, rowLimit: 2 }, (update) => updates.push(update));
    await until("a version", () => updates.length > 0);
    // A query that is live is a view already.
    const first = await client.query(text, { rowLimit: 5 });
    deepEqual([first.plan?.mode, first.rowCount, first.totalRowCount], ["incremental", 5, 7]);
    at.post(14);
    await until("a newer version", () => updates.length > 1);
    ok(updates.every((update) => update.result?.rowCount === 2 && update.result.totalRowCount === 7));
  });

  it("explains how a query is kept, and why it is not", async () => {
    const client = at.start();
    at.post(14);
    await client.openStream(at.options());
    await tweetsAre(client, 14);
    const explain = async (text: string) => {
      const { columns, rowCount } = await client.query(`EXPLAIN LIVE ${text}`);
      const lines = Array.from({ length: rowCount }, (_, row) =>
        columns.map((column) => String(cellValue(column, row))),
      );
      return lines.map((line) => line.join(": ")).join("\n");
    };
    match(
      await explain("SELECT handle, count(*) AS n FROM tweets GROUP BY handle ORDER BY n DESC LIMIT 3"),
      /^mode: incremental\nof new rows: tweets: SELECT handle AS .*\nmerged by: count\nkept in: JavaScript values\n.*\nholds: 7 rows\ntweets\[0\]: up to \d+$/,
    );
    match(await explain("SELECT avg(id) AS a FROM tweets"), /kept in: a temporary table\nlast step: SELECT finalize/);
    equal(await explain("SELECT median(id) FROM tweets"), "mode: recomputed\nbecause: median() is not kept up to date");
    await fails(client.query("EXPLAIN LIVE SELECT handel FROM tweets"), "SQL_INVALID", /Did you mean "handle"/);
  });

  it("forgets a view with the engine that held it, and makes it anew", async () => {
    const client = at.start();
    at.post(10);
    await client.openStream(at.options());
    await tweetsAre(client, 10);
    const text = "SELECT count(*) AS n FROM tweets";
    await client.query(text);
    equal((await client.query(text)).plan?.mode, "incremental");
    const restarted = new Promise((resolve) => client.onRestart(resolve));
    process.kill(client.pid ?? 0, "SIGKILL");
    await restarted;
    at.post(5);
    await tweetsAre(client, 15);
    const answers = [await client.query(text), await client.query(text)];
    deepEqual(answers.map(firstValue), [15n, 15n]);
    deepEqual(
      answers.map(({ plan }) => plan?.mode),
      [undefined, "incremental"],
    );
  });
});
