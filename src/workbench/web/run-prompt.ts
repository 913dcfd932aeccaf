/** Cells as this page has them: with a number that shows a run button while the pointer is there, and told as articles. */
import {
  type Cell,
  type CodeCell,
  type IInputPrompt,
  InputPrompt,
  type MarkdownCell,
  type RawCell,
} from "@jupyterlab/cells";
import { NotebookPanel } from "@jupyterlab/notebook";
import { runIcon } from "@jupyterlab/ui-components";

const runEvent = "tidetable-run-cell";

export class RunnableContentFactory extends NotebookPanel.ContentFactory {
  override createInputPrompt(): IInputPrompt {
    return new RunPrompt();
  }

  override createCodeCell(options: CodeCell.IOptions): CodeCell {
    return asArticle(super.createCodeCell(options));
  }

  override createMarkdownCell(options: MarkdownCell.IOptions): MarkdownCell {
    return asArticle(super.createMarkdownCell(options));
  }

  override createRawCell(options: RawCell.IOptions): RawCell {
    return asArticle(super.createRawCell(options));
  }
}

/** JupyterLab's notebook is a feed to screen readers, and a feed has articles. */
function asArticle<Shown extends Cell>(cell: Shown): Shown {
  cell.node.setAttribute("role", "article");
  return cell;
}

/** @param run runs the active cell, which by then is the one whose button was pressed */
export function runByPrompt(panel: NotebookPanel, run: () => Promise<unknown>): void {
  panel.node.addEventListener(runEvent, () => {
    run().catch((error: unknown) => console.error("the cell did not run", error));
  });
}

class RunPrompt extends InputPrompt {
  #button: HTMLButtonElement | undefined;

  override get executionCount(): string | null {
    return super.executionCount;
  }

  /** Writing the number replaces everything in the prompt, so the button goes in again. */
  override set executionCount(value: string | null) {
    super.executionCount = value;
    this.#button ??= runButton();
    this.node.append(this.#button);
    this.node.classList.toggle("tt-running", value === "*");
  }
}

function runButton(): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tt-run-cell";
  button.title = "Run this cell (Ctrl+Enter)";
  button.tabIndex = -1;
  runIcon.render(button);
  // The press chooses the cell, as anywhere in it; the click runs what is chosen.
  button.addEventListener("click", () => button.dispatchEvent(new CustomEvent(runEvent, { bubbles: true })));
  return button;
}
