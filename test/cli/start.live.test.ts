/** `npm start` as a person types it: one line with an address, a page behind it, and nothing left after Ctrl-C. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { root } from "../support/notebook.js";
import { isAlive } from "../support/process-alive.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";

interface Started {
  readonly child: ChildProcess;
  /** What it printed so far, both streams. */
  output(): string;
  url(): Promise<string>;
  exitCode(): Promise<number | null>;
}

describe("tidetable start", function () {
  this.timeout(120_000);
  let folder: TemporaryFolder;
  const started: Started[] = [];

  beforeEach(() => {
    folder = temporaryFolder("start");
  });
  afterEach(async () => {
    for (const { child, exitCode } of started.splice(0)) {
      if (child.exitCode === null) child.kill("SIGTERM");
      await exitCode();
    }
    folder.remove();
  });

  const start = (parameters: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): Started => {
    const child = spawn(process.execPath, [join(root, "scripts/start.mjs"), "--no-open", ...parameters], {
      cwd: folder.path,
      env: { ...process.env, KAFKA_BROKERS: "", TIDETABLE_DATA: join(folder.path, "data"), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
    }
    const closed = new Promise<number | null>((done) => child.once("close", done));
    const one: Started = {
      child,
      output: () => text,
      url: () => until(`an address in:\n${text}`, () => /Tidetable is at (\S+)/.exec(text)?.[1], 60_000),
      exitCode: () => closed,
    };
    started.push(one);
    return one;
  };

  it("prints one line with the address, serves the page, and leaves no process after Ctrl-C", async () => {
    const first = start();
    const page = await fetch(await first.url(), { redirect: "manual" });
    ok([200, 302, 303].includes(page.status), String(page.status));
    match(first.output(), /20 tweets a second \(--rate N changes that\)/);
    const family = descendants(first.child.pid ?? 0);
    first.child.kill("SIGINT");
    equal(await first.exitCode(), 0);
    await until("its processes to be gone", () => family.every((pid) => !isAlive(pid)));
  });

  it("works a second time beside the first, and the second takes up the tweets when the first ends", async () => {
    const first = start();
    const second = start();
    const [firstUrl, secondUrl] = [await first.url(), await second.url()];
    ok(new URL(firstUrl).port !== new URL(secondUrl).port);
    const log = join(folder.path, "data/log/tweets.log");
    const feeder = () => Number(readFileSync(`${log}.feeder`, "utf8"));
    const fed = [first, second].find(({ child }) => child.pid === feeder());
    ok(fed !== undefined, "one of the two feeds the log");
    fed.child.kill("SIGINT");
    await fed.exitCode();
    const other = fed === first ? second : first;
    await until("the other to feed the log", () => {
      try {
        return feeder() === other.child.pid;
      } catch {
        return false;
      }
    });
  });

  it("says that a port is taken, and by which option another is chosen", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((listening) => holder.once("listening", listening));
    const address = holder.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const refused = start(["--port", String(port)]);
    equal(await refused.exitCode(), 1);
    match(refused.output(), new RegExp(`${port}[\\s\\S]*--port`));
    deepEqual(/\n\s+at /.test(refused.output()), false);
    holder.close();
  });

  for (const [what, parameters, environment, expected] of [
    ["a notebook that is not there", ["nowhere.ipynb"], {}, /no notebook .*nowhere\.ipynb/],
    ["an option that is none", ["--prot", "1"], {}, /--prot[\s\S]*--port/],
    ["a port that is none", ["--port", "abc"], {}, /--port is "abc"/],
    ["brokers that are none", [], { KAFKA_BROKERS: "nonsense" }, /KAFKA_BROKERS holds "nonsense"/],
    ["an engine that is none", [], { TIDETABLE_ENGINE: "oracle" }, /TIDETABLE_ENGINE is "oracle"/],
  ] as const) {
    it(`refuses ${what} in a sentence`, async () => {
      const refused = start(parameters, environment);
      ok((await refused.exitCode()) !== 0);
      match(refused.output(), expected);
      ok(!/\n\s+at /.test(refused.output()), refused.output());
    });
  }
});

/** Every process below this one, by /proc; empty where there is none (the check of Ctrl-C is then the exit alone). */
function descendants(pid: number): number[] {
  let parents: Array<{ pid: number; parent: number }>;
  try {
    parents = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const fields = readFileSync(`/proc/${name}/stat`, "utf8")
            .replace(/^.*\) /, "")
            .split(" ");
          return [{ pid: Number(name), parent: Number(fields[1]) }];
        } catch {
          return [];
        }
      });
  } catch {
    return [];
  }
  const found: number[] = [];
  const add = (parent: number) => {
    for (const child of parents.filter((entry) => entry.parent === parent)) {
      found.push(child.pid);
      add(child.pid);
    }
  };
  add(pid);
  return found;
}
