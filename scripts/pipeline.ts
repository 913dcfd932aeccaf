/**
 * `npm run pipeline`: the tutorial's whole pipeline in the foreground, until Ctrl-C; and from a second terminal, changes to
 * the one that runs. `-- rehearse` is a run of its own with a verdict (pipeline/rehearse.ts).
 */
import { freemem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readConfig } from "../src/config.js";
import { runInForeground, unlessInterrupted } from "./foreground.js";
import { askControl, serveControl } from "./pipeline/control.js";
import { liveTable } from "./pipeline/live-table.js";
import { fitToMemory, type PipelineRequest, readPipelineRequest } from "./pipeline/options.js";
import { Pipeline } from "./pipeline/pipeline.js";
import { rehearse } from "./pipeline/rehearse.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const command = [process.execPath, join(root, "dist/cli.js")];
const redrawEveryMs = 1_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

await runInForeground((stopping) => main(readPipelineRequest(process.argv.slice(2)), stopping));

async function main(request: PipelineRequest, stopping: AbortSignal): Promise<number> {
  const { dataDirectory } = readConfig(process.env, process.cwd());
  if (request.action !== "run" && request.action !== "rehearse") {
    say(await askControl(dataDirectory, request));
    return 0;
  }
  const { size, notices } = fitToMemory(request.size, freemem() / 2 ** 20);
  for (const notice of notices) say(notice);
  const pipeline = new Pipeline({
    size,
    command,
    environment: process.env,
    workbench: request.action === "run" && request.workbench,
    // The table shows how far it is; what is fetched the first time takes minutes and is said.
    progress: (line) => /fetching|installing|another process/i.test(line) && say(line),
  });
  const control = await serveControl(dataDirectory, pipeline);
  try {
    await startWithTable(pipeline, stopping);
    if (request.action === "rehearse") {
      const checks = await rehearse(pipeline, { ...request, size, signal: stopping, say });
      return checks.every(({ ok }) => ok) ? 0 : 1;
    }
    sayWhere(pipeline);
    // On a terminal the table goes on being drawn; elsewhere each change of state is a line.
    await draw(pipeline, liveTable(process.stdout), stopping);
    return 0;
  } finally {
    say("Stopping …");
    await control.close();
    await pipeline.stop();
    say("Stopped.");
  }
}

async function startWithTable(pipeline: Pipeline, stopping: AbortSignal): Promise<void> {
  const table = liveTable(process.stdout);
  const drawing = new AbortController();
  const drawn = draw(pipeline, table, drawing.signal);
  try {
    await unlessInterrupted(pipeline.start(), stopping);
  } finally {
    drawing.abort();
    await drawn;
    table.show(await pipeline.services());
    table.end();
  }
}

async function draw(pipeline: Pipeline, table: ReturnType<typeof liveTable>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    table.show(await pipeline.services());
    await delay(redrawEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

function sayWhere(pipeline: Pipeline): void {
  say("");
  say(`  Tweeter        ${pipeline.tweeterUrl}`);
  say(`  HAProxy        ${pipeline.statsUrl}`);
  if (pipeline.workbenchUrl !== undefined) say(`  Notebook       ${pipeline.workbenchUrl}`);
  say("");
  say(`  Post tweets:   npx tidetable post-tweets --url ${pipeline.tweeterUrl} --count 100000`);
  say("  Scale:         npm run pipeline -- scale 5");
  say("  Lose one:      npm run pipeline -- kill tweeter 2");
  say(`  Elsewhere:     KAFKA_BROKERS=${pipeline.brokers} CASSANDRA_CONTACT_POINTS=${pipeline.contactPoints}`);
  say("Ctrl-C stops all of it.\n");
}
