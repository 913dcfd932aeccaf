/**
 * The port between the kernel and a language. A language runs cells in one lasting scope, shows what a cell's last
 * expression is worth, and answers an editor's questions. It knows cells and their output, and no protocol.
 */

/** Data by mime type. JSON mimes are objects, never strings. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** Where code that runs for a cell puts what it shows. */
export interface CellOutput {
  /** Aborted when the user interrupts the cell. */
  readonly signal: AbortSignal;
  display(bundle: MimeBundle, options?: { displayId?: string; metadata?: Readonly<Record<string, unknown>> }): void;
  updateDisplay(displayId: string, bundle: MimeBundle, metadata?: Readonly<Record<string, unknown>>): void;
  clearOutput(wait: boolean): void;
  /** Shows it in the front-end's pager, when the cell has ended. */
  page(bundle: MimeBundle): void;
  write(stream: "stdout" | "stderr", text: string): void;
  /** Milliseconds between updates of one display that has been live for `liveForMs`, as the front-end stands it. */
  updateIntervalMs(liveForMs: number): number;
  /** Asks the user for a line. @throws Error where the front-end cannot ask. */
  readLine(prompt: string, options?: { password?: boolean }): Promise<string>;
  /** Opens a comm on what answers for `target` in the front-end. It closes when the cell is run again. */
  openComm(target: string, data: CommData, handler: CommHandler, extra?: CommExtra): Comm;
  /** Answers for `target` from now on: `accept` is called for each comm that a front-end opens on it. */
  acceptComms(target: string, accept: CommTarget): void;
}

export type CommData = Readonly<Record<string, unknown>>;

/** What goes beside the data of a comm message. */
export interface CommExtra {
  readonly buffers?: readonly Uint8Array[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** One end of a comm: a two-way channel between code of a cell and an object in the front-end. */
export interface Comm {
  readonly id: string;
  /** Does nothing once either side has closed it. */
  send(data: CommData, extra?: CommExtra): void;
  close(data?: CommData): void;
}

export interface CommHandler {
  message?(data: CommData, buffers: readonly Uint8Array[]): void;
  closed?(data: CommData): void;
}

/** Called with each comm that a front-end opens, and with what it sent along. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing takes no messages, and will do
export type CommTarget = (comm: Comm, data: CommData, buffers: readonly Uint8Array[]) => CommHandler | void;

/** A cell being run. */
export interface RunningCell extends CellOutput {
  /** The number in the prompt; names the cell in a traceback. */
  readonly executionCount: number;
  /** The cell's id in the notebook, where the front-end sends one; stable across runs. */
  readonly cellId: string | undefined;
  /** Called when the cell is run again, its output cleared, or the kernel ends. */
  onDispose(dispose: () => void): void;
}

export interface CellError {
  readonly name: string;
  readonly message: string;
  /** Lines to show; the user's own lines, no frames of the kernel. */
  readonly traceback: readonly string[];
}

export type CellOutcome =
  | { readonly kind: "done"; readonly result: MimeBundle | undefined }
  | { readonly kind: "failed"; readonly error: CellError };

export interface Completions {
  /** UTF-16 range that a match replaces. */
  readonly start: number;
  readonly end: number;
  readonly matches: ReadonlyArray<{ readonly text: string; readonly type: string; readonly signature?: string }>;
}

export type Completeness =
  | { readonly status: "complete" }
  | { readonly status: "incomplete"; readonly indent: string }
  | { readonly status: "invalid" };

export interface Executor {
  /** Loads what running needs. Called once, after the kernel has answered its first request. */
  prepare(): Promise<void>;
  /** Runs a cell. Never rejects: what the user's code throws is an outcome. */
  execute(code: string, cell: RunningCell): Promise<CellOutcome>;
  /** The value of an expression in the scope, as the front-end asks beside a cell. */
  evaluate(expression: string, cell: RunningCell): Promise<CellOutcome>;
  /** Ends the cell that runs, if any; its scope keeps what it has done so far. */
  interrupt(): void;
  /** The words for what was thrown outside of any run: in a timer, in a promise that nobody waits for. */
  describe(thrown: unknown): CellError;
  /** `cursor` counts UTF-16 units, here and below. */
  complete(code: string, cursor: number): Promise<Completions>;
  inspect(code: string, cursor: number): Promise<MimeBundle | undefined>;
  isComplete(code: string): Promise<Completeness>;
}

/** What interrupting needs from the sockets: news of one in the middle of a loop, and a time in which none is forced. */
export interface InterruptGate {
  /** Its one element is 0 unless an interrupt waits to be dealt with; loops of cells look at it in each round. */
  readonly stopFlag: Int32Array;
  withoutForce<T>(work: () => T): T;
}
