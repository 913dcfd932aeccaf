/**
 * `tidetable COMMAND`: one table of commands, each a file beside this one. Only this file ends the process.
 */
import { errorMessage, TidetableError } from "../errors.js";
import type { Command } from "./command.js";
import { UsageError } from "./command.js";

/** Loaded when asked for, so that `--help` does not pay for the workbench. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  start: {
    summary: "open the workbench on a notebook, with tweets flowing",
    load: async () => (await import("./start.js")).start,
  },
  "kernel install": {
    summary: "make the kernel known to Jupyter (--user, --prefix DIR, --sys-prefix, --name NAME)",
    load: async () => (await import("./kernel-spec.js")).kernelInstall,
  },
  "kernel uninstall": {
    summary: "take it out again (same options)",
    load: async () => (await import("./kernel-spec.js")).kernelUninstall,
  },
  "post-tweets": {
    summary:
      "post tweets to a Tweeter (--url http://… --count 100000 --rate 2000 --lines FILE) or to a topic (--topic tweets --brokers HOST:PORT)",
    load: async () => (await import("./post-tweets.js")).postTweetsCommand,
  },
  "post-crimes": {
    summary:
      "post crimes to a topic (--count 100000 or --endless, --rate 2000 --topic crimes), generated or the city's own (--lines FILE.csv)",
    load: async () => (await import("./post-crimes.js")).postCrimesCommand,
  },
  "crimes online": {
    summary: "write a topic of crimes to InfluxDB as it grows (--influxdb http://… --database chicago)",
    load: async () => (await import("./crimes-online.js")).crimesOnline,
  },
  "crimes offline": {
    summary: "map all crimes of a topic, into a bucket (--s3 http://… --bucket chicago-crime [--every SECONDS])",
    load: async () => (await import("./crimes-offline.js")).crimesOffline,
  },
  tweeter: {
    summary:
      "serve the sample app (--port 8080); on --cassandra HOST:PORT --kafka HOST:PORT, or else on the embedded log (--rate 20)",
    load: async () => (await import("./tweeter.js")).tweeter,
  },
  "note convert": {
    summary: "Zeppelin note, Jupyter notebook or .ts file, each to each other: IN OUT [--to FORMAT] [--force]",
    load: async () => (await import("./note-convert.js")).noteConvert,
  },
  "note check": {
    summary: "say what each Zeppelin will do with a note file",
    load: async () => (await import("./note-check.js")).noteCheck,
  },
  "deploy check": {
    summary: "check Marathon definitions and Kubernetes manifests: FILE … [--set NAME=VALUE] [--print]",
    load: async () => (await import("./deploy-check.js")).deployCheck,
  },
  doctor: {
    summary: "say what this machine has, and what each lack means",
    load: async () => (await import("./doctor.js")).doctor,
  },
};

const stopping = new AbortController();
/** A line on the terminal that waits to be overwritten. */
let statusIsShown = false;
let interrupts = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupts += 1;
    stopping.abort();
    // The second Ctrl-C of an impatient user ends at once; children notice through their closed channels.
    if (interrupts > 1) process.exit(130);
  });
}

process.exit(await run(process.argv.slice(2)));

async function run(argumentList: readonly string[]): Promise<number> {
  const found = find(argumentList);
  if (found === undefined) return help(argumentList);
  try {
    const command = await found.entry.load();
    return await command({
      arguments: found.rest,
      environment: process.env,
      workingDirectory: process.cwd(),
      signal: stopping.signal,
      print: (line) => console.log(`${endOfStatus()}${line}`),
      warn: (line) => console.error(`${endOfStatus()}${line}`),
      ...(process.stderr.isTTY ? { status: showStatus } : {}),
    });
  } catch (error) {
    return report(error, found.name);
  }
}

function showStatus(line: string): void {
  statusIsShown = true;
  // Back to the line's beginning, and what is left of the longer line before is cleared.
  process.stderr.write(`\r${line.slice(0, (process.stderr.columns ?? 80) - 1)}\x1b[K`);
}

/** What is printed next begins on a line of its own. */
function endOfStatus(): string {
  if (!statusIsShown) return "";
  statusIsShown = false;
  process.stderr.write("\n");
  return "";
}

function find(argumentList: readonly string[]) {
  for (const words of [2, 1]) {
    const name = argumentList.slice(0, words).join(" ");
    const entry = commands[name];
    if (argumentList.length >= words && entry !== undefined) return { name, entry, rest: argumentList.slice(words) };
  }
  return undefined;
}

function help(argumentList: readonly string[]): number {
  const asked = argumentList.length === 0 || ["--help", "-h", "help"].includes(argumentList[0] ?? "");
  const print = asked ? console.log : console.error;
  if (!asked) print(`tidetable: no command "${argumentList.join(" ")}".\n`);
  print("tidetable COMMAND\n");
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  for (const [name, { summary }] of Object.entries(commands)) print(`  ${name.padEnd(width)}  ${summary}`);
  print("\nEnvironment: KAFKA_BROKERS, TIDETABLE_DATA, TIDETABLE_CACHE, TIDETABLE_ENGINE (docs/configuration.md).");
  return asked ? 0 : 2;
}

function report(error: unknown, name: string): number {
  if (error instanceof UsageError) {
    console.error(`tidetable ${name}: ${error.message}`);
    return 2;
  }
  if (error instanceof TidetableError) {
    console.error(error.message);
    return 1;
  }
  // Not one of ours: a defect. The user gets its text; TIDETABLE_DEBUG=1 adds the stack for a report.
  console.error(`tidetable ${name} failed: ${errorMessage(error)}`);
  if (process.env.TIDETABLE_DEBUG === "1" && error instanceof Error) console.error(error.stack);
  return 1;
}
