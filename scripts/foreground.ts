/**
 * What a command in the foreground has in common with others: it runs until Ctrl-C, a signal or the end of its terminal,
 * and then stops what it has started. Ends the process.
 */
import { errorMessage } from "../src/errors.js";

/** @param main answers the exit code; `stopping` aborts when it is to end */
export async function runInForeground(main: (stopping: AbortSignal) => Promise<number>): Promise<never> {
  const stopping = new AbortController();
  let interrupts = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      interrupts += 1;
      stopping.abort();
      // npm and the terminal may both pass on one Ctrl-C; who presses it again and again wants the end now.
      if (interrupts > 2) process.exit(130);
    });
  }
  // A terminal that is gone takes no line any more; what runs is stopped all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => stopping.abort());

  let exitCode: number;
  try {
    exitCode = await main(stopping.signal);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n`);
    exitCode = 1;
  }
  // Whatever did not come up in time to be stopped ends with this process.
  process.exit(exitCode);
}

/** What `starting` comes to, or an error as soon as it is to be stopped. */
export async function unlessInterrupted(starting: Promise<void>, stopping: AbortSignal): Promise<void> {
  const interrupted = new Promise<never>((_, reject) => {
    const refuse = () => reject(new Error("interrupted before all of it ran"));
    if (stopping.aborted) refuse();
    stopping.addEventListener("abort", refuse, { once: true });
  });
  await Promise.race([starting, interrupted]);
}
