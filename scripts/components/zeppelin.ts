/**
 * A real Zeppelin server on loopback, from Maven artifacts: REST, Markdown and `%jupyter`; no page and no Spark, which are
 * not published. Owns its home folder, its processes and the Python that its Jupyter bridge runs in.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TidetableError } from "../../src/errors.js";
import { installOnce, type Progress } from "./cache.js";
import { runCommand } from "./command.js";
import { freePort } from "./free-ports.js";
import { ensureJars } from "./maven.js";

export const zeppelinVersion = "0.10.0";
/** The interpreters were published once more. */
const interpreterVersion = "0.10.1";
const readyTimeoutMs = 120_000;
const stopTimeoutMs = 15_000;

export interface ZeppelinOptions {
  /** Command of the kernel `tidetable`, without the connection file. */
  readonly kernelCommand: readonly string[];
  /** Absent: a free one. */
  readonly port?: number;
  /** Environment of the kernel: `KAFKA_BROKERS`, `TIDETABLE_DATA`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly progress?: Progress;
}

export interface ZeppelinServer {
  readonly url: string;
  readonly directory: string;
  readonly logFile: string;
  /** Resolves with what is known when the server ends by itself. */
  readonly unexpectedEnd: Promise<string>;
  stop(): Promise<void>;
}

interface ZeppelinFiles {
  readonly server: string;
  readonly shaded: string;
  readonly jupyter: string;
  readonly markdown: string;
  readonly python: string;
}

/** Jars and Python, installed on first use (about 200 MB). @throws TidetableError COMPONENT_MISSING */
export async function ensureZeppelin(progress: Progress = () => {}): Promise<ZeppelinFiles> {
  const jars = (name: string, version: string) =>
    ensureJars({ name: `${name}-${version}`, artifacts: [`org.apache.zeppelin:${name}:${version}`] }, progress);
  return {
    server: await jars("zeppelin-server", zeppelinVersion),
    shaded: await jars("zeppelin-interpreter-shaded", interpreterVersion),
    jupyter: await jars("zeppelin-jupyter-interpreter", interpreterVersion),
    markdown: await jars("zeppelin-markdown", interpreterVersion),
    python: await ensureBridgePython(progress),
  };
}

