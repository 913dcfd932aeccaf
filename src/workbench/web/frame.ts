/** What surrounds the notebook, and gives its room to the outputs while the page is a dashboard. */
import type { Widget } from "@lumino/widgets";

export class Frame {
  #around: readonly Widget[] = [];
  /** Those that were hidden anyway. */
  #hidden = new Set<Widget>();
  #isGone = false;

  surround(around: readonly Widget[]): void {
    this.#around = around;
    this.update();
  }

  update(): void {
    const isDashboard = document.body.hasAttribute("data-dashboard");
    if (isDashboard !== this.#isGone && this.#around.length > 0) {
      this.#isGone = isDashboard;
      if (isDashboard) this.#hidden = new Set(this.#around.filter((widget) => widget.isHidden));
      for (const widget of this.#around) widget.setHidden(isDashboard || this.#hidden.has(widget));
    }
    // What became wide is laid out anew.
    window.dispatchEvent(new Event("resize"));
  }
}
