/**
 * The notebooks below one folder: list, read, write. Nothing outside that folder is reached, neither by `..`, by an
 * encoded path nor by a link; nothing but notebooks is read or written.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { ContentsError, notFound, Root } from "./contents-path.js";
import { type NotebookContent, notebookProblem, notebookText, withoutTrust } from "./notebook-file.js";
import { OwnOutputs } from "./own-outputs.js";
import { replaceFile } from "./replace-file.js";
import { isNoteName, notebookOfNote, noteOfNotebook } from "./zeppelin-note.js";

export interface NotebookFile {
  /** Relative to the root, `/` between the parts, whatever the system uses. */
  readonly path: string;
  readonly name: string;
  readonly writable: boolean;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly content: NotebookContent;
  /** After a save: what the file cannot hold. Only a Zeppelin note holds less than the page. */
  readonly lost?: readonly string[];
}

export interface FolderEntry {
  readonly path: string;
  readonly name: string;
  readonly kind: "notebook" | "folder";
  readonly modifiedAtMs: number;
}

export interface Checkpoint {
  readonly id: string;
  readonly createdAtMs: number;
}

const notebookBytesMax = 50 * 1024 * 1024;
const entriesMax = 1000;
const checkpointsMax = 1000;
const checkpointId = "opened";
/** Hidden, and so out of reach for every path of the page. */
const trashFolder = ".tidetable-trash";

const emptyNotebook: NotebookContent = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {
    kernelspec: { name: "tidetable", display_name: "Tidetable (TypeScript)", language: "typescript" },
    language_info: { name: "typescript", file_extension: ".ts", mimetype: "application/typescript" },
  },
  cells: [{ cell_type: "code", id: "first", metadata: {}, execution_count: null, outputs: [], source: [] }],
};

export class Contents {
  readonly #root: Root;
  readonly #checkpoints: string;
  readonly #ownOutputs: Pick<OwnOutputs, "note" | "marked">;
  /** Those that are kept, oldest first. */
  readonly #checkpointNames = new Set<string>();
  readonly #saves = new Map<string, Promise<void>>();

  /**
   * @param checkpointDirectory private to this process; holds the state in which each notebook was opened
   * @param ownOutputs which outputs are shown as those of a cell that was run here
   */
  static async open(
    rootDirectory: string,
    checkpointDirectory: string,
    ownOutputs?: Pick<OwnOutputs, "note" | "marked">,
  ): Promise<Contents> {
    await mkdir(checkpointDirectory, { recursive: true, mode: 0o700 });
    return new Contents(await Root.open(rootDirectory), checkpointDirectory, ownOutputs ?? (await OwnOutputs.open()));
  }

  private constructor(root: Root, checkpoints: string, ownOutputs: Pick<OwnOutputs, "note" | "marked">) {
    this.#root = root;
    this.#checkpoints = checkpoints;
    this.#ownOutputs = ownOutputs;
  }

