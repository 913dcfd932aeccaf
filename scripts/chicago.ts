/**
 * `npm run chicago`: the second demo in the foreground, until Ctrl-C. Crimes flow into Kafka; one job writes them into
 * InfluxDB as they come, the other maps all of them into a bucket again and again; the notebook is open on the same topic.
 */
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ChicagoDemo } from "./chicago/demo.js";
import { readChicagoOptions } from "./chicago/options.js";
import { runInForeground, unlessInterrupted } from "./foreground.js";
import { liveTable } from "./pipeline/live-table.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const redrawEveryMs = 1_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

await runInForeground(main);

async function main(stopping: AbortSignal): Promise<number> {
  const demo = new ChicagoDemo({
    ...readChicagoOptions(process.argv.slice(2)),
    command: [process.execPath, join(root, "dist/cli.js")],
    notebook: join(root, "notebooks/chicago-crime.ipynb"),
    environment: process.env,
    // The table shows how far it is; what is fetched the first time takes minutes and is said.
    progress: (line) => /fetching|installing|another process/i.test(line) && say(line),
  });
  try {
    const drawing = new AbortController();
    const drawn = draw(demo, drawing.signal);
    try {
      await unlessInterrupted(demo.start(), stopping);
    } finally {
      drawing.abort();
      await drawn;
    }
    await sayWhere(demo);
    await draw(demo, stopping);
    return 0;
  } finally {
    say("Stopping …");
    await demo.stop();
    say("Stopped.");
  }
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
