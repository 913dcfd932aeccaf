/** Tidetable as a library of a plain program: no kernel, output on the console, and an end. */
import { equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { EmbeddedLog } from "../../src/embedded/log.js";
import { embeddedLogPath } from "../../src/embedded/log-path.js";

const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const library = fileURLToPath(new URL("../../src/index.ts", import.meta.url));

const program = `
import { chart, close, show, sql, stream, TidetableError } from ${JSON.stringify(library)};
const tweets = await stream("tweets", { topic: "posts" });
const top = await sql\`SELECT handle, count(*) AS count FROM tweets GROUP BY handle ORDER BY count DESC\`;
for (const { handle, count } of top) console.log(handle, count);
show(top);
chart(top);
try {
  await sql\`SELECT handel FROM tweets\`;
} catch (error) {
  console.log(error instanceof TidetableError, error.code);
}
console.log((await tweets.status()).rows);
await close();
`;

describe("a plain program", function () {
  this.timeout(60_000);
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidetable-program-"));
    const log = await EmbeddedLog.open(embeddedLogPath(join(directory, ".tidetable"), "posts"));
    await log.append(
      ["ada", "bob", "ada"].map((handle) => ({ key: handle, value: JSON.stringify({ handle }), timestampMs: 1 })),
    );
    await log.close();
    await writeFile(join(directory, "program.mts"), program);
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("reads a stream, queries it, shows text, and ends when it closes the session", async () => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ["--import", loader, join(directory, "program.mts")],
      { cwd: directory, env: { ...process.env, KAFKA_BROKERS: "", TIDETABLE_DATA: "" }, timeout: 50_000 },
    );
    equal(stderr, "");
    match(stdout, /^tweets · (?:live|loading)/);
    match(
      stdout,
      /\nada 2n\nbob 1n\nhandle +count\n────── {2}─────\nada +2\nbob +1\n2 rows · .*\nChart: count by handle, 2 points\ntrue SQL_INVALID\n3\n$/,
    );
  });
});