  /** @param path as in `NotebookFile.path` @throws ContentsError */
  async read(path: string): Promise<NotebookFile> {
    return this.#reachNotebook(path, async (file) => {
      const handle = await openForReading(file, path);
      try {
        const found = await readNotebook(handle, path);
        return { ...found, content: this.#ownOutputs.marked(found.content) };
      } finally {
        await handle.close();
      }
    });
  }

  /**
   * Replaces the file in one step: a reader sees the old or the new notebook, never half of one.
   * @param known the hash of the file that `content` came from; another one that is there by now stays. Absent: whatever is there goes.
   */
  async write(path: string, content: unknown, known?: string): Promise<NotebookFile> {
    const { text, lost } = savable(path, content);
    await this.#inTurn(path, () =>
      this.#reachNotebook(path, async (file) => {
        if (known !== undefined && (await this.read(path)).sha256 !== known) throw changedMeanwhile(path);
        await replaceNotebook(file, text);
      }),
    );
    await this.#ownOutputs.note(content as NotebookContent);
    return { ...(await this.read(path)), ...(lost.length > 0 ? { lost } : {}) };
  }

  /** Makes a notebook that is not there yet; one that is stays as it is. */
  async create(path: string, content: unknown): Promise<NotebookFile> {
    requireNotebookName(path);
    const { text } = savable(path, content);
    await this.#root.reachPlace(path, (file) => writeNew(file, text, path));
    return this.read(path);
  }

  /** A new notebook in a folder, under a name that is free there. */
  async createUntitled(folder: string): Promise<NotebookFile> {
    return this.#createFree(folder, "Untitled.ipynb", emptyNotebook);
  }

  /** A copy beside the original, under a name that is free there. */
  async duplicate(path: string): Promise<NotebookFile> {
    const { content, name } = await this.read(path);
    return this.#createFree(folderName(path), name.replace(/\.[^.]*$/, " copy$&"), content);
  }

  async rename(from: string, to: string): Promise<NotebookFile> {
    requireNotebookName(to);
    if (isNoteName(from) !== isNoteName(to)) {
      throw new ContentsError(400, `${from} keeps its ending; download it in another form, and upload that.`);
    }
    await this.#reachNotebook(from, (source) => this.#root.reachPlace(to, (target) => moveToFree(source, target, to)));
    return this.read(to);
  }

  /** Puts a notebook aside, into a hidden folder beside it. @returns where it lies now */
  async discard(path: string): Promise<string> {
    return this.#reachNotebook(path, async (file) => {
      const trash = join(dirname(file), trashFolder);
      await mkdir(trash, { recursive: true, mode: 0o700 });
      await requireFolder(trash);
      const name = `${new Date().toISOString().replaceAll(":", "-")} ${basename(file)}`;
      await rename(file, join(trash, name));
      return name;
    });
  }

  /** Brings back what `discard` has put aside; its old name must be free. */
  async recover(path: string, discarded: string): Promise<NotebookFile> {
    requireNotebookName(path);
    await this.#root.reachPlace(path, async (target) => {
      if (basename(discarded) !== discarded || !discarded.endsWith(` ${basename(target)}`)) throw notFound(discarded);
      const trash = join(dirname(target), trashFolder);
      const kept = join(trash, discarded);
      await lstat(kept).catch(() => {
        throw notFound(discarded);
      });
      await requireFolder(trash);
      await moveToFree(kept, target, path);
    });
    return this.read(path);
  }

  async #createFree(folder: string, wanted: string, content: unknown): Promise<NotebookFile> {
    for (let number = 1; number <= entriesMax; number++) {
      const name = number === 1 ? wanted : wanted.replace(/\.[^.]*$/, ` ${number}$&`);
      try {
        return await this.create(folder === "" ? name : `${folder}/${name}`, content);
      } catch (error) {
        if (!(error instanceof ContentsError && error.status === 409)) throw error;
      }
    }
    throw new ContentsError(409, `there are too many notebooks called ${wanted} in this folder; rename some.`);
  }

  /** Notebooks and folders directly in a folder, without the hidden ones and node_modules. */
  async list(path: string): Promise<readonly FolderEntry[]> {
    return this.#root.reachFolder(path, (folder) => entriesOf(folder, path));
  }

  /** The working folder of a notebook's kernel: where its file lies, as in Jupyter. */
  async folderOf(path: string): Promise<string> {
    return this.#root.locate(folderName(path));
  }

  async checkpoint(path: string): Promise<Checkpoint> {
    const { content } = await this.read(path);
    const file = this.#checkpointFile(path);
    await replaceNotebook(file, notebookText(content));
    await this.#keepNewest(basename(file));
    return { id: checkpointId, createdAtMs: Date.now() };
  }

  async checkpoints(path: string): Promise<readonly Checkpoint[]> {
    const file = await stat(this.#checkpointFile(path)).catch(() => undefined);
    return file === undefined ? [] : [{ id: checkpointId, createdAtMs: file.mtimeMs }];
  }

  async restore(path: string, id: string): Promise<void> {
    const handle = id === checkpointId ? await open(this.#checkpointFile(path), "r").catch(() => undefined) : undefined;
    if (handle === undefined) throw new ContentsError(404, `${path} has no checkpoint ${JSON.stringify(id)}.`);
    try {
      const { content } = await readNotebook(handle, path);
      await this.write(path, content);
    } finally {
      await handle.close();
    }
  }

  async #keepNewest(name: string): Promise<void> {
    this.#checkpointNames.delete(name);
    this.#checkpointNames.add(name);
    for (const oldest of this.#checkpointNames) {
      if (this.#checkpointNames.size <= checkpointsMax) return;
      this.#checkpointNames.delete(oldest);
      await rm(join(this.#checkpoints, oldest), { force: true });
    }
  }

  #checkpointFile(path: string): string {
    return join(this.#checkpoints, `${createHash("sha256").update(path).digest("hex")}.ipynb`);
  }

  /** Saves of one notebook come one after the other, so that each sees what the one before has left. */
  async #inTurn(path: string, save: () => Promise<void>): Promise<void> {
    const before = this.#saves.get(path) ?? Promise.resolve();
    const turn = before.then(save, save);
    this.#saves.set(path, turn);
    try {
      await turn;
    } finally {
      if (this.#saves.get(path) === turn) this.#saves.delete(path);
    }
  }

  async #reachNotebook<Outcome>(path: string, use: (file: string) => Promise<Outcome>): Promise<Outcome> {
    requireNotebookName(path);
    return this.#root.reach(path, use);
  }
}

async function entriesOf(folder: string, path: string): Promise<readonly FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const shown = entries.filter(({ name }) => !name.startsWith(".") && name !== "node_modules");
  const found: FolderEntry[] = [];
  for (const entry of shown.sort((a, b) => a.name.localeCompare(b.name)).slice(0, entriesMax)) {
    const kind = entry.isDirectory() ? "folder" : entry.isFile() && isNotebookName(entry.name) ? "notebook" : undefined;
    if (kind === undefined) continue;
    const { mtimeMs } = await stat(join(folder, entry.name));
    found.push({ path: join(path, entry.name).split(sep).join("/"), name: entry.name, kind, modifiedAtMs: mtimeMs });
  }
  return found;
}

/** Who can write here may have put a link there, that leads elsewhere. */
async function requireFolder(folder: string): Promise<void> {
  const status = await lstat(folder);
  if (!status.isDirectory()) throw new Error(`${basename(folder)} is no folder`);
}

function folderName(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

function requireNotebookName(path: string): void {
  if (!isNotebookName(path)) throw new ContentsError(400, `${JSON.stringify(path)} is not a notebook (.ipynb, .zpln).`);
}

export function isNotebookName(name: string): boolean {
  return name.endsWith(".ipynb") || isNoteName(name);
}

async function openForReading(file: string, path: string): Promise<FileHandle> {
  const noFollow = constants.O_NOFOLLOW ?? 0;
  return open(file, constants.O_RDONLY | noFollow).catch(() => {
    throw notFound(path);
  });
}

async function readNotebook(handle: FileHandle, path: string): Promise<NotebookFile> {
  const status = await handle.stat();
  if (!status.isFile()) throw notFound(path);
  if (status.size > notebookBytesMax) throw tooLarge(path);
  const bytes = await handle.readFile();
  return {
    path,
    name: basename(path),
    writable: (status.mode & 0o200) !== 0,
    createdAtMs: status.birthtimeMs,
    modifiedAtMs: status.mtimeMs,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    content: parseNotebook(bytes.toString("utf8"), path),
  };
}

function parseNotebook(text: string, path: string): NotebookContent {
  let value: unknown;
  try {
    value = JSON.parse(isNoteName(path) ? notebookOfNote(text, path) : text);
  } catch (error) {
    if (error instanceof ContentsError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContentsError(400, `${path} is not JSON, so not a notebook: ${reason}.`);
  }
  const problem = notebookProblem(value);
  if (problem !== undefined) throw new ContentsError(400, `${path} is not a notebook that can be opened: ${problem}.`);
  return withoutTrust(value as NotebookContent);
}

function savable(path: string, content: unknown): { readonly text: string; readonly lost: readonly string[] } {
  const problem = notebookProblem(content);
  if (problem !== undefined) throw new ContentsError(400, `${path} was not saved: ${problem}.`);
  const text = notebookText(content as NotebookContent);
  const file = isNoteName(path) ? noteOfNotebook(text, path) : { text, lost: [] };
  if (Buffer.byteLength(file.text) > notebookBytesMax) throw tooLarge(path);
  return file;
}

/** The system's own rename would replace what is there without a word: the name is taken first, as an empty file. */
async function moveToFree(from: string, to: string, path: string): Promise<void> {
  await writeNew(to, "", path);
  try {
    await rename(from, to);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

async function writeNew(file: string, text: string, path: string): Promise<void> {
  const handle = await open(file, "wx", 0o644).catch((error: unknown) => {
    throw isTaken(error) ? taken(path) : error;
  });
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function taken(path: string): ContentsError {
  return new ContentsError(409, `there is a ${JSON.stringify(path)} already; nothing was changed. Take another name.`);
}

async function replaceNotebook(file: string, text: string): Promise<void> {
  const mode = (await stat(file).catch(() => undefined))?.mode ?? 0o600;
  await replaceFile(file, text, mode & 0o777);
}

function changedMeanwhile(path: string): ContentsError {
  const message = `${path} was not saved: it has changed since this page read it. Save again, and choose which of the two stays.`;
  return new ContentsError(409, message);
}

function tooLarge(path: string): ContentsError {
  return new ContentsError(
    413,
    `${path} is over ${notebookBytesMax / 1024 / 1024} MiB; clear the outputs of some cells.`,
  );
}
