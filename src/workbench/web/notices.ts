/**
 * What must not go unnoticed: the kernel has stopped, the connection is lost, a save has failed. One line under the
 * header that says what happened and offers the way on.
 */
import type { Context } from "@jupyterlab/docregistry";
import { type INotebookModel, NotebookActions } from "@jupyterlab/notebook";
import type { Kernel } from "@jupyterlab/services";
import type { CommandRegistry } from "@lumino/commands";
import { Widget } from "@lumino/widgets";
import { connectedAgain, messageBytesMax, messageTooLarge, othersShutOut } from "./connection-news.js";
import { onFailedSave } from "./failed-saves.js";
import { askServer, belongTo, type KnownKernel, type ServerNews } from "./server-news.js";

interface Notice {
  readonly text: string;
  readonly kind: "waiting" | "failed";
  /** Ends by itself: the page looks again. */
  readonly passing?: boolean;
  /** Was read by then; goes by itself. */
  readonly showMs?: number;
  readonly action?: { readonly label: string; readonly run: () => Promise<unknown> };
}

const lookAgainMs = 2000;
const readWithinMs = 6000;

const whole: Notice = {
  kind: "waiting",
  text: "Connected again. What cells wrote meanwhile is here.",
  showMs: readWithinMs,
};
const startingOver: Notice = {
  kind: "waiting",
  passing: true,
  text: "The workbench was started anew; starting a kernel for this notebook …",
};
const shutOut: Notice = {
  kind: "waiting",
  text: "Every other browser and every view-only link is shut out. The terminal of the workbench has the new address.",
  showMs: 15_000,
};
const notWhole: Notice = {
  kind: "failed",
  text: "Connected again, but some of what cells wrote meanwhile was not kept. Live results go on; run the other cells again.",
};

export class Notices extends Widget {
  readonly #context: Context<INotebookModel>;
  readonly #commands: CommandRegistry;
  readonly #startOver: () => Promise<void>;
  /** The kernel that this page had last; its session ends with the workbench that it belonged to. */
  #kernel: KnownKernel | undefined;
  #isStartingOver = false;
  /** What the page has to say about a loss that is over; until a cell runs, or it was read. */
  #afterwards: Notice | undefined;
  #saveFailed = false;
  #whySaveFailed = "";
  /** Of what is shown, what its file does not hold. */
  #lost: readonly string[] = [];
  #wasConnected = false;
  #lostAtMs: number | undefined;
  #turn = 0;
  #timer: number | undefined;

