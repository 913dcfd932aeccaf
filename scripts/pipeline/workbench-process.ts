/** The workbench as a process of its own, as `npm start` is, without a browser. Owns the process and finds out its address. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TidetableError } from "../../src/errors.js";
import { endOrKill } from "../components/process-end.js";

export interface WorkbenchProcess {
  /** With the token that lets a browser in. */
  readonly url: string;
  /** The same without it. */
  readonly origin: string;
  stop(): Promise<void>;
}

export interface WorkbenchProcessOptions {
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where its log goes. */
  readonly directory: string;
}

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;

/** @throws TidetableError COMPONENT_MISSING with what it printed. */
export async function startWorkbenchProcess(options: WorkbenchProcessOptions): Promise<WorkbenchProcess> {
  const [program = "", ...parameters] = options.command;
  const child = spawn(program, parameters, {
    env: options.environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const log = createWriteStream(join(options.directory, "workbench.log"));
  const printed: string[] = [];
  child.stderr.on("data", (data: Buffer) => {
    printed.push(data.toString());
    log.write(data);
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await endOrKill(child, stopTimeoutMs);
    process.off("exit", kill);
    log.end();
  };
  const url = await new Promise<string>((found, failed) => {
    const timer = setTimeout(() => failed(notStarted("was not ready within a minute", printed)), readyTimeoutMs);
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      const address = /http:\/\/\S+/.exec(line)?.[0];
      if (address === undefined) return;
      clearTimeout(timer);
      found(address);
    });
    child.on("error", (error) => failed(notStarted(error.message, printed)));
    child.on("exit", (code) => {
      clearTimeout(timer);
      failed(notStarted(`ended with code ${code}`, printed));
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, origin: new URL(url).origin, stop };
}

function notStarted(why: string, printed: readonly string[]): TidetableError {
  const last = printed.join("").trim().split("\n").slice(-5).join("\n");
  return new TidetableError("COMPONENT_MISSING", `The workbench ${why}:\n${last}`);
}
