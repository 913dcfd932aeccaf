/**
 * Everything a user can do, in one table: id, words, picture, keys and where they count, action. The keys are
 * JupyterLab's, so that hands know them.
 */
import type { Context } from "@jupyterlab/docregistry";
import { type INotebookModel, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import {
  addIcon,
  fastForwardIcon,
  type LabIcon,
  refreshIcon,
  runIcon,
  saveIcon,
  stopIcon,
} from "@jupyterlab/ui-components";
import { CommandRegistry } from "@lumino/commands";
import type { Completion } from "./completion.js";
import type { Dashboard } from "./dashboard.js";
import type { Find } from "./find.js";
import type { InspectTooltip } from "./inspect-tooltip.js";
import { showShortcuts } from "./shortcuts.js";

export interface CommandParts {
  readonly context: Context<INotebookModel>;
  readonly panel: NotebookPanel;
  readonly completion: Completion;
  readonly tooltip: InspectTooltip;
  readonly find: Find;
  readonly dashboard: Dashboard;
  readonly shutOutOthers: () => Promise<void>;
}

interface Command {
  readonly id: string;
  readonly label: string;
  /** One sentence for the tooltip; the label where that says enough. */
  readonly caption?: string;
  readonly icon?: LabIcon;
  readonly keys?: readonly string[];
  readonly selector?: string;
  readonly enabled?: () => boolean;
  readonly run: () => unknown;
}

const anywhere = ".jp-Notebook";
/** A cell is chosen, none is being edited. */
const choosing = ".jp-Notebook.jp-mod-commandMode:not(.jp-mod-readWrite) :focus:not(:read-write)";
const editing = ".jp-Notebook.jp-mod-editMode";
const completable = ".jp-Notebook.jp-mod-editMode .jp-mod-completer-enabled:not(.jp-mod-at-line-beginning)";

export function createCommands(parts: CommandParts): CommandRegistry {
  const registry = new CommandRegistry();
  const rows = [...table(parts), keysRow(() => showShortcuts(registry))];
  for (const { id, label, caption, icon, keys, selector, enabled, run } of rows) {
    registry.addCommand(id, {
      label,
      caption: caption ?? label,
      ...(icon === undefined ? {} : { icon }),
      ...(enabled === undefined ? {} : { isEnabled: enabled }),
      execute: run,
    });
    for (const key of keys ?? [])
      registry.addKeyBinding({ command: id, keys: key.split(", "), selector: selector ?? anywhere });
  }
  const { sessionContext } = parts.context;
  sessionContext.statusChanged.connect(() => registry.notifyCommandChanged());
  sessionContext.kernelChanged.connect(() => registry.notifyCommandChanged());
  return registry;
}

function keysRow(run: () => void): Command {
  return { id: "shortcuts", label: "Keys", caption: "All keys of this page", keys: ["H"], selector: choosing, run };
}

function table({
  context,
  panel,
  completion,
  tooltip,
  find,
  dashboard,
  shutOutOthers,
}: CommandParts): readonly Command[] {
  const { sessionContext } = context;
  const notebook = panel.content;
  const status = () => sessionContext.kernelDisplayStatus;
  // A dead kernel cannot queue a cell; the notices offer the restart.
  const alive = () => sessionContext.session?.kernel?.status !== "dead";
  return [
    {
      id: "run",
      label: "Run",
      caption: "Run the chosen cell and go to the next",
      icon: runIcon,
      keys: ["Shift Enter"],
      enabled: alive,
      run: () => NotebookActions.runAndAdvance(notebook, sessionContext),
    },
    {
      id: "run-in-place",
      label: "Run and stay",
      keys: ["Accel Enter"],
      enabled: alive,
      run: () => NotebookActions.run(notebook, sessionContext),
    },
    {
      id: "run-and-insert",
      label: "Run and insert a cell",
      keys: ["Alt Enter"],
      enabled: alive,
      run: () => NotebookActions.runAndInsert(notebook, sessionContext),
    },
    {
      id: "run-all",
      label: "Run all",
      caption: "Run every cell, from the first to the last",
      icon: fastForwardIcon,
      keys: ["Accel Shift Enter"],
      enabled: alive,
      // Not JupyterLab's runAll, which leaves the reader at the last cell.
      run: () => NotebookActions.runCells(notebook, notebook.widgets, sessionContext),
    },
    {
      id: "run-above",
      label: "Run all above",
      caption: "Run every cell above the chosen one",
      enabled: alive,
      run: () => NotebookActions.runAllAbove(notebook, sessionContext),
    },
    {
      id: "restart-and-run-all",
      label: "Restart and run all",
      caption: "Start the kernel anew and run every cell",
      run: async () => {
        await restart(context);
        await NotebookActions.runCells(notebook, notebook.widgets, sessionContext);
      },
    },
    {
      id: "interrupt",
      label: "Interrupt",
      caption: "Stop the running cell; variables stay",
      icon: stopIcon,
      keys: ["I, I"],
      selector: choosing,
      enabled: () => status() === "busy",
      run: () => sessionContext.session?.kernel?.interrupt(),
    },
    {
      id: "restart",
      label: "Restart",
      caption: "Start the kernel anew; variables are lost, the notebook stays",
      icon: refreshIcon,
      keys: ["0, 0"],
      selector: choosing,
      enabled: () => !["restarting", "initializing", "starting"].includes(status()),
      run: () => restart(context),
    },
    {
      id: "save",
      label: "Save",
      icon: saveIcon,
      keys: ["Accel S"],
      selector: "body",
      run: () => save(context),
    },
    {
      id: "shut-out-others",
      label: "Shut out others",
      caption: "End every other browser's session and every view-only link; this page stays in",
      run: shutOutOthers,
    },
    {
      id: "insert-below",
      label: "Add cell",
      caption: "Insert a cell below the chosen one",
      icon: addIcon,
      keys: ["B"],
      selector: choosing,
      run: () => NotebookActions.insertBelow(notebook),
    },
    {
      id: "insert-above",
      label: "Insert a cell above",
      keys: ["A"],
      selector: choosing,
      run: () => NotebookActions.insertAbove(notebook),
    },
    {
      id: "delete",
      label: "Delete the cell",
      keys: ["D, D"],
      selector: choosing,
      run: () => NotebookActions.deleteCells(notebook),
    },
    { id: "cut", label: "Cut the cell", keys: ["X"], selector: choosing, run: () => NotebookActions.cut(notebook) },
    { id: "copy", label: "Copy the cell", keys: ["C"], selector: choosing, run: () => NotebookActions.copy(notebook) },
    {
      id: "paste",
      label: "Paste below",
      keys: ["V"],
      selector: choosing,
      run: () => NotebookActions.paste(notebook, "below"),
    },
    { id: "undo-cells", label: "Undo", keys: ["Z"], selector: choosing, run: () => NotebookActions.undo(notebook) },
    {
      id: "redo-cells",
      label: "Redo",
      keys: ["Shift Z"],
      selector: choosing,
      run: () => NotebookActions.redo(notebook),
    },
    { id: "move-up", label: "Move up", keys: ["Ctrl Shift ArrowUp"], run: () => NotebookActions.moveUp(notebook) },
    {
      id: "move-down",
      label: "Move down",
      keys: ["Ctrl Shift ArrowDown"],
      run: () => NotebookActions.moveDown(notebook),
    },
    {
      id: "select-above",
      label: "Choose the cell above",
      keys: ["ArrowUp", "K"],
      selector: choosing,
      run: () => choose(notebook, "above"),
    },
    {
      id: "select-below",
      label: "Choose the cell below",
      keys: ["ArrowDown", "J"],
      selector: choosing,
      run: () => choose(notebook, "below"),
    },
    {
      id: "extend-above",
      label: "Choose this cell and the one above",
      keys: ["Shift ArrowUp", "Shift K"],
      selector: choosing,
      run: () => NotebookActions.extendSelectionAbove(notebook),
    },
    {
      id: "extend-below",
      label: "Choose this cell and the one below",
      keys: ["Shift ArrowDown", "Shift J"],
      selector: choosing,
      run: () => NotebookActions.extendSelectionBelow(notebook),
    },
    {
      id: "select-all",
      label: "Choose every cell",
      keys: ["Accel A"],
      selector: choosing,
      run: () => NotebookActions.selectAll(notebook),
    },
    {
      id: "merge",
      label: "Merge the chosen cells",
      keys: ["Shift M"],
      selector: choosing,
      run: () => NotebookActions.mergeCells(notebook),
    },
    {
      id: "split",
      label: "Split the cell at the cursor",
      keys: ["Ctrl Shift -"],
      selector: editing,
      run: () => NotebookActions.splitCell(notebook),
    },
    {
      id: "line-numbers",
      label: "Show or hide line numbers",
      keys: ["Shift L"],
      selector: choosing,
      run: () => NotebookActions.toggleAllLineNumbers(notebook),
    },
    {
      id: "to-markdown",
      label: "Make it text",
      keys: ["M"],
      selector: choosing,
      run: () => NotebookActions.changeCellType(notebook, "markdown"),
    },
    {
      id: "to-code",
      label: "Make it code",
      keys: ["Y"],
      selector: choosing,
      run: () => NotebookActions.changeCellType(notebook, "code"),
    },
    {
      id: "to-raw",
      label: "Make it raw text",
      keys: ["R"],
      selector: choosing,
      run: () => NotebookActions.changeCellType(notebook, "raw"),
    },
    ...[1, 2, 3].map((level) => ({
      id: `heading-${level}`,
      label: `Make it a heading ${level}`,
      keys: [String(level)],
      selector: choosing,
      run: () => NotebookActions.setMarkdownHeader(notebook, level),
    })),
    {
      id: "edit",
      label: "Edit the cell",
      keys: ["Enter"],
      selector: choosing,
      run: () => {
        notebook.mode = "edit";
      },
    },
    {
      id: "leave-editing",
      label: "Leave the editor",
      keys: ["Escape"],
      selector: editing,
      run: () => {
        tooltip.hide();
        notebook.mode = "command";
      },
    },
    { id: "find", label: "Find", keys: ["Accel F"], selector: "body", run: () => find.open(false) },
    { id: "replace", label: "Find and replace", keys: ["Accel H"], selector: "body", run: () => find.open(true) },
    { id: "find-next", label: "Next match", keys: ["Accel G"], selector: "body", run: () => find.next() },
    {
      id: "find-previous",
      label: "Match before",
      keys: ["Accel Shift G"],
      selector: "body",
      run: () => find.previous(),
    },
    {
      id: "dashboard",
      label: "Dashboard",
      caption: "Show outputs alone, over the whole window",
      run: () => dashboard.toggle(),
    },
    {
      id: "toggle-code",
      label: "Fold the code of the cell",
      caption: "Hide or show the code of the chosen cells",
      keys: ["Shift O"],
      selector: choosing,
      run: () => toggleCode(notebook),
    },
    { id: "complete", label: "Complete", keys: ["Tab"], selector: completable, run: () => completion.invoke() },
    {
      id: "accept-completion",
      label: "Take the completion",
      keys: ["Enter"],
      selector: ".jp-Notebook .jp-mod-completer-active",
      run: () => completion.accept(),
    },
    { id: "inspect", label: "What is this?", keys: ["Shift Tab"], selector: completable, run: () => tooltip.show() },
  ];
}

/** Also brings back a kernel that has stopped, for which JupyterLab's own restart does nothing. */
async function restart({ sessionContext }: Context<INotebookModel>): Promise<void> {
  const kernel = sessionContext.session?.kernel;
  if (kernel == null || kernel.status === "dead") await sessionContext.changeKernel({ name: "tidetable" });
  else await sessionContext.restartKernel();
}

/** A failed save is told by the notices, which follow the document's own signal. */
async function save(context: Context<INotebookModel>): Promise<void> {
  try {
    await context.save();
  } catch (error) {
    console.warn("the notebook was not saved", error);
  }
}

function toggleCode(notebook: NotebookPanel["content"]): void {
  if (notebook.activeCell?.inputHidden === true) NotebookActions.showCode(notebook);
  else NotebookActions.hideCode(notebook);
}

function choose(notebook: NotebookPanel["content"], where: "above" | "below"): void {
  if (where === "above") NotebookActions.selectAbove(notebook);
  else NotebookActions.selectBelow(notebook);
}
