// biome-ignore-all lint/suspicious/noTemplateCurlyInString: in a SQL cell ${…} stands in plain text
/** The cell library and the SQL cell over a real engine process and a real log. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CellMagic } from "../../src/cell-output.js";
import type { CellLibrary, LooseRow, QueryRows } from "../../src/cells/library.js";
import { vegaLiteMime } from "../../src/charts/mime-bundle.js";
import { readConfig } from "../../src/config.js";
import { EmbeddedLog } from "../../src/embedded/log.js";
import { embeddedLogPath } from "../../src/embedded/log-path.js";
import { openTidetable, type Tidetable } from "../../src/session.js";
import { until } from "../support/until.js";
import { RecordingCell } from "./recording-cell.js";

/** Another log than the tutorial's, which a session feeds. */
const ofPosts = { topic: "posts" };
const startMs = Date.UTC(2026, 10, 22, 10, 0);

describe("a session over the embedded log", function () {
  this.timeout(60_000);
  let directory: string;
  let log: EmbeddedLog;
  let session: Tidetable;
  let library: CellLibrary;
  let sqlCell: CellMagic;
  let cell: RecordingCell;
  let posted = 0;

  /** Posts one tweet by each handle; the minute moves on with every tweet. */
  const post = async (...handles: readonly string[]) => {
    await log.append(
      handles.map((handle) => {
        const timestampMs = startMs + posted * 60_000;
        posted += 1;
        const value = JSON.stringify({ id: `t${posted}`, handle, content: `tweet ${posted} by <${handle}>` });
        return { key: handle, value, timestampMs };
      }),
    );
  };
  const runSql = async (argumentLine: string, body: string, scope: Readonly<Record<string, unknown>> = {}) => {
    cell = new RecordingCell({ scope });
    await sqlCell.run(argumentLine, body, cell);
    return cell;
  };
  const open = (environment: Readonly<Record<string, string>> = {}) => {
    const config = readConfig({ TIDETABLE_DATA: directory, ...environment }, directory);
    const opened = openTidetable({ config, currentCell: () => cell, workingDirectory: directory });
    const [magic] = opened.magics;
    if (magic === undefined) throw new Error("the session has no magic");
    return { opened, magic };
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-cells-"));
    log = await EmbeddedLog.open(embeddedLogPath(directory, "posts"));
    await post("ada", "ada", "bob", "ada", "cleo", "bob");
    await log.append([{ key: "x", value: "{not json", timestampMs: startMs + posted * 60_000 }]);
    const { opened, magic } = open();
    session = opened;
    library = opened.library;
    sqlCell = magic;
    cell = new RecordingCell();
  });
  after(async () => {
    await session?.close();
    await log?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("opens a stream: rows are there when it resolves, and the status says so", async () => {
    const tweets = await library.stream("tweets", ofPosts);
    equal((await tweets.status()).rows, 6);
    await until("a live status", () => /^tweets · live · 6 rows/.test(cell.text(0)));
    match(
      cell.text(0),
      /lag 0 · 1 rejected \(tweets_errors\)\ntopic posts of .*posts\.log · keeps the newest 5,000,000 rows$/,
    );
    match(String(cell.outputs[0]?.bundle["text/html"]), /<b>tweets<\/b> · live · 6 rows/);
    equal(cell.outputs.length, 1);
  });

  it("joins the stream that is open when the cell runs again, and moves its status line", async () => {
    const earlier = cell;
    cell = new RecordingCell();
    await library.stream("tweets", ofPosts);
    await post("ada");
    await until("7 rows in the new status", () => / 7 rows/.test(cell.text(0)));
    ok(!/ 7 rows/.test(earlier.text(0)));
  });

  it("shows a result as a table and as bars in the order of the SQL", async () => {
    await runSql(
      "",
      "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC, handle LIMIT 2",
    );
    deepEqual(cell.text(1).split("\n").slice(0, 4), [
      "handle  count",
      "──────  ─────",
      "ada         4",
      "bob         2",
    ]);
    match(cell.text(1), /\n2 rows · [\d.]+ m?s$/);
    const spec = cell.outputs[0]?.bundle[vegaLiteMime] as { data: { values: unknown } };
    deepEqual(spec.data.values, [
      { handle: "ada", count: 4 },
      { handle: "bob", count: 2 },
    ]);
    equal(cell.outputs[0]?.bundle["text/html"], undefined);
  });

  it("leaves the chart away where none is asked for, and refuses one that cannot be", async () => {
    await runSql("--chart none", "SELECT handle, count(*) AS count FROM tweets GROUP BY handle");
    equal(cell.outputs.length, 1);
    await runSql("", "SELECT handle, content FROM tweets");
    equal(cell.outputs.length, 1);
    await rejects(runSql("--chart line", "SELECT handle, content FROM tweets"), {
      code: "CHART_INVALID",
      message: /^--chart line: a line chart needs a number .* handle \(VARCHAR\), content \(VARCHAR\)\.$/,
    });
  });

  it("binds values, whatever they hold", async () => {
    const scope = { word: "'; DROP TABLE tweets; --", names: ["ada", "bob"], floor: { least: 2 } };
    await runSql(
      "",
      "SELECT ${word} AS word, count(*) AS n FROM tweets WHERE handle IN ${names} HAVING count(*) > ${floor.least}",
      scope,
    );
    match(cell.text(0), /'; DROP TABLE tweets; --\s+6\n/);
    await rejects(runSql("", "SELECT ${nobody}", scope), { message: "${nobody}: nobody is not defined" });
    await rejects(runSql("", "SELECT ${floor}", scope), { message: /^\$\{floor\} is an object\. Bind its fields/ });
  });

  it("leaves a named result in a variable with typed rows and in a view", async () => {
    await runSql("top", "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC");
    const { value, typeText } = cell.defined.get("top") ?? {};
    equal(typeText, 'import("tidetable").QueryRows<{ handle: string; count: bigint }>');
    deepEqual((value as QueryRows).at(0), { handle: "ada", count: 4n });
    await runSql("--chart none", "SELECT count FROM top WHERE handle = 'cleo'");
    match(cell.text(0), /\n {4}1\n1 row/);
    await rejects(runSql("top", "SELECT * FROM top"), {
      message: /the query reads top, the name it is to leave its result in/,
    });
    await rejects(runSql("tweets", "SELECT 1 AS one"), { message: /tweets is the name of a stream/ });
  });

  it("runs several statements in order and shows each", async () => {
    await runSql(
      "",
      "CREATE OR REPLACE VIEW loud AS SELECT upper(handle) AS h FROM tweets; SELECT count(*) AS n FROM loud;",
    );
    equal(cell.outputs.length, 2);
    match(cell.text(1), /^n\n─\n7\n1 row/);
  });

  it("says how many rows a limit left out", async () => {
    await runSql("--limit 2", "SELECT handle FROM tweets");
    match(cell.text(0), /\n2 of 7 rows · /);
  });

  it("names what is misspelt and what there is", async () => {
    await rejects(runSql("", "SELECT handel FROM tweets"), { code: "SQL_INVALID", message: /handel.*handle/ });
    await rejects(runSql("", "  \n -- nothing"), { message: /the cell holds no SQL/ });
  });

  it("updates a live result in place, table and chart, until the cell is run again", async () => {
    await runSql(
      "talkers --live --every 100ms",
      "SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC, handle",
    );
    const live = cell;
    equal(live.outputs.length, 2);
    match(live.text(1), /ada +4\n[\s\S]*3 rows · .* · live, (?:recomputed|incremental).* · version 1$/);
    const before = specOf(live);
    await post("ada", "dora");
    await until("the new tweets in the table", () => /ada +5\n[\s\S]*dora +1/.test(live.text(1)));
    await until("the new tweets in the chart", () => specOf(live).data.values.length === 4);
    equal(JSON.stringify({ ...specOf(live), data: 0 }), JSON.stringify({ ...before, data: 0 }));
    equal(live.outputs.length, 2);
    const talkers = live.defined.get("talkers")?.value as QueryRows | undefined;
    deepEqual(talkers?.at(0), { handle: "ada", count: 5n });

    live.dispose();
    const { updates } = live.outputs[0] ?? {};
    await post("eve");
    await runSql("--live", "SELECT count(*) AS n FROM tweets WHERE handle = 'eve'");
    await until("eve in a live cell of her own", () => /\n1\n/.test(cell.text(0)));
    cell.dispose();
    equal(live.outputs[0]?.updates, updates);
  });

  it("fails a live query that cannot run at all, as an error of the cell", async () => {
    await rejects(runSql("--live", "SELECT handel FROM tweets"), { code: "SQL_INVALID", message: /handel/ });
    deepEqual(cell.outputs, []);
  });

  it("interrupts a query", async () => {
    cell = new RecordingCell();
    const running = sqlCell.run("", "SELECT count(*) FROM range(100000000) a, range(100000) b", cell);
    setImmediate(() => cell.interrupt());
    await rejects(running, { code: "QUERY_INTERRUPTED" });
    cell = new RecordingCell();
  });

  it("completes tables and columns of the catalog", async () => {
    const completion = await sqlCell.complete?.("SELECT han FROM tweets", 10);
    deepEqual(completion?.matches[0], { text: "handle", type: "column", signature: "VARCHAR" });
  });

  it("runs SQL from TypeScript: exact values, charts, tables", async () => {
    cell = new RecordingCell();
    const { sql, show, chart } = library;
    const rows = await sql<{ handle: string; count: bigint; big: bigint }>`
      SELECT handle, count(*) AS count, 9007199254740993 AS big FROM tweets WHERE handle = ${"ada"} GROUP BY handle`;
    deepEqual([...rows], [{ handle: "ada", count: 5n, big: 9_007_199_254_740_993n }]);
    deepEqual(
      rows.columns.map(({ name, type }) => `${name} ${type}`),
      ["handle text", "count bigint", "big bigint"],
    );
    show(rows);
    show([{ a: 1, b: "x" }]);
    await chart(sql`SELECT handle, count(*) AS count FROM tweets GROUP BY handle`, { mark: "pie" });
    deepEqual(
      cell.outputs.map(({ bundle }) => Object.keys(bundle)[0]),
      ["text/html", "text/html", vegaLiteMime],
    );
    throws(() => chart(rows, { mark: "donut" as "pie" }), { message: /mark is "donut"; it may be bar, line/ });
    throws(() => show(7 as unknown as Iterable<object>), { message: /show takes a result of sql/ });
    await rejects(async () => library.sql`SELECT 1; SELECT 2`, { message: /runs one statement/ });
  });

  it("gives the versions of a live query to a loop, which may leave it", async () => {
    const seen: bigint[] = [];
    for await (const rows of library.live(library.sql`SELECT count(*) AS n FROM tweets`, { everyMs: 100 })) {
      seen.push(rows.at(0)?.n);
      if (seen.length === 1) await post("ada");
      if (seen.length === 2) break;
    }
    deepEqual(seen, [10n, 11n]);
  });

  it("gives a stream's rows to a loop: those kept, then each new one, none twice", async () => {
    const tweets = await library.stream("tweets", ofPosts);
    const rows: LooseRow[] = [];
    for await (const row of tweets) {
      rows.push(row);
      if (rows.length === 11) await post("late", "later");
      if (rows.length === 13) break;
    }
    deepEqual(
      rows.map((row) => row.id),
      Array.from({ length: 13 }, (_, index) => `t${index + 1}`),
    );
  });

  it("ends a loop over a stream, and one over a live query, when the cell is interrupted", async () => {
    const tweets = await library.stream("tweets", ofPosts);
    for (const endless of [tweets, library.live(library.sql`SELECT 1 AS one`)]) {
      cell = new RecordingCell();
      const looping = (async () => {
        for await (const _ of endless) cell.interrupt();
      })();
      await rejects(looping, { code: "QUERY_INTERRUPTED" });
    }
    cell = new RecordingCell();
  });

  it("shows values and updates them in place", async () => {
    const shown = library.display({ "text/markdown": "*one*" });
    shown.update("two");
    deepEqual(cell.outputs[0]?.bundle, { "text/plain": "two" });
    library.display({ a: 1n }, { id: "mine" });
    equal(cell.text(1), "{ a: 1n }");
    library.update("mine", await library.sql`SELECT 1 AS one`);
    match(cell.text(1), /^one\n/);
    throws(() => library.display(library.sql`SELECT 1`), { message: /write await before it/ });
  });

  it("asks the user through the cell, where the front-end can", async () => {
    await rejects(library.prompt("Who? "), { message: /no cell is running/ });
    cell = Object.assign(new RecordingCell(), { readLine: async (question: string) => `${question}ada` });
    equal(await library.prompt("Who? "), "Who? ada");
    cell = new RecordingCell();
  });

  it("pauses, resumes and stops a stream, and opens it again where it was", async () => {
    const tweets = await library.stream("tweets", ofPosts);
    equal((await tweets.pause()).phase, "paused");
    match(cell.text(cell.outputs.length - 1), /^tweets · paused · 13 rows/);
    await post("quiet");
    equal((await tweets.resume()).phase, "live");
    equal((await tweets.caughtUp()).rows, 14);
    equal((await tweets.stop()).phase, "stopped");
    equal((await tweets.status()).phase, "stopped");
    deepEqual((await library.sql`SELECT count(*) AS n FROM tweets`).at(0), { n: 14n });
    await post("again");
    equal((await (await library.stream("tweets", ofPosts)).status()).rows, 15);
  });

  it("tells what is wrong with a stream's options, and that an open one has others", async () => {
    await rejects(library.stream("tweets", { ...ofPosts, from: "latest" }), {
      code: "STREAM_EXISTS",
      message: /open already with other options/,
    });
    await rejects(library.stream("tweets", { form: "latest" } as object), {
      message: /stream has no option "form"; it has topic, source/,
    });
  });

  it("says of an empty topic that it is empty", async () => {
    const empty = await EmbeddedLog.open(embeddedLogPath(directory, "quiet"));
    await empty.close();
    cell = new RecordingCell();
    await library.stream("quiet");
    match(
      cell.text(0),
      /^quiet · live · 0 rows .*\n.*\nThe topic is empty: its columns appear with the first record\.$/,
    );
  });

  it("shows %table text and no chart inside Zeppelin", async () => {
    const inZeppelin = open({ ZEPPELIN_HOME: "/zeppelin", TIDETABLE_DATA: join(directory, "zeppelin") });
    cell = new RecordingCell();
    await inZeppelin.magic.run("", "SELECT 'ada' AS handle, 3 AS count", cell);
    deepEqual(
      cell.outputs.map(({ bundle }) => bundle),
      [{ "text/plain": "%table handle\tcount\nada\t3\n" }],
    );
    cell = new RecordingCell();
    const living = inZeppelin.magic.run("--live --every 100ms", "SELECT now() AS at, 1 AS one", cell);
    await until("a table", () => cell.outputs.length === 1);
    cell.interrupt();
    await living;
    const words = await EmbeddedLog.open(embeddedLogPath(join(directory, "zeppelin"), "posts"));
    await words.append([{ key: "ada", value: '{"handle":"ada"}', timestampMs: startMs }]);
    await words.close();
    cell = new RecordingCell();
    await inZeppelin.opened.library.stream("tweets", ofPosts);
    // Zeppelin keeps the first frame, so there is one, and it is that of the first rows.
    deepEqual(
      cell.outputs.map(({ displayId, updates }) => [displayId, updates]),
      [[undefined, 0]],
    );
    match(cell.text(0), /^tweets · (live|loading.*) · [\d,]+ rows/);
    await inZeppelin.opened.close();
  });

  it("binds a live cell's values when it is run, and others when it is run again", async () => {
    const counted = "SELECT count(*) AS n FROM tweets WHERE handle = ${who}";
    await runSql("--live --every 100ms", counted, { who: "fay" });
    match(cell.text(0), /\n0\n/);
    await post("fay", "fay");
    await until("both of fay's", () => /\n2\n/.test(cell.text(0)));
    cell.dispose();
    await runSql("--live --every 100ms", counted, { who: "gus" });
    match(cell.text(0), /\n0\n/);
    await post("gus");
    await until("the one of gus", () => /\n1\n/.test(cell.text(0)));
    cell.dispose();
  });

  it("opens again after close, as a program does", async () => {
    cell = new RecordingCell();
    await (session.library.close as () => Promise<void>)();
    const tweets = await library.stream("tweets", ofPosts);
    match(String((await tweets.status()).phase), /live|loading/);
    const [row] = [...(await library.sql<{ n: bigint }>`SELECT count(*) AS n FROM tweets`)];
    ok((row?.n ?? 0n) > 0n);
  });
});

function specOf(cell: RecordingCell): { readonly data: { readonly values: readonly unknown[] } } {
  return cell.outputs[0]?.bundle[vegaLiteMime] as { data: { values: unknown[] } };
}
