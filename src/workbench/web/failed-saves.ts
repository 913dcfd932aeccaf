/**
 * Why a save failed, for the notices. JupyterLab would put a dialog over the page as well, and again at each try of its
 * own to save; it has no setting for that, so the method in which it does is replaced, for saves alone.
 */
import type { Context } from "@jupyterlab/docregistry";
import type { INotebookModel } from "@jupyterlab/notebook";
import { messageOf } from "./dom.js";

/** Called before the document's own signal says that a save has failed. */
export function onFailedSave(context: Context<INotebookModel>, tell: (reason: string) => void): void {
  const told = context as unknown as { _handleError(error: unknown, title: string): Promise<void> };
  const ask = told._handleError.bind(context);
  told._handleError = async (error, title) => {
    if (title.startsWith("File Save Error")) tell(messageOf(error));
    else await ask(error, title);
  };
}
