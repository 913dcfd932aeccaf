/**
 * Live outputs after a reload. JupyterLab sends an update to the cell run that displayed the output, and a page that
 * was loaded since knows no such run. Here the update finds its output by the `display_id` that the kernel also wrote
 * into the output's metadata.
 */
import { isCodeCellModel } from "@jupyterlab/cells";
import type * as nbformat from "@jupyterlab/nbformat";
import type { INotebookModel, NotebookPanel } from "@jupyterlab/notebook";
import type { IOutputAreaModel } from "@jupyterlab/outputarea";
import type { IOutputModel } from "@jupyterlab/rendermime";
import { type Kernel, KernelMessage } from "@jupyterlab/services";
import type { PartialJSONObject } from "@lumino/coreutils";

export function reattachDisplays(panel: NotebookPanel): void {
  /** Displays that came from a run of this page: JupyterLab updates those. */
  const own = new Set<string>();
  const { sessionContext } = panel;
  sessionContext.kernelChanged.connect(() => own.clear());
  sessionContext.iopubMessage.connect((_, message) => {
    if (KernelMessage.isDisplayDataMsg(message)) {
      const id = message.content.transient?.display_id;
      if (id !== undefined && isOwn(message, sessionContext.session?.kernel)) own.add(id);
    } else if (KernelMessage.isUpdateDisplayDataMsg(message)) {
      const id = message.content.transient.display_id;
      if (id !== undefined && !own.has(id) && panel.model !== null) update(panel.model, id, message.content);
    }
  });
}

function isOwn(message: KernelMessage.IMessage, kernel: Kernel.IKernelConnection | null | undefined): boolean {
  const parent = message.parent_header;
  return "session" in parent && parent.session === kernel?.clientId;
}

function update(notebook: INotebookModel, displayId: string, content: DisplayContent): void {
  for (const cell of notebook.cells) if (isCodeCellModel(cell)) updateDisplay(cell.outputs, displayId, content);
}

export type DisplayContent = Pick<KernelMessage.IUpdateDisplayDataMsg["content"], "data" | "metadata">;

/** Sets every output that carries the id. */
export function updateDisplay(outputs: IOutputAreaModel, displayId: string, { data, metadata }: DisplayContent): void {
  for (let index = 0; index < outputs.length; index++) {
    const output = outputs.get(index);
    if (!carries(output, displayId)) continue;
    // The identity stays with the output, whether or not the update repeats it.
    const kept = { ...output.metadata, ...metadata } as PartialJSONObject;
    outputs.set(index, { output_type: "display_data", data: data as nbformat.IMimeBundle, metadata: kept });
  }
}

/** The id stands in the output's metadata or in that of one of its mime types. */
function carries(output: IOutputModel, displayId: string): boolean {
  const ids = [output.metadata, ...Object.values(output.metadata)].map((value) =>
    typeof value === "object" && value !== null && "display_id" in value ? value.display_id : undefined,
  );
  return ids.includes(displayId);
}
