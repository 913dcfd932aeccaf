/**
 * How code that runs for a cell puts something below it, without knowing the protocol. The kernel's cell implements
 * this; so does the plain console when Tidetable is used as a library.
 */

/** Data by mime type. JSON mimes (`…+json`) are objects, never strings. */
export type MimeBundle = Readonly<Record<string, unknown>>;

export interface CellOutput {
  /** Aborted when the user interrupts this cell. Work that outlives the cell (a live view) must not stop by it. */
  readonly signal: AbortSignal;

  /** Shows a bundle below the cell. With a `displayId`, `updateDisplay` can replace it, also after the cell has ended. */
  display(bundle: MimeBundle, options?: { displayId?: string; metadata?: Readonly<Record<string, unknown>> }): void;
  updateDisplay(displayId: string, bundle: MimeBundle, metadata?: Readonly<Record<string, unknown>>): void;
  /** Removes the cell's outputs; with `wait`, at the next output only, so that nothing flickers. */
  clearOutput(wait: boolean): void;
  write(stream: "stdout" | "stderr", text: string): void;

  /**
   * What the front-end stands: our own page asks for four updates a second, stock front-ends leak per update.
   * Milliseconds between updates of one display, given how long it has been live.
   */
  updateIntervalMs(liveForMs: number): number;

  /** Asks the user for a line; absent where nobody can be asked. @throws Error where this front-end cannot ask. */
  readLine?(prompt: string, options?: { password?: boolean }): Promise<string>;

  /** Opens a comm on what answers for `target` in the front-end; absent where there is none. Closed when the cell runs again. */
  openComm?(target: string, data: CommData, handler: CommHandler, extra?: CommExtra): Comm;
  /** Answers for `target` from now on: `accept` is called for each comm that a front-end opens on it. */
  acceptComms?(target: string, accept: CommTarget): void;
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

/** What is called when the other side has sent something, or has closed the comm. */
export interface CommHandler {
  message?(data: CommData, buffers: readonly Uint8Array[]): void;
  closed?(data: CommData): void;
}

/** Called with each comm that a front-end opens, and with what it sent along. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing takes no messages, and will do
export type CommTarget = (comm: Comm, data: CommData, buffers: readonly Uint8Array[]) => CommHandler | void;

/** A cell in which a `%%name` magic runs: its output, and the notebook's TypeScript scope. */
export interface MagicCell extends CellOutput {
  /** Evaluates a TypeScript expression in the notebook's scope, as if it stood in a cell of its own. */
  evaluate(expression: string): Promise<unknown>;
  /** Leaves `value` in the notebook's scope under `name`, with this TypeScript type for completion and checking. */
  define(name: string, value: unknown, typeText: string): void;
  /** Called when the cell is run again, its output cleared, or the kernel shuts down: end what is live. */
  onDispose(dispose: () => void): void;
  /** The cell's id in the notebook (`metadata.cellId`), where the front-end sends one; stable across runs. */
  readonly cellId: string | undefined;
}

/** Handles the cells that begin with `%%name`. */
export interface CellMagic {
  readonly name: string;
  /** One line for `%help`. */
  readonly summary: string;
  /**
   * @param argumentLine the rest of the first line
   * @param body the lines after it
   * @throws Error whose `message` is shown as the cell's error, without a stack.
   */
  run(argumentLine: string, body: string, cell: MagicCell): Promise<void>;
  /** Completion inside such a cell. `cursor` counts UTF-16 units in `body`. Answers fast or with nothing. */
  complete?(body: string, cursor: number): Promise<MagicCompletion>;
  /** Whether the body is a whole statement, for consoles. */
}

export interface MagicCompletion {
  /** UTF-16 range of `body` that the matches replace. */
  readonly start: number;
  readonly end: number;
  readonly matches: ReadonlyArray<{ readonly text: string; readonly type: string; readonly signature?: string }>;
}
