/** A folder of append-only logs as a source of several topics: `<folder>/<topic>.log` each. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OpenedSource, RecordSource, SourceRequest } from "../record-source.js";
import { LogRecordSource } from "./record-source.js";

const extension = ".log";

export class LogFolderSource implements RecordSource {
  readonly description: string;
  readonly #folder: string;

  constructor(options: { readonly folder: string }) {
    this.#folder = options.folder;
    this.description = options.folder;
  }

  open(
    request: SourceRequest,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<OpenedSource> {
    return new LogRecordSource({ path: join(this.#folder, `${request.topic}${extension}`) }).open(request, options);
  }

  async topics(): Promise<readonly string[]> {
    try {
      const files = await readdir(this.#folder);
      return files.filter((file) => file.endsWith(extension)).map((file) => file.slice(0, -extension.length));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}
