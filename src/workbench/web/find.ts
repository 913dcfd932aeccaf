/** Find and replace over the notebook: JupyterLab's own bar, opened by its keys above the notebook. */
import { SearchDocumentModel, SearchDocumentView } from "@jupyterlab/documentsearch";
import { type NotebookPanel, NotebookSearchProvider } from "@jupyterlab/notebook";
import { Widget } from "@lumino/widgets";

export interface Find {
  open(withReplace: boolean): void;
  next(): void;
  previous(): void;
}

const searchAfterMs = 250;

/** Its fields have only a hint inside, which is gone once something is typed; they come and go. */
function nameFields(bar: HTMLElement): void {
  const name = () => {
    for (const field of bar.querySelectorAll<HTMLTextAreaElement>("textarea:not([aria-label])")) {
      field.setAttribute("aria-label", field.placeholder);
    }
  };
  new MutationObserver(name).observe(bar, { childList: true, subtree: true });
}

export function createFind(panel: NotebookPanel): Find {
  let view: SearchDocumentView | undefined;
  let model: SearchDocumentModel | undefined;

  const create = (): SearchDocumentView => {
    const provider = new NotebookSearchProvider(panel);
    model = new SearchDocumentModel(provider, searchAfterMs);
    const made = new SearchDocumentView(model);
    made.addClass("tt-find");
    nameFields(made.node);
    made.closed.connect(() => panel.content.activate());
    return made;
  };
  return {
    open: (withReplace) => {
      view ??= create();
      if (!view.isAttached) Widget.attach(view, panel.node);
      if (withReplace) view.showReplace();
      if (model !== undefined && model.suggestedInitialQuery !== "") view.setSearchText(model.suggestedInitialQuery);
      view.focusSearchInput();
    },
    next: () => void model?.highlightNext(),
    previous: () => void model?.highlightPrevious(),
  };
}
