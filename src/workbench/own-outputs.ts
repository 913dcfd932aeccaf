/**
 * Which outputs came from cells that were run here: of each, as it is saved, a keyed digest is kept, outside the notebook, in a
 * file that only its user can read. An output that has one is shown as it was when it was made; a claim in the notebook counts
 * for nothing. Knows what a cell is, and nothing of files' places.
 */
import { createHmac, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { type NotebookContent, notebookText } from "./notebook-file.js";
import { replaceFile } from "./replace-file.js";

/** The newest; a live output leaves a digest with every save. */
const digestsMax = 2000;
const digestBytes = 16;

type Cell = NotebookContent["cells"][number];

export class OwnOutputs {
  readonly #file: string | undefined;
  readonly #key: Buffer;
  /** Oldest first. */
  readonly #digests: Set<string>;

  /** @param file absent: they are known as long as this process runs */
  static async open(file?: string): Promise<OwnOutputs> {
    const kept = file === undefined ? undefined : await readKept(file);
    return new OwnOutputs(file, kept?.key ?? randomBytes(32), kept?.digests ?? []);
  }

  private constructor(file: string | undefined, key: Buffer, digests: readonly string[]) {
    this.#file = file;
    this.#key = key;
    this.#digests = new Set(digests);
  }

  /** Notes the outputs that the page vouches for: its owner is who saves. */
  async note(content: NotebookContent): Promise<void> {
    const digests = content.cells.filter(isVouchedFor).map((cell) => this.#digest(cell));
    const isNew = digests.some((digest) => !this.#digests.has(digest));
    for (const digest of digests) {
      this.#digests.delete(digest);
      this.#digests.add(digest);
    }
    for (const oldest of this.#digests) {
      if (this.#digests.size <= digestsMax) break;
      this.#digests.delete(oldest);
    }
    if (isNew && this.#file !== undefined) {
      const kept = { key: this.#key.toString("base64url"), digests: [...this.#digests] };
      await replaceFile(this.#file, JSON.stringify(kept), 0o600);
    }
  }

  /** @param content without any claim of trust */
  marked(content: NotebookContent): NotebookContent {
    if (this.#digests.size === 0) return content;
    const cells = content.cells.map((cell) => {
      if (!hasOutputs(cell) || !this.#digests.has(this.#digest(cell))) return cell;
      return { ...cell, metadata: { ...(cell.metadata as object), trusted: true } };
    });
    return { ...content, cells };
  }

  /** Of what the cell is in a file: its text and its outputs, whatever was said about them in between. */
  #digest({ source, outputs }: Cell): string {
    const text = notebookText({
      ...{ nbformat: 4, nbformat_minor: 5, metadata: {} },
      cells: [{ cell_type: "code", metadata: {}, source, outputs }],
    });
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, digestBytes).toString("base64url");
  }
}

function isVouchedFor(cell: Cell): boolean {
  return hasOutputs(cell) && (cell.metadata as { readonly trusted?: unknown } | undefined)?.trusted === true;
}

function hasOutputs(cell: Cell): boolean {
  return cell.cell_type === "code" && Array.isArray(cell.outputs) && cell.outputs.length > 0;
}

/** A file that others may read, or that is not ours, is as good as none: a new key makes every digest in it worthless. */
async function readKept(file: string): Promise<{ key: Buffer; digests: readonly string[] } | undefined> {
  try {
    const { mode, uid } = await stat(file);
    if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o077) !== 0)) return undefined;
    const { key, digests } = JSON.parse(await readFile(file, "utf8")) as { key?: unknown; digests?: unknown };
    const bytes = Buffer.from(String(key), "base64url");
    if (bytes.length !== 32 || !Array.isArray(digests)) return undefined;
    return { key: bytes, digests: digests.filter((digest) => typeof digest === "string").slice(-digestsMax) };
  } catch {
    // None yet, or half of one.
    return undefined;
  }
}
