/**
 * The page's end of the comm `tidetable.panel`: what the kernel says about streams, live queries and tables, and answers
 * to what the page asks. Opens the comm again when the kernel is new or was not ready yet.
 */
import type { ISessionContext } from "@jupyterlab/apputils";
import type { Kernel } from "@jupyterlab/services";
import type { JSONObject } from "@lumino/coreutils";
import { Signal } from "@lumino/signaling";
import type { ResultJson } from "../../sql/result-json.js";

export interface StreamState {
  readonly name: string;
  readonly topic: string;
  readonly source: string;
  readonly phase: string;
  readonly cause?: string;
  readonly notice?: string;
  readonly rows: number;
  readonly rejected: number;
  readonly retired: number;
  readonly rowsPerSecond: number;
  readonly lag: number;
  readonly keep: string;
  readonly backlog?: { readonly loaded: number; readonly target: number };
  readonly partitions: ReadonlyArray<{
    readonly topic?: string;
    readonly partition: number;
    readonly next: number;
    readonly end: number;
    readonly lag: number;
  }>;
}

export interface LiveState {
  readonly id: string;
  readonly text: string;
  readonly everyMs: number;
  readonly rows: number;
  readonly mode?: "incremental" | "recomputed";
  readonly reason?: string;
  readonly refreshMs?: number;
  readonly version?: number;
  readonly error?: string;
}

export interface TableState {
  readonly name: string;
  readonly kind: "stream" | "errors" | "table" | "view";
  readonly columns: ReadonlyArray<{ readonly name: string; readonly sqlType: string }>;
}

export interface PanelState {
  /** False until the kernel has said something. */
  readonly known: boolean;
  readonly streams: readonly StreamState[];
  readonly live: readonly LiveState[];
  readonly tables: readonly TableState[];
}

export type Answer = JSONObject & { readonly error?: string };

const target = "tidetable.panel";
const nothing: PanelState = { known: false, streams: [], live: [], tables: [] };
const openAgainMs = 1000;
const aliveEveryMs = 20_000;
const answerWaitMsMax = 60_000;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: number;
}

export class PanelClient {
  readonly changed = new Signal<this, PanelState>(this);
  readonly #sessionContext: ISessionContext;
  readonly #waiting = new Map<string, Waiting>();
  #state = nothing;
  #comm: Kernel.IComm | undefined;
  #nextAsk = 1;
  #timer: number | undefined;

  constructor(sessionContext: ISessionContext) {
    this.#sessionContext = sessionContext;
    sessionContext.kernelChanged.connect(() => this.#begin());
    sessionContext.statusChanged.connect((_, status) => {
      if (status === "dead" || status === "restarting" || status === "autorestarting") this.#begin();
    });
    // The comm may have been closed by the kernel while this page slept.
    sessionContext.connectionStatusChanged.connect((_, status) => {
      if (status === "connected") this.#openSoon(0);
    });
    window.setInterval(() => this.#send({ kind: "alive" }), aliveEveryMs);
    this.#begin();
  }

  get state(): PanelState {
    return this.#state;
  }

  /** @throws Error with the kernel's words, or that it does not answer */
  async ask(what: string, details: JSONObject = {}): Promise<Answer> {
    if (this.#comm === undefined) throw new Error("the kernel is not running.");
    const id = String(this.#nextAsk++);
    const answer = new Promise<Answer>((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("the kernel has not answered for a minute; it may be busy with a cell."));
      }, answerWaitMsMax);
      this.#waiting.set(id, { resolve, reject, timer });
    });
    this.#send({ ...details, kind: "ask", id, what });
    return answer;
  }

  async rows(request: JSONObject): Promise<ResultJson & { readonly offset: number }> {
    const { result } = await this.ask("rows", request);
    return result as unknown as ResultJson & { readonly offset: number };
  }

  #begin(): void {
    this.#comm = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      window.clearTimeout(timer);
      reject(new Error("the kernel was replaced."));
    }
    this.#waiting.clear();
    this.#become(nothing);
    this.#openSoon(0);
  }

  #openSoon(waitMs: number): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const kernel = this.#sessionContext.session?.kernel;
      if (kernel == null || kernel.isDisposed || kernel.status === "dead") return;
      kernel.info.then(() => this.#open(kernel)).catch((error: unknown) => console.warn("no panel yet", error));
    }, waitMs);
  }

  #open(kernel: Kernel.IKernelConnection): void {
    if (kernel.isDisposed || this.#comm !== undefined) return;
    const comm = kernel.createComm(target);
    this.#comm = comm;
    comm.onMsg = ({ content }) => this.#receive(content.data as JSONObject);
    // Nobody answers for the target until the kernel has loaded its library; a kernel that was asleep forgot us.
    comm.onClose = () => {
      if (this.#comm !== comm) return;
      this.#comm = undefined;
      this.#openSoon(openAgainMs);
    };
    comm.open({ version: 1 });
  }

  #receive(data: JSONObject): void {
    if (data.kind === "state") {
      const { kind: _, ...parts } = data;
      this.#become({ ...this.#state, ...(parts as Partial<PanelState>), known: true });
    } else if (data.kind === "answer" && typeof data.id === "string") {
      const waiting = this.#waiting.get(data.id);
      if (waiting === undefined) return;
      this.#waiting.delete(data.id);
      window.clearTimeout(waiting.timer);
      if (typeof data.error === "string") waiting.reject(new Error(data.error));
      else waiting.resolve(data);
    }
  }

  #send(data: JSONObject): void {
    if (this.#comm !== undefined && !this.#comm.isDisposed) this.#comm.send(data);
  }

  #become(state: PanelState): void {
    this.#state = state;
    this.changed.emit(state);
  }
}
