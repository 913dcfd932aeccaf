/**
 * The one path of a request: busy, the row of the dispatch table, its output, its reply, idle. Cells wait for each
 * other, those of a subshell for those of that subshell; everything else is served at once, also while a cell awaits.
 * Knows no socket and no language.
 */
import { Cell, currentCell, type OutputSink, runInCell } from "./cell.js";
import type { Comms } from "./comms.js";
import { History } from "./history.js";
import type { CellOutcome, Executor } from "./language/executor.js";
import { Questions } from "./questions.js";
import { commInfoReply, parseCommInfoRequest, parseCommMessage, parseCommOpen } from "./wire/comm.js";
import { completeReply, parseCompleteRequest } from "./wire/complete.js";
import type { RequestChannel } from "./wire/connection-file.js";
import type { JsonObject } from "./wire/content.js";
import { executeResult, iopubError, status } from "./wire/display.js";
import {
  cellIdOf,
  type ExecuteRequest,
  type ExecutionError,
  errorContent,
  executeInput,
  executeReplyAborted,
  executeReplyError,
  executeReplyOk,
  pagePayload,
  parseExecuteRequest,
  userExpressionValue,
} from "./wire/execute.js";
import type { OutgoingMessage, ReceivedMessage } from "./wire/frames.js";
import { replyTo } from "./wire/header.js";
import { historyReply, parseHistoryRequest } from "./wire/history.js";
import { inputRequest, parseInputReply } from "./wire/input.js";
import { inspectReply, parseInspectRequest } from "./wire/inspect.js";
import { isCompleteReply, parseIsCompleteRequest } from "./wire/is-complete.js";

/** What the kernel needs of its sockets. */
export interface Transport extends OutputSink {
  send(channel: RequestChannel, identities: readonly Uint8Array[], message: OutgoingMessage): void;
  /** Resolves once the question is on its way to the front-end. @throws Error that says why it cannot be asked. */
  ask(identities: readonly Uint8Array[], question: OutgoingMessage, signal: AbortSignal): Promise<void>;
  /** Resolves once every request that has reached the process was handed to `receive`. */
  allArrived(): Promise<void>;
}

/** The page that Tidetable brings opens a comm on this target, and stands updates four times a second. */
export const HOST_PAGE_TARGET = "workbench.host";

type Handler = (request: ReceivedMessage) => Promise<Reply | undefined> | Reply | undefined;

interface Reply {
  readonly type: string;
  readonly content: JsonObject;
}

interface WaitingCell {
  readonly request: ReceivedMessage;
  readonly channel: RequestChannel;
}

/** The cells of the main shell, or of one subshell, that wait for the one that runs there. */
interface CellQueue {
  waiting: WaitingCell[];
}

const MAIN_SHELL = "";

const ABORTED: ExecutionError = {
  name: "Aborted",
  message: "An earlier cell failed, so this one was not run.",
  traceback: ["Aborted: An earlier cell failed, so this one was not run."],
};

export class Kernel {
  readonly #executor: Executor;
  readonly #transport: Transport;
  readonly #comms: Comms;
  readonly #history = new History();
  readonly #handlers: Readonly<Record<string, Handler>>;
  readonly #disposals = new Map<string, Array<() => void>>();
  /** By subshell; there while cells run or wait in it. */
  readonly #queues = new Map<string, CellQueue>();
  readonly #running = new Set<Cell>();
  readonly #questions = new Questions();
  #executionCount = 0;
  #lastCell: Cell | undefined;
  /** Header of the comm message whose handler runs now. */
  #commMessage: JsonObject | undefined;

