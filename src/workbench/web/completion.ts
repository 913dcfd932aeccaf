/** Completion by Tab: JupyterLab's completer over the kernel's answers, for the cell that is being edited. */
import { CompletionProviderManager, KernelCompleterProvider } from "@jupyterlab/completer";
import type { NotebookPanel } from "@jupyterlab/notebook";

/** The kernel compiles the cell to answer, which on a first request takes its time. */
const completionWaitMsMax = 5000;

export interface Completion {
  /** Asks for completions at the cursor. */
  invoke(): void;
  /** Takes the chosen one. */
  accept(): void;
}

export function addCompletion(panel: NotebookPanel): Completion {
  const manager = new CompletionProviderManager();
  const provider = new KernelCompleterProvider();
  manager.registerProvider(provider);
  manager.activateProvider([provider.identifier]);
  manager.setTimeout(completionWaitMsMax);
  manager.setShowDocumentationPanel(false);

  const follow = () => {
    const editor = panel.content.activeCell?.editor;
    const session = panel.sessionContext.session;
    if (editor == null || session == null) return;
    manager
      .updateCompleter({ widget: panel, editor, session, sanitizer: panel.content.rendermime.sanitizer })
      .catch((error: unknown) => console.error("completion is off for this cell", error));
  };
  panel.content.activeCellChanged.connect((_, cell) => {
    follow();
    // The editor of a cell below the fold comes later than the cell.
    void cell?.ready.then(follow);
  });
  panel.sessionContext.sessionChanged.connect(follow);
  panel.sessionContext.kernelChanged.connect(follow);
  follow();
  return { invoke: () => manager.invoke(panel.id), accept: () => manager.select(panel.id) };
}
