/** The bar above the notebook: what it is, whether it is saved, what can be done, how the kernel is. */
import type { ISessionContext } from "@jupyterlab/apputils";
import type { Context } from "@jupyterlab/docregistry";
import type { INotebookModel } from "@jupyterlab/notebook";
import type { CommandRegistry } from "@lumino/commands";
import { Widget } from "@lumino/widgets";
import { keysText } from "./shortcuts.js";

/** The buttons, in groups; each is a command of `commands.ts`. */
const buttons: ReadonlyArray<readonly string[]> = [
  ["run-all", "run", "interrupt", "restart"],
  ["insert-below", "save"],
];

/** Behind the button for more. */
const moreCommands = [
  "run-above",
  "restart-and-run-all",
  "undo-cells",
  "redo-cells",
  "find",
  "replace",
  "toggle-code",
  "dashboard",
  "shut-out-others",
  "shortcuts",
];

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class Header extends Widget {
  readonly #saved = element("span", "tt-saved");
  readonly #status = element("span", "tt-status");
  readonly #context: Context<INotebookModel>;

  constructor(context: Context<INotebookModel>, commands: CommandRegistry) {
    super({ node: document.createElement("header") });
    this.#context = context;
    this.addClass("tt-header");
    const title = element("h1", "tt-title");
    const name = () => {
      title.textContent = titleOf(context.localPath);
      title.title = context.localPath;
    };
    name();
    context.pathChanged.connect(name);
    this.#status.setAttribute("role", "status");
    this.#saved.setAttribute("role", "status");
    const groups = buttons.map((ids) => buttonGroup(ids, commands));
    const more = moreMenu(commands);
    this.node.append(brand(), title, this.#saved, ...groups, more, element("span", "tt-space"), this.#status);
    this.#followSaving();
    this.#followKernel();
  }

  #followSaving(): void {
    const { model, saveState } = this.#context;
    let saving = false;
    let failed = false;
    let savedAt: string | undefined;
    const show = () => {
      const edited = savedAt === undefined ? "Edited" : `Edited, saved ${savedAt}`;
      const text = saving ? "Saving…" : failed ? "Not saved" : model.dirty ? edited : "Saved";
      this.#saved.textContent = text;
      this.#saved.dataset.state = saving ? "saving" : failed ? "failed" : model.dirty ? "edited" : "saved";
    };
    saveState.connect((_, state) => {
      saving = state === "started";
      failed = state === "failed";
      // A live output makes the page newer than the file at once, so the time is what tells.
      if (state.startsWith("completed")) savedAt = clock.format(new Date());
      show();
    });
    model.stateChanged.connect(show);
    show();
  }

  #followKernel(): void {
    const { sessionContext } = this.#context;
    const show = () => {
      const { text, kind } = kernelWords(statusOf(sessionContext));
      this.#status.textContent = text;
      this.#status.dataset.state = kind;
    };
    sessionContext.statusChanged.connect(show);
    sessionContext.connectionStatusChanged.connect(show);
    sessionContext.kernelChanged.connect(show);
    show();
  }
}

/** A kernel that has stopped has no connection either; that it stopped is what counts. */
function statusOf(sessionContext: ISessionContext): string {
  const dead = sessionContext.session?.kernel?.status === "dead" && !sessionContext.isRestarting;
  return dead ? "dead" : sessionContext.kernelDisplayStatus;
}

type KernelKind = "idle" | "busy" | "waiting" | "gone";

function kernelWords(status: string): { text: string; kind: KernelKind } {
  switch (status) {
    case "idle":
      return { text: "Ready", kind: "idle" };
    case "busy":
      return { text: "Running", kind: "busy" };
    case "dead":
    case "terminating":
      return { text: "Stopped", kind: "gone" };
    case "disconnected":
      return { text: "Not connected", kind: "gone" };
    case "connecting":
      return { text: "Connecting…", kind: "waiting" };
    case "restarting":
    case "autorestarting":
      return { text: "Restarting…", kind: "waiting" };
    default:
      return { text: "Starting…", kind: "waiting" };
  }
}

function buttonGroup(ids: readonly string[], commands: CommandRegistry): HTMLElement {
  const group = element("div", "tt-buttons");
  group.append(...ids.map((id) => commandButton(id, commands)));
  return group;
}

function commandButton(id: string, commands: CommandRegistry): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tt-button";
  button.dataset.command = id;
  const keys = commands.keyBindings.find((binding) => binding.command === id)?.keys.join(" ");
  const shown = keys === undefined ? "" : ` (${keys.replaceAll("Accel", "Ctrl").replaceAll(" ", "+")})`;
  button.title = `${commands.caption(id)}${shown}`;
  const image = commands.icon(id);
  if (typeof image === "object") image.render(button, { props: {} } as Parameters<typeof image.render>[1]);
  const label = element("span", "tt-button-label");
  label.textContent = commands.label(id);
  button.append(label);
  // The notebook keeps the focus, so that keys go on working after a click.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    commands.execute(id).catch((error: unknown) => console.error(`${id} failed`, error));
  });
  commands.commandChanged.connect(() => {
    button.disabled = !commands.isEnabled(id);
  });
  button.disabled = !commands.isEnabled(id);
  return button;
}

function moreMenu(commands: CommandRegistry): HTMLElement {
  const menu = element("div", "tt-menu");
  const details = document.createElement("details");
  details.className = "tt-more";
  const summary = document.createElement("summary");
  summary.className = "tt-button";
  summary.textContent = "More";
  for (const id of moreCommands) {
    const item = commandButton(id, commands);
    item.className = "tt-menu-item";
    const keys = commands.keyBindings.find((binding) => binding.command === id)?.keys;
    const shown = element("kbd", "tt-quiet");
    shown.textContent = keys === undefined ? "" : keysText(keys);
    item.append(shown);
    item.addEventListener("click", () => {
      details.open = false;
    });
    menu.append(item);
  }
  details.append(summary, menu);
  closeByItself(details);
  return details;
}

/** As menus do: by Escape, and by a press elsewhere. */
function closeByItself(details: HTMLDetailsElement): void {
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") details.open = false;
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target instanceof Node && !details.contains(event.target)) details.open = false;
  });
}

/** The picture that the browser shows in its tab. */
function brand(): HTMLElement {
  const mark = document.createElement("img");
  mark.className = "tt-brand";
  mark.src = document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "";
  mark.alt = "Tidetable";
  return mark;
}

function titleOf(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.(ipynb|zpln)$/, "");
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
