/** `npm run zeppelin [-- --port 18080]`: a real Zeppelin server in the foreground, with both notes imported, until Ctrl-C. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorMessage, TidetableError } from "../src/errors.js";
import { startZeppelin, type ZeppelinServer, zeppelinVersion } from "./components/zeppelin.js";

const say = (line: string) => process.stdout.write(`${line}\n`);
const root = join(import.meta.dirname, "..");

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 1;
}

async function main(argumentList: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argumentList], options: { port: { type: "string" } } });
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65_535)) {
    throw new TidetableError("CONFIG_INVALID", `--port is ${values.port}; it may be 1 to 65535.`);
  }
  const interrupted = new Promise<undefined>((interrupt) => {
    process.on("SIGINT", () => interrupt(undefined));
    process.on("SIGTERM", () => interrupt(undefined));
  });
  const kernelCommand = [process.execPath, "--no-force-async-hooks-checks", join(root, "dist/kernel.js")];
  const server = await startZeppelin({ kernelCommand, progress: say, ...(port === undefined ? {} : { port }) });
  try {
    say(
      `\nZeppelin ${zeppelinVersion} is ready at ${server.url}. It has no page, which is not published; use its REST interface:`,
    );
    for (const note of ["tweeter-analytics", "tweeter-analytics-tidetable"]) {
      say(`  ${note}: ${server.url}/api/notebook/${await importNote(server, note)}`);
    }
    say(`  Run a note: curl -X POST '${server.url}/api/notebook/job/ID?blocking=true'. Log: ${server.logFile}`);
    say("Ctrl-C stops it.");
    const end = await Promise.race([interrupted, server.unexpectedEnd]);
    if (end === undefined) return 0;
    throw new TidetableError("COMPONENT_MISSING", `Zeppelin ended by itself (${end}); its log is ${server.logFile}.`);
  } finally {
    say("Stopping Zeppelin …");
    await server.stop();
    say("Stopped.");
  }
}

async function importNote(server: ZeppelinServer, name: string): Promise<string> {
  const answer = await fetch(`${server.url}/api/notebook/import`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: await readFile(join(root, "zeppelin", `${name}.json`)),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok)
    throw new TidetableError("COMPONENT_MISSING", `Zeppelin did not import ${name}: ${await answer.text()}`);
  return String(((await answer.json()) as { readonly body: unknown }).body);
}