export async function startZeppelin(options: ZeppelinOptions): Promise<ZeppelinServer> {
  const files = await ensureZeppelin(options.progress);
  const directory = await mkdtemp(join(tmpdir(), "tidetable-zeppelin-"));
  const port = options.port ?? (await freePort());
  await prepareHome(directory, files, port, options);
  const logFile = join(directory, "server.log");
  const log = createWriteStream(logFile);
  const child = spawn(
    "java",
    [
      "-Xmx768m",
      `-Dzeppelin.home=${directory}`,
      "-cp",
      [join(directory, "conf"), `${files.server}/*`].join(delimiter),
      "org.apache.zeppelin.server.ZeppelinServer",
    ],
    // A group of its own: the interpreters that the server starts end with it.
    {
      cwd: directory,
      env: serverEnvironment(directory, files, options),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const killAll = () => signalGroup(child, "SIGKILL");
  process.once("exit", killAll);
  let stopping = false;
  const ended = new Promise<string>((end) => {
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ?? `code ${code}`));
  });
  const unexpectedEnd = new Promise<string>((report) => {
    void ended.then((how) => {
      if (!stopping) report(how);
    });
  });
  const stop = async () => {
    stopping = true;
    signalGroup(child, "SIGTERM");
    const late = delay(stopTimeoutMs, "late", { ref: false });
    await Promise.race([ended, late]);
    // Interpreters that outlived the server, or all of them.
    killAll();
    process.off("exit", killAll);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitUntilReady(url, unexpectedEnd, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, directory, logFile, unexpectedEnd, stop };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: everything in the group has ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function waitUntilReady(url: string, unexpectedEnd: Promise<string>, logFile: string): Promise<void> {
  let end: string | undefined;
  void unexpectedEnd.then((how) => {
    end = how;
  });
  for (const deadline = performance.now() + readyTimeoutMs; performance.now() < deadline; ) {
    const answer = await fetch(`${url}/api/version`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
    if (answer?.ok === true) return;
    if (end !== undefined) break;
    await delay(250);
  }
  const last = (await readFile(logFile, "utf8")).trim().split("\n").slice(-12).join("\n");
  const how = end === undefined ? `did not answer within ${readyTimeoutMs / 1000} s` : `ended with ${end}`;
  throw new TidetableError("COMPONENT_MISSING", `Zeppelin ${zeppelinVersion} ${how}:\n${last}`);
}

/** jupyter-client and gRPC for Zeppelin's bridge, whose generated code wants protobuf 3. */
async function ensureBridgePython(progress: Progress): Promise<string> {
  const packages = ["protobuf==3.20.3", "grpcio==1.85.1", "jupyter-client==8.10.0"];
  const directory = await installOnce(
    {
      name: "zeppelin-python",
      stamp: packages.join("\n"),
      inPlace: true,
      async install(into, tell) {
        tell("zeppelin: installing jupyter-client and gRPC for its bridge");
        const command = { timeoutMs: 10 * 60_000, missing: "Install Python 3 with venv." };
        await runCommand("python3", ["-m", "venv", "--clear", into], command);
        const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
        await runCommand(join(into, "bin/python"), pip, command);
      },
    },
    progress,
  );
  return join(directory, "bin/python");
}

async function prepareHome(home: string, files: ZeppelinFiles, port: number, options: ZeppelinOptions): Promise<void> {
  for (const folder of ["conf", "notebook", "war", "angular", "bin", "interpreter", "jupyter/kernels/tidetable"]) {
    await mkdir(join(home, folder), { recursive: true });
  }
  await symlink(files.jupyter, join(home, "interpreter/jupyter"));
  await symlink(files.markdown, join(home, "interpreter/md"));
  for (const jar of (await readdir(files.shaded)).filter((name) => name.startsWith("zeppelin-interpreter-shaded"))) {
    await symlink(join(files.shaded, jar), join(home, "interpreter", jar));
  }
  await writeFile(join(home, "conf/zeppelin-site.xml"), siteXml(home, port));
  await writeFile(join(home, "conf/log4j.properties"), log4j);
  await writeProgram(join(home, "bin/interpreter.sh"), runner);
  await writeProgram(join(home, "bin/python"), pythonShim(files.python));
  const kernel = {
    argv: [...options.kernelCommand, "--connection-file", "{connection_file}"],
    display_name: "Tidetable (TypeScript)",
    language: "typescript",
    interrupt_mode: "message",
  };
  await writeFile(join(home, "jupyter/kernels/tidetable/kernel.json"), JSON.stringify(kernel));
}

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

function serverEnvironment(home: string, files: ZeppelinFiles, options: ZeppelinOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...options.environment,
    ZEPPELIN_HOME: home,
    ZEPPELIN_CONF_DIR: join(home, "conf"),
    // Without a name it reads its standard input and ends when that does.
    ZEPPELIN_IDENT_STRING: "tidetable",
    PATH: [join(home, "bin"), process.env.PATH ?? ""].join(delimiter),
    JUPYTER_PATH: join(home, "jupyter"),
    VIRTUAL_ENV: join(files.python, "../.."),
  };
}

function siteXml(home: string, port: number): string {
  const properties: Readonly<Record<string, string>> = {
    "zeppelin.server.addr": "127.0.0.1",
    "zeppelin.server.port": String(port),
    "zeppelin.war": join(home, "war"),
    "zeppelin.angular.war": join(home, "angular"),
    "zeppelin.notebook.dir": join(home, "notebook"),
    "zeppelin.notebook.storage": "org.apache.zeppelin.notebook.repo.VFSNotebookRepo",
    "zeppelin.interpreter.dir": join(home, "interpreter"),
    "zeppelin.interpreter.remoterunner": join(home, "bin/interpreter.sh"),
    "zeppelin.search.enable": "false",
  };
  const lines = Object.entries(properties).map(
    ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>`,
  );
  return `<?xml version="1.0"?>\n<configuration>\n${lines.join("\n")}\n</configuration>\n`;
}

const log4j = `log4j.rootLogger = INFO, console
log4j.appender.console = org.apache.log4j.ConsoleAppender
log4j.appender.console.layout = org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern = %d %p %c{1} - %m%n
`;

/** The script that Zeppelin starts an interpreter's process with; the distribution's own is not published. */
const runner = `#!/bin/sh
while getopts d:c:p:r:i:g:l:u:n: option; do
  case "$option" in
    d) directory=$OPTARG ;;
    c) host=$OPTARG ;;
    p) port=$OPTARG ;;
    r) range=$OPTARG ;;
    i) group=$OPTARG ;;
    *) ;;
  esac
done
exec java -Xmx512m -cp "$directory/*:$ZEPPELIN_HOME/interpreter/*:$ZEPPELIN_HOME/conf" \\
  org.apache.zeppelin.interpreter.remote.RemoteInterpreterServer "$host" "$port" "$group" "$range"
`;

/** Zeppelin 0.10 looks for \`jupyter-client\` in a list in which today's pip writes \`jupyter_client\`. */
function pythonShim(python: string): string {
  return `#!/bin/sh
if [ "$*" = "-m pip freeze" ]; then
  "${python}" -m pip freeze | sed 's/^jupyter_client/jupyter-client/'
else
  exec "${python}" "$@"
fi
`;
}
