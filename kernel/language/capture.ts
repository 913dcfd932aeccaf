/**
 * What a cell's code finds in place of the process's own console, standard streams and exit: its writing goes to the
 * cell, and it cannot end the kernel. Installed once.
 */
import { Console } from "node:console";
import type { Writable } from "node:stream";

type Write = (stream: "stdout" | "stderr", text: string) => boolean;

/** The process as the kernel uses it. */
export interface OwnProcess {
  exit(code: number): never;
  log(text: string): void;
}

/**
 * @param write takes the text; false when no cell is there to take it, and it goes to the process's own stream
 * @returns what is left to the kernel itself
 */
export function captureProcess(write: Write): OwnProcess {
  const own = {
    exit: process.exit.bind(process),
    log: process.stderr.write.bind(process.stderr) as (text: string) => boolean,
  };
  for (const name of ["stdout", "stderr"] as const) captureStream(name, write);
  // A captured write cannot fail, and what would listen for failures costs more than the line.
  const { stdout, stderr } = process;
  globalThis.console = new Console({ stdout, stderr, colorMode: false, ignoreErrors: false });
  showWarnings();
  process.exit = (code) => {
    throw new ExitRefused(
      `process.exit(${code ?? ""}) was called; the kernel goes on. To end it, use Shut Down or Restart in the menu.`,
    );
  };
  return own;
}

/** Warnings about what the kernel itself does to load a cell's modules say nothing to a user. */
const OWN_WARNINGS = /^vm\.USE_MAIN_CONTEXT_DEFAULT_LOADER|is loading ES Module .* using require\(\)/s;

function showWarnings(): void {
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => {
    if (name !== "ExperimentalWarning" || !OWN_WARNINGS.test(message)) process.stderr.write(`${name}: ${message}\n`);
  });
}

class ExitRefused extends Error {
  override readonly name = "ExitRefused";
}

function captureStream(name: "stdout" | "stderr", write: Write): void {
  const stream: Writable = process[name];
  const own = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  const decoder = new TextDecoder();
  const captured = (chunk: unknown, ...rest: unknown[]): boolean => {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    if (!write(name, text)) return own(chunk, ...rest);
    const done = rest.at(-1);
    if (typeof done === "function") process.nextTick(() => done());
    return true;
  };
  stream.write = captured as typeof stream.write;
}
