/**
 * A log's file, read by whole lines: where it begins and ends, which byte an offset starts at, whether the file behind
 * the path is still the one that was opened. Owns the file handle; knows nothing of streams or back-pressure.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { errorMessage, TidetableError } from "../../errors.js";
import { countLineEnds, type LogHeader, logLineTimestampMs, parseLogHeader } from "./format.js";

/** Read at once; a batch holds at most this many bytes unless one line is longer. */
const chunkBytes = 1024 * 1024;
/** A longer line is refused: it would be a record that no table takes. */
const lineBytesMax = 16 * 1024 * 1024;
const headerBytesMax = 4 * 1024;
/** Bytes before a position that are read again with what follows, to notice a file that was rewritten in place. */
const contextBytesMax = 64;

/** A place between two lines. `context` holds the bytes just before it. */
export interface LogPosition {
  readonly offset: bigint;
  readonly byte: number;
  readonly context: Buffer;
}

export type LogStart =
  | { readonly kind: "offset"; readonly offset: bigint }
  | { readonly kind: "timestamp"; readonly timestampMs: number }
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" };

/** How the file behind the path relates to the open one. */
export type LogIdentity = "same" | "replaced" | "gone";

export class LogFile {
  readonly path: string;
  readonly header: LogHeader | undefined;
  /** The first record's place. */
  readonly low: LogPosition;
  readonly #handle: FileHandle;
  readonly #inode: bigint;
  readonly #device: bigint;
  #buffer = Buffer.allocUnsafe(contextBytesMax + chunkBytes);

  private constructor(
    path: string,
    handle: FileHandle,
    identity: { readonly ino: bigint; readonly dev: bigint },
    header: LogHeader | undefined,
    low: LogPosition,
  ) {
    this.path = path;
    this.#handle = handle;
    this.#inode = identity.ino;
    this.#device = identity.dev;
    this.header = header;
    this.low = low;
  }

