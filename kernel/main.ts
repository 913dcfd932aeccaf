/**
 * The kernel process: reads its arguments and the environment, puts the parts together, serves until it is told to
 * end. The only file of kernel/ that reads the environment, that exits, and that knows Tidetable's library.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { currentCell } from "./cell.js";
import { Comms } from "./comms.js";
import { ForcedStops } from "./forced-stop.js";
import { HOST_PAGE_TARGET, Kernel } from "./kernel.js";
import { captureProcess } from "./language/capture.js";
import type { CellMagic } from "./language/cell-magics.js";
import { InterruptedError } from "./language/cell-runtime.js";
import { showChildOutput } from "./language/child-output.js";
import { compilerVersion } from "./language/compiler-package.js";
import type { Library } from "./language/language-service.js";
import { TypeScriptExecutor } from "./language/typescript.js";
import { KernelSockets } from "./socket/kernel-sockets.js";
import { type ConnectionInfo, parseConnectionFile } from "./wire/connection-file.js";
import { kernelInfoReply } from "./wire/kernel-info.js";

/** The compiler loads once the first request is answered; without one, it loads after this time. */
const LOAD_AFTER_MS_MAX = 1000;
/** How long the library may take to close. The sockets' worker ends the process soon after. */
const CLOSE_MS_MAX = 2000;

/** A stranger may have put anything into a message, and so into the reason why it was dropped. */
const REASON_LENGTH_MAX = 200;

const packageFolder = findPackageFolder();
const folder = process.cwd();
const forcedStops = new ForcedStops();
let closeSession: () => Promise<void> = async () => {};
let kernel: Kernel | undefined;
const comms = new Comms();
let ending = false;

const ownProcess = captureProcess((stream, text) => {
  const cell = currentCell() ?? kernel?.lastCell;
  cell?.write(stream, text);
  return cell !== undefined;
});
showChildOutput();
const connection = readConnection(process.argv.slice(2));
const sockets = await openSockets(connection);

async function openSockets(connectionInfo: ConnectionInfo): Promise<KernelSockets> {
  const kernelInfo = kernelInfoReply({ kernelVersion: packageVersion(), languageVersion: compilerVersion() });
  comms.registerTarget(HOST_PAGE_TARGET, () => ({}));
  try {
    return await KernelSockets.open(
      { connection: connectionInfo, kernelInfo, parentProcessId: launcherProcessId() },
      (transport) => {
        const executor = new TypeScriptExecutor({
          folder,
          gate: transport,
          callerIsStopped: () => currentCell()?.signal.aborted ?? false,
          showTslab,
          load: loadLibrary,
        });
        const serving = new Kernel({ executor, transport, comms, kernelInfo });
        kernel = serving;
        const prepareSoon = once(() => {
          // A failure is told by the first cell, which needs what could not be loaded.
          setImmediate(() => setImmediate(() => void executor.prepare().catch(() => {})));
        });
        setTimeout(prepareSoon, LOAD_AFTER_MS_MAX).unref();
        showStrayErrors((thrown) => executor.describe(thrown).traceback.join("\n"));
        process.on("SIGINT", () => serving.interrupt());
        forcedStops.prepare();
        process.on("SIGTERM", () => void end());
        return {
          request: (channel, message) => {
            forcedStops.whenClean(() => serving.receive(channel, message));
            prepareSoon();
          },
          interrupt: () => {
            serving.interrupt();
            forcedStops.whenClean(() => {});
          },
          shutdown: () => void end(),
          parentGone: () => void end(),
          dropped: (channel, reason) =>
            log(`a message on ${channel} was dropped: ${reason.slice(0, REASON_LENGTH_MAX)}`),
          failed: (error) => fail(`The kernel's sockets failed: ${error.message}`),
        };
      },
    );
  } catch (error) {
    return fail(`The kernel cannot listen on ${connectionInfo.endpoints.shell}: ${messageOf(error)}`);
  }
}

/** Read only now: what a notebook needs of Tidetable must not delay the kernel's first answer. */
async function loadLibrary(): Promise<{ magics: readonly CellMagic[]; libraries: Record<string, Library> }> {
  const [{ openTidetable }, { readConfig }] = await Promise.all([
    import("../src/session.js"),
    import("../src/config.js"),
  ]);
  const config = readConfig(process.env, folder);
  const { magics, library, commTargets, close } = openTidetable({
    config,
    currentCell,
    workingDirectory: folder,
    startAtOnce: true,
  });
  closeSession = close;
  for (const [name, target] of Object.entries(commTargets)) comms.registerTarget(name, target);
  const declarationFile = join(packageFolder, "dist/types/src/index.d.ts");
  return {
    magics,
    libraries: {
      tidetable: { exports: library, ...(existsSync(declarationFile) && { declarationFile }) },
    },
  };
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  kernel?.interrupt();
  kernel?.dispose();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS_MAX);
  });
  await Promise.race([closeSession().catch((error: unknown) => log(messageOf(error))), late]);
  clearTimeout(timer);
  await sockets.close();
  ownProcess.exit(0);
}

/** What a timer or a forgotten promise throws is shown below its cell, and never ends the kernel. */
function showStrayErrors(describe: (thrown: unknown) => string): void {
  const show = (thrown: unknown) => {
    const expected = forcedStops.isCleanUp(thrown) || thrown instanceof InterruptedError;
    if (!expected) process.stderr.write(`${describe(thrown)}\n`);
  };
  process.on("uncaughtException", show);
  process.on("unhandledRejection", show);
}

function readConnection(argv: readonly string[]): ConnectionInfo {
  const flag = argv.findIndex((argument) => argument === "--connection-file" || argument === "-f");
  const path = flag < 0 ? undefined : argv[flag + 1];
  if (path === undefined) return fail("A Jupyter client starts this kernel: --connection-file FILE is missing.");
  try {
    return parseConnectionFile(readFileSync(path, "utf8"));
  } catch (error) {
    return fail(`The connection file ${path} cannot be used: ${messageOf(error)}`);
  }
}

/** jupyter_client tells its own process id; other launchers are the parent process anyway. */
function launcherProcessId(): number | undefined {
  const id = Number(process.env.JPY_PARENT_PID);
  return Number.isInteger(id) && id > 1 ? id : undefined;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  return String(version);
}

function showTslab(bundle: Readonly<Record<string, unknown>>, displayId: string | undefined, update: boolean): void {
  const cell = currentCell() ?? kernel?.lastCell;
  if (update && displayId !== undefined) cell?.updateDisplay(displayId, bundle);
  else cell?.display(bundle, displayId === undefined ? {} : { displayId });
}

/** The folder of our package.json: above dist/kernel.js and above kernel/main.ts alike. */
function findPackageFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}

function log(message: string): void {
  ownProcess.log(`tidetable: ${message}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The useful words first: front-ends show the beginning of what a kernel says when it cannot start. */
function fail(message: string): never {
  log(message);
  return ownProcess.exit(1);
}
