/**
 * The embedded log's writing side: appends records to the file that streams tail, and keeps the file bounded by cutting
 * it at the front. One writer a file; feed.ts sees to that. The format is streaming/log/format.ts's.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { errorMessage, TidetableError } from "../errors.js";
import { LogFile } from "../streaming/log/file.js";
import { countLineEnds, encodeLogHeader, encodeLogRecord, logLineTimestampMs } from "../streaming/log/format.js";

export interface EmbeddedRecord {
  readonly key: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly timestampMs: number;
}

export interface EmbeddedLogOptions {
  /** When the file grows past this, its older half is cut off. Default 64 MiB. */
  readonly bytesMax?: number;
}

export class EmbeddedLog {
  readonly path: string;
  readonly #bytesMax: number;
  readonly #id: string;
  #handle: FileHandle;
  #sizeBytes: number;
  #nextOffset: bigint;
  #lastTimestampMs: number;
  /** A write broke off inside a line: the next one ends that line first, so that it is one rejected record and no more. */
  #insideLine: boolean;
  /** Appends follow each other: generated tweets and posted ones share the file. */
  #appending: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(records: readonly EmbeddedRecord[]) => void>();

  private constructor(path: string, bytesMax: number, id: string, handle: FileHandle, tail: LogTail) {
    this.path = path;
    this.#bytesMax = bytesMax;
    this.#id = id;
    this.#handle = handle;
    this.#sizeBytes = tail.sizeBytes;
    this.#nextOffset = tail.nextOffset;
    this.#lastTimestampMs = tail.lastTimestampMs;
    this.#insideLine = tail.insideLine;
  }

  /** Opens the log for appending, made if it is not there. @throws TidetableError LOG_UNREADABLE. */
  static async open(path: string, options: EmbeddedLogOptions = {}): Promise<EmbeddedLog> {
    try {
      await mkdir(dirname(path), { recursive: true });
      await createIfMissing(path);
      const { id, tail } = await readTail(path);
      return new EmbeddedLog(path, options.bytesMax ?? 64 * 1024 * 1024, id, await open(path, "a"), tail);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Number of the next record: how many this log has ever held. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /** Of the last record, -1 when there is none. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  async append(records: readonly EmbeddedRecord[]): Promise<void> {
    const appended = this.#appending.then(() => this.#append(records));
    this.#appending = appended.catch(() => undefined);
    await appended;
  }

  /** Told of what was appended. */
  onAppend(listener: (records: readonly EmbeddedRecord[]) => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    await this.#appending;
    await this.#handle.close();
  }

  async #append(records: readonly EmbeddedRecord[]): Promise<void> {
    const last = records.at(-1);
    if (last === undefined) return;
    const lines = records.map(encodeLogRecord).join("");
    const text = this.#insideLine ? `\n${lines}` : lines;
    try {
      this.#insideLine = true;
      await this.#handle.appendFile(text);
      this.#insideLine = false;
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.#sizeBytes += Buffer.byteLength(text);
    this.#nextOffset += BigInt(countLineEnds(Buffer.from(text)));
    this.#lastTimestampMs = last.timestampMs;
    for (const listener of this.#listeners) listener(records);
    if (this.#sizeBytes > this.#bytesMax) await this.#cut();
  }

  /** A new file with the newer half, moved over the old one: a reader that has the old one open reads it to its end. */
  async #cut(): Promise<void> {
    const all = await readFile(this.path);
    const kept = all.subarray(all.indexOf(0x0a, Math.floor(all.length / 2)) + 1);
    const firstOffset = this.#nextOffset - BigInt(countLineEnds(kept));
    const header = Buffer.from(encodeLogHeader({ id: this.#id, firstOffset }));
    const draftPath = `${this.path}.cut`;
    await writeFile(draftPath, Buffer.concat([header, kept]));
    const handle = await open(draftPath, "a");
    await rename(draftPath, this.path);
    await this.#handle.close();
    this.#handle = handle;
    this.#sizeBytes = header.length + kept.length;
  }
}

interface LogTail {
  readonly sizeBytes: number;
  readonly nextOffset: bigint;
  readonly lastTimestampMs: number;
  readonly insideLine: boolean;
}

async function createIfMissing(path: string): Promise<void> {
  try {
    await writeFile(path, encodeLogHeader({ id: randomUUID(), firstOffset: 0n }), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

async function readTail(path: string): Promise<{ readonly id: string; readonly tail: LogTail }> {
  const file = await LogFile.open(path);
  try {
    if (file.header === undefined) {
      throw new TidetableError(
        "LOG_UNREADABLE",
        `${path} is no log of Tidetable (its first line says so), so nothing is appended to it.`,
      );
    }
    const end = await file.end(file.low);
    const { size } = await stat(path);
    const lastLine = end.offset === file.low.offset ? "" : await lastLineOf(path, end.byte);
    return {
      id: file.header.id,
      tail: {
        sizeBytes: size,
        nextOffset: end.offset,
        lastTimestampMs: logLineTimestampMs(lastLine),
        insideLine: size > end.byte,
      },
    };
  } finally {
    await file.close();
  }
}

async function lastLineOf(path: string, endByte: number): Promise<string> {
  const handle = await open(path, "r");
  try {
    const buffer = Buffer.alloc(Math.min(endByte, 64 * 1024));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, endByte - buffer.length);
    const lines = buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n");
    return lines.at(-1) ?? "";
  } finally {
    await handle.close();
  }
}

function unwritable(path: string, error: unknown): TidetableError {
  if (error instanceof TidetableError) return error;
  return new TidetableError("LOG_UNREADABLE", `The log ${path} cannot be written: ${errorMessage(error)}`, {
    retryable: true,
    cause: error,
  });
}
