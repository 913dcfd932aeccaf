/**
 * Runs a program of the machine to its end, for installing components. Owns the answer to "it is not there" and to
 * "it failed": the last lines it printed, never a silent exit code.
 */
import { spawn } from "node:child_process";
import { TidetableError } from "../../src/errors.js";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  /** What to install when the program is not on this machine. */
  readonly missing: string;
}

/** The program's standard output. @throws TidetableError COMPONENT_MISSING when it is not there, fails or takes too long. */
export async function runCommand(
  program: string,
  parameters: readonly string[],
  options: CommandOptions,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const message = error.code === "ENOENT" ? `${program} is not on this machine. ${options.missing}` : error.message;
      reject(new TidetableError("COMPONENT_MISSING", message, { cause: error }));
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const how = signal === null ? `ended with code ${code}` : `was stopped after ${options.timeoutMs / 1000} s`;
      const last = `${output}\n${errors}`.trim().split("\n").slice(-12).join("\n");
      reject(new TidetableError("COMPONENT_MISSING", `${program} ${parameters.join(" ")} ${how}:\n${last}`));
    });
  });
}
