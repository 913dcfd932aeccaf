/** Three lines for who is here for the first time; gone for good once dismissed. */
import { Widget } from "@lumino/widgets";
import { element, pressButton } from "./dom.js";

const key = "tidetable-hint-read";

export class Hint extends Widget {
  constructor() {
    super({ node: document.createElement("section") });
    this.addClass("tt-hint");
    this.node.setAttribute("aria-label", "First steps");
    const lines = [
      ["Shift+Enter", " runs the cell that is chosen and goes to the next; Run all runs every one."],
      ["Streams", " at the left shows the topics that became tables, as they fill."],
      ["H", " lists all keys; what you run here is saved into your own copy of the notebook."],
    ] as const;
    this.node.append(
      element("ul", "", ...lines.map(([strong, rest]) => element("li", "", element("strong", "", strong), rest))),
      pressButton({ label: "Got it" }, () => this.#dismiss()),
    );
    if (localStorage.getItem(key) !== null) this.hide();
  }

  #dismiss(): void {
    localStorage.setItem(key, "yes");
    this.hide();
  }
}
