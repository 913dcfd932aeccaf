/** The panel of notebooks: open, new, rename, duplicate, delete, upload, download. Knows files by the client alone. */
import { InputDialog } from "@jupyterlab/apputils";
import {
  addIcon,
  closeIcon,
  copyIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  fileUploadIcon,
  folderIcon,
  notebookIcon,
  stopIcon,
} from "@jupyterlab/ui-components";
import { element, messageOf, pressButton } from "./dom.js";
import type { DownloadFormat } from "./downloads.js";
import { type FilesClient, folderOf, type ListedFile } from "./files-client.js";
import { noteGone, noteMoved, recentNotebooks } from "./recent.js";

export interface OpenFile {
  /** The open notebook's path. */
  path(): string;
  /** Its content as it stands in the page, saved or not; undefined where it could not be opened. */
  content(): unknown;
  /** Saves what is unsaved; called before the page moves on. */
  save(): Promise<void>;
}

const uploadBytesMax = 50 * 1024 * 1024;
const formatNames: ReadonlyArray<readonly [DownloadFormat, string]> = [
  ["ipynb", "Notebook (.ipynb)"],
  ["ts", "TypeScript (.ts)"],
  ["zpln", "Zeppelin note (.zpln)"],
  ["html", "Page to read (.html)"],
];

export class FilesPanel {
  readonly node = element("section", "tt-panel");
  readonly #client: FilesClient;
  readonly #open: OpenFile;
  readonly #list = element("ul", "tt-files");
  readonly #recent = element("ul", "tt-files");
  readonly #said = element("p", "tt-panel-said");
  #folder: string;

