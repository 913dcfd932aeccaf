/**
 * What `stream(name)` leaves in a variable: the stream's controls, its rows, and the status line that keeps itself
 * current below the cell that opened it last.
 */
import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type { CellOutput, MimeBundle } from "../cell-output.js";
import type { EngineClient } from "../engine/engine-client.js";
import type { RetryOutcome, StreamOptions, StreamStatus } from "../engine/protocol.js";
import { TidetableError } from "../errors.js";
import { displaySymbol } from "../sql/result-rows.js";
import { CoalescedDisplay } from "./coalesced-display.js";
import type { LooseRow, StreamHandle } from "./library.js";
import { statusBundle, statusText } from "./status-line.js";
import { streamRows } from "./stream-rows.js";

/** How long opening waits for rows to query, so that the next cell of Run All finds them. */
const firstRowsTimeoutMs = 8000;

export class OpenStream implements StreamHandle {
  readonly name: string;
  readonly topic: string;
  readonly #engine: EngineClient;
  readonly #currentCell: () => CellOutput;
  #display: CoalescedDisplay | undefined;
  #newest: StreamStatus;
  #note: string | undefined;

  private constructor(engine: EngineClient, currentCell: () => CellOutput, opened: StreamStatus) {
    this.name = opened.name;
    this.topic = opened.topic;
    this.#engine = engine;
    this.#currentCell = currentCell;
    this.#newest = opened;
    engine.onStreamStatus(opened.name, (status) => this.#follow(status));
  }

  /** Opens the stream, or joins the running one. The caller then shows it and waits for its first rows. */
  static async open(engine: EngineClient, options: StreamOptions, currentCell: () => CellOutput): Promise<OpenStream> {
    return new OpenStream(engine, currentCell, await engine.openStream(options));
  }

  async status(): Promise<StreamStatus> {
    // A stopped stream is none of the engine's any more; what it said last holds.
    if (this.#newest.phase === "stopped") return this.#newest;
    const status = await this.#engine.streamStatus(this.name);
    this.#follow(status);
    return status;
  }

  async pause(): Promise<StreamStatus> {
    return this.#remember(await this.#engine.pauseStream(this.name));
  }

  async resume(): Promise<StreamStatus> {
    return this.#remember(await this.#engine.resumeStream(this.name));
  }

  async stop(): Promise<StreamStatus> {
    return this.#remember(await this.#engine.stopStream(this.name));
  }

  async caughtUp(): Promise<StreamStatus> {
    return this.#remember(
      await untilAborted(this.#engine.streamCaughtUp(this.name), this.#currentCell().signal, this.name),
    );
  }

  async retryErrors(): Promise<RetryOutcome> {
    const outcome = await untilAborted(
      this.#engine.retryStreamErrors(this.name),
      this.#currentCell().signal,
      this.name,
    );
    await this.status();
    return outcome;
  }

  [Symbol.asyncIterator](): AsyncIterator<LooseRow> {
    return streamRows(this.#engine, this.name, () => this.status(), this.#currentCell());
  }

  [displaySymbol](): MimeBundle {
    return statusBundle(this.#newest, this.#note);
  }

  [inspect.custom](): string {
    return statusText(this.#newest, this.#note);
  }

  /** Running the Streaming cell again: joins the stream as it is, or takes a stopped one up where it was. */
  async reopen(options: StreamOptions): Promise<void> {
    this.#remember(await this.#engine.openStream(options));
  }

  /** Moves the status line below this cell; the earlier place keeps what it said last. */
  showIn(cell: CellOutput): void {
    this.#display?.end();
    this.#display = new CoalescedDisplay(cell, randomUUID());
    this.#display.show(statusBundle(this.#newest, this.#note));
  }

  /** For Zeppelin, which ignores updates and keeps the first frame: call it once there is something to say. */
  showOnce(cell: CellOutput): void {
    this.#display?.end();
    this.#display = undefined;
    cell.display(statusBundle(this.#newest, this.#note));
  }

  /**
   * Waits until there is something to query: rows are there and the first of the backlog is read, or the topic is empty.
   * Bounded: a long backlog goes on loading behind the notebook.
   * @throws TidetableError STREAM_FAILED with the stream's own cause; QUERY_INTERRUPTED.
   */
  async waitForRows(signal: AbortSignal): Promise<void> {
    const settled = await this.#firstSettled(signal);
    if (settled.phase === "failed")
      throw new TidetableError("STREAM_FAILED", settled.cause ?? `${this.name} has failed.`);
    this.#note = noteFor(settled);
    this.#follow(settled, true);
  }

  #firstSettled(signal: AbortSignal): Promise<StreamStatus> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        unsubscribe();
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => finish(() => reject(interrupted(this.name)));
      const look = (status: StreamStatus) => {
        if (isSettled(status)) finish(() => resolve(status));
      };
      const timer = setTimeout(() => finish(() => resolve(this.#newest)), firstRowsTimeoutMs);
      const unsubscribe = this.#engine.onStreamStatus(this.name, look);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
      else look(this.#newest);
    });
  }

  #follow(status: StreamStatus, urgent = false): void {
    const changed = status.phase !== this.#newest.phase || status.cause !== this.#newest.cause;
    this.#newest = status;
    if (status.rows > 0) this.#note = undefined;
    this.#display?.show(statusBundle(status, this.#note), { urgent: urgent || changed });
  }

  #remember(status: StreamStatus): StreamStatus {
    this.#follow(status, true);
    return status;
  }
}

function isSettled(status: StreamStatus): boolean {
  return status.phase !== "connecting" && status.phase !== "loading";
}

function noteFor(status: StreamStatus): string | undefined {
  if (status.rows > 0) return undefined;
  switch (status.phase) {
    case "live":
      return status.rejected > 0
        ? `No record could be read as a row; the reasons are in ${status.name}_errors.`
        : "The topic is empty: its columns appear with the first record.";
    case "connecting":
    case "loading":
      return "No row has come yet; the stream goes on trying.";
    default:
      return undefined;
  }
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal, name: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(interrupted(name));
    signal.addEventListener("abort", onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}

function interrupted(name: string): TidetableError {
  return new TidetableError("QUERY_INTERRUPTED", `waiting for ${name} was interrupted; the stream goes on.`);
}