  constructor(parts: { executor: Executor; transport: Transport; comms: Comms; kernelInfo: JsonObject }) {
    const { executor, transport, comms, kernelInfo } = parts;
    this.#executor = executor;
    this.#transport = transport;
    this.#comms = comms;
    comms.connect((type, content, extra) => {
      const parentHeader = this.#commMessage ?? currentCell()?.parentHeader ?? {};
      this.#transport.publish({ type, parentHeader, content, ...extra });
    });
    this.#handlers = {
      kernel_info_request: () => ({ type: "kernel_info_reply", content: kernelInfo }),
      complete_request: (request) => this.#complete(request),
      inspect_request: (request) => this.#inspect(request),
      is_complete_request: (request) => this.#isComplete(request),
      history_request: (request) => this.#selectHistory(request),
      comm_info_request: (request) => this.#commInfo(request),
      comm_open: this.#forComms(({ content, buffers }) => this.#comms.opened(parseCommOpen(content), buffers)),
      comm_msg: this.#forComms(({ content, buffers }) => this.#comms.received(parseCommMessage(content), buffers)),
      comm_close: this.#forComms(({ content }) => this.#comms.closed(parseCommMessage(content))),
    };
  }

  /** The cell that was started last, for output that comes from outside of any cell. */
  get lastCell(): Cell | undefined {
    return this.#lastCell;
  }

  /** A request that the socket worker has not answered itself. Unknown types are ignored, as the protocol asks. */
  receive(channel: RequestChannel, request: ReceivedMessage): void {
    const type = request.header.messageType;
    if (type === "input_reply") {
      this.#questions.answer(parseInputReply(request.content).value);
    } else if (type === "execute_request") {
      this.#enqueue({ channel, request });
    } else {
      // Own ones only: "constructor" is a type that a stranger may send.
      const handler = Object.hasOwn(this.#handlers, type) ? this.#handlers[type] : undefined;
      if (handler !== undefined) void this.#serve(channel, request, handler);
    }
  }

  /** Ends the running cells; the ones that wait are dropped as after an error. Harmless when nothing runs. */
  interrupt(): void {
    if (this.#running.size === 0) return;
    for (const cell of this.#running) cell.interrupt();
    this.#executor.interrupt();
  }

  /** Ends what cells have left running. */
  dispose(): void {
    for (const key of [...this.#disposals.keys()]) this.#disposeCell(key);
  }

  #enqueue(cell: WaitingCell): void {
    const shell = cell.request.header.subshellId ?? MAIN_SHELL;
    const queue = this.#queues.get(shell);
    if (queue !== undefined) {
      queue.waiting.push(cell);
      return;
    }
    const newQueue = { waiting: [cell] };
    this.#queues.set(shell, newQueue);
    void this.#workOff(shell, newQueue);
  }

  async #workOff(shell: string, queue: CellQueue): Promise<void> {
    for (let next = queue.waiting.shift(); next !== undefined; next = queue.waiting.shift()) {
      let aborted: WaitingCell[] = [];
      await this.#serve(next.channel, next.request, async (request) => {
        const executed = await this.#execute(request);
        if (executed.abortsWaiting) aborted = await this.#takeWaiting(queue);
        return executed.reply;
      });
      for (const cell of aborted) {
        const reply = { type: "execute_reply", content: executeReplyAborted(ABORTED) };
        await this.#serve(cell.channel, cell.request, () => reply);
      }
    }
    this.#queues.delete(shell);
  }

  /** Every request ends in idle, whatever its handler does. */
  async #serve(channel: RequestChannel, request: ReceivedMessage, handler: Handler): Promise<void> {
    const parentHeader = request.header.raw;
    const publishStatus = (state: "busy" | "idle") =>
      this.#transport.publish({ type: "status", parentHeader, content: status(state) });
    publishStatus("busy");
    try {
      const reply = await handler(request);
      if (reply !== undefined) this.#reply(channel, request, reply);
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
      const content = errorContent({ name, message, traceback: [`${name}: ${message}`] });
      const type = replyTo(request.header.messageType);
      if (type !== undefined) this.#reply(channel, request, { type, content });
    } finally {
      publishStatus("idle");
    }
  }

  #reply(channel: RequestChannel, request: ReceivedMessage, { type, content }: Reply): void {
    this.#transport.send(channel, request.identities, { type, parentHeader: request.header.raw, content });
  }

  async #execute(request: ReceivedMessage): Promise<{ reply: Reply; abortsWaiting: boolean }> {
    const wanted = parseExecuteRequest(request.content);
    if (wanted.storeHistory) this.#executionCount += 1;
    const executionCount = this.#executionCount;
    const parentHeader = request.header.raw;
    const cell = this.#newCell(request, wanted, executionCount);
    const publish = (type: string, content: JsonObject) => {
      if (!wanted.silent) this.#transport.publish({ type, parentHeader, content });
    };
    publish("execute_input", executeInput(wanted.code, executionCount));

    this.#lastCell = cell;
    this.#running.add(cell);
    let outcome: CellOutcome;
    let userExpressions: JsonObject = {};
    try {
      outcome = await runInCell(cell, () => this.#executor.execute(wanted.code, cell));
      if (outcome.kind === "done") userExpressions = await this.#userExpressions(wanted, cell);
    } finally {
      this.#running.delete(cell);
    }

    if (outcome.kind === "failed") {
      publish("error", iopubError(outcome.error));
      if (wanted.storeHistory) this.#history.add(executionCount, wanted.code, undefined);
      const reply = { type: "execute_reply", content: executeReplyError(executionCount, outcome.error) };
      // An interrupt is meant for everything that was asked for.
      return { reply, abortsWaiting: wanted.stopOnError || cell.signal.aborted };
    }
    if (outcome.result !== undefined) publish("execute_result", executeResult(executionCount, outcome.result, {}));
    if (wanted.storeHistory) {
      const shown = outcome.result?.["text/plain"];
      this.#history.add(executionCount, wanted.code, typeof shown === "string" ? shown : undefined);
    }
    const content = executeReplyOk(executionCount, userExpressions, cell.pages.map(pagePayload));
    return { reply: { type: "execute_reply", content }, abortsWaiting: false };
  }

  #newCell(request: ReceivedMessage, wanted: ExecuteRequest, executionCount: number): Cell {
    const cellId = cellIdOf(request.metadata);
    // Without an id, the same text run again is taken for the same cell.
    const key = cellId ?? `code:${wanted.code}`;
    this.#disposeCell(key);
    return new Cell({
      parentHeader: request.header.raw,
      executionCount,
      cellId,
      silent: wanted.silent,
      output: this.#transport,
      readLine: (prompt, password, signal) => this.#readLine(request, wanted, prompt, password, signal),
      onHostPage: () => this.#comms.count(HOST_PAGE_TARGET) > 0,
      comms: this.#comms,
      onDispose: (dispose) => this.#disposals.set(key, [...(this.#disposals.get(key) ?? []), dispose]),
    });
  }

  #disposeCell(key: string): void {
    const disposals = this.#disposals.get(key) ?? [];
    this.#disposals.delete(key);
    for (const dispose of disposals) dispose();
  }

  /** Cells that wait now, taken out of the queue; what a front-end sends after the reply is not among them. */
  async #takeWaiting(queue: CellQueue): Promise<WaitingCell[]> {
    await this.#transport.allArrived();
    return queue.waiting.splice(0);
  }

  async #userExpressions(wanted: ExecuteRequest, cell: Cell): Promise<JsonObject> {
    const values: Record<string, JsonObject> = {};
    for (const [name, expression] of Object.entries(wanted.userExpressions)) {
      const outcome = await runInCell(cell, () => this.#executor.evaluate(expression, cell));
      values[name] = outcome.kind === "done" ? userExpressionValue(outcome.result ?? {}) : errorContent(outcome.error);
    }
    return values;
  }

  async #readLine(
    request: ReceivedMessage,
    wanted: ExecuteRequest,
    prompt: string,
    password: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    if (!wanted.allowStdin) {
      throw new Error(`This front-end cannot ask for input ("${prompt}"). Write the value into the cell instead.`);
    }
    const question: OutgoingMessage = {
      type: "input_request",
      parentHeader: request.header.raw,
      content: inputRequest(prompt, password),
    };
    const ask = async () => {
      try {
        await this.#transport.ask(request.identities, question, signal);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`The front-end could not be asked "${prompt}": ${why}. Write the value into the cell instead.`);
      }
    };
    return await this.#questions.ask(ask, signal);
  }

  async #complete(request: ReceivedMessage): Promise<Reply> {
    const { code, cursor } = parseCompleteRequest(request.content);
    const completions = await this.#executor.complete(code, cursor);
    return { type: "complete_reply", content: completeReply(code, completions) };
  }

  async #inspect(request: ReceivedMessage): Promise<Reply> {
    const { code, cursor } = parseInspectRequest(request.content);
    return { type: "inspect_reply", content: inspectReply(await this.#executor.inspect(code, cursor)) };
  }

  async #isComplete(request: ReceivedMessage): Promise<Reply> {
    const { code } = parseIsCompleteRequest(request.content);
    return { type: "is_complete_reply", content: isCompleteReply(await this.#executor.isComplete(code)) };
  }

  #selectHistory(request: ReceivedMessage): Reply {
    const wanted = parseHistoryRequest(request.content);
    return { type: "history_reply", content: historyReply(this.#history.select(wanted), wanted.output) };
  }

  #commInfo(request: ReceivedMessage): Reply {
    const { targetName } = parseCommInfoRequest(request.content);
    return { type: "comm_info_reply", content: commInfoReply(this.#comms.list(targetName)) };
  }

  /** What a handler sends belongs to the message it was called for; comm messages have no reply. */
  #forComms(act: (request: ReceivedMessage) => void): Handler {
    return (request) => {
      this.#commMessage = request.header.raw;
      try {
        act(request);
      } finally {
        this.#commMessage = undefined;
      }
      return undefined;
    };
  }
}
