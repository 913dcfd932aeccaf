/**
 * What is on its way to one page. Bounded in every state: a page that is behind gets the newest of each display, one
 * that is away gets, when it is back, everything that it has not received, up to a limit. Owns no socket; is given one.
 */
import { bytesOf, displayOf } from "./displays.js";
import { headerOf, type MessageParts, toWebSocketMessage } from "./kernel-messages.js";

type PushedChannel = Parameters<typeof toWebSocketMessage>[0];

/** The part of a websocket that is used here. */
export interface Wire {
  readonly bufferedAmount: number;
  readonly isOpen: boolean;
  send(bytes: Buffer): void;
  /** The page has stopped reading. */
  giveUp(): void;
}

interface Entry {
  readonly channel: PushedChannel;
  /** Undefined once it was given up for newer ones. */
  parts: MessageParts | undefined;
  readonly bytes: number;
}

/** Above this much unsent, updates of displays are held back and only the newest of each is kept. */
const unsentBytesHigh = 4 * 1024 * 1024;
/** Above this much unsent, the page has stopped reading. */
const unsentBytesMax = 128 * 1024 * 1024;
/** What is kept for a page that may be away. */
export const keptBytesMax = 10 * 1024 * 1024;
const flushEveryMs = 50;

export class Outbox {
  readonly #isResumable: boolean;
  #wire: Wire | undefined;
  /** Sent on this wire, not known to have arrived; empty for a page that cannot come back. */
  #sent: Entry[] = [];
  /** How many of this wire's messages are known to have arrived. */
  #received = 0;
  /** Waits for the page, oldest first; an update of a display stands for all before it, under the display's name. */
  readonly #waiting = new Map<string | symbol, Entry>();
  #keptBytes = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param isResumable the page says what it has received, and may come back for the rest */
  constructor(isResumable: boolean) {
    this.#isResumable = isResumable;
  }

  push(channel: PushedChannel, parts: MessageParts): void {
    const wire = this.#wire;
    const entry = { channel, parts, bytes: bytesOf(parts) };
    if (wire === undefined) {
      this.#keep(entry);
      return;
    }
    if (wire.bufferedAmount > unsentBytesMax) {
      wire.giveUp();
      return;
    }
    const isBehind = wire.bufferedAmount > unsentBytesHigh || this.#waiting.size > 0;
    const display = isBehind ? updatedDisplayOf(channel, parts) : undefined;
    if (display === undefined) this.#send(wire, entry);
    else this.#hold(display, entry);
  }

  /** What the page says it has of this wire's messages. */
  acknowledge(received: number): void {
    const arrived = this.#sent.splice(0, Math.max(0, received - this.#received));
    this.#received += arrived.length;
    for (const { parts, bytes } of arrived) if (parts !== undefined) this.#keptBytes -= bytes;
  }

  /** The page is gone, perhaps for a while. */
  detach(): void {
    this.#wire = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * The page is there. What it has not received goes out when `resume` is called; its count begins at nothing.
   * @param received how many of the last wire's messages it has @returns how many of its messages are lost for good
   */
  attach(wire: Wire, received: number): { readonly lost: number; readonly resume: () => void } {
    this.acknowledge(received);
    const unreceived = this.#sent;
    const lost = this.#lost + unreceived.filter(({ parts }) => parts === undefined).length;
    const again = [...unreceived, ...this.#waiting.values()].filter(({ parts }) => parts !== undefined);
    this.#sent = [];
    this.#received = 0;
    this.#waiting.clear();
    this.#keptBytes = 0;
    this.#lost = 0;
    this.#wire = wire;
    const resume = () => {
      for (const entry of again) this.#send(wire, entry);
    };
    return { lost, resume };
  }

  close(): void {
    this.detach();
    this.#waiting.clear();
    this.#sent = [];
  }

  #send(wire: Wire, entry: Entry): void {
    if (entry.parts === undefined) return;
    if (wire.isOpen) wire.send(toWebSocketMessage(entry.channel, entry.parts));
    if (!this.#isResumable) return;
    this.#sent.push(entry);
    this.#keptBytes += entry.bytes;
    this.#makeRoom();
  }

  #keep(entry: Entry): void {
    if (!this.#isResumable || entry.parts === undefined) return;
    this.#wait(updatedDisplayOf(entry.channel, entry.parts) ?? Symbol("message"), entry);
    this.#makeRoom();
  }

  #hold(display: string, entry: Entry): void {
    this.#wait(display, entry);
    this.#timer ??= setInterval(() => this.#flush(), flushEveryMs);
  }

  #wait(key: string | symbol, entry: Entry): void {
    this.#keptBytes += entry.bytes - (this.#waiting.get(key)?.bytes ?? 0);
    this.#waiting.delete(key);
    this.#waiting.set(key, entry);
  }

  #flush(): void {
    const wire = this.#wire;
    for (const [key, entry] of this.#waiting) {
      if (wire === undefined || wire.bufferedAmount > unsentBytesHigh) return;
      this.#waiting.delete(key);
      this.#keptBytes -= entry.bytes;
      this.#send(wire, entry);
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The oldest go, but never what a page needs to know that a cell has ended. */
  #makeRoom(): void {
    if (this.#keptBytes <= keptBytesMax) return;
    // A quarter at once, so that the next message does not look through everything again.
    const enough = keptBytesMax * 0.75;
    for (const entry of this.#sent) {
      if (this.#keptBytes <= enough) return;
      if (entry.parts === undefined || isEssential(entry.parts)) continue;
      entry.parts = undefined;
      this.#keptBytes -= entry.bytes;
    }
    for (const [key, entry] of this.#waiting) {
      if (this.#keptBytes <= enough) return;
      if (entry.parts === undefined || isEssential(entry.parts)) continue;
      this.#waiting.delete(key);
      this.#keptBytes -= entry.bytes;
      this.#lost++;
    }
  }
}

function isEssential(parts: MessageParts): boolean {
  const type = headerOf(parts).msg_type;
  return type === "status" || type === "error" || type.endsWith("_reply") || type === "comm_close";
}

/** The display that a message replaces; undefined for any message that must not be left out. */
function updatedDisplayOf(channel: PushedChannel, parts: MessageParts): string | undefined {
  if (channel !== "iopub" || headerOf(parts).msg_type !== "update_display_data") return undefined;
  return displayOf(parts);
}
