/** The writing chains of one stream: as many batches are in DuckDB at a time as there are chains, and no more. */
import { TidetableError } from "../../errors.js";
import type { DuckDbDatabase } from "./database.js";
import { IngestChain } from "./ingest.js";

/** Batches of one stream that may be in DuckDB at the same time. */
const CHAINS_MAX = 4;

export class ChainPool {
  readonly #stream: string;
  readonly #database: DuckDbDatabase;
  readonly #idle: IngestChain[] = [];
  readonly #waiting: Array<(chain: IngestChain) => void> = [];
  #chains = 0;
  #closed = false;

  constructor(stream: string, database: DuckDbDatabase) {
    this.#stream = stream;
    this.#database = database;
  }

  /** Runs `work` with a chain of its own, when one is free. */
  async use<T>(work: (chain: IngestChain) => Promise<T>): Promise<T> {
    const chain = await this.#take();
    try {
      return await this.#database.threads.during(() => work(chain));
    } finally {
      this.#giveBack(chain);
    }
  }

  /** No chain is handed out afterwards; those in use close when they come back. */
  close(): void {
    this.#closed = true;
    for (const chain of this.#idle.splice(0)) chain.close();
  }

  async #take(): Promise<IngestChain> {
    if (this.#closed) throw new TidetableError("STREAM_FAILED", `stream ${this.#stream} is closed`);
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#chains >= CHAINS_MAX) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#chains += 1;
    try {
      return new IngestChain(await this.#database.connect(), this.#database.nextChainName());
    } catch (error) {
      this.#chains -= 1;
      throw error;
    }
  }

  #giveBack(chain: IngestChain): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting(chain);
    else if (this.#closed) chain.close();
    else this.#idle.push(chain);
  }
}
