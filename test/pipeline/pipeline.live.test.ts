/**
 * The whole pipeline in its small form: real Kafka, Cassandra, Tweeters behind HAProxy. Posted to while an instance is
 * killed, it loses nothing and doubles nothing; scaled from a second terminal, no page fails; stopped, no process is left.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureCassandra } from "../../scripts/components/cassandra.js";
import { ensureHaproxy } from "../../scripts/components/haproxy.js";
import { requireJava } from "../../scripts/components/maven.js";
import { endOrKill } from "../../scripts/components/process-end.js";
import { ensurePython } from "../../scripts/components/python.js";
import { askControl, serveControl } from "../../scripts/pipeline/control.js";
import { Pipeline } from "../../scripts/pipeline/pipeline.js";
import { startReaders } from "../../scripts/pipeline/readers.js";
import { rehearse } from "../../scripts/pipeline/rehearse.js";
import { startKernel } from "../support/jupyter-client.js";
import { codeCellsOf, tutorialPath } from "../support/notebook.js";
import { isAlive } from "../support/process-alive.js";
import { requireComponent } from "../support/require-component.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

const root = resolve(".");
const size = { instances: 2, cassandraNodes: 1, kafkaNodes: 1 } as const;

describe("npm run pipeline", function () {
  this.timeout(240_000);
  let folder: TemporaryFolder;
  let pipeline: Pipeline | undefined;
  let child: ChildProcess | undefined;

  before(async function () {
    await requireComponent(this, async () => {
      await requireJava();
      await ensureCassandra();
      await ensureHaproxy();
      await ensurePython();
    });
    folder = temporaryFolder("pipeline-test");
  });
  after(async () => {
    await pipeline?.stop();
    if (child !== undefined) await endOrKill(child, 60_000);
    folder?.remove();
  });

  it("keeps every acknowledged tweet once, and fails no GET, while an instance is killed", async () => {
    pipeline = new Pipeline({
      size,
      command: [process.execPath, join(root, "dist/cli.js")],
      environment: process.env,
      workbench: false,
    });
    await pipeline.start();
    const said: string[] = [];
    const checks = await rehearse(pipeline, {
      size,
      count: 1_500,
      ratePerSecond: 2_000,
      signal: new AbortController().signal,
      say: (line) => said.push(line),
    });
    deepEqual(
      checks.filter((check) => !check.ok),
      [],
      said.join("\n"),
    );
    match(said.join("\n"), /SIGKILL to tweeter 2/);
  });

  it("shows tweets stored against tweets streamed in the tutorial's last cell", async () => {
    ok(pipeline !== undefined);
    const kernel = await startKernel({
      directory: folder.path,
      environment: {
        KAFKA_BROKERS: pipeline.brokers,
        CASSANDRA_CONTACT_POINTS: pipeline.contactPoints,
        TIDETABLE_DATA: join(folder.path, "notebook"),
      },
    });
    try {
      const cells = codeCellsOf(readFileSync(tutorialPath, "utf8")).map(({ source }) => source);
      const [load = "", open = "", stored = ""] = [/^import /, /stream\("tweets"\)/, /cassandra\("/].map((pattern) =>
        cells.find((source) => pattern.test(source)),
      );
      await kernel.execute(load);
      await kernel.execute(`${open}\nawait tweets.caughtUp()`, { deadlineMs: 60_000 });
      const { outputs } = await kernel.execute(stored, { deadlineMs: 60_000 });
      const shown = outputs.map((output) => String(output.data?.["text/plain"] ?? output.evalue ?? "")).join("\n");
      const rows = [...shown.matchAll(/^\S+ +(\d+) +(\d+)$/gm)];
      ok(rows.length > 10, shown);
      for (const [row, inCassandra, onTopic] of rows) equal(inCassandra, onTopic, row);
    } finally {
      await kernel.shutdown();
    }
  });

  it("is scaled from a second terminal without a failed GET, and says what it cannot do", async () => {
    ok(pipeline !== undefined);
    const control = await serveControl(folder.path, pipeline);
    try {
      const readers = startReaders(pipeline.tweeterUrl);
      match(await askControl(folder.path, { action: "scale", instances: 3 }), /tweeter 3 +✓ healthy/);
      const table = await askControl(folder.path, { action: "scale", instances: 1 });
      const outcome = await readers.stop();
      match(table, /tweeter 1 +✓ healthy/);
      ok(!/tweeter [23]/.test(table), table);
      deepEqual(outcome.failures, []);
      ok(outcome.answered > 0);
      await rejects(askControl(folder.path, { action: "kill", service: "kafka", number: 2 }), /There is no kafka 2/);
      await rejects(askControl(folder.path, { action: "start", service: "kafka", number: 1 }), /was not killed/);
      await rejects(serveControl(folder.path, pipeline), /runs here already/);
      const { url } = JSON.parse(readFileSync(join(folder.path, "pipeline.json"), "utf8")) as { url: string };
      equal((await fetch(`${url}/status`, { method: "POST" })).status, 401);
    } finally {
      await control.close();
    }
    await rejects(askControl(folder.path, { action: "status" }), /No pipeline runs here/);
  });

  it("ends on Ctrl-C, also while it starts, and leaves no process", async () => {
    await pipeline?.stop();
    pipeline = undefined;
    const printed: string[] = [];
    child = spawn(process.execPath, ["--import", "tsx", "scripts/pipeline.ts", "--nodes", "1", "--instances", "1"], {
      env: { ...process.env, TIDETABLE_DATA: folder.path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const pid = child.pid ?? 0;
    child.stdout?.on("data", (data: Buffer) => printed.push(data.toString()));
    child.stderr?.on("data", (data: Buffer) => printed.push(data.toString()));
    await until("the balancer runs", () => /haproxy: healthy/.test(printed.join("")), 60_000);
    const children = childrenOf(pid);
    ok(children.length >= 1, "no child process");
    child.kill("SIGINT");
    await until("it has ended", () => child?.exitCode !== null || child.signalCode !== null, 120_000);
    match(printed.join(""), /Stopping …\nStopped\./);
    // What the parent was transpiled with ends a moment after it.
    await until("no child is left", () => ![...children, ...childrenOf(pid)].some(isAlive), 15_000);
  });
});

function childrenOf(pid: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  return table
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent = 0]) => (parent === pid ? [child] : []));
}