  /** @param startOver gives the page a kernel of a workbench that was started anew */
  constructor(context: Context<INotebookModel>, commands: CommandRegistry, startOver: () => Promise<void>) {
    super();
    this.addClass("tt-notices");
    this.node.setAttribute("role", "alert");
    this.#context = context;
    this.#commands = commands;
    this.#startOver = startOver;
    const { sessionContext } = context;
    const refresh = () => void this.#refresh();
    sessionContext.statusChanged.connect(refresh);
    // Whoever runs a cell has read it.
    NotebookActions.executionScheduled.connect(() => {
      this.#afterwards = undefined;
      refresh();
    });
    sessionContext.sessionChanged.connect(refresh);
    connectedAgain.connect((_, { isWhole }) => {
      // That the others are out is the news; this page's own connection was only renewed.
      if (!(isWhole && this.#afterwards === shutOut)) this.#afterwards = isWhole ? whole : notWhole;
      refresh();
    });
    othersShutOut.connect(() => {
      this.#afterwards = shutOut;
      refresh();
    });
    messageTooLarge.connect((_, bytes) => {
      this.#afterwards = tooLarge(bytes);
      refresh();
    });
    sessionContext.connectionStatusChanged.connect(refresh);
    sessionContext.kernelChanged.connect(refresh);
    onFailedSave(context, (reason) => {
      this.#whySaveFailed = reason;
    });
    context.saveState.connect((_, state) => {
      this.#saveFailed = state === "failed";
      refresh();
    });
    this.#show(undefined);
  }

  /** Told until a save holds everything. */
  tellLost(lost: readonly string[]): void {
    this.#lost = lost;
    void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const turn = ++this.#turn;
    window.clearTimeout(this.#timer);
    const notice = await this.#current();
    // A newer state has been asked for meanwhile.
    if (turn !== this.#turn || this.isDisposed) return;
    this.#show(notice);
    if (notice?.passing) this.#timer = window.setTimeout(() => void this.#refresh(), lookAgainMs);
    if (notice?.showMs !== undefined) {
      this.#timer = window.setTimeout(() => {
        if (this.#afterwards === notice) this.#afterwards = undefined;
        void this.#refresh();
      }, notice.showMs);
    }
  }

  async #current(): Promise<Notice | undefined> {
    const { sessionContext } = this.#context;
    const kernel = sessionContext.session?.kernel;
    if (kernel?.connectionStatus === "connected") {
      this.#wasConnected = true;
      this.#lostAtMs = undefined;
      this.#kernel = { serverSettings: kernel.serverSettings, id: kernel.id };
    }
    if (this.#isStartingOver) return startingOver;
    if (sessionContext.isRestarting || kernel?.connectionStatus === "connected" || this.#kernel === undefined)
      return this.#afterwards ?? this.#saveNotice();
    // The first connection of a page is no loss of one.
    if (kernel?.connectionStatus === "connecting" && !this.#wasConnected) return undefined;
    this.#lostAtMs ??= performance.now();
    const news = await askServer(this.#kernel);
    if (news.kind === "anew") return this.#beginAnew(news.instance);
    if (news.kind === "running" && kernel != null && kernel.status !== "dead") this.#hasten(kernel);
    return noticeOf(news, () => this.#commands.execute("restart"));
  }

  /** JupyterLab waits longer from try to try, and does not try at all after it was told goodbye. */
  #hasten(kernel: Kernel.IKernelConnection): void {
    const isLongLost = performance.now() - (this.#lostAtMs ?? 0) > lookAgainMs;
    if (kernel.connectionStatus !== "disconnected" && !isLongLost) return;
    kernel.reconnect().catch((error: unknown) => console.warn("not connected yet", error));
  }

  #beginAnew(instance: string): Notice {
    this.#isStartingOver = true;
    this.#startOver()
      .then(() => {
        belongTo(instance);
        this.#afterwards = {
          kind: "waiting",
          text: "The workbench was started anew, and this page is connected again. The kernel is a new one: its variables are gone, the notebook is not.",
          action: { label: "Run all", run: () => this.#commands.execute("run-all") },
        };
      })
      .catch((error: unknown) => console.warn("no new kernel yet", error))
      .finally(() => {
        this.#isStartingOver = false;
        void this.#refresh();
      });
    return startingOver;
  }

  #saveNotice(): Notice | undefined {
    if (!this.#saveFailed) return this.#lostNotice();
    return {
      kind: "failed",
      text: `The notebook was not saved: ${this.#whySaveFailed.replace(/\.$/, "")}. What you see is only in this page.`,
      action: { label: "Save again", run: () => this.#commands.execute("save") },
    };
  }

  #lostNotice(): Notice | undefined {
    const [first, ...others] = this.#lost;
    if (first === undefined) return undefined;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    return { kind: "waiting", text: `Saved; but a Zeppelin note cannot hold this: ${first}${more}` };
  }

  #show(notice: Notice | undefined): void {
    this.node.replaceChildren();
    this.setHidden(notice === undefined);
    if (notice === undefined) return;
    this.node.dataset.kind = notice.kind;
    const text = document.createElement("span");
    text.textContent = notice.text;
    this.node.append(text);
    if (notice.action !== undefined) this.node.append(actionButton(notice.action));
  }
}

function tooLarge(bytes: number): Notice {
  const mebibytes = (count: number) => (count / 1024 / 1024).toFixed(1).replace(/\.0$/, "");
  return {
    kind: "failed",
    text: `This cell was not run: it has ${mebibytes(bytes)} MiB, and a kernel takes ${mebibytes(messageBytesMax)}. Put the data into a file and read it.`,
  };
}

function noticeOf(news: ServerNews, restart: () => Promise<unknown>): Notice {
  switch (news.kind) {
    case "silent":
      return {
        kind: "failed",
        passing: true,
        text: "The workbench does not answer. Is it still running? This page connects again when it does.",
      };
    case "stranger":
      return {
        kind: "failed",
        text: "The workbench was started anew, or has shut out other browsers. Open the address that it printed last; what is not saved is only in this page.",
      };
    case "anew":
      return startingOver;
    case "running":
      return { kind: "waiting", passing: true, text: "The connection to the kernel is lost; connecting again …" };
    case "stopped":
      return {
        kind: "failed",
        text: `The kernel has stopped${news.reason === "" ? "" : `: ${news.reason}`}. Its variables are gone; the notebook is not.`,
        action: { label: "Restart kernel", run: restart },
      };
  }
}

function actionButton({ label, run }: NonNullable<Notice["action"]>): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", () => {
    button.disabled = true;
    run()
      .catch((error: unknown) => console.error(`${label} failed`, error))
      .finally(() => {
        button.disabled = false;
      });
  });
  return button;
}
