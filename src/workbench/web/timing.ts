/** How long each cell ran, beside its number: counted by this page while it runs, and kept in no file. */
import { type Cell, CodeCell } from "@jupyterlab/cells";
import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { KernelMessage } from "@jupyterlab/services";
import { element } from "./dom.js";

const tickMs = 1000;
/** Faster than this is at once for whoever looks. */
const shownFromMs = 100;

export function showTimes(panel: NotebookPanel): void {
  const running = new Map<Cell, { readonly sinceMs: number; readonly timer: number }>();
  const begin = (cell: Cell) => {
    const sinceMs = performance.now();
    const timer = window.setInterval(() => show(cell, timeText(performance.now() - sinceMs)), tickMs);
    running.set(cell, { sinceMs, timer });
  };
  const end = (cell: Cell): number | undefined => {
    const run = running.get(cell);
    if (run === undefined) return undefined;
    window.clearInterval(run.timer);
    running.delete(cell);
    return performance.now() - run.sinceMs;
  };
  NotebookActions.executionScheduled.connect((_, { cell, notebook }) => {
    if (notebook !== panel.content) return;
    end(cell);
    show(cell, "");
  });
  // A kernel that is gone says nothing of its cells any more.
  panel.sessionContext.statusChanged.connect((_, status) => {
    if (["dead", "restarting", "autorestarting", "terminating"].includes(status))
      for (const cell of [...running.keys()]) end(cell);
  });
  // The kernel says so when a cell's turn has come; until then it only waits for others.
  panel.sessionContext.iopubMessage.connect((_, message) => {
    if (!KernelMessage.isExecuteInputMsg(message)) return;
    const request = (message.parent_header as { readonly msg_id?: string }).msg_id;
    const cell = panel.content.widgets.find(
      (one) => one instanceof CodeCell && one.outputArea.future?.msg.header.msg_id === request,
    );
    if (cell !== undefined) begin(cell);
  });
  NotebookActions.executed.connect((_, { cell }) => {
    const tookMs = end(cell);
    if (tookMs !== undefined) show(cell, tookMs < shownFromMs ? "" : timeText(tookMs));
  });
}

function show(cell: Cell, text: string): void {
  const place = cell.node.querySelector(".tt-time") ?? cell.inputArea?.node.appendChild(element("span", "tt-time"));
  if (place === undefined) return;
  place.textContent = text;
  place.setAttribute("title", text === "" ? "" : `This cell ran ${text}`);
}

function timeText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
