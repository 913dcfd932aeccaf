/** What a command of the `tidetable` binary gets and gives back. Reads no environment of its own. */

import type { ParseArgsConfig } from "node:util";
import { parseArgs } from "node:util";
import { errorMessage } from "../errors.js";

export interface CommandContext {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP; a command then cleans up and returns. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  readonly warn: (line: string) => void;
  /** Shows a line that takes the place of the one before; absent where the output is no terminal. */
  readonly status?: (line: string) => void;
}

/** Runs to its end and answers the exit code. */
export type Command = (context: CommandContext) => Promise<number>;

/** The command line itself is wrong; `message` says what and lists what there is. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parses options strictly: an unknown one is named together with those that exist. */
export function parseOptions<Options extends NonNullable<ParseArgsConfig["options"]>>(
  argumentList: readonly string[],
  options: Options,
  positionals: { readonly max: number; readonly name?: string } = { max: 0 },
) {
  try {
    const parsed = parseArgs({ args: [...argumentList], options, strict: true, allowPositionals: positionals.max > 0 });
    if (parsed.positionals.length > positionals.max) {
      throw new UsageError(
        `takes at most ${positionals.max} ${positionals.name ?? "argument"}; got ${parsed.positionals.join(" ")}`,
      );
    }
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const known = Object.keys(options)
      .map((name) => `--${name}`)
      .join(" ");
    throw new UsageError(`${errorMessage(error).split(". ")[0]}. Options: ${known || "none"}`);
  }
}

/** A whole number within bounds, or a usage error that names the option and the value. */
export function wholeNumber(
  name: string,
  text: string | undefined,
  bounds: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw new UsageError(`--${name} is "${text}"; it takes a whole number from ${bounds.min} to ${bounds.max}`);
}
