/**
 * A kernel whose language is an echo: the kernel/ of the product around an executor that knows no TypeScript and no
 * compiler. What runs with it is the protocol alone. Started by conformance.live.test.ts.
 */
import { readFileSync } from "node:fs";
import { currentCell } from "../../kernel/cell.js";
import { Comms } from "../../kernel/comms.js";
import { Kernel } from "../../kernel/kernel.js";
import type {
  CellError,
  CellOutcome,
  Completeness,
  Completions,
  Executor,
  MimeBundle,
  RunningCell,
} from "../../kernel/language/executor.js";
import { KernelSockets } from "../../kernel/socket/kernel-sockets.js";
import { parseConnectionFile } from "../../kernel/wire/connection-file.js";
import { kernelInfoReply } from "../../kernel/wire/kernel-info.js";

/** One instruction a line: `print TEXT`, `repeat COUNT TEXT`, `warn TEXT`, `show TEXT`, `change TEXT`, `clear`, `page TEXT`, `ask`, `fail TEXT`, `wait`. */
class EchoExecutor implements Executor {
  async prepare(): Promise<void> {}

  async execute(code: string, cell: RunningCell): Promise<CellOutcome> {
    let result: MimeBundle | undefined;
    for (const line of code.split("\n")) {
      const [, verb = "", text = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
      const bundle = { "text/plain": text };
      if (verb === "print") cell.write("stdout", `${text}\n`);
      else if (verb === "repeat") {
        const [, count = "", line = ""] = /^(\d+) (.*)$/.exec(text) ?? [];
        for (let number = 0; number < Number(count); number++) cell.write("stdout", `${number} ${line}\n`);
      } else if (verb === "warn") cell.write("stderr", `${text}\n`);
      else if (verb === "show") cell.display(bundle, { displayId: "shown" });
      else if (verb === "change") cell.updateDisplay("shown", bundle);
      else if (verb === "clear") cell.clearOutput(true);
      else if (verb === "page") cell.page(bundle);
      else if (verb === "ask") {
        try {
          result = { "text/plain": await cell.readLine(text, { password: true }) };
        } catch (error) {
          return { kind: "failed", error: this.describe(error instanceof Error ? error.message : error) };
        }
      } else if (verb === "fail") return { kind: "failed", error: this.describe(text) };
      else if (verb === "wait")
        await new Promise<void>((resolve) => cell.signal.addEventListener("abort", () => resolve()));
      else if (verb === "comm") this.#openComm(cell, text);
      else if (line !== "") result = { "text/plain": line };
      if (cell.signal.aborted) return { kind: "failed", error: this.describe("interrupted") };
    }
    return { kind: "done", result };
  }

  evaluate(expression: string, cell: RunningCell): Promise<CellOutcome> {
    return this.execute(expression, cell);
  }

  interrupt(): void {}

  describe(thrown: unknown): CellError {
    return { name: "Echo", message: String(thrown), traceback: [`Echo: ${thrown}`] };
  }

  async complete(code: string, cursor: number): Promise<Completions> {
    return { start: 0, end: cursor, matches: [{ text: `${code}!`, type: "echo" }] };
  }

  async inspect(code: string): Promise<MimeBundle> {
    return { "text/plain": code };
  }

  async isComplete(code: string): Promise<Completeness> {
    return code.endsWith("\\") ? { status: "incomplete", indent: "  " } : { status: "complete" };
  }

  /** Sends back what comes, buffers and all. */
  #openComm(cell: RunningCell, target: string): void {
    const comm = cell.openComm(
      target,
      { hello: true },
      { message: (data, buffers) => comm.send(data, { buffers, metadata: { echoed: true } }) },
      { buffers: [new Uint8Array([1, 2, 3])] },
    );
  }
}

const file = process.argv[process.argv.indexOf("--connection-file") + 1] ?? "";
const connection = parseConnectionFile(readFileSync(file, "utf8"));
const kernelInfo = kernelInfoReply({ kernelVersion: "0.0.0", languageVersion: "echo" });
const sockets = await KernelSockets.open({ connection, kernelInfo, parentProcessId: process.ppid }, (transport) => {
  const kernel = new Kernel({ executor: new EchoExecutor(), transport, comms: new Comms(), kernelInfo });
  const end = async () => {
    await sockets.close();
    process.exit(0);
  };
  return {
    request: (channel, message) => kernel.receive(channel, message),
    interrupt: () => kernel.interrupt(),
    shutdown: () => void end(),
    parentGone: () => void end(),
    dropped: (channel, reason) =>
      process.stderr.write(`${channel} dropped, ${currentCell() ? "in a cell" : "idle"}: ${reason}\n`),
    failed: (error) => {
      throw error;
    },
  };
});
