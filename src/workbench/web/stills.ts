/**
 * Pictures of the charts, put into the file when it is saved: GitHub and viewers without Vega then show the chart as it
 * stood. Not at every update, where it would cost more than the update itself.
 */
import { isCodeCellModel } from "@jupyterlab/cells";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { INotebookModel } from "@jupyterlab/notebook";
import { chartStill } from "./live-vega.js";

type SavableContext = Pick<DocumentRegistry.IContext<INotebookModel>, "model" | "save">;

/** Every way of saving goes through `context.save`; it takes the pictures first. */
export function takeStillsAtSave(context: SavableContext): void {
  const save = context.save.bind(context);
  context.save = async () => {
    await addStills(context.model);
    await save();
  };
}

async function addStills(notebook: INotebookModel): Promise<void> {
  for (const cell of notebook.cells) {
    if (!isCodeCellModel(cell)) continue;
    for (let index = 0; index < cell.outputs.length; index++) {
      const output = cell.outputs.get(index);
      const still = await chartStill(output);
      if (still !== undefined && output.data["image/png"] !== still) {
        const shown = output.toJSON();
        cell.outputs.set(index, { ...shown, data: { ...output.data, "image/png": still } });
      }
    }
  }
}
