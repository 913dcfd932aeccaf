/** `tidetable doctor`: what this machine has, and what each lack means for the user. Looks, changes nothing. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { cpus, freemem, totalmem } from "node:os";
import { stripVTControlCharacters } from "node:util";
import { readConfig } from "../config.js";
import { loadDuckDb } from "../sql/duckdb/native-part.js";
import { loadZeromq } from "../workbench/socket/zmq-kernel-client.js";
import type { CommandContext } from "./command.js";
import { parseOptions } from "./command.js";

interface Finding {
  readonly name: string;
  readonly found: string | undefined;
  /** What does not work without it, and how to get it. */
  readonly without: string;
  /** Without it nothing works: the exit code says so. */
  readonly required?: boolean;
}

export async function doctor(context: CommandContext): Promise<number> {
  parseOptions(context.arguments, {});
  const config = readConfig(context.environment, context.workingDirectory);
  const findings: Finding[] = [
    nodeFinding(),
    await moduleFinding(
      "DuckDB",
      loadDuckDb,
      "queries run on the AlaSQL engine, in memory: run npm ci on a supported platform (Linux, macOS, Windows; x64 or arm64)",
      false,
    ),
    await moduleFinding("ZeroMQ", loadZeromq, "no kernel can start: run npm ci on a supported platform", true),
    commandFinding(
      "Java",
      "java",
      ["-version"],
      "npm run kafka and the tests on a real broker or S3: install a JDK 17 or later",
    ),
    commandFinding(
      "Maven",
      "mvn",
      ["-v"],
      "npm run kafka and the tests on an S3 fetch their jars with it: install maven",
    ),
    commandFinding(
      "HAProxy",
      existsSync("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : "haproxy",
      ["-v"],
      "npm run pipeline: as root on Debian it is installed when asked for, elsewhere install haproxy",
    ),
    commandFinding(
      "InfluxDB",
      context.environment.INFLUXDB_PATH ?? "influxd",
      ["version"],
      "npm run chicago and the tests of its sink: as root on Debian it is installed when asked for, elsewhere install InfluxDB 1.x or set INFLUXDB_PATH",
    ),
    commandFinding(
      "Python",
      "python3",
      ["--version"],
      "npm run jupyter and the Jupyter tests: install Python 3.11 or later with venv",
    ),
    commandFinding(
      "JupyterLab",
      "jupyter",
      ["lab", "--version"],
      "only the workbench page is there; pip install jupyterlab, then npx tidetable kernel install",
    ),
    chromiumFinding(context.environment),
    await portFinding(19092),
    ...(await Promise.all(config.brokers.map(brokerFinding))),
  ];

  context.print(`${cpus().length} cores, ${gibibytes(freemem())} of ${gibibytes(totalmem())} GiB memory free`);
  context.print(`data in ${config.dataDirectory}, downloads in ${config.cacheDirectory}`);
  const width = Math.max(...findings.map((finding) => finding.name.length));
  for (const { name, found, without } of findings) {
    context.print(
      `  ${found === undefined ? "–" : "✓"} ${name.padEnd(width)}  ${found ?? `missing; without it: ${without}`}`,
    );
  }
  return findings.some((finding) => finding.required === true && finding.found === undefined) ? 1 : 0;
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "Node",
    found: enough ? process.versions.node : undefined,
    without: `nothing runs: this is ${process.versions.node}, 20.19 or later is needed`,
    required: true,
  };
}

async function moduleFinding(
  name: string,
  load: () => Promise<unknown>,
  without: string,
  required: boolean,
): Promise<Finding> {
  const loaded = await load().then(
    () => "its native part loads",
    () => undefined,
  );
  return { name, found: loaded, without, required };
}

function commandFinding(name: string, command: string, versionArguments: readonly string[], without: string): Finding {
  const result = spawnSync(command, versionArguments, { encoding: "utf8", timeout: 10_000 });
  const text = result.status === 0 ? stripVTControlCharacters(`${result.stdout}${result.stderr}`).trim() : "";
  return { name, found: text === "" ? undefined : text.split("\n")[0]?.trim(), without };
}

function chromiumFinding(environment: Readonly<Record<string, string | undefined>>): Finding {
  const candidates = [
    environment.CHROMIUM_PATH,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return {
    name: "Chromium",
    found: candidates.find((path) => path !== undefined && existsSync(path)),
    without: "the browser tests are skipped: install chromium or set CHROMIUM_PATH",
  };
}

async function portFinding(port: number): Promise<Finding> {
  const answers = await answersAt("127.0.0.1", port);
  return {
    name: `port ${port}`,
    found: answers ? "something listens there (a broker, or npm run kafka needs --port)" : "free for npm run kafka",
    without: "",
  };
}

async function brokerFinding(broker: string): Promise<Finding> {
  const at = broker.lastIndexOf(":");
  const answers = await answersAt(broker.slice(0, at).replace(/^\[|\]$/g, ""), Number(broker.slice(at + 1)));
  return {
    name: `broker ${broker}`,
    found: answers ? "answers" : undefined,
    without: "KAFKA_BROKERS names it, but nothing listens there: start it, or unset KAFKA_BROKERS for the embedded log",
  };
}

function answersAt(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect({ host, port });
    const end = (result: boolean) => {
      socket.destroy();
      answer(result);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
