/** The rail at the left and the panel that it opens. Remembers which was open; knows nothing of what panels show. */
import type { LabIcon } from "@jupyterlab/ui-components";
import { Widget } from "@lumino/widgets";
import { element, pressButton } from "./dom.js";

export interface SidePanel {
  readonly id: string;
  readonly label: string;
  readonly icon: LabIcon;
  readonly node: HTMLElement;
  /** The panel comes into view. */
  shown(): void;
  /** Nobody looks at it any more. */
  hidden?(): void;
}

const key = "tidetable-side";

export class Side extends Widget {
  readonly #panels: readonly SidePanel[];
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #body = element("div", "tt-side-body");
  #open: SidePanel | undefined;

  constructor(panels: readonly SidePanel[]) {
    super({ node: document.createElement("aside") });
    this.addClass("tt-side");
    this.#panels = panels;
    this.#body.id = "side-body";
    const rail = element("nav", "tt-rail");
    rail.setAttribute("aria-label", "Panels");
    for (const panel of panels) {
      const button = pressButton({ label: panel.label, icon: panel.icon, className: "tt-rail-button" }, () =>
        this.toggle(panel.id),
      );
      button.dataset.panel = panel.id;
      button.setAttribute("aria-controls", this.#body.id);
      this.#buttons.set(panel.id, button);
      rail.append(button);
    }
    this.node.append(rail, this.#body);
    this.#show(undefined);
  }

  /** Opens what was open last time. */
  restore(): void {
    const id = localStorage.getItem(key);
    this.#show(this.#panels.find((panel) => panel.id === id));
  }

  toggle(id: string): void {
    const panel = this.#panels.find((known) => known.id === id);
    this.#show(panel === this.#open ? undefined : panel);
    localStorage.setItem(key, this.#open?.id ?? "");
  }

  #show(panel: SidePanel | undefined): void {
    this.#open?.hidden?.();
    this.#open = panel;
    this.#body.replaceChildren(...(panel === undefined ? [] : [panel.node]));
    this.#body.hidden = panel === undefined;
    this.toggleClass("tt-open", panel !== undefined);
    for (const [id, button] of this.#buttons) button.setAttribute("aria-expanded", String(id === panel?.id));
    // The layout reads the width that the style sheet gives to an open and to a closed side.
    this.parent?.fit();
    panel?.shown();
  }
}
