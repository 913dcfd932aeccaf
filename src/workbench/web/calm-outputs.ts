/**
 * Outputs that are replaced again and again (live charts and tables) are written into the notebook's shared model seldom, and
 * before anybody reads it: saves, and whatever the person at the page does. That model is made for undo and for several
 * authors: of each replacement it keeps a trace for ever, and copies the output whole. What is shown is the newest at once.
 */
import { CodeCellModel } from "@jupyterlab/cells";
import type { INotebookModel } from "@jupyterlab/notebook";
import type { IOutputAreaModel } from "@jupyterlab/outputarea";

const settleEveryMs = 10_000;

type Change = IOutputAreaModel.ChangedArgs;
type OutputsHandler = (this: CodeCellModel, outputs: IOutputAreaModel, change: Change) => void;

/** Where JupyterLab's model of a cell writes its outputs into the shared model; the cells are made inside the notebook's model. */
const prototype = CodeCellModel.prototype as unknown as { onOutputsChange: OutputsHandler };

/** Indexes of outputs whose newest form is not in the shared model. */
const waiting = new Map<CodeCellModel, Set<number>>();
let timer: number | undefined;

/** Once for a page, before its notebook is loaded. */
export function calmOutputs(notebook: INotebookModel): void {
  const write = prototype.onOutputsChange;
  prototype.onOutputsChange = function (outputs, change) {
    const isReplaced = change.type === "set" && change.newValues.length === 1;
    if (isReplaced && change.newValues[0]?.type !== "stream") {
      const indexes = waiting.get(this) ?? new Set();
      waiting.set(this, indexes.add(change.newIndex));
      timer ??= window.setTimeout(() => settle(write), settleEveryMs);
      return;
    }
    write.call(this, outputs, change);
    if (!waiting.has(this)) return;
    // Indexes are others now: every output counts as one that waits.
    const every = Array.from({ length: outputs.length }, (_, index) => index);
    waiting.set(this, new Set(every.filter((index) => outputs.get(index).type !== "stream")));
  };
  const settleNow = () => settle(write);
  for (const type of ["pointerdown", "keydown", "click", "dragstart"] as const) {
    document.addEventListener(type, settleNow, { capture: true });
  }
  const toJSON = notebook.toJSON.bind(notebook);
  notebook.toJSON = () => {
    settleNow();
    return toJSON();
  };
}

function settle(write: OutputsHandler): void {
  window.clearTimeout(timer);
  timer = undefined;
  for (const [cell, indexes] of waiting) {
    if (cell.isDisposed) continue;
    for (const index of indexes) {
      if (index >= cell.outputs.length) continue;
      const output = cell.outputs.get(index);
      const values = { oldValues: [output], newValues: [output] };
      write.call(cell, cell.outputs, { type: "set", oldIndex: index, newIndex: index, ...values });
    }
  }
  waiting.clear();
}
