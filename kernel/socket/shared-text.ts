/**
 * Text that cells write, on its way to the socket worker through memory that both threads see: ten thousand messages
 * between threads cost more than the lines that are in them. A ring; what does not fit goes by message. The worker may
 * take what stands here whatever the main thread does: the last line before an endless loop is seen.
 *
 * Commands go by message and must find the text in the order in which both were made. So each command is numbered and
 * carries the place at which the text stood; and while one is under way, text is taken by that command alone.
 */

/** UTF-16 units; a power of two, so that a place is found by masking a position that wraps around. */
const LENGTH = 2 ** 18;
const BYTES_PER_UNIT = 2;

/** Slots of the state. Positions count units since the start, and wrap. */
const STATE = { written: 0, taken: 1, lastCommand: 2, readerIsAwake: 3 } as const;

export interface TextMemory {
  readonly state: SharedArrayBuffer;
  readonly units: SharedArrayBuffer;
}

export function newTextMemory(): TextMemory {
  return {
    state: new SharedArrayBuffer(Object.keys(STATE).length * Int32Array.BYTES_PER_ELEMENT),
    units: new SharedArrayBuffer(LENGTH * BYTES_PER_UNIT),
  };
}

/** Where a command stands among commands and text. */
export interface Place {
  readonly number: number;
  readonly textEnd: number;
}

/** The main thread's end. */
export class TextWriter {
  readonly #state: Int32Array;
  readonly #units: Buffer;

  constructor(memory: TextMemory) {
    this.#state = new Int32Array(memory.state);
    this.#units = Buffer.from(memory.units);
  }

  /** False where it does not fit at present. */
  write(text: string): boolean {
    const written = Atomics.load(this.#state, STATE.written);
    const waiting = (written - Atomics.load(this.#state, STATE.taken)) | 0;
    if (text.length > LENGTH - waiting) return false;
    const start = written & (LENGTH - 1);
    const beforeEnd = LENGTH - start;
    this.#units.write(text.length > beforeEnd ? text.slice(0, beforeEnd) : text, start * BYTES_PER_UNIT, "utf16le");
    if (text.length > beforeEnd) this.#units.write(text.slice(beforeEnd), 0, "utf16le");
    Atomics.store(this.#state, STATE.written, (written + text.length) | 0);
    return true;
  }

  /** True once after each time that the reader went to sleep: it wants a message. */
  wakesReader(): boolean {
    return Atomics.exchange(this.#state, STATE.readerIsAwake, 1) === 0;
  }

  /** For a command that is about to be sent. A number that is never sent does no harm once the next one is. */
  nextPlace(): Place {
    const number = (Atomics.load(this.#state, STATE.lastCommand) + 1) | 0;
    Atomics.store(this.#state, STATE.lastCommand, number);
    return { number, textEnd: Atomics.load(this.#state, STATE.written) };
  }
}

/** The worker's end. */
export class TextReader {
  readonly #state: Int32Array;
  readonly #units: Buffer;
  #lastCommand = 0;

  constructor(memory: TextMemory) {
    this.#state = new Int32Array(memory.state);
    this.#units = Buffer.from(memory.units);
  }

  /** The text that stands before a command which has arrived. */
  takeBefore({ number, textEnd }: Place): string {
    this.#lastCommand = number;
    return this.#take(textEnd);
  }

  /** All there is, after which the reader sleeps; undefined while a command is under way, which has to take it. */
  takeAll(): string | undefined {
    Atomics.store(this.#state, STATE.readerIsAwake, 0);
    // In this order: a command that is made after this point stands behind it.
    const end = Atomics.load(this.#state, STATE.written);
    if (Atomics.load(this.#state, STATE.lastCommand) === this.#lastCommand) return this.#take(end);
    Atomics.store(this.#state, STATE.readerIsAwake, 1);
    return undefined;
  }

  #take(end: number): string {
    const taken = Atomics.load(this.#state, STATE.taken);
    const length = (end - taken) | 0;
    if (length <= 0) return "";
    const start = taken & (LENGTH - 1);
    const beforeEnd = Math.min(length, LENGTH - start);
    const text = this.#text(start, beforeEnd) + this.#text(0, length - beforeEnd);
    Atomics.store(this.#state, STATE.taken, end);
    return text;
  }

  #text(start: number, length: number): string {
    return this.#units.toString("utf16le", start * BYTES_PER_UNIT, (start + length) * BYTES_PER_UNIT);
  }
}
