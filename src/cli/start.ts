/**
 * `tidetable start`: the workbench on a notebook, with tweets flowing when no broker is configured.
 * Composes; what it starts lives elsewhere and is stopped here.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readConfig } from "../config.js";
import { embeddedRatePerSecond, feedEmbeddedLog } from "../embedded/feed.js";
import type { EmbeddedLog } from "../embedded/log.js";
import { TidetableError } from "../errors.js";
import { openEmbeddedTweetStore } from "../tweeter/embedded-tweet-store.js";
import { tweetFeeding } from "../tweeter/embedded-tweeter.js";
import { startTweeterServer } from "../tweeter/tweeter-server.js";
import { startWorkbench } from "../workbench/server.js";
import { openBrowser } from "./browser.js";
import type { CommandContext } from "./command.js";
import { parseOptions, wholeNumber } from "./command.js";
import { workingCopies } from "./working-copy.js";

const tutorial = "tweeter-analytics.ipynb";

/** The folder that holds package.json: dist/ and src/cli/ lie one and two levels below it. */
const packageDirectory = findPackageDirectory(dirname(fileURLToPath(import.meta.url)));

export async function start(context: CommandContext): Promise<number> {
  const { values, positionals } = parseOptions(
    context.arguments,
    { open: { type: "boolean" }, "no-open": { type: "boolean" }, port: { type: "string" }, rate: { type: "string" } },
    { max: 1, name: "notebook" },
  );
  const port = wholeNumber("port", values.port, { min: 1, max: 65535 });
  const ratePerSecond = wholeNumber("rate", values.rate, { min: 0, max: 10_000 }) ?? embeddedRatePerSecond;
  const config = readConfig(context.environment, context.workingDirectory);
  const notebook =
    positionals[0] === undefined
      ? join(await workingCopies(join(packageDirectory, "notebooks"), config.dataDirectory), tutorial)
      : resolve(context.workingDirectory, positionals[0]);
  if (!existsSync(notebook)) {
    throw new TidetableError(
      "CONFIG_INVALID",
      `There is no notebook ${notebook}. Name one that exists, or none for the tutorial.`,
    );
  }

  const feed =
    config.brokers.length === 0
      ? await feedEmbeddedLog({
          feeding: tweetFeeding,
          dataDirectory: config.dataDirectory,
          ratePerSecond,
          whileFeeding: (log) => serveTweeter(log, context),
        })
      : undefined;
  const workbench = await startWorkbench({
    notebook,
    rootDirectory: dirname(notebook),
    port,
    keysDirectory: config.dataDirectory,
    kernelCommand: [
      process.execPath,
      "--no-force-async-hooks-checks",
      join(packageDirectory, "dist/kernel.js"),
      "--connection-file",
    ],
    environment: { ...context.environment, TIDETABLE_DATA: config.dataDirectory },
    log: context.warn,
    onNewAddress: (url) => context.print(`Everybody else is shut out. Tidetable is now at ${url}`),
  }).catch(async (error: unknown) => {
    await feed?.stop();
    throw error;
  });

  context.print(
    feed === undefined
      ? `Records come from ${config.brokers.join(", ")}.`
      : `No KAFKA_BROKERS: the embedded Tweeter posts ${ratePerSecond} tweets a second (--rate N changes that).`,
  );
  if (positionals[0] === undefined) context.print(`Your copy of the tutorial is ${notebook}.`);
  context.print(`Tidetable is at ${workbench.url}`);
  if (!values["no-open"]) openBrowser(workbench.url, context.environment);

  await new Promise<void>((stop) => context.signal.addEventListener("abort", () => stop(), { once: true }));
  context.print("Stopping …");
  await Promise.all([workbench.close(), feed?.stop()]);
  return 0;
}

/** The sample app's page on the log that the notebook reads: what is posted there is a row a moment later. */
async function serveTweeter(log: EmbeddedLog, context: CommandContext): Promise<() => Promise<void>> {
  const tweeter = await startTweeterServer({
    name: "embedded",
    port: 0,
    openStore: (report) => openEmbeddedTweetStore({ log, report }),
    log: context.warn,
  });
  context.print(`Tweeter, where the tweets come from, is at ${tweeter.url}`);
  return () => tweeter.close();
}

function findPackageDirectory(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "package.json"))) return directory;
    if (dirname(directory) === directory) throw new TidetableError("CONFIG_INVALID", `no package.json above ${from}`);
  }
}
