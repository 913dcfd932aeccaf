/** The cell that a plain program runs in: what is shown goes to standard output as text, an update as a new line. */
import type { CellOutput, MimeBundle } from "../cell-output.js";

export function consoleCell(): CellOutput {
  const show = (bundle: MimeBundle) => {
    const text = bundle["text/plain"];
    if (typeof text === "string") process.stdout.write(`${text}\n`);
  };
  return {
    signal: new AbortController().signal,
    display: show,
    updateDisplay: (_displayId, bundle) => show(bundle),
    clearOutput() {
      // A terminal keeps what it has shown.
    },
    write(stream, text) {
      process[stream].write(text);
    },
    updateIntervalMs: () => 10_000,
  };
}

/** The cell of a program that shows nothing of its streams and results; what is wrong is said all the same. */
export function quietCell(signal: AbortSignal = new AbortController().signal): CellOutput {
  return {
    signal,
    display() {},
    updateDisplay() {},
    clearOutput() {},
    write(stream, text) {
      if (stream === "stderr") process.stderr.write(text);
    },
    updateIntervalMs: () => 60_000,
  };
}
