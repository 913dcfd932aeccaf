/**
 * The kernels of this workbench: start, restart, interrupt, stop, and tell when one has died. Owns the processes and
 * one control connection to each; the page's own connections are in `channels.ts`.
 */
import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { Displays } from "./displays.js";
import type { ConnectKernel, KernelClient } from "./kernel-client.js";
import {
  type Channel,
  type ConnectionInfo,
  composeMessage,
  contentOf,
  headerOf,
  type MessageParts,
} from "./kernel-messages.js";
import { type KernelCommand, KernelProcess } from "./kernel-process.js";

export type KernelState = "starting" | "idle" | "busy" | "restarting" | "dead";

export interface KernelStatus {
  readonly id: string;
  readonly state: KernelState;
  /** Why it is dead, in words; undefined otherwise. */
  readonly reason: string | undefined;
  readonly lastActivityMs: number;
  readonly pid: number | undefined;
}

interface Kernel {
  readonly id: string;
  readonly workingDirectory: string;
  state: KernelState;
  reason: string | undefined;
  lastActivityMs: number;
  run: { process: KernelProcess; control: KernelClient } | undefined;
  readonly displays: Displays;
  /** The restart or stop under way; the next one waits for it. */
  change: Promise<void>;
}

interface KernelChanges {
  /** The kernel has a new process, or none any more: connections to the old one are of no use. */
  replaced: [id: string];
  died: [id: string];
  /** A display is new or has changed. */
  displayed: [id: string, displayId: string];
}

export class Kernels {
  readonly changes = new EventEmitter<KernelChanges>();
  readonly #command: KernelCommand;
  readonly #connect: ConnectKernel;
  readonly #log: (line: string) => void;
  readonly #session = randomUUID();
  readonly #kernels = new Map<string, Kernel>();

  constructor(command: KernelCommand, connect: ConnectKernel, log: (line: string) => void) {
    this.#command = command;
    this.#connect = connect;
    this.#log = log;
    this.changes.setMaxListeners(0);
  }

  async start(workingDirectory: string): Promise<KernelStatus> {
    const kernel: Kernel = {
      id: randomUUID(),
      workingDirectory,
      state: "starting",
      reason: undefined,
      lastActivityMs: Date.now(),
      run: undefined,
      displays: new Displays(),
      change: Promise.resolve(),
    };
    this.#kernels.set(kernel.id, kernel);
    await this.#launch(kernel);
    return statusOf(kernel);
  }

  list(): readonly KernelStatus[] {
    return [...this.#kernels.values()].map(statusOf);
  }

  get(id: string): KernelStatus | undefined {
    const kernel = this.#kernels.get(id);
    return kernel && statusOf(kernel);
  }

  /** Where the process of this kernel listens; undefined while there is none. */
  connectionOf(id: string): ConnectionInfo | undefined {
    return this.#kernels.get(id)?.run?.process.connection;
  }

  /** The newest state of each of its displays, the one that moved last at the end. */
  displaysOf(id: string): readonly MessageParts[] {
    const displays = this.#kernels.get(id)?.displays;
    return displays?.all() ?? [];
  }

  displayOf(id: string, displayId: string): MessageParts | undefined {
    return this.#kernels.get(id)?.displays.get(displayId);
  }

  /** False when there is no such kernel running. */
  interrupt(id: string): boolean {
    const run = this.#kernels.get(id)?.run;
    run?.control.send("control", composeMessage("interrupt_request", {}, this.#session));
    return run !== undefined;
  }

  /** Also brings a dead kernel back. */
  async restart(id: string): Promise<KernelStatus | undefined> {
    const kernel = this.#kernels.get(id);
    if (kernel === undefined) return undefined;
    await this.#inTurn(kernel, async () => {
      kernel.state = "restarting";
      await this.#endProcess(kernel, true);
      await this.#launch(kernel);
      this.changes.emit("replaced", id);
    });
    return statusOf(kernel);
  }

  /** False when there is no such kernel. */
  async shutdown(id: string): Promise<boolean> {
    const kernel = this.#kernels.get(id);
    if (kernel === undefined) return false;
    this.#kernels.delete(id);
    await this.#inTurn(kernel, () => this.#endProcess(kernel, false));
    this.changes.emit("replaced", id);
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kernels.keys()].map((id) => this.shutdown(id)));
  }

  async #inTurn(kernel: Kernel, work: () => Promise<void>): Promise<void> {
    const turn = kernel.change.then(work);
    kernel.change = turn.catch(() => {});
    await turn;
  }

  async #launch(kernel: Kernel): Promise<void> {
    const log = (line: string) => this.#log(`kernel: ${line}`);
    const process = await KernelProcess.start(this.#command, kernel.workingDirectory, log);
    const control = this.#connect(process.connection, {
      message: (channel, parts) => this.#observe(kernel, channel, parts),
      failed: (error) => log(error.message),
    });
    kernel.run = { process, control };
    kernel.displays.clear();
    kernel.state = "starting";
    kernel.reason = undefined;
    void process.ended.then((reason) => this.#ended(kernel, process, reason));
  }

  /** The state as the kernel itself broadcasts it, and what it displays. */
  #observe(kernel: Kernel, channel: Channel, parts: MessageParts): void {
    if (channel !== "iopub") return;
    kernel.lastActivityMs = Date.now();
    const displayId = kernel.displays.note(parts);
    if (displayId !== undefined) this.changes.emit("displayed", kernel.id, displayId);
    if (headerOf(parts).msg_type !== "status") return;
    const state = contentOf(parts).execution_state;
    if (state === "idle" || state === "busy") kernel.state = state;
  }

  /** A process that ended while it was still the kernel's: nobody asked for that. */
  #ended(kernel: Kernel, process: KernelProcess, reason: string): void {
    if (kernel.run?.process !== process) return;
    kernel.run.control.close();
    kernel.run = undefined;
    kernel.state = "dead";
    kernel.reason = reason;
    this.#log(`kernel: ${reason}`);
    this.changes.emit("died", kernel.id);
  }

  async #endProcess(kernel: Kernel, restart: boolean): Promise<void> {
    const run = kernel.run;
    if (run === undefined) return;
    kernel.run = undefined;
    await run.process.stop(() => {
      run.control.send("control", composeMessage("shutdown_request", { restart }, this.#session));
    });
    run.control.close();
  }
}

function statusOf(kernel: Kernel): KernelStatus {
  const { id, state, reason, lastActivityMs } = kernel;
  return { id, state, reason, lastActivityMs, pid: kernel.run?.process.pid };
}
