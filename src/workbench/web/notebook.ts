/**
 * The notebook itself, from JupyterLab's components: document, editors, renderers, session. Knows nothing of the
 * header, the keys or the notices around it.
 */
import { CodeMirrorEditorFactory, CodeMirrorMimeTypeService } from "@jupyterlab/codemirror";
import { Context } from "@jupyterlab/docregistry";
import { rendererFactory as jsonRendererFactory } from "@jupyterlab/json-extension";
import { createMarkdownParser } from "@jupyterlab/markedparser-extension";
import {
  type INotebookModel,
  NotebookModelFactory,
  type NotebookPanel,
  NotebookWidgetFactory,
  runCell,
  StaticNotebook,
  setCellExecutor,
} from "@jupyterlab/notebook";
import { RenderMimeRegistry, standardRendererFactories } from "@jupyterlab/rendermime";
import type { ServiceManager } from "@jupyterlab/services";
import { createEditorExtensions, createLanguages } from "./languages.js";
import { liveVegaFactory } from "./live-vega.js";
import { resultFactory } from "./result-view.js";
import { RunnableContentFactory } from "./run-prompt.js";
import { StrictSanitizer } from "./strict-sanitizer.js";

export interface OpenNotebook {
  readonly context: Context<INotebookModel>;
  readonly panel: NotebookPanel;
}

const mimeOfKernel = "application/typescript";
const kernelName = "tidetable";

/** Returns at once; `context.initialize(false)` then loads the file and starts the kernel. */
export function createNotebook(services: ServiceManager.IManager, path: string): OpenNotebook {
  const languages = createLanguages();
  const editors = new CodeMirrorEditorFactory({ extensions: createEditorExtensions(), languages });
  const mimeTypeService = new CodeMirrorMimeTypeService(languages);
  const contentFactory = new RunnableContentFactory({ editorFactory: editors.newInlineEditor });
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories,
    markdownParser: createMarkdownParser(languages),
    sanitizer: new StrictSanitizer(),
  });
  rendermime.addFactory(liveVegaFactory);
  rendermime.addFactory(resultFactory);
  rendermime.addFactory(jsonRendererFactory);
  setCellExecutor({ runCell });

  const widgets = new NotebookWidgetFactory({
    name: "Notebook",
    modelName: "notebook",
    fileTypes: ["notebook"],
    defaultFor: ["notebook"],
    preferKernel: true,
    canStartKernel: true,
    rendermime,
    contentFactory,
    mimeTypeService,
    // The header has the buttons.
    toolbarFactory: () => [],
    editorConfig: {
      ...StaticNotebook.defaultEditorConfig,
      code: {
        ...StaticNotebook.defaultEditorConfig.code,
        lineNumbers: false,
        matchBrackets: true,
        autoClosingBrackets: true,
      },
    },
    notebookConfig: {
      ...StaticNotebook.defaultNotebookConfig,
      // Cells below the fold are built when the page has time; they stay, and so do the charts in them.
      windowingMode: "defer",
      recordTiming: false,
      enableKernelInitNotification: false,
      scrollPastEnd: true,
    },
  });
  const context = new Context<INotebookModel>({
    manager: services,
    factory: new NotebookModelFactory(),
    path,
    kernelPreference: { name: kernelName, shouldStart: true, canStart: true, autoStartDefault: true },
    sessionDialogs: silentDialogs,
  });
  const panel = widgets.createNew(context);
  // It is empty, and would still take its line.
  panel.toolbar.hide();
  colourBeforeKernel(context, panel);
  return { context, panel };
}

/** A stopped kernel is told in the notices, with its reason; JupyterLab's choice among kernels has nothing to offer here. */
const silentDialogs = {
  selectKernel: async () => {},
  restart: async () => true,
};

/** The language is known from the first moment, not only when a kernel has said so. */
function colourBeforeKernel(context: Context<INotebookModel>, panel: NotebookPanel): void {
  void context.ready.then(() => {
    for (const cell of panel.content.widgets) {
      if (cell.model.type === "code" && cell.model.mimeType === "text/plain") cell.model.mimeType = mimeOfKernel;
    }
  });
}
