/**
 * Gathers the text that cells write for a moment, so that ten thousand lines are a few messages. In the worker, whose
 * timers run also while a cell keeps the main thread busy: the last line before an endless loop is seen.
 */
import type { JsonObject } from "../wire/content.js";
import { type StreamName, stream } from "../wire/display.js";
import type { OutgoingMessage } from "../wire/frames.js";
import type { Place, TextReader } from "./shared-text.js";

const GATHER_MS = 10;
const MESSAGE_LENGTH_MAX = 256 * 1024;

export class GatheredStream {
  readonly #reader: TextReader;
  readonly #publish: (message: OutgoingMessage) => void;
  #target: { readonly parentHeader: JsonObject; readonly name: StreamName } = { parentHeader: {}, name: "stdout" };
  #parts: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(reader: TextReader, publish: (message: OutgoingMessage) => void) {
    this.#reader = reader;
    this.#publish = publish;
  }

  /** Whose output the following text is. */
  aim(parentHeader: JsonObject, name: StreamName): void {
    this.flush();
    this.#target = { parentHeader, name };
  }

  /** Text waits in the shared memory. */
  awake(): void {
    this.#timer ??= setTimeout(() => this.#sendAll(), GATHER_MS);
  }

  /** Takes what was written before a command. */
  takeBefore(place: Place): void {
    this.write(this.#reader.takeBefore(place));
    // A forced stop may have cut the main thread short of the message that wakes.
    this.awake();
  }

  write(text: string): void {
    if (text === "") return;
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length >= MESSAGE_LENGTH_MAX) this.flush();
    else this.awake();
  }

  /** Called before anything else is sent: what was written earlier arrives earlier. */
  flush(): void {
    if (this.#parts.length === 0) return;
    const { parentHeader, name } = this.#target;
    const text = this.#parts.join("");
    this.#parts = [];
    this.#length = 0;
    this.#publish({ type: "stream", parentHeader, content: stream(name, text) });
  }

  /** Ends the timer of a stream that writes no more. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
  }

  #sendAll(): void {
    this.#timer = undefined;
    const text = this.#reader.takeAll();
    if (text === undefined) this.awake();
    else if (text !== "") this.#parts.push(text);
    this.flush();
  }
}
