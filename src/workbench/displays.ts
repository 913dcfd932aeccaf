/**
 * The newest state of each display of one kernel: what a page that was away, or was loaded since, shows until the next
 * update comes. Bounded; the display that has not moved for longest goes first. Pure.
 */
import { contentOf, headerOf, type MessageParts } from "./kernel-messages.js";

const bytesMax = 10 * 1024 * 1024;
const displaysMax = 500;

export class Displays {
  /** In the order of their last update. */
  readonly #newest = new Map<string, MessageParts>();
  #bytes = 0;

  /** @param parts a message of iopub @returns the display that it changed, if it did */
  note(parts: MessageParts): string | undefined {
    const id = displayOf(parts);
    if (id === undefined) return undefined;
    this.#drop(id);
    this.#newest.set(id, parts);
    this.#bytes += bytesOf(parts);
    for (const oldest of this.#newest.keys()) {
      if (this.#bytes <= bytesMax && this.#newest.size <= displaysMax) break;
      this.#drop(oldest);
    }
    return id;
  }

  get(id: string): MessageParts | undefined {
    return this.#newest.get(id);
  }

  /** The one that moved last at the end. */
  all(): readonly MessageParts[] {
    return [...this.#newest.values()];
  }

  clear(): void {
    this.#newest.clear();
    this.#bytes = 0;
  }

  #drop(id: string): void {
    const parts = this.#newest.get(id);
    if (parts === undefined) return;
    this.#newest.delete(id);
    this.#bytes -= bytesOf(parts);
  }
}

/** The message as an update, whichever of the two kinds it was: a page that has the display shows it in its place. */
export function asUpdate(parts: MessageParts): MessageParts {
  const header = JSON.parse(Buffer.from(parts[0] ?? []).toString("utf8")) as object;
  return [Buffer.from(JSON.stringify({ ...header, msg_type: "update_display_data" })), ...parts.slice(1)];
}

/** The display that a message fills; undefined for every other message. */
export function displayOf(parts: MessageParts): string | undefined {
  const type = headerOf(parts).msg_type;
  if (type !== "display_data" && type !== "update_display_data") return undefined;
  const content = parts[3] ?? new Uint8Array();
  // A big output without a name is not parsed to learn that it has none.
  if (!Buffer.from(content.buffer, content.byteOffset, content.length).includes('"display_id"')) return undefined;
  const { transient } = contentOf(parts);
  const id = typeof transient === "object" && transient !== null ? (transient as { display_id?: unknown }) : {};
  return typeof id.display_id === "string" ? id.display_id : undefined;
}

export function bytesOf(parts: MessageParts): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
