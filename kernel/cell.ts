/**
 * A cell being run, seen from the code that runs for it: everything it shows carries the header of its own request, so
 * that the output of a timer or a promise appears below the cell that started it, however late.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Comms } from "./comms.js";
import type { Comm, CommExtra, CommHandler, CommTarget, MimeBundle, RunningCell } from "./language/executor.js";
import type { JsonObject } from "./wire/content.js";
import { clearOutput, displayData, type StreamName } from "./wire/display.js";
import type { OutgoingMessage } from "./wire/frames.js";

/** How often the display of a live result may change. Stock front-ends keep memory at each update; ours does not. */
const HOST_PAGE_INTERVAL_MS = 250;
const STOCK_INTERVAL_MS = 1000;
const STOCK_FAST_FOR_MS = 120_000;
const STOCK_SLOW_INTERVAL_MS = 7500;

/** Text that one run of a cell may write: more than anyone reads, and less than a browser or a file chokes on. */
const TEXT_LENGTH_MAX = 20_000_000;

const running = new AsyncLocalStorage<Cell>();

/** Where output leaves the process, in order. */
export interface OutputSink {
  publish(message: OutgoingMessage): void;
  write(parentHeader: JsonObject, name: StreamName, text: string): void;
}

export interface CellSetting {
  readonly parentHeader: JsonObject;
  readonly executionCount: number;
  readonly cellId: string | undefined;
  /** Publishes nothing: the front-end asked for a silent run. */
  readonly silent: boolean;
  readonly output: OutputSink;
  readonly readLine: (prompt: string, password: boolean, signal: AbortSignal) => Promise<string>;
  readonly onHostPage: () => boolean;
  readonly comms: Comms;
  readonly onDispose: (dispose: () => void) => void;
}

export class Cell implements RunningCell {
  readonly #setting: CellSetting;
  readonly #interrupted = new AbortController();
  #textLength = 0;
  readonly #pages: MimeBundle[] = [];

  constructor(setting: CellSetting) {
    this.#setting = setting;
  }

  get parentHeader(): JsonObject {
    return this.#setting.parentHeader;
  }

  get executionCount(): number {
    return this.#setting.executionCount;
  }

  get cellId(): string | undefined {
    return this.#setting.cellId;
  }

  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  interrupt(): void {
    this.#interrupted.abort();
  }

  display(
    bundle: MimeBundle,
    options: { displayId?: string; metadata?: Readonly<Record<string, unknown>> } = {},
  ): void {
    this.#publish("display_data", displayData(bundle, options.metadata ?? {}, options.displayId));
  }

  updateDisplay(displayId: string, bundle: MimeBundle, metadata: Readonly<Record<string, unknown>> = {}): void {
    this.#publish("update_display_data", displayData(bundle, metadata, displayId));
  }

  clearOutput(wait: boolean): void {
    this.#publish("clear_output", clearOutput(wait));
  }

  page(bundle: MimeBundle): void {
    this.#pages.push(bundle);
  }

  get pages(): readonly MimeBundle[] {
    return this.#pages;
  }

  write(name: StreamName, text: string): void {
    const { silent, output, parentHeader } = this.#setting;
    if (silent || text === "" || this.#textLength > TEXT_LENGTH_MAX) return;
    this.#textLength += text.length;
    output.write(parentHeader, name, text);
    if (this.#textLength > TEXT_LENGTH_MAX) {
      const limit = `${TEXT_LENGTH_MAX / 1e6} million characters`;
      output.write(
        parentHeader,
        "stderr",
        `\nThis cell has written ${limit}; what follows is not shown. Write it to a file instead.\n`,
      );
    }
  }

  updateIntervalMs(liveForMs: number): number {
    if (this.#setting.onHostPage()) return HOST_PAGE_INTERVAL_MS;
    return liveForMs < STOCK_FAST_FOR_MS ? STOCK_INTERVAL_MS : STOCK_SLOW_INTERVAL_MS;
  }

  readLine(prompt: string, options: { password?: boolean } = {}): Promise<string> {
    return this.#setting.readLine(prompt, options.password ?? false, this.signal);
  }

  openComm(target: string, data: JsonObject, handler: CommHandler, extra?: CommExtra): Comm {
    const comm = this.#setting.comms.open(target, data, handler, extra);
    this.onDispose(() => comm.close());
    return comm;
  }

  acceptComms(target: string, accept: CommTarget): void {
    this.#setting.comms.registerTarget(target, accept);
  }

  onDispose(dispose: () => void): void {
    this.#setting.onDispose(dispose);
  }

  #publish(type: string, content: JsonObject): void {
    if (this.#setting.silent) return;
    this.#setting.output.publish({ type, parentHeader: this.#setting.parentHeader, content });
  }
}

/** Runs `work` so that whatever it starts, now or later, belongs to `cell`. */
export function runInCell<T>(cell: Cell, work: () => T): T {
  return running.run(cell, work);
}

/** The cell whose code is running, also in its timers and promises; undefined outside of any. */
export function currentCell(): Cell | undefined {
  return running.getStore();
}

/**
 * Called before code is stopped by force: Node then leaves the bookkeeping of asynchronous calls behind that a started
 * AsyncLocalStorage is checked against, and would end the process over it. The next cell starts it again.
 */
export function pauseAttribution(): void {
  running.disable();
}
