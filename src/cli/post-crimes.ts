/** `tidetable post-crimes`: posts crimes to a topic, generated ones or those of the city's own CSV (`--lines FILE`). */
import { resolve } from "node:path";
import { readCrimes } from "../crime/crime-file.js";
import { generatedCrimes, postCrimes } from "../crime/post-crimes.js";
import type { CommandContext } from "./command.js";
import { parseOptions, UsageError, wholeNumber } from "./command.js";
import { kafkaOfCommand } from "./kafka-of-command.js";
import { duration, number, progressTeller } from "./progress.js";

export async function postCrimesCommand(context: CommandContext): Promise<number> {
  const { values } = parseOptions(context.arguments, {
    lines: { type: "string" },
    endless: { type: "boolean" },
    count: { type: "string" },
    rate: { type: "string" },
    topic: { type: "string" },
    brokers: { type: "string" },
    seed: { type: "string" },
  });
  const given = wholeNumber("count", values.count, { min: 1, max: 1_000_000_000 });
  const seed = wholeNumber("seed", values.seed, { min: 0, max: 2 ** 31 }) ?? 1;
  const topic = values.topic ?? "crimes";
  if (values.endless && given !== undefined) throw new UsageError("--endless and --count: give one or the other");
  // How many a file holds is known at its end.
  const isOpen = values.endless || (values.lines !== undefined && given === undefined);
  const startedMs = performance.now();
  const outcome = await postCrimes({
    connection: kafkaOfCommand(context, values.brokers),
    topic,
    crimes:
      values.lines === undefined ? generatedCrimes(seed) : readCrimes(resolve(context.workingDirectory, values.lines)),
    count: given ?? (isOpen ? Number.MAX_SAFE_INTEGER : 100_000),
    ratePerSecond: wholeNumber("rate", values.rate, { min: 1, max: 1_000_000 }) ?? 2_000,
    signal: context.signal,
    onProgress: progressTeller(context, ({ acknowledged, failed, count, ratePerSecond, remainingMs }) => {
      const errors = failed === 0 ? "" : `, ${number(failed)} failed`;
      const goal = isOpen ? "" : ` of ${number(count)}, ${duration(remainingMs)} to go`;
      const text = `${number(acknowledged)}${goal}, ${number(ratePerSecond)}/s${errors}`;
      return isOpen ? { text } : { share: (acknowledged + failed) / count, text };
    }),
  });
  const stopped = context.signal.aborted ? " (stopped)" : "";
  const failed = outcome.failed === 0 ? "" : `, ${number(outcome.failed)} failed`;
  const elapsed = duration(performance.now() - startedMs);
  context.print(`${number(outcome.acknowledged)} crimes acknowledged by ${topic} in ${elapsed}${failed}${stopped}`);
  if (outcome.refused > 0) {
    context.print(`  refused  ${number(outcome.refused)} rows, the last because ${outcome.lastReason}`);
  }
  return outcome.failed + outcome.refused === 0 ? 0 : 1;
}
