/** Elements with their classes, texts and labels: what the panels are made of. Text is always text, never markup. */
import type { LabIcon } from "@jupyterlab/ui-components";

export type Child = Node | string;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

export interface ButtonLook {
  /** What it does, in words: shown, or read aloud where only a picture is shown. */
  readonly label: string;
  readonly icon?: LabIcon;
  /** Only the picture is shown. */
  readonly iconOnly?: boolean;
  readonly className?: string;
}

/** A failure of `press` is told by whoever gave it; here it only must not get lost. */
export function pressButton(look: ButtonLook, press: () => unknown): HTMLButtonElement {
  const button = element("button", look.className ?? "tt-small-button");
  button.type = "button";
  if (look.icon !== undefined) {
    const picture = element("span", "tt-icon");
    picture.setAttribute("aria-hidden", "true");
    look.icon.render(picture);
    button.append(picture);
  }
  if (look.iconOnly === true) {
    button.setAttribute("aria-label", look.label);
    button.title = look.label;
  } else {
    button.append(element("span", "", look.label));
  }
  button.addEventListener("click", () => {
    Promise.resolve(press()).catch((error: unknown) => console.error(`${look.label} failed`, error));
  });
  return button;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
