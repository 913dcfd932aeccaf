/**
 * `npm run chicago`: the second demo in the foreground, until Ctrl-C. Crimes flow into Kafka; one job writes them into
 * InfluxDB as they come, the other maps all of them into a bucket again and again; the notebook is open on the same topic.
 */
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../src/errors.js";
import { ChicagoDemo } from "./chicago/demo.js";
import { readChicagoOptions } from "./chicago/options.js";
import { liveTable } from "./pipeline/live-table.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const redrawEveryMs = 1_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

const stopping = new AbortController();
let interrupts = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupts += 1;
    stopping.abort();
    // npm and the terminal may both pass on one Ctrl-C; who presses it again and again wants the end now.
    if (interrupts > 2) process.exit(130);
  });
}

// A terminal that is gone takes no line any more; what runs is stopped all the same.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => stopping.abort());

let exitCode: number;
try {
  exitCode = await main();
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`);
  exitCode = 1;
}
// Whatever did not come up in time to be stopped ends with this process.
process.exit(exitCode);

async function main(): Promise<number> {
  const demo = new ChicagoDemo({
    ...readChicagoOptions(process.argv.slice(2)),
    command: [process.execPath, join(root, "dist/cli.js")],
    notebook: join(root, "notebooks/chicago-crime.ipynb"),
    environment: process.env,
    // The table shows how far it is; what is fetched the first time takes minutes and is said.
    progress: (line) => /fetching|installing|another process/i.test(line) && say(line),
  });
  try {
    const starting = demo.start();
    const drawing = new AbortController();
    const drawn = draw(demo, drawing.signal);
    try {
      await Promise.race([starting, interrupted()]);
    } finally {
      drawing.abort();
      await drawn;
    }
    await sayWhere(demo);
    await draw(demo, stopping.signal);
    return 0;
  } finally {
    say("Stopping …");
    await demo.stop();
    say("Stopped.");
  }
}

function interrupted(): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = () => reject(new Error("interrupted before all of it ran"));
    if (stopping.signal.aborted) refuse();
    stopping.signal.addEventListener("abort", refuse, { once: true });
  });
}

/** On a terminal the table goes on being drawn; elsewhere each change of state is a line. */
async function draw(demo: ChicagoDemo, signal: AbortSignal): Promise<void> {
  const table = liveTable(process.stdout);
  while (!signal.aborted) {
    table.show(await demo.services());
    await delay(redrawEveryMs, undefined, { signal }).catch(() => undefined);
  }
  table.end();
}

async function sayWhere(demo: ChicagoDemo): Promise<void> {
  say("");
  say(`  Notebook       ${demo.workbenchUrl}`);
  say(`  Heat map       ${await demo.mapUrl()}`);
  say(`  Time series    ${demo.influxdbUrl}, database ${demo.database}; for Grafana: deploy/grafana`);
  say("");
  say(`  The city's own:  npx tidetable post-crimes --brokers ${demo.brokers} --lines Crimes.csv`);
  say("Ctrl-C stops all of it.\n");
}
