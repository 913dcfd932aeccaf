/** The keys of the page in a dialog, read from the table of commands itself. */
import type { CommandRegistry } from "@lumino/commands";
import { element, pressButton } from "./dom.js";

export function showShortcuts(commands: CommandRegistry): void {
  const dialog = element("dialog", "tt-shortcuts");
  dialog.setAttribute("aria-labelledby", "shortcuts-title");
  const title = element("h2", "", "Keys");
  title.id = "shortcuts-title";
  const close = pressButton({ label: "Close" }, () => dialog.close());
  dialog.append(
    element("div", "tt-panel-head", title, close),
    element("p", "tt-quiet", "Escape leaves an editor; single letters count while no cell is being edited."),
    element("dl", "tt-keys", ...rowsOf(commands)),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    // The dialog itself is what lies behind its content.
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function rowsOf(commands: CommandRegistry): readonly HTMLElement[] {
  const keys = new Map<string, string[]>();
  for (const { command, keys: bound } of commands.keyBindings) {
    keys.set(command, [...(keys.get(command) ?? []), keysText(bound)]);
  }
  return [...keys].flatMap(([command, bound]) => [
    element("dt", "", ...bound.flatMap((text, index) => [...(index > 0 ? [" or "] : []), element("kbd", "", text)])),
    element("dd", "", commands.label(command)),
  ]);
}

export function keysText(keys: readonly string[]): string {
  const accel = /mac/i.test(navigator.platform) ? "Cmd" : "Ctrl";
  return keys.map((chord) => chord.replaceAll("Accel", accel).replaceAll("Arrow", "").replaceAll(" ", "+")).join(" ");
}
