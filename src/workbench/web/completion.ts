/** Completion by Tab: JupyterLab's completer over the kernel's answers, for the cell that is being edited. */
import {
  type CompletionHandler,
  CompletionProviderManager,
  type ICompletionContext,
  KernelCompleterProvider,
} from "@jupyterlab/completer";
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
  const provider = new TypedCompleterProvider();
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

/** What the kernel says of each match, in the order of the matches. */
interface MatchKind {
  readonly type?: string;
  readonly signature?: string;
}

/** JupyterLab's own tells what kind of name a match is; of a column one wants to know what is in it. */
class TypedCompleterProvider extends KernelCompleterProvider {
  override async fetch(
    { text, offset }: CompletionHandler.IRequest,
    { session }: ICompletionContext,
  ): Promise<CompletionHandler.ICompletionItemsReply> {
    if (session?.kernel == null) throw new Error("there is no kernel to ask for completions");
    const { content } = await session.kernel.requestComplete({ code: text, cursor_pos: offset });
    if (content.status !== "ok") throw new Error("the kernel has no completions for this cell");
    const { matches, metadata, cursor_start: start, cursor_end: end } = content;
    const told = metadata._jupyter_types_experimental;
    const kinds: readonly MatchKind[] = Array.isArray(told) ? (told as unknown as MatchKind[]) : [];
    const items = matches.map((label, index) => {
      const { type, signature } = kinds[index] ?? {};
      const shown = type === "column" ? (signature ?? type) : type;
      return { label, insertText: label, ...(shown === undefined ? {} : { type: shown }) };
    });
    return { start, end, items };
  }
}