  constructor(client: FilesClient, open: OpenFile) {
    this.#client = client;
    this.#open = open;
    this.#folder = folderOf(open.path());
    this.node.setAttribute("aria-label", "Files");
    this.#said.setAttribute("role", "status");
    const chooser = this.#uploadChooser();
    const buttons = element(
      "div",
      "tt-panel-buttons",
      pressButton({ label: "New", icon: addIcon }, () => this.#do(() => this.#create())),
      pressButton({ label: "Upload", icon: fileUploadIcon }, () => chooser.click()),
      chooser,
    );
    this.node.append(
      element("div", "tt-panel-head", element("h2", "", "Files"), buttons),
      this.#said,
      this.#list,
      element("h3", "", "Recent"),
      this.#recent,
      ...(open.content() === undefined ? [] : [element("h3", "", "Download this notebook as"), this.#downloads()]),
    );
  }

  /** Called whenever the panel is shown. */
  async refresh(): Promise<void> {
    try {
      const files = await this.#client.list(this.#folder);
      this.#list.replaceChildren(...this.#parentRow(), ...files.map((file) => this.#row(file)));
      if (files.length === 0) this.#list.append(element("li", "tt-empty", "No notebooks here yet. New makes one."));
    } catch (error) {
      this.#say(`The folder cannot be read: ${messageOf(error)}`);
    }
    const recent = recentNotebooks().filter((path) => path !== this.#open.path());
    this.#recent.replaceChildren(...recent.map((path) => element("li", "", this.#link(path, path))));
    if (recent.length === 0)
      this.#recent.append(element("li", "tt-empty", "Other notebooks that you open appear here."));
  }

  #row(file: ListedFile): HTMLElement {
    if (file.isFolder) return element("li", "", this.#folderButton(file.name, file.path));
    const row = element("li", "", this.#link(file.path, file.name));
    if (file.sessionId !== undefined) row.classList.add("tt-has-kernel");
    const button = (label: string, icon: typeof editIcon, act: () => Promise<void>) =>
      pressButton({ label: `${label} ${file.name}`, icon, iconOnly: true, className: "tt-row-button" }, () =>
        this.#do(act),
      );
    const { sessionId } = file;
    row.append(
      element(
        "span",
        "tt-row-buttons",
        ...(sessionId !== undefined && file.path !== this.#open.path()
          ? [button("Stop the kernel of", stopIcon, () => this.#client.stopKernel(sessionId))]
          : []),
        button("Rename", editIcon, () => this.#rename(file)),
        button("Duplicate", copyIcon, async () => {
          if (file.path === this.#open.path()) await this.#open.save();
          await this.#client.duplicate(file.path);
        }),
        button("Download", downloadIcon, async () =>
          this.#download(await this.#client.read(file.path), file.name, isNote(file.name) ? "zpln" : "ipynb"),
        ),
        button("Delete", deleteIcon, () => this.#discard(file)),
      ),
    );
    return row;
  }

  #link(path: string, shown: string): HTMLElement {
    const link = element("a", "tt-file", picture(notebookIcon), element("span", "tt-file-name", shown));
    link.href = addressOf(path);
    link.title = path;
    if (path === this.#open.path()) link.setAttribute("aria-current", "page");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void this.#do(() => this.#moveTo(path));
    });
    return link;
  }

  #folderButton(name: string, path: string): HTMLElement {
    return pressButton({ label: name, icon: folderIcon, className: "tt-file" }, () => {
      this.#folder = path;
      return this.refresh();
    });
  }

  #parentRow(): readonly HTMLElement[] {
    return this.#folder === "" ? [] : [element("li", "", this.#folderButton("..", folderOf(this.#folder)))];
  }

  async #moveTo(path: string): Promise<void> {
    if (path === this.#open.path()) return;
    await this.#open.save();
    location.assign(addressOf(path));
  }

  async #create(): Promise<void> {
    await this.#moveTo(await this.#client.create(this.#folder));
  }

  async #rename(file: ListedFile): Promise<void> {
    const answer = await InputDialog.getText({
      title: "Rename",
      label: "New name",
      text: file.name,
      selectionRange: file.name.replace(/\.(ipynb|zpln)$/, "").length,
      okLabel: "Rename",
    });
    const wanted = answer.value?.trim() ?? "";
    if (!answer.button.accept || wanted === "" || wanted === file.name) return;
    const ending = isNote(file.name) ? ".zpln" : ".ipynb";
    const name = wanted.endsWith(ending) ? wanted : `${wanted}${ending}`;
    noteMoved(file.path, await this.#client.rename(file.path, name));
  }

  async #discard(file: ListedFile): Promise<void> {
    if (file.path === this.#open.path()) throw new Error("it is open here; open another notebook first.");
    const discarded = await this.#client.discard(file.path);
    noteGone(file.path);
    this.#say(
      `${file.name} is in the trash folder.`,
      pressButton({ label: "Undo" }, () => this.#do(() => this.#client.recover(file.path, discarded))),
    );
  }

  #uploadChooser(): HTMLInputElement {
    const chooser = element("input", "");
    chooser.type = "file";
    chooser.accept = ".ipynb,.zpln,.json,.ts";
    chooser.multiple = true;
    chooser.hidden = true;
    chooser.setAttribute("aria-label", "Notebooks to upload");
    chooser.addEventListener("change", () => {
      const chosen = [...(chooser.files ?? [])];
      chooser.value = "";
      void this.#do(async () => {
        for (const file of chosen) await this.#upload(file);
      });
    });
    return chooser;
  }

  async #upload(file: File): Promise<void> {
    if (file.size > uploadBytesMax) throw new Error(`${file.name} is over ${uploadBytesMax / 1024 / 1024} MiB.`);
    const { notebookFromFile } = await import("./downloads.js");
    const content = notebookFromFile(await file.text(), file.name);
    const name = file.name.replace(/\.(zpln|json|ts)$/i, ".ipynb");
    const path = await this.#client.upload(this.#folder, name, content);
    this.#say(`${file.name} is here as ${path}.`);
  }

  #downloads(): HTMLElement {
    const buttons = formatNames.map(([format, label]) =>
      pressButton({ label, icon: downloadIcon, className: "tt-file" }, () =>
        this.#do(() => {
          const name = this.#open.path().split("/").at(-1) ?? "notebook.ipynb";
          return this.#download(this.#open.content(), name, format);
        }),
      ),
    );
    return element("ul", "tt-files", ...buttons.map((button) => element("li", "", button)));
  }

  async #download(content: unknown, name: string, format: DownloadFormat): Promise<void> {
    const { downloadNotebook } = await import("./downloads.js");
    await downloadNotebook(content, name, format);
  }

  /** Does it, shows the folder as it is then, and says what failed. */
  async #do(act: () => Promise<void>): Promise<void> {
    this.#said.replaceChildren();
    try {
      await act();
    } catch (error) {
      this.#say(`That did not work: ${messageOf(error)}`);
    }
    await this.refresh();
  }

  #say(text: string, ...more: readonly Node[]): void {
    const dismiss = pressButton({ label: "Dismiss", icon: closeIcon, iconOnly: true, className: "tt-row-button" }, () =>
      this.#said.replaceChildren(),
    );
    this.#said.replaceChildren(element("span", "", text), ...more, dismiss);
  }
}

export function addressOf(path: string): string {
  return `/?notebook=${encodeURIComponent(path)}`;
}

function picture(icon: typeof notebookIcon): HTMLElement {
  const node = element("span", "tt-icon");
  node.setAttribute("aria-hidden", "true");
  icon.render(node);
  return node;
}

/** A Zeppelin note stays one: it is opened and saved in its own form. */
function isNote(name: string): boolean {
  return name.endsWith(".zpln");
}