  /** @throws TidetableError LOG_UNREADABLE. */
  static async open(path: string): Promise<LogFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "r");
      const identity = await handle.stat({ bigint: true });
      if (!identity.isFile())
        throw new TidetableError("LOG_UNREADABLE", `${path} is not a file; a log is one text file.`);
      const start = Buffer.alloc(headerBytesMax);
      const { bytesRead } = await handle.read(start, 0, start.length, 0);
      const firstLineEnd = start.subarray(0, bytesRead).indexOf(lineEnd);
      const header = firstLineEnd < 0 ? undefined : parseLogHeader(start.toString("utf8", 0, firstLineEnd));
      const byte = header === undefined ? 0 : firstLineEnd + 1;
      const context = Buffer.from(start.subarray(Math.max(0, byte - contextBytesMax), byte));
      return new LogFile(path, handle, identity, header, { offset: header?.firstOffset ?? 0n, byte, context });
    } catch (error) {
      await handle?.close();
      throw unreadable(path, error);
    }
  }

  /**
   * The whole lines at a position, as far as one read goes, and the place after them; undefined when no line is
   * complete yet. The bytes are valid until the next call.
   * @throws TidetableError OFFSET_OUT_OF_RANGE when what lies before the position has changed, RECORD_CORRUPT when a
   *   line is too long.
   */
  async readLines(from: LogPosition): Promise<{ readonly bytes: Buffer; readonly next: LogPosition } | undefined> {
    const contextLength = from.context.length;
    for (;;) {
      const read = await this.#fill(from.byte - contextLength);
      if (read < contextLength || this.#buffer.compare(from.context, 0, contextLength, 0, contextLength) !== 0) {
        throw this.changed(from, read < contextLength ? "was cut short" : "was rewritten");
      }
      const end = this.#buffer.subarray(0, read).lastIndexOf(lineEnd) + 1;
      if (end > contextLength) {
        const bytes = this.#buffer.subarray(contextLength, end);
        const context = Buffer.from(this.#buffer.subarray(Math.max(0, end - contextBytesMax), end));
        const offset = from.offset + BigInt(countLineEnds(bytes));
        return { bytes, next: { offset, byte: from.byte + bytes.length, context } };
      }
      if (read < this.#buffer.length) return undefined;
      this.#growBuffer(from);
    }
  }

  /** The place after the last whole line, counted on from a known place. */
  async end(from: LogPosition, deadlineMs = Number.POSITIVE_INFINITY): Promise<LogPosition> {
    for (let position = from; ; ) {
      const lines = await this.readLines(position);
      if (lines === undefined) return position;
      position = lines.next;
      if (performance.now() > deadlineMs) throw tooLong(this.path);
    }
  }

  /**
   * Where reading begins, and the log's end. The whole file is passed over once: line ends are found at memory speed.
   * @throws TidetableError OFFSET_OUT_OF_RANGE for an offset before the first record or after the end.
   */
  async locate(
    start: LogStart,
    deadlineMs: number,
  ): Promise<{ readonly begin: LogPosition; readonly end: LogPosition }> {
    let begin = start.kind === "earliest" ? this.low : undefined;
    let position = this.low;
    for (;;) {
      const lines = await this.readLines(position);
      if (lines === undefined) break;
      begin ??= findStart(start, position, lines);
      position = lines.next;
      if (performance.now() > deadlineMs) throw tooLong(this.path);
    }
    if (begin === undefined && start.kind === "offset" && start.offset !== position.offset) {
      throw this.#outOfRange(start.offset, position.offset);
    }
    return { begin: begin ?? position, end: position };
  }

  /** Whether the path still leads to this file. */
  async identity(): Promise<LogIdentity> {
    try {
      const now = await stat(this.path, { bigint: true });
      return now.ino === this.#inode && now.dev === this.#device ? "same" : "replaced";
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
      throw unreadable(this.path, error);
    }
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  changed(at: LogPosition, how: string): TidetableError {
    return new TidetableError(
      "OFFSET_OUT_OF_RANGE",
      `The log ${this.path} ${how} before record ${at.offset}, where reading stood; it is another log now. ` +
        'Stop the stream and open it anew: from "earliest" reads the new log from its beginning.',
    );
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Fills the buffer from `byte` on, to its end or the file's. */
  async #fill(byte: number): Promise<number> {
    let filled = 0;
    while (filled < this.#buffer.length) {
      const { bytesRead } = await this.#handle.read(this.#buffer, filled, this.#buffer.length - filled, byte + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  #growBuffer(at: LogPosition): void {
    if (this.#buffer.length >= lineBytesMax) {
      throw new TidetableError(
        "RECORD_CORRUPT",
        `The log ${this.path} holds a line of more than ${lineBytesMax / 1024 / 1024} MiB at record ${at.offset} (byte ${at.byte}). Cut it, or start after it: from {offsets: {0: ${at.offset + 1n}n}}.`,
      );
    }
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 2);
  }

  #outOfRange(offset: bigint, end: bigint): TidetableError {
    const lost =
      offset < this.low.offset
        ? `records ${offset} to ${this.low.offset - 1n} were cut from its front`
        : `it ends at record ${end}, so it is shorter than when the offset was stored`;
    return new TidetableError(
      "OFFSET_OUT_OF_RANGE",
      `The log ${this.path} cannot be read on at record ${offset}: ${lost}. ` +
        "The rows in the table belong to what is gone. What is there now goes into a table under another name.",
    );
  }
}

const lineEnd = 0x0a;

/** The start's place if it lies within these lines. */
function findStart(
  start: LogStart,
  position: LogPosition,
  lines: { readonly bytes: Buffer; readonly next: LogPosition },
): LogPosition | undefined {
  if (start.kind === "latest" || start.kind === "earliest") return undefined;
  if (start.kind === "offset" && (start.offset < position.offset || start.offset >= lines.next.offset))
    return undefined;
  let byte = 0;
  for (let offset = position.offset; offset < lines.next.offset; offset += 1n) {
    const end = lines.bytes.indexOf(lineEnd, byte);
    const found =
      start.kind === "offset"
        ? offset === start.offset
        : logLineTimestampMs(lines.bytes.toString("utf8", byte, end)) >= start.timestampMs;
    if (found) {
      const before = Buffer.concat([position.context, lines.bytes.subarray(0, byte)]);
      return {
        offset,
        byte: position.byte + byte,
        context: before.subarray(Math.max(0, before.length - contextBytesMax)),
      };
    }
    byte = end + 1;
  }
  return undefined;
}

function unreadable(path: string, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  if ((error as NodeJS.ErrnoException).code === "ENOENT") {
    return new TidetableError(
      "LOG_UNREADABLE",
      `There is no log ${path}. \`npx tidetable tweeter\` writes one; or set KAFKA_BROKERS=host:port to read a topic of Kafka.`,
      { retryable: true, cause: error },
    );
  }
  return new TidetableError("LOG_UNREADABLE", `The log ${path} cannot be read: ${errorMessage(error)}`, {
    cause: error,
  });
}

function tooLong(path: string): TidetableError {
  return new TidetableError(
    "LOG_UNREADABLE",
    `Passing over the log ${path} took longer than allowed; it is too long for one file.`,
    {
      retryable: true,
    },
  );
}
