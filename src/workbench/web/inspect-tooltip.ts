/** Shift-Tab: what the kernel knows about the word at the cursor, as plain text beside it. */
import type { CodeEditor } from "@jupyterlab/codeeditor";
import { Text } from "@jupyterlab/coreutils";
import type { NotebookPanel } from "@jupyterlab/notebook";

export interface InspectTooltip {
  show(): Promise<void>;
  hide(): void;
}

export function createInspectTooltip(panel: NotebookPanel): InspectTooltip {
  const node = document.createElement("div");
  node.className = "tt-tooltip";
  node.setAttribute("role", "tooltip");
  node.hidden = true;
  document.body.append(node);
  const hide = () => {
    node.hidden = true;
  };
  panel.content.activeCellChanged.connect(hide);
  panel.content.node.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("mousedown", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Shift" && event.key !== "Tab") hide();
  });

  const show = async () => {
    const editor = panel.content.activeCell?.editor;
    const text = editor == null ? undefined : await inspect(panel, editor);
    const place = editor?.getCoordinateForPosition(editor.getCursorPosition());
    if (text === undefined || place == null) {
      hide();
      return;
    }
    node.textContent = text;
    node.style.left = `${place.left}px`;
    node.style.top = `${place.bottom + 4}px`;
    node.hidden = false;
  };
  return { show, hide };
}

async function inspect(panel: NotebookPanel, editor: CodeEditor.IEditor): Promise<string | undefined> {
  const code = editor.model.sharedModel.getSource();
  const offset = editor.getOffsetAt(editor.getCursorPosition());
  const reply = await panel.sessionContext.session?.kernel?.requestInspect({
    code,
    cursor_pos: Text.jsIndexToCharIndex(offset, code),
    detail_level: 0,
  });
  const content = reply?.content;
  if (content === undefined || content.status !== "ok" || !content.found) return undefined;
  const text = content.data["text/plain"];
  return typeof text === "string" ? text : undefined;
}
