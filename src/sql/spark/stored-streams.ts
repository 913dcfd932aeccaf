/**
 * What this notebook remembers of its streams on Spark from one start to the next: which columns they have and where
 * their rows and checkpoints are. A small file beside the notebook's other data; the rows themselves are Spark's.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, TidetableError } from "../../errors.js";
import type { Field } from "../../streaming/json/fields.js";

export interface StoredSparkStream {
  /** Which topic the checkpoint belongs to, and how its records are read; another one begins anew. */
  readonly origin: string;
  /** Counts up when it begins anew: rows and checkpoint are in a folder of that number. */
  readonly generation: number;
  readonly fields: readonly Field[];
}

interface StoreFile {
  readonly storeId: string;
  readonly streams: Readonly<Record<string, StoredSparkStream>>;
}

export class StoredSparkStreams {
  readonly #path: string;
  #file: StoreFile;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, file: StoreFile) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws TidetableError STORE_UNAVAILABLE when the file cannot be read. */
  static async open(dataDirectory: string): Promise<StoredSparkStreams> {
    const path = join(dataDirectory, "spark-streams.json");
    try {
      await mkdir(dataDirectory, { recursive: true });
      const file: unknown = JSON.parse(await readFile(path, "utf8"));
      if (isStoreFile(file)) return new StoredSparkStreams(path, file);
      throw new Error("it is not what was written there");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        return new StoredSparkStreams(path, { storeId: randomUUID(), streams: {} });
      }
      throw new TidetableError(
        "STORE_UNAVAILABLE",
        `${path} cannot be read (${errorMessage(error)}). Remove it: the streams are then read from Kafka again.`,
        { cause: error },
      );
    }
  }

  /** Part of the path of everything that this notebook stores on Spark. */
  get storeId(): string {
    return this.#file.storeId;
  }

  get(name: string): StoredSparkStream | undefined {
    return this.#file.streams[name];
  }

  async set(name: string, stream: StoredSparkStream): Promise<void> {
    this.#file = { ...this.#file, streams: { ...this.#file.streams, [name]: stream } };
    const text = `${JSON.stringify(this.#file, null, 2)}\n`;
    this.#writing = this.#writing.then(async () => {
      await writeFile(`${this.#path}.new`, text);
      await rename(`${this.#path}.new`, this.#path);
    });
    await this.#writing;
  }
}

function isStoreFile(file: unknown): file is StoreFile {
  const { storeId, streams } = (file ?? {}) as Partial<StoreFile>;
  return typeof storeId === "string" && typeof streams === "object" && streams !== null;
}
